"""256-bit words as two 128-bit halves, whatever their columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from circuits.language.arrays import Array
from circuits.language.columns import LIMB_BITS, Bytes, Cells, Uint
from circuits.language.part import Cell, Part
from circuits.language.witness import Witness
from zkevm.plonkish.expression import Column, ColumnType, Expr, lift, recompose


@dataclass(frozen=True)
class WordExpr:
    """A word as expressions of its halves."""

    lo: Expr
    hi: Expr

    def __iter__(self) -> Iterator[Expr]:
        yield self.lo
        yield self.hi


def word(lo: Expr | int, hi: Expr | int = 0) -> WordExpr:
    """A word from its halves."""
    return WordExpr(lift(lo), lift(hi))


def constant(value: int) -> WordExpr:
    """A word that is a constant."""
    return word(value % (1 << 128), value >> 128)


def select(bit: Expr, if_set: WordExpr | Word, if_clear: WordExpr | Word) -> WordExpr:
    """`if_set` where the bit is one, else `if_clear`."""
    return WordExpr(
        if_clear.lo + bit * (if_set.lo - if_clear.lo),
        if_clear.hi + bit * (if_set.hi - if_clear.hi),
    )


def address_of(value: WordExpr | Word) -> Expr:
    """The address that a word below 2^160 holds."""
    return value.lo + value.hi * 2**128


class Word(Part):
    """A word in columns; `lo` and `hi` are linear in them."""

    lo: Expr
    hi: Expr

    def __iter__(self) -> Iterator[Expr]:
        yield self.lo
        yield self.hi

    @property
    def expr(self) -> WordExpr:
        """The word as expressions."""
        return WordExpr(self.lo, self.hi)


class Halves(Word):
    """Two cells of 128 bits, proven elsewhere: by the sender of the message they come in."""

    def __init__(self) -> None:
        self.lo = Cell(ColumnType.U128)
        self.hi = Cell(ColumnType.U128)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        if isinstance(self.lo, Cell) and isinstance(self.hi, Cell):
            yield ".lo", self.lo
            yield ".hi", self.hi

    def assign(self, w: Witness, values: Array) -> None:
        if isinstance(self.lo, Cell) and isinstance(self.hi, Cell):
            w.store_pieces((self.lo, self.hi), 128, values)


class LimbWord(Word):
    """Sixteen 16-bit limbs, each proven here: a canonical word."""

    def __init__(self) -> None:
        self.limbs = Uint(256)
        self.lo = recompose(self.limbs.cells[:8], LIMB_BITS)
        self.hi = recompose(self.limbs.cells[8:], LIMB_BITS)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.limbs

    def assign(self, w: Witness, values: Array) -> None:
        w[self.limbs] = values


class ByteWord(Word):
    """Thirty-two bytes, least significant first, proven here two by two: a canonical word."""

    def __init__(self) -> None:
        self.bytes = Bytes(32)
        self.lo = recompose(self.bytes.cells[:16], 8)
        self.hi = recompose(self.bytes.cells[16:], 8)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.bytes

    def assign(self, w: Witness, values: Array) -> None:
        w[self.bytes] = values


class Octets(Word):
    """Thirty-two bytes, least significant first, for lookups that prove them."""

    def __init__(self) -> None:
        self.bytes = Cells(32, ColumnType.U8)
        self.lo = recompose(self.bytes.cells[:16], 8)
        self.hi = recompose(self.bytes.cells[16:], 8)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.bytes

    def assign(self, w: Witness, values: Array) -> None:
        w.store_pieces(self.bytes.cells, 8, values)
