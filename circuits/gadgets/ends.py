"""STOP, RETURN, REVERT, and the resumption of the caller.

Relation.  An end leaves one `ended` token for its frame: whether it succeeds, the gas it hands back
           (proven to be in range here: CIRCUITS.md section 7), where its output lies.
           `resume_call` takes it with the `caller` token of the same frame:
               gas     = saved + handed back
               undo    = the child's if it succeeds, else saved;   journal likewise
               clock   = the end's, later by one tick for each write that was undone
           pushes the success, says where the output lies, and copies what the caller wants of it.
Argument.  `ended` and `caller` carry the frame's id, which is unique.  A failing frame's writes are
           undone on the ticks up to the resumption: its end of reversion, so far a hint, is the
           last. Whoever takes `ended` knows the kind of the frame: of a call here, so that RETURN
           cannot pass for the end of a creation.
"""

import numpy as np
from numpy.typing import NDArray

from circuits.buses import CALLER, CODE_LENGTH, COPY, ENDED, FRAME_END, STACK, STATE, CopyKind
from circuits.language import (
    U16,
    Bit,
    Builder,
    Cell,
    ColumnType,
    Next,
    Plan,
    Popped,
    ReturnedAccess,
    StepGadget,
    Steps,
    Uint,
    Witness,
    keys,
    values,
)
from circuits.language.compare import IsZeroSmall, Less
from circuits.language.memory import Growth, MemoryRange, range_end
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import RESUME, FrameKind

GAS_BITS = 64
UNDO_BITS = 32
RESUME_TICKS = 2


class End(StepGadget):
    """What all ends but exceptional halts share: the gas handed back is in range."""

    left = Uint(GAS_BITS)

    def end(
        self,
        c: Builder,
        success: int,
        cost: Expr | int = 0,
        data: tuple[Expr | int, Expr | int, Expr | int] = (0, 0, 0),
    ) -> None:
        """Leave the token of the frame's end."""
        c.require_equal("gas is left", self.gas - cost, self.left.value)
        c.send(
            ENDED,
            self.real,
            self.frame,
            self.clock + 1,
            success * self.real,
            self.left.value,
            *data,
            self.undo,
            self.journal,
        )


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
        creates = (FrameKind.CREATE, FrameKind.ROOT_CREATE)
        return ~np.isin(s.trace.frames.kind[s.frame_index], creates)


class Revert(EndWithData):
    """REVERT."""

    name = "revert"
    opcodes = (Op.REVERT,)
    opcode = Op.REVERT
    success = 0


class ResumeCall(StepGadget):
    """The resumption of a caller; `undo` and `journal` are those that it had when it called."""

    name = "resume_call"
    opcodes = (RESUME,)

    callee = Cell(ColumnType.U64)
    success = Bit()
    handed_back = Cell(ColumnType.U64)
    data_frame = Cell(ColumnType.U64)
    offset = Cell(ColumnType.U32)
    length = Cell(ColumnType.U32)
    callee_undo = Uint(UNDO_BITS)
    callee_journal = Cell(ColumnType.U64)
    eor = Cell(ColumnType.U64)
    out_offset = Cell(ColumnType.U32)
    out_size = Cell(ColumnType.U32)
    returned = ReturnedAccess()
    wants_less = Less(32)  # than there is
    copied = Cell(ColumnType.U32)
    copies_none = IsZeroSmall(32)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return np.asarray(s.trace.frames.kind[ended_frames(s)] == FrameKind.CALL)

    def constrain(self, c: Builder) -> Next:
        fails = self.real - self.success
        undone = self.callee_undo.value
        c.require_zero("a success is real", self.success * (1 - self.real))
        c.require_zero("the end of reversion", fails * (self.clock - 1 - self.eor))
        c.request(FRAME_END, self.real, self.callee, FrameKind.CALL, self.success, self.eor)
        c.receive(
            ENDED,
            self.real,
            self.callee,
            self.clock - (1 - self.success) * undone,
            self.success,
            self.handed_back,
            self.data_frame,
            self.offset,
            self.length,
            undone,
            self.callee_journal,
        )
        output = (self.data_frame, self.offset, self.length)
        self.returned.use(c, self.real, (self.frame,), self.clock, output)
        self.wants_less.use(c, self.out_size, self.length)
        wanted = self.length + self.wants_less.bit * (self.out_size - self.length)
        c.require_equal("as much as is wanted and there", self.copied, wanted)
        self.copies_none.use(c, self.copied)
        c.send(
            COPY,
            self.real - self.copies_none.bit,
            self.clock,
            *(CopyKind.MEMORY, self.data_frame, self.offset, self.offset + self.copied),
            *(CopyKind.MEMORY, self.frame, self.out_offset, self.copied),
            *(0, 0),
        )
        return Next(opcode=None, gas=0)

    def _declare_state(self, c: Builder, step: Next) -> None:
        saved = (self.frame, self.code, self.pc, self.sp, self.gas, self.msize)
        counts = (self.undo, self.journal)
        c.receive(CALLER, self.real, self.callee, *saved, *counts, self.out_offset, self.out_size)
        c.send(STACK, self.real, self.frame, self.sp, self.success, 0, self.clock)
        c.send(
            STATE,
            self.real,
            self.clock + RESUME_TICKS,
            self.frame,
            self.code,
            self.pc + 1,
            self.sp + 1,
            self.gas + self.handed_back,
            self.msize,
            self.undo + self.success * (self.callee_undo.value - self.undo),
            self.journal + self.success * (self.callee_journal - self.journal),
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        callee = ended_frames(s)
        output = s.execution.outputs(callee)
        frames = s.trace.frames
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock, values(*output))
        data_frame, offset, length = output
        copied = np.minimum(length, frames.out_length[callee])
        some = copied > 0
        zero = np.zeros(int(some.sum()), np.uint64)
        plan.request(
            COPY,
            s.clock[some],
            *(zero + CopyKind.MEMORY, data_frame[some], offset[some], (offset + copied)[some]),
            *(zero + CopyKind.MEMORY, s.frame[some], frames.out_offset[callee][some], copied[some]),
            *(zero, zero),
        )

    def fill(self, w: Witness, s: Steps) -> None:
        callee = ended_frames(s)
        execution, frames = s.execution, s.trace.frames
        schedule = execution.schedule
        data_frame, offset, length = execution.outputs(callee)
        call_row, end_row = frames.call_row[callee], frames.end_row[callee]
        out_size = frames.out_length[callee]
        copied = np.minimum(length, out_size)
        w[self.undo] = schedule.undo_after[call_row]
        w[self.journal] = schedule.journal_after[call_row]
        w[self.callee] = schedule.frame_id[callee]
        w[self.success] = frames.success[callee]
        w[self.handed_back] = frames.gas_end[callee]
        w[self.data_frame] = data_frame
        w[self.offset] = offset
        w[self.length] = length
        w[self.callee_undo] = schedule.undo_after[end_row]
        w[self.callee_journal] = schedule.journal_after[end_row]
        w[self.eor] = schedule.eor[callee]
        w[self.out_offset] = frames.out_offset[callee]
        w[self.out_size] = out_size
        self.wants_less.fill(w, out_size, length)
        w[self.copied] = copied
        self.copies_none.fill(w, copied)


def code_lengths(s: Steps) -> NDArray[np.int64]:
    """The length of the code of each step's frame."""
    lengths = np.array([len(code) for code in s.trace.codes] + [0])
    return np.asarray(lengths[s.trace.frames.code[s.frame_index]])


def ended_frames(s: Steps) -> NDArray[np.int64]:
    """The frame whose end each resumption follows."""
    return np.asarray(s.execution.schedule.ended[s.rows - 1])
