"""The resumption of a caller when the frame that it opened has ended.

Relation.  Takes the `ended` token of the frame with the `caller` token of the same frame:
               gas     = saved + handed back
               undo    = the child's if it succeeds, else saved;   journal likewise
               clock   = the end's, later by one tick for each write that was undone
           `resume_call` pushes the success, says where the output lies, and copies what the caller
           wants of it.  `resume_create` pushes the address of the contract, or 0; only a failure
           has an output (EIP-211).
Argument.  `ended` and `caller` carry the frame's id, which is unique.  A failing frame's writes are
           undone on the ticks up to the resumption: its end of reversion, so far a hint, is the
           last.  The frame's kind is looked up: of a creation that succeeds the output became the
           code, so it has none here, and no other end can pass for its deposit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuits.buses import CALLER, COPY, ENDED, ENV, FRAME_END, STACK, STATE, CopyKind
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Next,
    Plan,
    ReturnedAccess,
    StepGadget,
    Steps,
    Uint,
    Witness,
    keys,
    values,
)
from circuits.language.compare import IsZeroSmall, Less
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import RESUME, FrameKind

UNDO_BITS = 32
RESUME_TICKS = 2


class Resume(StepGadget):
    """What both share; `undo` and `journal` are those that the caller had when it called."""

    opcodes = (RESUME,)
    kind: FrameKind

    callee = Cell(ColumnType.U64)
    success = Bit()
    handed_back = Cell(ColumnType.U64)
    data_frame = Cell(ColumnType.U64)
    offset = Cell(ColumnType.U32)
    length = Cell(ColumnType.U32)
    callee_undo = Uint(UNDO_BITS)
    callee_journal = Cell(ColumnType.U64)
    eor = Cell(ColumnType.U64)
    returned = ReturnedAccess()

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return np.asarray(s.trace.frames.kind[ended_frames(s)] == self.kind)

    def declare_end(self, c: Builder) -> None:
        """Take the end of the frame, and say where its output lies."""
        fails = self.real - self.success
        undone = self.callee_undo.value
        c.require_zero("a success is real", self.success * (1 - self.real))
        c.require_zero("the end of reversion", fails * (self.clock - 1 - self.eor))
        c.request(FRAME_END, self.real, self.callee, self.kind, self.success, self.eor)
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

    def declare_resumption(
        self, c: Builder, push: tuple[Expr, Expr | int], out: tuple[Expr | int, Expr | int]
    ) -> None:
        """Take what the caller goes on with, push the result and send the caller's state."""
        saved = (self.frame, self.code, self.pc, self.sp, self.gas, self.msize)
        counts = (self.undo, self.journal)
        c.receive(CALLER, self.real, self.callee, *saved, *counts, *out)
        c.send(STACK, self.real, self.frame, self.sp, *push, self.clock)
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

    def _declare_state(self, c: Builder, step: Next) -> None:
        """The state is not received: the caller's was left in its `caller` token."""

    def plan(self, s: Steps, plan: Plan) -> None:
        output = values(*s.execution.outputs(ended_frames(s)))
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock, output)

    def fill(self, w: Witness, s: Steps) -> None:
        callee = ended_frames(s)
        execution, frames = s.execution, s.trace.frames
        schedule = execution.schedule
        call_row, end_row = frames.call_row[callee], frames.end_row[callee]
        w[self.undo] = schedule.undo_after[call_row]
        w[self.journal] = schedule.journal_after[call_row]
        w[self.callee] = schedule.frame_id[callee]
        w[self.success] = frames.success[callee]
        w[self.handed_back] = frames.gas_end[callee]
        for cell, column in zip(
            (self.data_frame, self.offset, self.length), execution.outputs(callee), strict=True
        ):
            w[cell] = column
        w[self.callee_undo] = schedule.undo_after[end_row]
        w[self.callee_journal] = schedule.journal_after[end_row]
        w[self.eor] = schedule.eor[callee]


class ResumeCall(Resume):
    """The resumption after a call."""

    name = "resume_call"
    kind = FrameKind.CALL

    out_offset = Cell(ColumnType.U32)
    out_size = Cell(ColumnType.U32)
    wants_less = Less(32)  # than there is
    copied = Cell(ColumnType.U32)
    copies_none = IsZeroSmall(32)

    def constrain(self, c: Builder) -> Next:
        self.declare_end(c)
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
        self.declare_resumption(c, (self.success, 0), (self.out_offset, self.out_size))
        return Next(opcode=None, gas=0)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        callee = ended_frames(s)
        frames = s.trace.frames
        data_frame, offset, length = s.execution.outputs(callee)
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
        super().fill(w, s)
        callee = ended_frames(s)
        frames = s.trace.frames
        length = s.execution.outputs(callee)[2]
        out_size = frames.out_length[callee]
        copied = np.minimum(length, out_size)
        w[self.out_offset] = frames.out_offset[callee]
        w[self.out_size] = out_size
        self.wants_less.fill(w, out_size, length)
        w[self.copied] = copied
        self.copies_none.fill(w, copied)


class ResumeCreate(Resume):
    """The resumption after a creation."""

    name = "resume_create"
    kind = FrameKind.CREATE

    address = Halves()  # of the contract, on success

    def constrain(self, c: Builder) -> Next:
        self.declare_end(c)
        c.require_zero("a contract is no output", self.success * self.length)
        c.request(ENV, self.success, self.callee, Op.ADDRESS, *self.address, label="the address")
        result = (self.success * self.address.lo, self.success * self.address.hi)
        self.declare_resumption(c, result, (0, 0))
        return Next(opcode=None, gas=0)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        frames, callee = s.trace.frames, ended_frames(s)
        w[self.address] = np.where(frames.success[callee, None] != 0, frames.address[callee], 0)


def ended_frames(s: Steps) -> NDArray[np.int64]:
    """The frame whose end each resumption follows."""
    return np.asarray(s.execution.schedule.ended[s.rows - 1])
