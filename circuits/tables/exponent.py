"""Powers: the chain of squares and products that an EXP asks for, and products modulo 2**256.

Relation.  `exp_bit` takes the top bit off the limb (`2 limb = 2**16 bit + rest`) and makes the
           accumulator its square, times the base if the bit is set. `exp_limb` takes the next limb,
           when all bits of the one before are used. `mul` states a * b = c modulo 2**256.
Argument.  The chain's id is the clock of its step; limb index and bits left only fall along it, and
           each stored limb is sent once: so a chain uses each limb once, top one first. A limb in
           use and a stored one are told apart by `stored`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import EXP, MUL
from circuits.execution.tokens import U64
from circuits.language import (
    U16,
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    LimbWord,
    Plan,
    TableGadget,
    Uint,
    Witness,
)
from circuits.language.arrays import Array, integers, words
from circuits.language.limbs64 import CARRY_BITS, LIMB, carries, limbs64, position
from zkevm.trace.words import Words

LIMB_BITS = 16
WORD = 1 << 256


@dataclass(frozen=True)
class Powers:
    """Bits and limbs used, one entry each, and the products asked for (distinct)."""

    bits: list[tuple[int, int, int, int, int, int]]  # id, limb index, left, limb, base, accumulator
    limbs: list[tuple[int, int, int, int, int]]  # id, index of the limb taken, limb, base, acc.
    products: list[tuple[int, int]]


def powers(plan: Plan) -> Powers:
    """Follow the chains of all EXP steps: one turn for each bit of an exponent."""
    found = Powers([], [], [])
    ids, bases, exponents = plan.requests(EXP)[:3]
    products: dict[tuple[int, int], None] = {}
    if len(ids):
        for start, base, exponent in zip(
            ids.tolist(), integers(bases), integers(exponents), strict=True
        ):
            _follow(found, products, start, base, exponent)
    found.products.extend(products)
    return found


def _follow(
    found: Powers, products: dict[tuple[int, int], None], start: int, base: int, exponent: int
) -> None:
    accumulator = 1
    top = (exponent.bit_length() - 1) // LIMB_BITS if exponent else -1
    for index in range(top, -1, -1):
        limb = exponent >> LIMB_BITS * index & 0xFFFF
        if index < top:
            found.limbs.append((start, index, limb, base, accumulator))
        for left in range(LIMB_BITS, 0, -1):
            found.bits.append((start, index, left, limb, base, accumulator))
            products[accumulator, accumulator] = None
            accumulator = accumulator * accumulator % WORD
            if limb >> LIMB_BITS - 1:
                products[accumulator, base] = None
                accumulator = accumulator * base % WORD
            limb = limb * 2 & 0xFFFF


@dataclass(frozen=True)
class Rows:
    """Rows of one of the tables: columns of numbers."""

    columns: tuple[list[int], ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    def number(self, i: int) -> U64:
        """A column of small numbers."""
        return np.array(self.columns[i], np.uint64)

    def word(self, i: int) -> Words:
        """A column of words."""
        return words(self.columns[i])


def rows_of(entries: list[tuple[int, ...]], width: int) -> Rows:
    """Entries as columns."""
    columns = tuple(list(c) for c in zip(*entries, strict=True)) if entries else ((),) * width
    return Rows(tuple(list(c) for c in columns))


class ExpBit(TableGadget[Rows]):
    """A row for each bit of an exponent, leading zeros of its top limb included."""

    name = "exp_bit"

    real = Bit()
    id = Cell(ColumnType.U64)
    index = Cell(ColumnType.U8)
    left = Cell(ColumnType.U8)
    limb = Cell(ColumnType.U16)
    bit = Bit()
    rest = U16()
    base = Halves()
    accumulator = Halves()
    square = Halves()
    next = Halves()

    def constrain(self, c: Builder) -> None:
        bit = self.bit
        c.require_zero("the bit is of a real row", bit * (1 - self.real))
        c.require_equal("the top bit and the rest", 2 * self.limb, 2**LIMB_BITS * bit + self.rest)
        place = (self.id, self.index)
        c.receive(EXP, self.real, *place, self.left, self.limb, 0, *self.base, *self.accumulator)
        c.send(EXP, self.real, *place, self.left - 1, self.rest, 0, *self.base, *self.next)
        c.request(MUL, self.real, *self.accumulator, *self.accumulator, *self.square)
        c.request(MUL, bit, *self.square, *self.base, *self.next)
        for half in ("lo", "hi"):
            same = getattr(self.next, half) - getattr(self.square, half)
            c.require_zero(f"no bit: no product, {half}", (1 - bit) * same)

    def collect(self, plan: Plan) -> Rows:
        return rows_of([*plan.shared(powers).bits], 6)

    def fill(self, w: Witness, record: Rows, plan: Plan) -> None:
        limb = record.number(3)
        bit = limb >> np.uint64(LIMB_BITS - 1)
        squares = [x * x % WORD for x in record.columns[5]]
        products = [s * b % WORD for s, b in zip(squares, record.columns[4], strict=True)]
        w[self.real] = 1
        w[self.id], w[self.index], w[self.left] = (record.number(i) for i in range(3))
        w[self.limb], w[self.bit], w[self.rest] = limb, bit, limb * 2 & 0xFFFF
        w[self.base], w[self.accumulator] = record.word(4), record.word(5)
        w[self.square] = words(squares)
        w[self.next] = np.where(bit[:, None] == 1, words(products), words(squares))


class ExpLimb(TableGadget[Rows]):
    """A row for each limb of an exponent below the top one."""

    name = "exp_limb"

    real = Bit()
    id = Cell(ColumnType.U64)
    index = Cell(ColumnType.U8)
    limb = Cell(ColumnType.U16)
    base = Halves()
    accumulator = Halves()

    def constrain(self, c: Builder) -> None:
        known = (*self.base, *self.accumulator)
        c.receive(EXP, self.real, self.id, self.index + 1, 0, 0, 0, *known, label="limb used up")
        stored = (self.id, self.index, LIMB_BITS, self.limb, 1, 0, 0, 0, 0)
        c.receive(EXP, self.real, *stored, label="the stored limb")
        c.send(EXP, self.real, self.id, self.index, LIMB_BITS, self.limb, 0, *known)

    def collect(self, plan: Plan) -> Rows:
        return rows_of([*plan.shared(powers).limbs], 5)

    def fill(self, w: Witness, record: Rows, plan: Plan) -> None:
        w[self.real] = 1
        w[self.id], w[self.index], w[self.limb] = (record.number(i) for i in range(3))
        w[self.base], w[self.accumulator] = record.word(3), record.word(4)


class Products(TableGadget[Rows]):
    """A row for each product that somebody asks for; see `circuits.gadgets.multiply`."""

    name = "mul"

    real = Bit()
    a = LimbWord()
    b = LimbWord()
    c = LimbWord()
    carry_low = Uint(CARRY_BITS)
    carry_high = Uint(CARRY_BITS)
    count = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        a, b, product = limbs64(self.a), limbs64(self.b), self.c
        low = position(a, b, 0) + position(a, b, 1) * LIMB
        high = position(a, b, 2) + position(a, b, 3) * LIMB + self.carry_low.value
        c.require_equal("low half", low, product.lo + self.carry_low.value * 2**128)
        c.require_equal("high half", high, product.hi + self.carry_high.value * 2**128)
        c.provide(MUL, self.real, self.count, *self.a, *self.b, *product)

    def collect(self, plan: Plan) -> Rows:
        return rows_of([*plan.shared(powers).products], 2)

    def fill(self, w: Witness, record: Rows, plan: Plan) -> None:
        left, right = record.word(0), record.word(1)
        products = [x * y % WORD for x, y in zip(*record.columns, strict=True)]
        carried: tuple[Array, Array] = carries(left, right)
        w[self.real] = 1
        w[self.a], w[self.b], w[self.c] = left, right, words(products)
        w[self.carry_low], w[self.carry_high] = carried
