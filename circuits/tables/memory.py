"""Growth of memory: what it costs, and the creation of its words.

Relation.  `expand` takes the token of a step that grows a frame's memory from `old` to `new` words:
               new > old,   cost = C(new) - C(old),   C(n) = 3 n + floor(n^2 / 512)
           (yellow paper, appendix H) and starts and ends a chain of `grow` rows, one for each index
           in [old, new), which creates that word as zero.
Argument.  A frame's msize only rises, and is what its last step left: (frame, old) is unique, so
           no word is created twice.  A word that nobody touches sends no token (`keep` = 0).
Assumes.   old, new < 2^32: the step proved it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import EXPAND, GROW, MEMORY
from circuits.execution.tokens import U64, Ledger, Mask
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Plan,
    TableGadget,
    Uint,
    Witness,
)
from zkevm.evm import gas

DIVISOR = gas.MEMORY_QUADRATIC_DIVISOR
INDEX_BITS = 28


@dataclass(frozen=True)
class Span:
    """Words [start, end) of the memory of a frame, for each entry."""

    frame: U64
    start: U64
    end: U64

    def __len__(self) -> int:
        return len(self.frame)


class Expand(TableGadget[Span]):
    """A row for each step that grows memory."""

    name = "expand"

    real = Bit()
    frame = Cell(ColumnType.U64)
    old = Cell(ColumnType.U32)
    more = Uint(32)  # new - old - 1
    old_quotient = Uint(48)  # of the square by 512
    new_quotient = Uint(48)

    def constrain(self, c: Builder) -> None:
        new = self.old + self.more.value + 1
        for name, size, quotient in (
            ("old", self.old, self.old_quotient.value),
            ("new", new, self.new_quotient.value),
        ):
            # squares are below 2^66 and 512 * quotient below 2^57: the difference does not wrap
            remainder = size * size - DIVISOR * quotient
            c.require_range(f"remainder of the {name} square", self.real, remainder, 9)
        linear = gas.MEMORY_WORD * (self.more.value + 1)
        cost = linear + self.new_quotient.value - self.old_quotient.value
        c.receive(EXPAND, self.real, self.frame, self.old, new, cost)
        c.send(GROW, self.real, self.frame, self.old, new)
        c.receive(GROW, self.real, self.frame, new, new)

    def collect(self, plan: Plan) -> Span:
        frame, old, new, _ = plan.requests(EXPAND)
        plan.request(GROW, frame, old, new)
        return Span(frame, old, new)

    def fill(self, w: Witness, record: Span, plan: Plan) -> None:
        w[self.real] = 1
        w[self.frame] = record.frame
        w[self.old] = record.start
        w[self.more] = record.end - record.start - np.uint64(1)
        w[self.old_quotient] = record.start * record.start // np.uint64(DIVISOR)
        w[self.new_quotient] = record.end * record.end // np.uint64(DIVISOR)


class Grow(TableGadget[Span]):
    """A row for each word of memory, which it creates."""

    name = "grow"

    real = Bit()
    frame = Cell(ColumnType.U64)
    index = Cell(ColumnType.U32)
    end = Cell(ColumnType.U32)
    clock = Cell(ColumnType.U64)  # any: the first access bounds it
    keep = Bit()

    def constrain(self, c: Builder) -> None:
        c.receive(GROW, self.real, self.frame, self.index, self.end)
        c.send(GROW, self.real, self.frame, self.index + 1, self.end)
        c.send(MEMORY, self.real * self.keep, self.frame, self.index, 0, 0, self.clock)

    def collect(self, plan: Plan) -> Span:
        frame, start, end = plan.requests(GROW)
        count = (end - start).astype(np.int64)
        nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        index = np.repeat(start, count) + nth.astype(np.uint64)
        return Span(np.repeat(frame, count), index, np.repeat(end, count))

    def fill(self, w: Witness, record: Span, plan: Plan) -> None:
        w[self.real] = 1
        w[self.frame] = record.frame
        w[self.index] = record.start
        w[self.end] = record.end
        w[self.clock], w[self.keep] = created(plan.memory, record.frame, record.start)


def created(memory: Ledger, frame: U64, index: U64) -> tuple[U64, Mask]:
    """When the first access of these words takes them to be created, and whether there is any."""
    known = memory.cells.keys[:, 0] << np.uint64(INDEX_BITS) | memory.cells.keys[:, 1]
    wanted = frame << np.uint64(INDEX_BITS) | index
    place = np.searchsorted(known, wanted)
    place[place == len(known)] = 0
    touched = known[place] == wanted if len(known) else np.zeros(len(wanted), np.bool_)
    clock = np.zeros(len(wanted), np.uint64)
    clock[touched] = memory.cells.created.reshape(-1)[place[touched]]
    return clock, touched
