"""Bytes across words: where a byte lies, and 32 of them that start anywhere in two words.

Byte 0 of a word is its most significant one, as memory, call data and code have it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.language.arrays import Array
from circuits.language.columns import OneHot, Uint
from circuits.language.part import Part
from circuits.language.step import Popped
from circuits.language.witness import Witness
from circuits.language.words import ByteWord, Word
from zkevm.plonkish.expression import ZERO, Column, Expr, lift, total

WORD_BYTES = 32
HALF_BYTES = 16


class Address(Word):
    """A number 32 * index + shift, index < 2^32, shift < 32: a word, and a byte in it."""

    def __init__(self) -> None:
        self.index = Uint(32)
        self.shift = OneHot(WORD_BYTES)
        self.lo = WORD_BYTES * self.index.value + self.shift.select(range(WORD_BYTES))
        self.hi = lift(0)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".index", self.index
        yield ".shift", self.shift

    def assign(self, w: Witness, values: Array) -> None:
        """From numbers or words."""
        low = values if values.ndim == 1 else values[:, 0]
        w[self.index] = low // np.uint64(WORD_BYTES)
        w[self.shift] = low % np.uint64(WORD_BYTES)


class AlignedAddress(Word):
    """A number 32 * index, index < 2^32."""

    def __init__(self) -> None:
        self.index = Uint(32)
        self.lo = WORD_BYTES * self.index.value
        self.hi = lift(0)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".index", self.index

    def assign(self, w: Witness, values: Array) -> None:
        """From words."""
        w[self.index] = values[:, 0] // np.uint64(WORD_BYTES)


class PoppedAddress(Popped):
    """An operand in the domain of `Address`."""

    def __init__(self) -> None:
        self.address = Address()
        super().__init__(self.address)


class PoppedAlignedAddress(Popped):
    """An operand in the domain of `AlignedAddress`."""

    def __init__(self) -> None:
        self.address = AlignedAddress()
        super().__init__(self.address)


def big_endian(word: ByteWord) -> list[Expr]:
    """The bytes of a word as memory has them."""
    return list(reversed(word.bytes.cells))


def windows(octets: Sequence[Expr], size: int = HALF_BYTES) -> list[Expr]:
    """For each place the number in the `size` bytes from there on, most significant first."""
    value = total(b * 256 ** (size - 1 - i) for i, b in enumerate(octets[:size]))
    found = [value]
    for leaving, entering in zip(octets, octets[size:], strict=False):
        value = (value - leaving * 256 ** (size - 1)) * 256 + entering
        found.append(value)
    return found


def bytes_from(
    octets: Sequence[Expr], shift: Sequence[Expr], start: int = 0, step: int = 1
) -> tuple[Expr, Expr]:
    """The 32 bytes from place `start + step * s` on, where bit s is set, as (lo, hi)."""
    at = windows(octets)
    hi = total(bit * at[start + step * s] for s, bit in enumerate(shift))
    lo = total(bit * at[start + step * s + HALF_BYTES] for s, bit in enumerate(shift))
    return lo, hi


def masked(octets: Sequence[Expr], mask: Sequence[Expr]) -> tuple[Expr, Expr]:
    """The word of those of 32 bytes whose bit is set, zero elsewhere, as (lo, hi): degree 2."""
    pairs = enumerate(zip(mask, octets, strict=True))
    kept = [bit * b * 256 ** (HALF_BYTES - 1 - i % HALF_BYTES) for i, (bit, b) in pairs]
    return total(kept[HALF_BYTES:]), total(kept[:HALF_BYTES])


def prefixes(bits: Sequence[Expr]) -> list[Expr]:
    """The sums of the bits up to each: of a one-hot, whether it is set at or before each place."""
    found: list[Expr] = []
    value: Expr = ZERO
    for bit in bits:
        value = value + bit
        found.append(value)
    return found
