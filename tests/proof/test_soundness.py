"""Every check of the verifier bites: each false witness is caught by the one that it has to fool,
and by no other.

A prover lies up to each check in turn.  Without the check that sees it, the proof is accepted: so
each check is needed, and each lie is as good as a lie can be.
"""

from dataclasses import replace

import pytest

from tests.support import reference_kernels, toy
from tests.support.liar import (
    BALANCE,
    CHECKS,
    PAIRING,
    ROWS,
    SPLIT,
    FalseRoots,
    Liar,
    LongPolynomials,
    MovedShares,
    SharedSlots,
    ZeroDenominators,
    write_proof,
)
from zkevm.curve import g1, msm
from zkevm.errors import VerificationError
from zkevm.field import MODULUS, inverse
from zkevm.proof import Proof, verifier, verify
from zkevm.proof.circuit import PROTOCOL, SEGMENT
from zkevm.proof.layout import lay_out_segments
from zkevm.proof.protocol import Statement, commit, run_segment
from zkevm.proof.verifier import message_parts
from zkevm.proof.witness import heights_of
from zkevm.transcript import POINT, ProofReader, Transcript, encode_point

M = 5


def forge(lies, edits=(), published=toy.OUTPUT, prover=Liar, split=False):
    """A proof of a false witness, with so many lies, in one or two segments; and its messages."""
    circuit, public = toy.circuit(), toy.publish(*published)
    segments = toy.split(edits) if split else [toy.witness(edits)]
    heights = tuple(heights_of(circuit, witness) for witness in segments)
    layouts = lay_out_segments(circuit, heights, M)
    srs = toy.srs(M + 1)  # longer than the stack polynomials
    liars = [
        prover(reference_kernels, *own, srs.points, lambda _: None, public=public, lies=lies)
        for own in zip(layouts, segments, strict=True)
    ]
    for liar in liars:
        liar.peers = liars
    statement = Statement(circuit, heights, public, toy.STATEMENT, srs.identifier)
    return write_proof(statement, layouts, liars), public


def outcome(proof: Proof, public, monkeypatch, skip=None):
    """The check that fails, or None if the proof is accepted; `skip` is left out."""

    class Reader(ProofReader):
        def check(self, claim, holds):
            if claim != skip:
                super().check(claim, holds)

    monkeypatch.setattr(verifier, "ProofReader", Reader)
    try:
        verify(toy.circuit(), proof, public, toy.STATEMENT, toy.srs(M + 1).verifier)
    except VerificationError as error:
        return str(error).removeprefix("the proof is false: ")
    return None


FORGERIES = {  # edits (table, column, row, value), published values, the first check that sees it
    "wrong product, user only": ([("user", 3, 1, 26)], (27, 26), BALANCE),
    "wrong product, both tables": (
        [("mul", 3, 1, 26), ("user", 3, 1, 26)],
        (27, 26),
        ROWS,
    ),
    "operand out of range": (
        [(t, c, 0, v) for t in ("mul", "user") for c, v in ((1, 17), (3, 68))],
        (27, 26),
        BALANCE,
    ),
    "padding row publishes": ([("user", 4, 60, 1), ("user", 3, 60, 99)], (27, 26, 99), ROWS),
    "selector 2": ([("user", 0, 0, 0), ("user", 0, 1, 2)], (27, 26), ROWS),
    "false table of one row": ([("single", 2, 0, 99)], (27, 99), ROWS),
    "not in the fixed columns": ([("single", 1, 0, 26), ("single", 2, 0, 27)], (27, 27), BALANCE),
    "nothing false but the message": ([], (28, 26), BALANCE),
}


in_one_and_two_segments = pytest.mark.parametrize("split", [False, True])


@in_one_and_two_segments
@pytest.mark.parametrize("lies", range(7))
def test_honest_witness_with_needless_lies_is_accepted(lies, split, monkeypatch):
    """Bending a true claim leaves it as it is, so a liar's lies are no noise."""
    proof, public = forge(lies, split=split)
    assert outcome(proof, public, monkeypatch) is None


@in_one_and_two_segments
@pytest.mark.parametrize("name", FORGERIES)
def test_each_forgery_is_caught_by_the_next_check(name, split, monkeypatch):
    edits, published, first = FORGERIES[name]
    for lies in range(CHECKS.index(first), len(CHECKS) + 1):
        due = CHECKS[min(lies, len(CHECKS) - 1)]
        proof, public = forge(lies, edits, published, split=split)
        assert outcome(proof, public, monkeypatch) == due
        assert outcome(proof, public, monkeypatch, skip=due) is None


@pytest.mark.parametrize("lies", range(3, 7))
def test_moved_shares(lies, monkeypatch):
    proof, public = forge(lies, prover=MovedShares)
    assert outcome(proof, public, monkeypatch) == CHECKS[min(lies, 5)]


@pytest.mark.parametrize("lies", range(1, 7))
def test_false_sums_of_segments_with_a_true_total(lies, monkeypatch):
    """The balance is of all segments, so it sees nothing: each sum is tied to its own leaves."""
    proof, public = forge(lies, prover=FalseRoots, split=True)
    assert outcome(proof, public, monkeypatch) == CHECKS[min(lies, 5)]


@in_one_and_two_segments
@pytest.mark.parametrize("lies", range(7))
@pytest.mark.parametrize("prover", [LongPolynomials, SharedSlots])
def test_false_commitments(prover, lies, split, monkeypatch):
    proof, public = forge(lies, prover=prover, split=split)
    assert outcome(proof, public, monkeypatch) == PAIRING


def test_shares_are_tied_to_the_leaves(monkeypatch):
    class OneShare(Liar):
        def table_sums(self, xi, omega):
            shares = list(super().table_sums(xi, omega))
            shares[1] += 1
            self.shares = shares
            return shares

    proof, public = forge(7, prover=OneShare)
    assert outcome(proof, public, monkeypatch) == SPLIT


def test_two_zero_denominators_would_hide_everything(monkeypatch):
    """Two equal messages of fingerprint zero make the root 0/0, which no message can unbalance."""
    edits = [("user", 4, row, 1) for row in (0, 4)] + [("user", 3, row, 99) for row in (0, 4)]
    forced = {"alpha": -toy.PUBLIC.number - 5 * 99, "beta": 5}
    draw = Transcript.challenge

    def challenge(self, name):
        drawn = draw(self, name)
        return forced.get(name, drawn) % MODULUS

    monkeypatch.setattr(Transcript, "challenge", challenge)
    due = "no denominator is zero"
    proof, public = forge(0, edits, (1, 2, 3))
    assert outcome(proof, public, monkeypatch) == due
    assert outcome(proof, public, monkeypatch, skip=due) is None


def test_zero_denominators_at_the_root(monkeypatch):
    due = "no denominator is zero"
    proof, public = forge(7, published=(1, 2, 3), prover=ZeroDenominators)
    assert outcome(proof, public, monkeypatch) == due
    assert outcome(proof, public, monkeypatch, skip=due) == PAIRING


@pytest.mark.parametrize(("label", "value"), [("r", 0), ("z", None)])
def test_zero_denominators_of_the_opening(label, value, monkeypatch):
    """Challenges that no one will ever draw are refused, not divided by."""
    case = toy.prove_toy(M)
    drawn = {}

    class Reader(ProofReader):
        def challenge(self, name):
            drawn[name] = super().challenge(name)
            if name == label:
                return drawn["r"] if value is None else value
            return drawn[name]

    monkeypatch.setattr(verifier, "ProofReader", Reader)
    with pytest.raises(VerificationError, match="no denominator of"):
        verify(case.circuit, case.proof, case.public, case.digest, case.srs)


def test_a_zero_public_denominator(monkeypatch):
    """A public message whose fingerprint is zero is refused, even one that is sent 0 times."""
    forced = {"alpha": -toy.PUBLIC.number - 99, "beta": 1}
    draw = Transcript.challenge

    def challenge(self, name):
        drawn = draw(self, name)
        return forced.get(name, drawn) % MODULUS

    monkeypatch.setattr(Transcript, "challenge", challenge)
    nothing = toy.publish(99)[0]._replace(multiplicity=0)
    toy.prove_toy(M).verify()
    case = toy.prove_toy(M, public=[*toy.publish(*toy.OUTPUT), nothing])
    with pytest.raises(VerificationError, match=BALANCE):
        case.verify()


def test_false_openings_of_two_segments_would_add_up(monkeypatch):
    """Without a challenge that is drawn after both last messages anything opens to anything:
    W_0 = -W_1 = (L_0 + L_1) / (z_1 - z_0) solves the sum of the two equations."""
    edits, published, _ = FORGERIES["wrong product, both tables"]
    proof, public = forge(5, edits, published, split=True)
    layouts = lay_out_segments(toy.circuit(), proof.heights, M)
    first, *parts = message_parts(proof.messages, layouts)
    identifier = toy.srs(M + 1).identifier
    statement = Statement(toy.circuit(), proof.heights, public, toy.STATEMENT, identifier)
    commitments, start = commit(ProofReader(PROTOCOL, first), statement, layouts)
    openings = [
        run_segment(ProofReader(SEGMENT, part), s, layouts[s], commitments[s], start).opening
        for s, part in enumerate(parts)
    ]
    left = [msm(claim.points[:-1], claim.scalars[:-1]) for claim in openings]
    z0, z1 = (claim.scalars[-1] for claim in openings)
    witness = msm(left, 2 * [inverse(z1 - z0)])
    false = [encode_point(witness), encode_point(g1.negate(witness))]
    changed = [part[:-POINT] + point for part, point in zip(parts, false, strict=True)]
    proof = replace(proof, messages=b"".join([first, *changed]))
    assert outcome(proof, public, monkeypatch) == PAIRING
    draw = Transcript.challenge
    monkeypatch.setattr(
        Transcript, "challenge", lambda self, name: 1 if name == "rho" else draw(self, name)
    )
    assert outcome(proof, public, monkeypatch) is None
