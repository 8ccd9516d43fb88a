"""The proof system: PLONKish tables over BN254, LogUp-GKR, sumchecks and a KZG opening."""

from zkevm.proof.circuit import Bounds, Circuit, CircuitError
from zkevm.proof.messages import Proof, PublicMessage
from zkevm.proof.segments import prove
from zkevm.proof.verifier import verify
from zkevm.proof.witness import TableWitness, Witness

__all__ = [
    "Bounds",
    "Circuit",
    "CircuitError",
    "Proof",
    "PublicMessage",
    "TableWitness",
    "Witness",
    "prove",
    "verify",
]
