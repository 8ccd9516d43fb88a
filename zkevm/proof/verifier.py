"""The verifier, in plain Python.  It accepts or raises `VerificationError`, whatever the bytes."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from types import ModuleType

from zkevm.curve import G1Point, g1, msm, multi_pairing_check
from zkevm.errors import VerificationError
from zkevm.field import MODULUS
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
from zkevm.transcript import ProofReader, encode_point, words_of


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
    head: ProofReader[Commitments] = ProofReader(PROTOCOL, first, kernels)
    commitments, start = commit(head, statement, layouts)
    head.finish()
    claims = [
        _read_segment(messages, number, layout, own, start, kernels)
        for number, (messages, layout, own) in enumerate(
            zip(others, layouts, commitments, strict=True)
        )
    ]
    claim = combine(head, statement, start, claims)
    head.check("the commitments open to the values", lambda: _holds(claim, verifier_srs, kernels))


def check_shape(statement: Statement, proof: Proof) -> tuple[Layout, ...]:
    """Fix every length before anything else is read; none is taken from the proof's messages."""
    circuit = statement.circuit
    if proof.circuit_digest != statement.circuit_digest:
        raise VerificationError(f"this proof is for another circuit than {circuit.name}")
    _check_messages(circuit, statement.public)
    layouts = lay_out_segments(circuit, proof.heights, proof.m)
    length = sum(layout.commitments_length + layout.messages_length for layout in layouts)
    if len(proof.messages) != length:
        raise VerificationError(
            f"the proof has {len(proof.messages)} bytes, its shape asks for {length}"
        )
    return layouts


def _check_messages(circuit: Circuit, public: Sequence[PublicMessage]) -> None:
    """Require buses of the circuit, with as many values as they have fields, all in range."""
    count = sum(message.size for message in public)
    if count > circuit.bounds.public_messages:
        raise VerificationError(f"{count} public messages: out of bounds")
    buses = {bus.number: bus for bus in circuit.buses}
    for message in public:
        bus = message.bus
        fits = message.width == len(bus.fields) and abs(message.multiplicity) < MULTIPLICITY_BOUND
        if not (fits and bus == buses.get(bus.number)):
            raise VerificationError(f"a public message on bus {bus.name} is malformed")
        if not all(0 <= value < MODULUS for value in message.values):
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
    reader: ProofReader[Prover] = ProofReader(SEGMENT, messages, kernels)
    claim = run_segment(reader, number, layout, commitments, start)
    reader.finish()
    return claim


def _holds(claim: PairingClaim, srs: VerifierSrs, kernels: ModuleType | None) -> bool:
    left, right = _sum(*claim.left, kernels), _sum(*claim.right, kernels)
    return multi_pairing_check([(left, srs.g2), (g1.negate(right), srs.tau_g2)], kernels)


def _sum(points: Sequence[G1Point], scalars: Sequence[int], kernels: ModuleType | None) -> G1Point:
    """The sum of scalars[i] * points[i]."""
    if kernels is None:
        return msm(points, scalars)
    factors = words_of(scalar % MODULUS for scalar in scalars)
    return g1.decode(kernels.combination(b"".join(map(encode_point, points)), factors))
