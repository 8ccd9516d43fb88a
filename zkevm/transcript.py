"""The Fiat-Shamir transcript: what was said so far decides the next challenge.

Prover and verifier run one protocol on two kinds of transcript.  `ProofWriter` asks the prover for
each message and writes it; `ProofReader` reads it from the proof.  Either way the message is
absorbed in the same call, so nothing is used that was not absorbed.

Layout, for a contract to follow: every number is a big-endian word of 32 bytes, a point is two
words x and y (infinity is two zeros), as in EIP-196.  An absorbed item is a header word,
    kind (1 byte) || count (4 bytes) || label (27 bytes of ASCII, zero-padded),
then its `count` bytes, words or points.  The proof is the payloads of its messages, without
headers.  With H(x) = keccak256(PREFIX || x), which no plain keccak256 of the same data equals,
    state     = H(0 || state || items since the last challenge || header of the challenge)
    challenge = (H(1 || state) * 2^256 + H(2 || state)) mod p
where 0, 1, 2 are words and the first state is the word 0.  512 bits modulo p are uniform to
2^-256.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from functools import cache
from struct import unpack
from types import ModuleType
from typing import Generic, TypeVar

from zkevm.curve import BASE_MODULUS, G1Point, g1
from zkevm.errors import VerificationError
from zkevm.field import MODULUS, decode, decode_all, encode
from zkevm.keccak import keccak256

WORD = 32
POINT = 2 * WORD
LABEL = 27

PREFIX = b"zkevm/transcript/v1".ljust(WORD, b"\0")

Prover = TypeVar("Prover")


class Kind(IntEnum):
    """What an item is made of."""

    CHALLENGE = 0
    BYTES = 1
    NUMBERS = 2  # words below 2^256
    SCALARS = 3  # words below p
    POINTS = 4  # pairs of words


def word(number: int) -> bytes:
    """Encode a number of [0, 2^256)."""
    return number.to_bytes(WORD, "big")


def cut(words: bytes) -> tuple[bytes, ...]:
    """The words that bytes consist of."""
    return unpack(f"{WORD}s" * (len(words) // WORD), words)


def integers(words: bytes) -> list[int]:
    """The numbers that words are."""
    return list(map(int.from_bytes, cut(words)))


def words_of(numbers: Iterable[int]) -> bytes:
    """Encode numbers of [0, 2^256)."""
    return b"".join([number.to_bytes(WORD, "big") for number in numbers])


ABSORB, HIGH, LOW = (PREFIX + word(use) for use in range(3))
MODULUS_WORD = word(MODULUS)


@cache
def header(kind: Kind, count: int, label: str) -> bytes:
    """Return the word that opens an item; a label has at most 27 ASCII characters."""
    text = label.encode("ascii")
    if len(text) > LABEL:
        raise ValueError(f"label too long: {label}")
    return bytes([kind]) + count.to_bytes(4, "big") + text.ljust(LABEL, b"\0")


def encode_point(point: G1Point) -> bytes:
    """Encode a point as x and y; infinity as zeros."""
    return bytes(POINT) if point is None else word(point[0]) + word(point[1])


class Transcript(ABC, Generic[Prover]):
    """The state of the hash, and messages of a `Prover`, who is present on one side only."""

    kernels: ModuleType | None = None
    """The native module, if it is to compute what this side checks messages against."""

    def __init__(self, domain: str) -> None:
        self._state = word(0)
        self._items: list[bytes] = []
        self.absorb_bytes("domain", domain.encode("ascii"))

    def absorb_bytes(self, label: str, data: bytes) -> None:
        """Absorb bytes that both sides know."""
        self._items += (header(Kind.BYTES, len(data), label), data)

    def absorb_numbers(self, label: str, numbers: Sequence[int]) -> None:
        """Absorb numbers of [0, 2^256) that both sides know."""
        self.absorb_words(label, words_of(numbers))

    def absorb_words(self, label: str, words: bytes) -> None:
        """Absorb numbers that are words already."""
        self._items += (header(Kind.NUMBERS, len(words) // WORD, label), words)

    def challenge(self, label: str) -> int:
        """Return a field element that depends on everything absorbed so far."""
        self._items.append(header(Kind.CHALLENGE, 0, label))
        self._state = keccak256(self._absorbed())
        self._items.clear()
        number = keccak256(HIGH + self._state) + keccak256(LOW + self._state)
        return int.from_bytes(number, "big") % MODULUS

    def digest(self, label: str) -> bytes:
        """Return 32 bytes that depend on everything absorbed so far."""
        self.challenge(label)
        return self._state

    def scalars(
        self, label: str, count: int, answer: Callable[[Prover], Sequence[int]]
    ) -> list[int]:
        """Exchange and absorb a message of `count` field elements; `answer` asks the prover."""
        return integers(self.scalar_words(label, count, answer))

    def scalar_words(
        self, label: str, count: int, answer: Callable[[Prover], Sequence[int]]
    ) -> bytes:
        """The same as the words that the message consists of."""
        payload = self._exchange(WORD * count, lambda prover: words_of(answer(prover)))
        _require_reduced(label, payload)
        self._items += (header(Kind.SCALARS, count, label), payload)
        return payload

    def points(
        self, label: str, count: int, answer: Callable[[Prover], Sequence[G1Point]]
    ) -> list[G1Point]:
        """Exchange and absorb a message of `count` points; `answer` asks the prover."""
        payload = self._exchange(
            POINT * count, lambda prover: b"".join(map(encode_point, answer(prover)))
        )
        self._items += (header(Kind.POINTS, count, label), payload)
        if self.kernels is not None and self.kernels.are_on_curve(payload):
            coordinates = integers(payload)
            pairs = zip(coordinates[::2], coordinates[1::2], strict=True)
            return [(x, y) if x or y else None for x, y in pairs]
        return [decode_point(label, payload[i : i + POINT]) for i in range(0, len(payload), POINT)]

    def _absorbed(self) -> bytes:
        """What the next challenge hashes, but for its header."""
        return b"".join((ABSORB, self._state, *self._items))

    @abstractmethod
    def tell(self, action: Callable[[Prover], None]) -> None:
        """Let the prover, where there is one, take up challenges."""

    @abstractmethod
    def check(self, claim: str, holds: Callable[[], bool]) -> None:
        """Require `holds()`, where this side verifies."""

    @abstractmethod
    def _exchange(self, length: int, answer: Callable[[Prover], bytes]) -> bytes:
        """The next `length` bytes of the proof."""


def _require_reduced(label: str, words: bytes) -> None:
    if max(cut(words), default=b"") >= MODULUS_WORD:
        raise VerificationError(f"{label}: a field element is not reduced")


def decode_point(label: str, data: bytes) -> G1Point:
    """Decode a point, on the curve and with reduced coordinates; `label` names it in the error."""
    x, y = int.from_bytes(data[:WORD], "big"), int.from_bytes(data[WORD:], "big")
    if x == 0 and y == 0:
        return None
    if x >= BASE_MODULUS or y >= BASE_MODULUS:
        raise VerificationError(f"{label}: a coordinate is not reduced")
    if not g1.is_on_curve((x, y)):
        raise VerificationError(f"{label}: a point is not on the curve")
    return x, y


class ProofWriter(Transcript[Prover]):
    """The prover's side: `messages` grows to the proof.  It checks nothing."""

    def __init__(self, domain: str, prover: Prover) -> None:
        super().__init__(domain)
        self._prover = prover
        self.messages = bytearray()

    def tell(self, action: Callable[[Prover], None]) -> None:
        action(self._prover)

    def check(self, claim: str, holds: Callable[[], bool]) -> None:
        pass

    def _exchange(self, length: int, answer: Callable[[Prover], bytes]) -> bytes:
        message = answer(self._prover)
        if len(message) != length:
            raise ValueError(f"message of {len(message)} bytes where {length} are due")
        self.messages += message
        return message


class ProofReader(Transcript[Prover]):
    """The verifier's side.  Whatever is wrong with the proof raises `VerificationError`."""

    def __init__(self, domain: str, messages: bytes, kernels: ModuleType | None = None) -> None:
        super().__init__(domain)
        self._messages = messages
        self._position = 0
        self.kernels = kernels

    def sumcheck(
        self, kernels: ModuleType, label: str, claim: int, rounds: int, degree: int
    ) -> tuple[list[int], int]:
        """Read all messages of a sumcheck; its challenges, and the value claimed there.

        `zkevm.proof.sumcheck` says what the kernels compute.
        """
        messages = self._exchange(rounds * degree * WORD, lambda _: b"")
        _require_reduced(label, messages)
        headers = header(Kind.SCALARS, degree, label), header(Kind.CHALLENGE, 0, label)
        point, value, self._state = kernels.sumcheck(
            (ABSORB, HIGH, LOW),
            self._absorbed(),
            headers,
            messages,
            degree,
            encode(claim % MODULUS),
        )
        self._items.clear()
        return decode_all(point), decode(value)

    def tell(self, action: Callable[[Prover], None]) -> None:
        pass

    def check(self, claim: str, holds: Callable[[], bool]) -> None:
        if not holds():
            raise VerificationError(f"the proof is false: {claim}")

    def finish(self) -> None:
        """Require that the proof ends here."""
        if self._position != len(self._messages):
            raise VerificationError("the proof is too long")

    def _exchange(self, length: int, answer: Callable[[Prover], bytes]) -> bytes:  # noqa: ARG002
        message = self._messages[self._position : self._position + length]
        if len(message) != length:
            raise VerificationError("the proof is too short")
        self._position += length
        return message
