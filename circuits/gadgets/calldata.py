"""CALLDATALOAD.

Relation.  The 32 bytes of the call data from `offset` on are pushed; bytes past its end are zero.
Argument.  Inside, offset < length, and the byte `base + offset` of the data frame lies in word
           `index` at place `shift`.  Of the 64 bytes of that word and the next, those before the
           end are marked: a prefix of as many as the place and the bytes that are left, but no more
           than 32 past the place.  The word is what the marked bytes are, from the place on; the
           second word is read if one of its bytes is marked, so never past the data. Outside, high
           half >= 1 or low half >= length: nothing is marked, and 0 is pushed.
Assumes.   `frame_data` has offset and length below 2^32; words of a data frame are canonical.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import FRAME_DATA
from circuits.execution.tokens import U64
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    MemoryBytesAccess,
    Next,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordExpr,
    keys,
    total,
)
from circuits.language.alignment import WORD_BYTES, Address, big_endian, bytes_from
from circuits.language.within import Within, lies_within
from zkevm.evm import gas
from zkevm.evm.opcodes import Op


class CallDataLoad(StepGadget):
    """CALLDATALOAD at any offset."""

    name = "calldataload"
    opcodes = (Op.CALLDATALOAD,)

    offset = Popped()
    data_frame = Cell(ColumnType.U64)
    base = Cell(ColumnType.U32)
    length = Cell(ColumnType.U32)
    within = Within(offset)
    full = Bit()  # all 32 bytes lie inside
    spare = Uint(32)
    place = Address()
    marked = Bits(2 * WORD_BYTES)
    first = MemoryBytesAccess()
    second = MemoryBytesAccess()

    def constrain(self, c: Builder) -> Next:
        c.request(FRAME_DATA, self.real, self.frame, self.data_frame, self.base, self.length)
        inside, offset = self.within.use(c, self.length), self.offset
        c.require_zero("inside: the place", inside * (self.base + offset.lo - self.place.lo))
        self._mark(c)
        octets = [*big_endian(self.first.word), *big_endian(self.second.word)]
        kept = [bit * byte for bit, byte in zip(self.marked, octets, strict=True)]
        lo, hi = bytes_from(kept, self.place.shift.cells)
        index = self.place.index.value
        self.first.use(c, self.marked[0], (self.data_frame, index), self.clock)
        self.second.use(c, self.marked[WORD_BYTES], (self.data_frame, index + 1), self.clock)
        return Next(opcode=Op.CALLDATALOAD, gas=gas.VERY_LOW, push=WordExpr(lo, hi))

    def _mark(self, c: Builder) -> None:
        """Mark the bytes before the end: the first shift + min(32, left + 1), if inside."""
        inside = self.real - self.within.outside
        left = self.length - self.offset.lo - 1
        shift = self.place.shift.select(range(WORD_BYTES))
        count = total(self.marked) - shift
        before = inside
        for i, bit in enumerate(self.marked):
            c.require_zero(f"byte {i} is marked after those before", bit * (1 - before))
            before = bit
        c.require_zero("full is inside", self.full * (1 - inside))
        c.require_zero("full: 32 bytes", self.full * (count - WORD_BYTES))
        c.require_zero("not full: what is left", (inside - self.full) * (count - left - 1))
        spare = self.full * (left + 1 - WORD_BYTES)
        c.require_equal("full: so many are left", self.spare.value, spare)

    def plan(self, s: Steps, plan: Plan) -> None:
        data_frame, base, length = call_data(s)
        inside = lies_within(s.pop(0), length)
        start = base + np.where(inside, s.pop(0)[:, 0], np.uint64(0))
        index, end = start // np.uint64(WORD_BYTES), base + length
        crosses = inside & (
            np.minimum(start + np.uint64(WORD_BYTES), end) > (index + 1) * np.uint64(WORD_BYTES)
        )
        words = plan.memory
        plan.access(self, self.first, words, keys(data_frame, index), s.clock, where=inside)
        second = keys(data_frame, index + np.uint64(1))
        plan.access(self, self.second, words, second, s.clock, where=crosses)

    def fill(self, w: Witness, s: Steps) -> None:
        data_frame, base, length = call_data(s)
        inside = lies_within(s.pop(0), length)
        offset = np.where(inside, s.pop(0)[:, 0], length)
        left = length - offset
        full = left >= WORD_BYTES
        place = np.where(inside, base + offset, np.uint64(0))
        marked = place % np.uint64(WORD_BYTES) + np.minimum(left, np.uint64(WORD_BYTES))
        w[self.data_frame], w[self.base], w[self.length] = data_frame, base, length
        self.within.fill(w, s.pop(0), length)
        w[self.full] = full
        w[self.spare] = np.where(full, left - np.uint64(WORD_BYTES), np.uint64(0))
        w[self.place] = place
        w[self.marked] = np.arange(2 * WORD_BYTES) < np.where(inside, marked, 0)[:, None]


def call_data(s: Steps) -> tuple[U64, U64, U64]:
    """Where the call data of each step's frame lies: data frame, offset, length."""
    return s.execution.call_data(s.frame_index)
