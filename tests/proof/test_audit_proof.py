"""Bugs that audits have found in other proof systems, tried on ours (GADGETS.md, section 13)."""

from contextlib import suppress
from dataclasses import replace

import pytest

from tests.support import toy
from tests.support.tampering import M, altered_segments, assert_rejected, elements
from zkevm.curve import BASE_MODULUS, g1
from zkevm.errors import VerificationError
from zkevm.proof import Circuit
from zkevm.transcript import POINT, WORD, ProofReader, word


def with_messages(case, change):
    """The case with each element of the proof changed by a function."""
    messages = b"".join(change(case.proof.messages[place]) for place in elements(case))
    return replace(case, proof=replace(case.proof, messages=messages))


def drawn_by(case, monkeypatch):
    """The challenges that the verifier draws, in order, whatever it thinks of the proof."""
    found = []
    honest = ProofReader.challenge

    def challenge(reader, label):
        found.append(honest(reader, label))
        return found[-1]

    with monkeypatch.context() as patch:
        patch.setattr(ProofReader, "challenge", challenge)
        with suppress(VerificationError):
            case.verify()
    return found


def test_audit_A46_no_item_is_left_out_of_the_challenges(case, monkeypatch):
    """Statement, public messages, setup and elements: other ones, other challenges from the first.

    The last elements come after the last challenge but one of the opening, which they change.
    """
    honest = drawn_by(case, monkeypatch)
    for other in (
        replace(case, digest=case.digest + b"!"),
        replace(case, public=toy.publish(1, 2)),
        replace(case, srs=toy.srs(M, toy.TAU + 1).verifier),
    ):
        drawn = drawn_by(other, monkeypatch)
        assert drawn
        assert not set(drawn) & set(honest)
    for place in elements(case)[:3]:
        messages = bytearray(case.proof.messages)
        messages[place] = word(1) + word(2)
        proof = replace(case.proof, messages=bytes(messages))
        assert not set(drawn_by(replace(case, proof=proof), monkeypatch)) & set(honest)


def test_audit_A47_segments_missing_repeated_or_empty(case):
    found = list(altered_segments(case))
    assert found
    for name, altered in found:
        assert_rejected(name, altered)


def test_audit_A50_points_at_infinity(case):
    """Infinity for every point: commitments and openings of nothing, true of zero alone."""
    assert_rejected(
        "all points", with_messages(case, lambda m: bytes(POINT) if len(m) == POINT else m)
    )
    assert_rejected("everything", with_messages(case, lambda m: bytes(len(m))))
    places = [place for place in elements(case) if place.stop - place.start == POINT]
    for number, place in enumerate(places):
        messages = bytearray(case.proof.messages)
        if any(messages[place]):
            messages[place] = bytes(POINT)
            proof = replace(case.proof, messages=bytes(messages))
            assert_rejected(f"point {number}", replace(case, proof=proof))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (1, 1), (0, 1), (1, 0), (1, BASE_MODULUS + 2), (BASE_MODULUS + 1, 2), (BASE_MODULUS, 0),
        (0, BASE_MODULUS), (2**256 - 1, 2**256 - 1),
    ],
)  # fmt: skip
def test_audit_A50_points_off_the_curve(case, x, y):
    """Off the curve, or in coordinates that are not reduced."""
    assert g1.is_on_curve((1, 2))
    for place in elements(case):
        if place.stop - place.start == POINT:
            messages = bytearray(case.proof.messages)
            messages[place] = word(x) + word(y)
            proof = replace(case.proof, messages=bytes(messages))
            assert_rejected("point", replace(case, proof=proof))


def test_audit_A50_points_off_the_curve_are_no_points():
    with pytest.raises(VerificationError):
        ProofReader("test", word(1) + word(1)).points("point", 1, lambda prover: [])
    assert POINT == 2 * WORD


def test_audit_A51_tables_left_out_or_exchanged(case):
    """Another order of tables, or one less, in the circuit or in the proof."""
    tables = case.circuit.tables
    orders = [tables[:n] + tables[n + 1 :] for n in range(len(tables))]
    orders += [
        (*tables[:n], tables[n + 1], tables[n], *tables[n + 2 :]) for n in range(len(tables) - 1)
    ]
    for order in orders:
        other = Circuit(case.circuit.name, order, case.circuit.buses, case.circuit.bounds)
        assert_rejected("other tables", replace(case, circuit=other))
    for segment, heights in enumerate(case.proof.heights):
        for n, height in enumerate(heights):
            changed = [*heights]
            changed[n] = 0 if height is None else None
            listed = list(case.proof.heights)
            listed[segment] = tuple(changed)
            proof = replace(case.proof, heights=tuple(listed))
            assert_rejected(f"presence of {n}", replace(case, proof=proof))
