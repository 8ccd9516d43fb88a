"""Ranges of memory and their growth: what every step that names memory is made of.

The part of a range is bound to the popped words that name it, that of growth to the end of what
the step touches: declared in a gadget's body, they constrain themselves.  An empty range touches
nothing, wherever it starts; any other ends by 2^33 here, further than any gas can pay for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from circuits.buses import EXPAND
from circuits.execution.steps import Steps
from circuits.execution.tokens import U64
from circuits.language.arrays import Array, is_zero
from circuits.language.builder import Builder
from circuits.language.columns import Bit, Uint
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan
from circuits.language.step import Popped, StepGadget
from circuits.language.witness import Witness
from circuits.language.words import Word
from zkevm.evm import gas
from zkevm.plonkish.expression import Column, ColumnType, Expr
from zkevm.trace.words import Words

OFFSET_BITS = 32
WORD_BYTES = 32


class MemoryRange(Part):
    """A range of bytes named by two words: its offset and its size.

    Relation.  size = 0: nothing follows from the offset, and `start` is 0.
               Else offset = `start` < 2^32 and size in [1, 2^32].
    `end` is start + size, at most 2^33, and 0 for an empty range.
    """

    def __init__(self, offset: Word | Popped, size: Word | Popped) -> None:
        self.offset = offset
        self.bytes = size
        self.empty = Bit()
        self.last = Uint(OFFSET_BITS)  # size - 1, or 0
        self.first = Uint(OFFSET_BITS)
        self.start: Expr = self.first.value
        self.size: Expr = size.lo
        self.end: Expr = self.start + self.size

    def some(self, c: Builder) -> Expr:
        """1 on real rows whose range is not empty."""
        return c.real - self.empty

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".empty", self.empty
        yield ".last", self.last
        yield ".first", self.first

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        name = self.label
        c.require_zero(f"{name}: size below 2^128", self.bytes.hi)
        c.require_equal(
            f"{name}: size in [1, 2^32], or 0 if empty",
            self.size,
            self.last.value + c.real - self.empty,
        )
        c.require_zero(f"{name}: an empty range has size 0", self.empty * self.size)
        c.require_zero(f"{name}: only a real range is empty", self.empty * (1 - c.real))
        c.require_zero(f"{name}: offset below 2^128", (1 - self.empty) * self.offset.hi)
        c.require_equal(f"{name}: start", self.start, (1 - self.empty) * self.offset.lo)

    def fill(self, w: Witness, offset: Words, size: Words) -> None:
        """Fill from the two words, which lie in the domain."""
        empty = is_zero(size)
        w[self.empty] = empty
        w[self.last] = size[:, 0] - ~empty
        w[self.first] = np.where(empty, 0, offset[:, 0]).astype(np.uint64)


def range_end(offset: Words, size: Words) -> U64:
    """The ends of ranges in the domain of `MemoryRange`: 0 for empty ones."""
    end: U64 = np.where(is_zero(size), np.uint64(0), offset[:, 0] + size[:, 0])
    return end


class WordCount(Part):
    """How many words hold `size` bytes, size below 2^36: `count`."""

    def __init__(self, size: Expr) -> None:
        self.size = size
        self.words = Uint(32)
        self.count: Expr = self.words.value

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.words

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        spare = WORD_BYTES * self.count - self.size
        c.require_range(f"{self.label}: words of the size", c.real, spare, 5)

    def assign(self, w: Witness, values: Array) -> None:
        """From the sizes."""
        w[self.words] = word_count(values.astype(np.uint64))


class Larger(Part):
    """The larger of two numbers below 2^34 that differ by less than 2^32."""

    def __init__(self, left: Expr, right: Expr) -> None:
        self.left, self.right = left, right
        self.is_left = Bit()
        self.difference = Uint(OFFSET_BITS)
        self.value: Expr = right + self.is_left * (left - right)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".is_left", self.is_left
        yield ".difference", self.difference

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        signed = self.is_left * 2 - 1
        c.require_equal(
            f"{self.label}: not below the other",
            self.difference.value,
            signed * (self.left - self.right),
        )

    def fill(self, w: Witness, left: U64, right: U64) -> None:
        """Fill from the two numbers."""
        w[self.is_left] = left >= right
        w[self.difference] = np.maximum(left, right) - np.minimum(left, right)


class Growth(Part):
    """Growth of the frame's memory to hold all bytes below `end` (at most 2^35, 0 if it has none).

    Relation.  need = ceil(end / 32).  Not growing: need <= msize and the cost is 0.  Growing: the
               `expand` token has one taker, which proves need > msize and the cost.
    `msize` is the next state's, `cost` what the step pays for it.
    """

    def __init__(self, end: Expr) -> None:
        self.end = end
        self.grows = Bit()
        self.need = Uint(32)
        self.spare = Uint(32)  # msize - need where memory does not grow
        self.cost = Cell(ColumnType.U64)
        have = StepGadget.msize
        self.msize: Expr = have + self.grows * (self.need.value - have)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".grows", self.grows
        yield ".need", self.need
        yield ".spare", self.spare
        yield ".cost", self.cost

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        name, need, have = self.label, self.need.value, StepGadget.msize
        # 32 * need < 2^37 and the end is below 2^36: the difference does not wrap
        c.require_range(f"{name}: words up to the end", c.real, WORD_BYTES * need - self.end, 5)
        c.require_equal(
            f"{name}: no fewer than needed", self.spare.value, (1 - self.grows) * (have - need)
        )
        c.require_zero(f"{name}: free without growth", (1 - self.grows) * self.cost)
        c.send(EXPAND, c.real * self.grows, StepGadget.frame, have, need, self.cost)

    def plan(self, s: Steps, plan: Plan, end: U64) -> None:
        """Ask for the growth of these steps, whose ends are given."""
        need, grows, cost = growth(s.msize.astype(np.uint64), end)
        columns = (s.frame, s.msize.astype(np.uint64), need, cost)
        plan.request(EXPAND, *(column[grows] for column in columns))

    def fill(self, w: Witness, s: Steps, end: U64) -> None:
        """Fill from the ends of the steps."""
        have = s.msize.astype(np.uint64)
        need, grows, cost = growth(have, end)
        w[self.grows] = grows
        w[self.need] = need
        w[self.spare] = np.where(grows, 0, have - need).astype(np.uint64)
        w[self.cost] = cost


def word_count(size: U64) -> U64:
    """How many words hold so many bytes."""
    return np.asarray((size + np.uint64(31)) >> np.uint64(5), np.uint64)


def memory_cost(words: U64) -> U64:
    """What so many active words cost in all."""
    return np.asarray(
        words * np.uint64(gas.MEMORY_WORD)
        + words * words // np.uint64(gas.MEMORY_QUADRATIC_DIVISOR),
        np.uint64,
    )


def growth(have: U64, end: U64) -> tuple[U64, NDArray[np.bool_], Array]:
    """Words needed up to `end`, whether that is more than there are, and the cost of growing."""
    need = word_count(end)
    grows = need > have
    cost = np.where(grows, memory_cost(need) - memory_cost(have), np.uint64(0))
    return need, grows, cost
