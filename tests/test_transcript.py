"""The transcript: both sides draw the same challenges, and everything absorbed changes them."""

from dataclasses import replace

import pytest
from eth_hash.auto import keccak

from tests.support import toy
from tests.support.tampering import elements
from zkevm.curve import g1
from zkevm.errors import VerificationError
from zkevm.field import MODULUS
from zkevm.keccak import keccak256
from zkevm.proof.layout import lay_out
from zkevm.proof.protocol import Statement, run
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


class Ledger(ProofReader):
    """Reads a proof without checking it and keeps each item, with the number of challenges before.

    `flip` is the number of an item whose last byte is changed as it is absorbed.
    """

    def __init__(self, domain, messages, flip=None):
        self.flip, self.items, self.drawn = flip, [], []
        super().__init__(domain, messages)

    def challenge(self, label):
        self.note()
        drawn = super().challenge(label)
        self.drawn.append(drawn)
        return drawn

    def note(self):
        """Number the items that wait to be hashed, and change the one to be changed."""
        for i, item in enumerate(self._items):
            if item:
                if len(self.items) == self.flip:
                    self._items[i] = item[:-1] + bytes([item[-1] ^ 1])
                self.items.append(len(self.drawn))

    def check(self, claim, holds):
        pass


def read(case, flip=None):
    proof = case.proof
    statement = Statement(
        case.circuit, proof.heights, case.public, case.digest, case.srs.identifier
    )
    ledger = Ledger("zkevm/proof/v1", proof.messages, flip)
    run(ledger, statement, lay_out(case.circuit, proof.heights, proof.m))
    return ledger


@pytest.fixture(scope="module")
def case():
    return toy.prove_toy(5)


def test_each_item_changes_all_later_challenges(case):
    honest = read(case)
    assert len(honest.items) > 100
    for item, before in enumerate(honest.items):
        drawn = read(case, item).drawn
        assert drawn[:before] == honest.drawn[:before]
        later = zip(drawn[before:], honest.drawn[before:], strict=True)
        assert all(new != old for new, old in later)


def test_each_element_changes_later_challenges(case):
    """Every element of the proof is absorbed, but the last, after which nothing is drawn."""
    honest = read(case).drawn
    messages = case.proof.messages
    places = elements(lay_out(case.circuit, case.proof.heights, case.proof.m))
    for place in places[:-1]:
        old = messages[place]
        new = word(1) + word(2) if len(old) == 64 else old[:-1] + bytes([old[-1] ^ 1])
        changed = messages[: place.start] + new + messages[place.stop :]
        drawn = read(replace(case, proof=replace(case.proof, messages=changed))).drawn
        first = next(i for i, (a, b) in enumerate(zip(drawn, honest, strict=True)) if a != b)
        assert all(a != b for a, b in zip(drawn[first:], honest[first:], strict=True))


def test_the_statement_changes_all_challenges(case):
    honest = read(case).drawn
    bare = replace(case.circuit.tables[0], interactions=case.circuit.tables[0].interactions[:2])
    others = [
        replace(case, digest=b"five product"),
        replace(case, public=toy.publish(27, 25)),
        replace(case, public=toy.publish(26, 27)),
        replace(case, public=[replace(m, multiplicity=1) for m in case.public]),
        replace(case, public=[replace(m, bus=toy.RANGE) for m in case.public]),
        replace(case, srs=toy.srs(5, 12345).verifier),
        replace(case, circuit=replace(case.circuit, name="another")),
    ]
    assert bare.interactions != case.circuit.tables[0].interactions
    for other in others:
        assert not set(read(other).drawn) & set(honest)
