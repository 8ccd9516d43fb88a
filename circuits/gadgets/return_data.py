"""RETURNDATASIZE and RETURNDATACOPY, within the return data or past their end.

Relation.  The size is that of the return data in force.  A copy charges 3 a word, grows memory to
           the end of the destination, and stays within the data: offset + size <= length, also if
           size is 0 (EIP-211).
Argument.  A copy reads at the step's clock and writes at the next tick; the step takes two.
Assumes.   Who says where return data lies proved that offset and length are below 2^33.
"""

import numpy as np

from circuits.buses import COPY, CopyKind
from circuits.language import (
    Builder,
    Growth,
    MemoryRange,
    Next,
    OneHot,
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
    total,
    word,
)
from circuits.language.arrays import extend, high, integers, is_zero, low, words
from circuits.language.compare import difference
from circuits.language.copying import after_copy, request_copy
from circuits.language.halt import ExceptionalHalt
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import Halt


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
        return after_copy(Op.RETURNDATACOPY, self.words, self.growth)

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


class ReturnDataOutOfBounds(ExceptionalHalt):
    """RETURNDATACOPY past the end of the return data.

    Relation.  offset + size > length over the integers: a high half is not 0, or the low halves
               add up to more.  The exact complement of what RETURNDATACOPY proves.
    """

    name = "returndata_out_of_bounds"
    opcodes = (Op.RETURNDATACOPY,)
    halts = (Halt.RETURNDATA_OUT_OF_BOUNDS,)

    to = Popped()
    offset = Popped()
    size = Popped()
    returned = ReturnedAccess()
    because = OneHot(3)  # of the offset's high half, the size's, or their sum
    excess = Uint(144)

    def constrain(self, c: Builder) -> Next:
        self.returned.use(c, self.real, (self.frame,), self.clock)
        beyond = self.offset.lo + self.size.lo - self.returned.old[2]
        reasons = (self.offset.hi, self.size.hi, beyond)
        # sums of halves are below 2^129: nothing wraps
        excess = total(bit * (why - 1) for bit, why in zip(self.because, reasons, strict=True))
        c.require_equal("past the end", self.excess.value, excess)
        return self.halt(c, Op.RETURNDATACOPY)

    def plan(self, s: Steps, plan: Plan) -> None:
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        offset, size = s.pop(1), s.pop(2)
        _, _, length = s.execution.returned(s.rows)
        because = np.select([~is_zero(high(offset)), ~is_zero(high(size))], [0, 1], 2)
        sums = zip(integers(low(offset)), integers(low(size)), integers(length), strict=True)
        beyond = words(max(a + b - n - 1, 0) for a, b, n in sums)
        one = words([1]).repeat(len(s), axis=0)
        halves = [difference(extend(high(x)), one)[0] for x in (offset, size)]
        w[self.because] = because
        w[self.excess] = np.choose(because[:, None], [*halves, beyond])
