"""RETURNDATASIZE and RETURNDATACOPY.

Relation.  The size is that of the return data in force.  A copy charges 3 a word, grows memory to
           the end of the destination, and stays within the data: offset + size <= length, also if
           size is 0 (EIP-211).
Argument.  A copy reads at the step's clock and writes at the next tick; the step takes two.
Assumes.   Who says where return data lies proved that offset and length are below 2^33.
"""

from circuits.buses import COPY, CopyKind
from circuits.language import (
    Builder,
    Growth,
    MemoryRange,
    Next,
    Plan,
    Popped,
    ReturnedAccess,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordCount,
    keys,
    range_end,
    word,
)
from circuits.language.copying import request_copy
from zkevm.evm import gas
from zkevm.evm.opcodes import Op

TICKS = 2


class ReturnDataSize(StepGadget):
    """RETURNDATASIZE."""

    name = "returndatasize"
    opcodes = (Op.RETURNDATASIZE,)

    returned = ReturnedAccess()

    def constrain(self, c: Builder) -> Next:
        self.returned.use(c, self.real, (self.frame,), self.clock)
        return Next(opcode=Op.RETURNDATASIZE, gas=gas.BASE, push=word(self.returned.old[2]))

    def plan(self, s: Steps, plan: Plan) -> None:
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock)


class ReturnDataCopy(StepGadget):
    """RETURNDATACOPY within the return data."""

    name = "returndatacopy"
    opcodes = (Op.RETURNDATACOPY,)

    to = Popped()
    offset = Popped()
    size = Popped()
    target = MemoryRange(to, size)
    growth = Growth(target.end)
    words = WordCount(target.size)
    returned = ReturnedAccess()
    spare = Uint(32)  # bytes after those that are copied

    def constrain(self, c: Builder) -> Next:
        data_frame, base, length = self.returned.old
        offset, size = self.offset, self.size.lo
        self.returned.use(c, self.real, (self.frame,), self.clock)
        c.require_zero("offset below 2^128", offset.hi)
        # the offset is below 2^128, all others below 2^33: the sum does not wrap
        c.require_equal("within the data", length, offset.lo + size + self.spare.value)
        index = base + offset.lo
        c.send(
            COPY,
            self.target.some(c),
            *(self.clock, CopyKind.MEMORY, data_frame, index, index + size),
            *(CopyKind.MEMORY, self.frame, self.target.start, size, 0, 0),
        )
        return Next(
            opcode=Op.RETURNDATACOPY,
            gas=gas.VERY_LOW + gas.COPY_WORD * self.words.count + self.growth.cost,
            msize=self.growth.msize,
            ticks=TICKS,
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        data_frame, base, _ = s.execution.returned(s.rows)
        size = s.pop(2)[:, 0]
        index = base + s.pop(1)[:, 0]
        source = (CopyKind.MEMORY, data_frame, index, index + size)
        dest = (CopyKind.MEMORY, s.frame, s.pop(0)[:, 0])
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock)
        request_copy(plan, s, source, dest, size)
        self.growth.plan(s, plan, range_end(s.pop(0), s.pop(2)))

    def fill(self, w: Witness, s: Steps) -> None:
        _, _, length = s.execution.returned(s.rows)
        self.target.fill(w, s.pop(0), s.pop(2))
        self.growth.fill(w, s, range_end(s.pop(0), s.pop(2)))
        w[self.words] = s.pop(2)[:, 0]
        w[self.spare] = length - s.pop(1)[:, 0] - s.pop(2)[:, 0]
