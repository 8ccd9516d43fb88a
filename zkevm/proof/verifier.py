"""The verifier, in plain Python.  It accepts or raises `VerificationError`, whatever the bytes."""

from collections.abc import Sequence
from types import ModuleType

from zkevm.curve import msm, multi_pairing_check
from zkevm.curve.g1 import negate
from zkevm.errors import VerificationError
from zkevm.proof.circuit import PROTOCOL, Circuit
from zkevm.proof.layout import Layout, lay_out
from zkevm.proof.messages import Proof, Prover, PublicMessage
from zkevm.proof.opening import PairingClaim
from zkevm.proof.protocol import Statement, run
from zkevm.srs import VerifierSrs
from zkevm.transcript import ProofReader


def verify(
    circuit: Circuit,
    proof: Proof,
    public: Sequence[PublicMessage],
    statement_digest: bytes,
    verifier_srs: VerifierSrs,
    kernels: ModuleType | None = None,
) -> None:
    """Accept, or raise `VerificationError` with the reason.

    A proof that is accepted shows that its author knows tables that satisfy the circuit and whose
    messages, together with `public`, balance on every bus.  `kernels` compute the pairing if given.
    """
    layout = check_shape(circuit, proof, public)
    statement = Statement(circuit, proof.heights, public, statement_digest, verifier_srs.identifier)
    reader: ProofReader[Prover] = ProofReader(PROTOCOL, proof.messages)
    claim = run(reader, statement, layout)
    reader.finish()
    reader.check("the commitments open to the values", lambda: _holds(claim, verifier_srs, kernels))


def check_shape(circuit: Circuit, proof: Proof, public: Sequence[PublicMessage]) -> Layout:
    """Fix every length before anything else is read; none is taken from the proof's messages."""
    if proof.circuit_digest != circuit.digest:
        raise VerificationError(f"this proof is for another circuit than {circuit.name}")
    if len(public) > circuit.bounds.public_messages:
        raise VerificationError(f"{len(public)} public messages: out of bounds")
    for message in public:
        if message.bus not in circuit.buses or not message.is_well_formed():
            raise VerificationError(f"a public message on bus {message.bus.name} is malformed")
    layout = lay_out(circuit, proof.heights, proof.m)
    if len(proof.messages) != layout.proof_length:
        raise VerificationError(
            f"the proof has {len(proof.messages)} bytes, its shape asks for {layout.proof_length}"
        )
    return layout


def _holds(claim: PairingClaim, srs: VerifierSrs, kernels: ModuleType | None) -> bool:
    left = msm(claim.points, claim.scalars)
    return multi_pairing_check([(left, srs.g2), (negate(claim.witness), srs.tau_g2)], kernels)
