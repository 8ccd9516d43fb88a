"""Comparisons, with an inverse only where a range cannot do it.

Every tool has `use`, which declares the relation where the boolean `when` is 1 (default: on every
real row), and `fill`.  Where `when` is 0 the tool's bits are 0 and its cells free.
Bounds: the operands have known ranges, and no expression here reaches 2^131, far under the field,
so equations of residues are equations of integers.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.execution.tokens import Mask
from circuits.language.arrays import Array, from_limbs, inverses, is_zero, limbs
from circuits.language.builder import Builder
from circuits.language.columns import Bit, Bits, Uint
from circuits.language.part import Cell, Part
from circuits.language.witness import Witness
from circuits.language.words import LimbWord, Word, WordExpr, constant
from zkevm.plonkish.expression import Column, ColumnType, Expr, lift

ZERO_WORD = constant(0)


def difference(left: Array, right: Array) -> tuple[Array, Array]:
    """`left - right` of words modulo 2^256, and the borrows (n, 2) of the low and high halves."""
    borrow = np.zeros(len(left), np.int64)
    found, borrows = [], []
    for i, (a, b) in enumerate(zip(limbs(left).T, limbs(right).T, strict=True)):
        value = a.astype(np.int64) - b - borrow
        borrow = (value < 0).astype(np.int64)
        found.append((value & 0xFFFF).astype(np.uint16))
        if i % 8 == 7:
            borrows.append(borrow.astype(np.uint8))
    return from_limbs(np.stack(found, axis=1)), np.stack(borrows, axis=1)


def less_than(left: Array, right: Array) -> Mask:
    """Which words of `left` are smaller than those of `right`."""
    return difference(left, right)[1][:, 1].astype(np.bool_)


class IsEqualWord(Part):
    """Whether two words are equal: `bit`.

    Equal: both differences vanish.  Different: the half that `high` chooses has a difference with
    an inverse; equal ones have none, whatever `high` is.  The halves are never just added up:
    (1, p - 1) is not zero.
    """

    def __init__(self) -> None:
        self.bit = Bit()
        self.high = Cell(ColumnType.BIT)
        self.inverse = Cell(ColumnType.FIELD)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.bit
        yield ".high", self.high
        yield ".inverse", self.inverse

    def use(
        self,
        c: Builder,
        left: WordExpr | Word,
        right: WordExpr | Word,
        when: Expr | None = None,
    ) -> None:
        """Where `when` is 1, the bit is 1 exactly if the words are equal."""
        when = c.real if when is None else when
        lo, hi = left.lo - right.lo, left.hi - right.hi
        chosen = lo + self.high * (hi - lo)
        c.require_zero(f"{self.label}: low halves agree if set", self.bit * lo)
        c.require_zero(f"{self.label}: high halves agree if set", self.bit * hi)
        c.require_equal(
            f"{self.label}: a half differs if clear", self.inverse * chosen, when - self.bit
        )

    def fill(self, w: Witness, left: Array, right: Array, when: Mask | None = None) -> None:
        """From the words (n, 4)."""
        when = np.ones(w.rows, np.bool_) if when is None else when
        differs_low = (left[:, :2] != right[:, :2]).any(axis=1)
        differs = (left != right).any(axis=1)
        lhs, rhs = (np.where(differs_low[:, None], x[:, :2], x[:, 2:]) for x in (left, right))
        lhs[~when] = rhs[~when]
        w[self.bit] = when & ~differs
        w[self.high] = when & differs & ~differs_low
        w[self.inverse] = inverses(lhs, rhs)


class IsZeroWord(IsEqualWord):
    """Whether a word is zero: `bit`."""

    def test(self, c: Builder, word: WordExpr | Word, when: Expr | None = None) -> None:
        """Where `when` is 1, the bit is 1 exactly if the word is zero."""
        self.use(c, word, ZERO_WORD, when)

    def assign(self, w: Witness, values: Array) -> None:
        """From the words, for use on every row."""
        self.fill(w, values, np.zeros_like(values))


class LessWord(Part):
    """Whether a word is smaller than another: `bit`, the borrow of the difference modulo 2^256."""

    def __init__(self) -> None:
        self.borrow = Bits(2)
        self.difference = LimbWord()
        self.bit = self.borrow[1]

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".borrow", self.borrow
        yield ".difference", self.difference

    def use(self, c: Builder, left: WordExpr | Word, right: WordExpr | Word) -> None:
        """`left - right + bit * 2^256 = difference`, half by half, on every row."""
        lo, hi = self.borrow
        c.require_equal(
            f"{self.label}: low half", left.lo - right.lo + lo * 2**128, self.difference.lo
        )
        c.require_equal(
            f"{self.label}: high half", left.hi - right.hi - lo + hi * 2**128, self.difference.hi
        )

    def fill(self, w: Witness, left: Array, right: Array) -> None:
        """From the words (n, 4)."""
        w[self.difference], w[self.borrow] = difference(left, right)


class Less(Part):
    """Whether a number below 2^bits is smaller than another: `bit`."""

    def __init__(self, bits: int) -> None:
        self.bit = Bit()
        self.distance = Uint(bits)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.bit
        yield ".distance", self.distance

    def use(
        self, c: Builder, left: Expr | int, right: Expr | int, when: Expr | None = None
    ) -> None:
        """Where `when` is 1, the bit is 1 exactly if `left < right`."""
        when = c.real if when is None else when
        above = lift(left) - right
        c.require_equal(
            f"{self.label}: the distance is not negative",
            when * above - self.bit * (2 * above + 1),
            self.distance.value,
        )
        c.require_zero(f"{self.label}: only where asked", self.bit * (1 - when))

    def fill(self, w: Witness, left: Array, right: Array, when: Mask | None = None) -> None:
        """From numbers (n,) below 2^64."""
        left, right = left.astype(np.uint64), right.astype(np.uint64)
        less = left < right
        distance = np.where(less, right - left - np.uint64(1), left - right)
        if when is not None:
            less, distance = less & when, np.where(when, distance, np.uint64(0))
        w[self.bit] = less
        w[self.distance] = distance


class AtLeast(Part):
    """A proof that a number is not smaller than another: their distance is in [0, 2^bits)."""

    def __init__(self, bits: int) -> None:
        self.distance = Uint(bits)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.distance

    def use(
        self, c: Builder, left: Expr | int, right: Expr | int, when: Expr | None = None
    ) -> None:
        """Where `when` is 1, `left >= right`."""
        when = c.real if when is None else when
        c.require_equal(
            f"{self.label}: the distance is not negative",
            when * (lift(left) - right),
            self.distance.value,
        )

    def assign(self, w: Witness, values: Array) -> None:
        """From the distances, 0 where not asked."""
        w[self.distance] = values


class IsZeroSmall(Part):
    """Whether a number below 2^bits is zero: `bit`, by a range instead of an inverse."""

    def __init__(self, bits: int) -> None:
        self.bit = Bit()
        self.rest = Uint(bits)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.bit
        yield ".rest", self.rest

    def use(self, c: Builder, value: Expr, when: Expr | None = None) -> None:
        """Where `when` is 1, the bit is 1 exactly if `value` is zero."""
        when = c.real if when is None else when
        c.require_zero(f"{self.label}: zero if set", self.bit * value)
        c.require_equal(
            f"{self.label}: at least one if clear",
            when * (value - 1) + self.bit,
            self.rest.value,
        )
        c.require_zero(f"{self.label}: only where asked", self.bit * (1 - when))

    def fill(self, w: Witness, value: Array, when: Mask | None = None) -> None:
        """From numbers (n,)."""
        when = np.ones(w.rows, np.bool_) if when is None else when
        value = value.astype(np.uint64)
        w[self.bit] = when & is_zero(value)
        w[self.rest] = np.where(when & ~is_zero(value), value - np.uint64(1), np.uint64(0))
