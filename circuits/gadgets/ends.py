"""STOP, RETURN and REVERT.

Relation.  An end leaves one `ended` token for its frame: whether it succeeds, the gas it hands back
           (proven to be in range here: CIRCUITS.md section 7), where its output lies.
Argument.  The token carries the frame's id, which is unique, and has one taker: the resumption of
           the caller or the end of the transaction.  A creation that succeeds is taken with no
           output only, so RETURN here cannot pass for the end of one that deposits code.
"""

import numpy as np
from numpy.typing import NDArray

from circuits.buses import CODE_LENGTH
from circuits.execution.schedule import CREATES
from circuits.language import (
    U16,
    Builder,
    Cell,
    ColumnType,
    Next,
    Plan,
    Popped,
    Steps,
    Witness,
)
from circuits.language.ending import End
from circuits.language.memory import Growth, MemoryRange, range_end
from zkevm.evm.opcodes import Op


class Stop(End):
    """STOP as an instruction."""

    name = "stop"
    opcodes = (Op.STOP,)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return np.asarray(s.pc < code_lengths(s))

    def constrain(self, c: Builder) -> Next:
        self.end(c, success=1)
        return Next(opcode=Op.STOP, gas=0, ends=True)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.left] = s.gas


class StopPastEnd(End):
    """The end of the code, which reads as STOP; the only step of a frame without code."""

    name = "stop_past_end"
    opcodes = (Op.STOP,)

    length = Cell(ColumnType.U16)
    excess = U16()

    def constrain(self, c: Builder) -> Next:
        c.request(CODE_LENGTH, self.real, self.code, self.length)
        # length < 2^16 and pc < 2^17: the sum does not wrap
        c.require_equal("pc is past the end", self.pc, self.length + self.excess)
        self.end(c, success=1)
        return Next(opcode=None, gas=0, ends=True)

    def fill(self, w: Witness, s: Steps) -> None:
        length = code_lengths(s)
        w[self.length] = length
        w[self.excess] = s.pc - length
        w[self.left] = s.gas


class EndWithData(End):
    """RETURN and REVERT."""

    opcode: Op
    success: int

    offset = Popped()
    size = Popped()
    data = MemoryRange(offset, size)
    growth = Growth(data.end)

    def constrain(self, c: Builder) -> Next:
        data = (self.frame, self.data.start, self.data.size)
        self.end(c, self.success, self.growth.cost, data)
        return Next(opcode=self.opcode, gas=self.growth.cost, ends=True)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.growth.plan(s, plan, range_end(s.pop(0), s.pop(1)))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.left] = s.trace.frames.gas_end[s.frame_index]
        self.data.fill(w, s.pop(0), s.pop(1))
        self.growth.fill(w, s, range_end(s.pop(0), s.pop(1)))


class Return(EndWithData):
    """RETURN in a frame that creates no contract."""

    name = "return"
    opcodes = (Op.RETURN,)
    opcode = Op.RETURN
    success = 1

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return ~np.isin(s.trace.frames.kind[s.frame_index], CREATES)


class Revert(EndWithData):
    """REVERT."""

    name = "revert"
    opcodes = (Op.REVERT,)
    opcode = Op.REVERT
    success = 0


def code_lengths(s: Steps) -> NDArray[np.int64]:
    """The length of the code of each step's frame."""
    lengths = np.array([len(code) for code in s.trace.codes] + [0])
    return np.asarray(lengths[s.trace.frames.code[s.frame_index]])
