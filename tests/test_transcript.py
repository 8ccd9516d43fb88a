"""The transcript: both sides draw the same challenges, and everything absorbed changes them."""

from dataclasses import dataclass, field, replace

import pytest
from eth_hash.auto import keccak

from tests.support import reference_kernels, toy
from tests.support.tampering import Case, elements, layouts_of
from zkevm.curve import g1
from zkevm.errors import VerificationError
from zkevm.field import MODULUS
from zkevm.keccak import keccak256
from zkevm.proof import prove
from zkevm.proof.protocol import Statement, combine, commit, run_segment
from zkevm.proof.verifier import message_parts
from zkevm.transcript import PREFIX, Kind, ProofReader, ProofWriter, header, word

POINTS = [g1.GENERATOR, None, g1.multiply(g1.GENERATOR, 77)]


class Prover:
    """Its answers are fixed."""

    def numbers(self):
        return [1, MODULUS - 1]

    def points(self):
        return POINTS


def talk(channel):
    channel.absorb_bytes("text", b"abc")
    channel.absorb_numbers("numbers", [5, 2**256 - 1])
    numbers = channel.scalars("scalars", 2, lambda prover: prover.numbers())
    first = channel.challenge("first")
    points = channel.points("points", 3, lambda prover: prover.points())
    return numbers, first, points, channel.challenge("second")


def test_both_sides_agree():
    writer = ProofWriter("test", Prover())
    said = talk(writer)
    reader = ProofReader("test", bytes(writer.messages))
    assert talk(reader) == said
    reader.finish()
    assert said[0] == Prover().numbers()
    assert said[2] == POINTS


def test_layout():
    """The documented layout, built by hand."""
    writer = ProofWriter("test", Prover())
    _, first, _, second = talk(writer)
    x, y = POINTS[2]
    messages = word(1) + word(MODULUS - 1)
    points = word(1) + word(2) + bytes(64) + word(x) + word(y)
    assert bytes(writer.messages) == messages + points

    def challenge(state):
        high, low = keccak(PREFIX + word(1) + state), keccak(PREFIX + word(2) + state)
        return (int.from_bytes(high, "big") << 256 | int.from_bytes(low, "big")) % MODULUS

    def item(kind, count, label):
        return bytes([kind]) + count.to_bytes(4, "big") + label.ljust(27, b"\0")

    items = item(1, 4, b"domain") + b"test" + item(1, 3, b"text") + b"abc"
    items += item(2, 2, b"numbers") + word(5) + b"\xff" * 32
    items += item(3, 2, b"scalars") + messages
    state = keccak(PREFIX + word(0) + word(0) + items + item(0, 0, b"first"))
    assert first == challenge(state)
    items = item(4, 3, b"points") + points + item(0, 0, b"second")
    assert second == challenge(keccak(PREFIX + word(0) + state + items))


def test_not_plain_keccak():
    assert keccak256(b"") == bytes.fromhex(
        "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )
    assert len(PREFIX) == 32
    assert PREFIX.startswith(b"zkevm/transcript/")


@pytest.mark.parametrize(
    "bad",
    [
        word(1) + word(1),
        word(1) + word(g1.P + 2),
        word(g1.P + 1) + word(2),
        word(g1.P) + word(0),
        word(0) + word(g1.P),
        word(0) + word(1),
        b"\xff" * 64,
    ],
)
def test_bad_points(bad):
    reader = ProofReader("test", bad)
    with pytest.raises(VerificationError):
        reader.points("point", 1, lambda prover: [])


def test_bad_scalars_and_lengths():
    for bad in (word(MODULUS), b"\xff" * 32):
        with pytest.raises(VerificationError, match="not reduced"):
            ProofReader("test", bad).scalars("scalar", 1, lambda prover: [])
    with pytest.raises(VerificationError, match="too short"):
        ProofReader("test", bytes(63)).scalars("scalars", 2, lambda prover: [])
    with pytest.raises(VerificationError, match="too long"):
        ProofReader("test", b"\0").finish()


def test_writer_refuses_wrong_counts():
    with pytest.raises(ValueError, match="where 96 are due"):
        ProofWriter("test", Prover()).scalars("scalars", 3, lambda prover: prover.numbers())


def test_labels_are_short():
    with pytest.raises(ValueError, match="too long"):
        header(Kind.BYTES, 0, "x" * 28)


# ---- everything absorbed changes every later challenge -------------------------------------------


@dataclass
class Log:
    """What the transcripts of a proof did: `items` absorbed and challenges `drawn`.

    Each with its part, 0 for the common one and then one a segment; an item also with the number of
    challenges before.  `flip` is the number of an item whose last byte is changed as it is
    absorbed.
    """

    flip: int | None
    items: list = field(default_factory=list)
    drawn: list = field(default_factory=list)

    def values(self):
        return [value for _, value in self.drawn]


class Ledger(ProofReader):
    """Reads a proof without checking it and keeps a log."""

    def __init__(self, domain, messages, log, part):
        self.log, self.part = log, part
        super().__init__(domain, messages)

    def challenge(self, label):
        self.note()
        drawn = super().challenge(label)
        self.log.drawn.append((self.part, drawn))
        return drawn

    def note(self):
        """Number the items that wait to be hashed, and change the one to be changed."""
        log = self.log
        for i, item in enumerate(self._items):
            if item:
                if len(log.items) == log.flip:
                    self._items[i] = item[:-1] + bytes([item[-1] ^ 1])
                log.items.append((self.part, len(log.drawn)))

    def check(self, claim, holds):
        pass


def read(case, flip=None):
    proof = case.proof
    statement = Statement(
        case.circuit, proof.heights, case.public, case.digest, case.srs.identifier
    )
    log, layouts = Log(flip), layouts_of(case)
    first, *others = message_parts(proof.messages, layouts)
    head = Ledger("zkevm/proof/v3", first, log, 0)
    commitments, start = commit(head, statement, layouts)
    claims = [
        run_segment(Ledger("zkevm/proof/v3/segment", part, log, 1 + s), s, layouts[s], own, start)
        for s, (part, own) in enumerate(zip(others, commitments, strict=True))
    ]
    combine(head, statement, start, claims)
    return log


@pytest.fixture(scope="module", params=[toy.prove_toy, toy.prove_split], ids=["one", "two"])
def case(request):
    """A proof of one segment, and of two."""
    return request.param(5)


def assert_changed(new, old, part, before):
    """All challenges from `before` on are others, but those of segments that `part` is not of."""
    assert new.drawn[:before] == old.drawn[:before]
    for (own, a), (_, b) in zip(new.drawn[before:], old.drawn[before:], strict=True):
        assert (a != b) == (part == 0 or own in (0, part))


def test_each_item_changes_all_later_challenges(case):
    honest = read(case)
    assert len(honest.items) > 100
    for item, (part, before) in enumerate(honest.items):
        assert_changed(read(case, item), honest, part, before)


def test_each_element_changes_later_challenges(case):
    """Every element of the proof is absorbed, also the last of each segment."""
    honest = read(case)
    messages = case.proof.messages
    for place in elements(case):
        old = messages[place]
        new = word(1) + word(2) if len(old) == 64 else old[:-1] + bytes([old[-1] ^ 1])
        changed = messages[: place.start] + new + messages[place.stop :]
        log = read(replace(case, proof=replace(case.proof, messages=changed)))
        pairs = zip(log.drawn, honest.drawn, strict=True)
        first = next(i for i, (a, b) in enumerate(pairs) if a != b)
        assert_changed(log, honest, log.drawn[first][0], first)


def test_segments_draw_challenges_of_their_own():
    """Two segments of the same cells and commitments share nothing but alpha and beta."""
    own, public = toy.circuit(), toy.publish(*toy.OUTPUT)
    witness = toy.witness()
    proof = prove(own, [witness, witness], public, b"", toy.srs(5), kernels=reference_kernels)
    drawn = read(Case(own, proof, public, b"", toy.srs(5).verifier)).drawn
    assert len({value for _, value in drawn}) == len(drawn)


def test_the_statement_changes_all_challenges(case):
    honest = read(case).values()
    bare = replace(case.circuit.tables[0], interactions=case.circuit.tables[0].interactions[:2])
    others = [
        replace(case, digest=b"five product"),
        replace(case, public=toy.publish(27, 25)),
        replace(case, public=toy.publish(26, 27)),
        replace(case, public=[m._replace(multiplicity=1) for m in case.public]),
        replace(case, public=[m._replace(bus=toy.RANGE) for m in case.public]),
        replace(case, srs=toy.srs(5, 12345).verifier),
        replace(case, circuit=replace(case.circuit, name="another")),
    ]
    assert bare.interactions != case.circuit.tables[0].interactions
    for other in others:
        assert not set(read(other).values()) & set(honest)
