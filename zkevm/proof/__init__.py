"""The proof system: PLONKish tables over BN254, LogUp-GKR, sumchecks and a KZG opening."""

from zkevm.proof.circuit import Bounds, Circuit, CircuitError
from zkevm.proof.messages import Proof, PublicMessage
from zkevm.proof.prover import TableWitness, Witness, prove
from zkevm.proof.verifier import verify

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
