"""The verifier, in plain Python.  It accepts or raises `VerificationError`, whatever the bytes."""

from collections.abc import Sequence
from itertools import accumulate, chain, pairwise
from types import ModuleType

import numpy as np

from zkevm.curve import G1Point, g1, msm, multi_pairing_check
from zkevm.errors import VerificationError
from zkevm.field import MODULUS, encode_all
from zkevm.plonkish.table import MULTIPLICITY_BOUND
from zkevm.proof.circuit import PROTOCOL, SEGMENT, Circuit
from zkevm.proof.layout import Layout, lay_out_segments
from zkevm.proof.messages import Commitments, Proof, Prover, PublicMessage
from zkevm.proof.protocol import (
    PairingClaim,
    SegmentClaim,
    Start,
    Statement,
    combine,
    commit,
    run_segment,
)
from zkevm.srs import VerifierSrs
from zkevm.srs.points import from_affine
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
    messages, together with `public`, balance on every bus.  `kernels` do the heavy
    arithmetic if given.
    """
    statement = Statement(circuit, proof.heights, public, statement_digest, verifier_srs.identifier)
    layouts = check_shape(statement, proof)
    first, *others = message_parts(proof.messages, layouts)
    head: ProofReader[Commitments] = ProofReader(PROTOCOL, first)
    commitments, start = commit(head, statement, layouts)
    head.finish()
    claims = [
        _read_segment(messages, number, layout, own, start, kernels)
        for number, (messages, layout, own) in enumerate(
            zip(others, layouts, commitments, strict=True)
        )
    ]
    claim = combine(head, statement, start, claims, kernels)
    head.check("the commitments open to the values", lambda: _holds(claim, verifier_srs, kernels))


def check_shape(statement: Statement, proof: Proof) -> tuple[Layout, ...]:
    """Fix every length before anything else is read; none is taken from the proof's messages."""
    circuit, public = statement.circuit, statement.public
    if proof.circuit_digest != statement.circuit_digest:
        raise VerificationError(f"this proof is for another circuit than {circuit.name}")
    if len(public) > circuit.bounds.public_messages:
        raise VerificationError(f"{len(public)} public messages: out of bounds")
    _check_messages(circuit, public)
    layouts = lay_out_segments(circuit, proof.heights, proof.m)
    length = sum(layout.commitments_length + layout.messages_length for layout in layouts)
    if len(proof.messages) != length:
        raise VerificationError(
            f"the proof has {len(proof.messages)} bytes, its shape asks for {length}"
        )
    return layouts


def _check_messages(circuit: Circuit, public: Sequence[PublicMessage]) -> None:
    """Require buses of the circuit, with as many values as they have fields, all in range."""
    buses = {bus.number: bus for bus in circuit.buses}
    for bus, multiplicity, values in public:
        known = buses.get(bus.number)
        fits = len(values) == len(bus.fields) and abs(multiplicity) < MULTIPLICITY_BOUND
        if not (fits and (bus is known or bus == known)):
            raise VerificationError(f"a public message on bus {bus.name} is malformed")
    # All at once: there is one for every 32 bytes of code.
    numbers = list(chain.from_iterable([message.values for message in public]))
    if numbers and not 0 <= min(numbers) <= max(numbers) < MODULUS:
        raise VerificationError("a public message has a value that is not reduced")


def message_parts(messages: bytes, layouts: Sequence[Layout]) -> list[bytes]:
    """All commitments, then the messages of each segment."""
    lengths = [sum(layout.commitments_length for layout in layouts)]
    lengths += (layout.messages_length for layout in layouts)
    return [messages[a:b] for a, b in pairwise(accumulate(lengths, initial=0))]


def _read_segment(
    messages: bytes,
    number: int,
    layout: Layout,
    commitments: Sequence[G1Point],
    start: Start,
    kernels: ModuleType | None,
) -> SegmentClaim:
    reader: ProofReader[Prover] = ProofReader(SEGMENT, messages)
    claim = run_segment(reader, number, layout, commitments, start, kernels)
    reader.finish()
    return claim


def _holds(claim: PairingClaim, srs: VerifierSrs, kernels: ModuleType | None) -> bool:
    left, right = _sum(*claim.left, kernels), _sum(*claim.right, kernels)
    return multi_pairing_check([(left, srs.g2), (g1.negate(right), srs.tau_g2)], kernels)


def _sum(points: Sequence[G1Point], scalars: Sequence[int], kernels: ModuleType | None) -> G1Point:
    """The sum of scalars[i] * points[i]."""
    if kernels is None:
        return msm(points, scalars)
    finite = [(p, s % MODULUS) for p, s in zip(points, scalars, strict=True) if p is not None]
    bases = kernels.Bases(from_affine(point for point, _ in finite))
    words = np.frombuffer(encode_all(scalar for _, scalar in finite), np.uint64)
    return g1.decode(bases.msm(words.reshape(-1, 4)))
