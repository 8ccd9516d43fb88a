"""What it would cost to grow memory to the end of a range, for steps that cannot pay for it.

No word is created: the frame fails.  So the cost may be taken for less than it is, never for more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.language.arrays import words
from circuits.language.builder import Builder
from circuits.language.columns import Bit, Bits, Uint
from circuits.language.part import Part
from circuits.language.step import StepGadget
from circuits.language.witness import Witness
from circuits.language.words import WordExpr
from zkevm.evm import gas
from zkevm.plonkish.expression import Column, Expr, total

HUGE = 2**45
"""Growing to this end costs more than 2^64."""

WORD_BYTES = 32
HALF = 2**128
NEED_BITS = 48
DIVISOR = gas.MEMORY_QUADRATIC_DIVISOR


class RangeCost(Part):
    """A range of memory named by two words, and what growing to its end costs at least.

    Relation.  Of a range that is not empty, `huge`: offset or size is 2^45 or more; else
                   need = ceil((offset + size) / 32),   cost = C(need) - C(msize) if it `grows`.
               Whether it is huge or grows is a hint: claiming neither makes the cost 0.
    """

    def __init__(self) -> None:
        self.huge = Bit()
        self.grows = Bit()
        self.by = Bits(4)  # what is huge: the halves of offset and size
        self.excess = Uint(128)
        self.some = Bits(2)  # which half of the size is not zero
        self.rest = Uint(128)  # that half, less one
        self.need = Uint(NEED_BITS)
        self.old_quotient = Uint(64)
        self.new_quotient = Uint(96)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".huge", self.huge
        yield ".grows", self.grows
        yield ".by", self.by
        yield ".excess", self.excess
        yield ".some", self.some
        yield ".rest", self.rest
        yield ".need", self.need
        yield ".old_quotient", self.old_quotient
        yield ".new_quotient", self.new_quotient

    def use(self, c: Builder, offset: WordExpr, size: WordExpr) -> Expr:
        """Declare the relation of a step.  Returns the cost (degree 2), 0 for a huge range."""
        name, have, need = self.label, StepGadget.msize, self.need.value
        some = total(self.some)
        c.require_equal(
            f"{name}: a range is huge, or grows, or neither", some, self.huge + self.grows
        )
        # else a range on padding could be huge: what is asked where none is, would be answered
        c.require_zero(f"{name}: a range of a real row", some * (1 - c.real))
        size_half = self.some[0] * size.lo + self.some[1] * size.hi
        c.require_equal(f"{name}: the range is not empty", size_half - some, self.rest.value)
        c.require_equal(f"{name}: what is huge", total(self.by), self.huge)
        halves = (offset.lo - HUGE, offset.hi - 1, size.lo - HUGE, size.hi - 1)
        excess = total(bit * half for bit, half in zip(self.by, halves, strict=True))
        c.require_equal(f"{name}: it is huge", excess, self.excess.value)
        for what, half in (("offset", offset.hi), ("size", size.hi)):
            c.require_zero(f"{name}: {what} below 2^128 if it grows", self.grows * half)
        # need < 2^48 and halves below 2^128: nothing here reaches 2^130
        c.require_range(
            f"{name}: words up to the end",
            self.grows,
            WORD_BYTES * need - offset.lo - size.lo,
            5,
        )
        for when, words_, quotient in (
            ("old", have, self.old_quotient.value),
            ("new", need, self.new_quotient.value),
        ):
            # squares are below 2^96 and 512 * quotient below 2^105
            remainder = words_ * words_ - DIVISOR * quotient
            c.require_range(f"{name}: remainder of the {when} square", self.grows, remainder, 9)
        linear = gas.MEMORY_WORD * (need - have)
        return self.grows * (linear + self.new_quotient.value - self.old_quotient.value)

    def fill(
        self, w: Witness, offset: Sequence[int], size: Sequence[int], msize: Sequence[int]
    ) -> list[int]:
        """From the ranges.  Returns the costs."""
        costs, columns = [], []
        for place, length, have in zip(offset, size, msize, strict=True):
            column, cost = _row(place, length, have)
            costs.append(cost)
            columns.append(column)
        huge, grows, by, excess, some, rest, need = zip(*columns, strict=True)
        w[self.huge] = np.array(huge, np.bool_)
        w[self.grows] = np.array(grows, np.bool_)
        w[self.by] = np.array([[k == b for k in range(4)] for b in by])
        w[self.excess] = words(excess)
        w[self.some] = np.array([[k == s for k in range(2)] for s in some])
        w[self.rest] = words(rest)
        w[self.need] = words(need)
        w[self.old_quotient] = words(
            h * h // DIVISOR if g else 0 for h, g in zip(msize, grows, strict=True)
        )
        w[self.new_quotient] = words(n * n // DIVISOR for n in need)
        return costs


Row = tuple[bool, bool, int, int, int, int, int]


def _row(offset: int, size: int, have: int) -> tuple[Row, int]:
    """Huge, grows, what is huge, by how much, the half of the size and its rest, need; the cost."""
    none: Row = (False, False, -1, 0, -1, 0, 0)
    if size == 0:
        return none, 0
    half, rest = (0, size % HALF - 1) if size % HALF else (1, (size >> 128) - 1)
    bounds = (
        offset % HALF - HUGE,
        (offset >> 128) - 1,
        size % HALF - HUGE,
        (size >> 128) - 1,
    )
    for k, over in enumerate(bounds):
        if over >= 0:
            return (True, False, k, over, half, rest, 0), 0
    need = -(-(offset + size) // WORD_BYTES)
    if need <= have:
        return none, 0
    return (False, True, -1, 0, half, rest, need), gas.memory_cost(need) - gas.memory_cost(have)


def range_cost(offset: int, size: int, have: int) -> int:
    """What growing from `have` words costs; 2^64 or more for a huge range."""
    row, cost = _row(offset, size, have)
    return HUGE * HUGE if row[0] else cost
