"""Calls of code: a frame is opened.

Relation.  Yellow paper, appendix H (CALL, CALLCODE, DELEGATECALL); EIP-150: at most all but one
           64th of the gas is given; EIP-214 (STATICCALL);
           EIP-2929: the callee is touched; EIP-7702: so is the account it is delegated to.
           `resume_call` brings the call to its end.
Argument.  The frame's id is the clock of this step.  The value that moves is in the frame's count
           of writes, so that it comes back if the frame fails.
           Other outcomes (`frameless_calls`) exclude this one: the depth is below 1024, the value
           can be paid, the length of the code is in [1, 2^16].
"""

from __future__ import annotations

import numpy as np

from circuits.buses import CALLER, FRAME_CONTEXT, FRAME_STORE, OPEN, STATE
from circuits.execution.tokens import U64
from circuits.language import (
    U16,
    Bit,
    Builder,
    Cell,
    ColumnType,
    Next,
    Plan,
    Steps,
    Witness,
    WordExpr,
    word,
)
from circuits.language.calling import (
    CALL_TICKS,
    CallWithoutValue,
    Funded,
    Giving,
    KeepingCall,
    MovingCall,
    declare_room,
    fill_transfer,
    opened,
    plan_transfer,
    stipend,
)
from circuits.language.money import Transfer
from circuits.language.state import (
    Inverses,
    Undoing,
)
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ZERO, Expr
from zkevm.trace.trace import FrameKind


class Entering(Giving):
    """A call that opens a frame."""

    outcome = None

    code_length_rest = U16()  # the length of the code less one
    success = Bit()
    undone = Bit()
    eor = Cell(ColumnType.U64)

    def declare_frame(
        self,
        c: Builder,
        address: Expr,
        store: Expr,
        caller: Expr,
        value: WordExpr,
        static_call: Expr = ZERO,
        stipend: Expr = ZERO,
        moves: Expr = ZERO,
    ) -> None:
        """Open the frame, keep what the caller goes on with, and send the frame's first state.

        `stipend`: whether the callee gets it; `moves`: whether value moves.
        """
        this, child = self.this, self.clock
        declare_room(c, self)
        c.require_equal(
            "there is code to run", self.code_run.length - self.real, self.code_length_rest
        )
        self.declare_gift(c)
        data = (self.frame, self.data_in.start, self.data_in.size)
        flags = (self.success, static_call, this.scope)
        c.send(
            OPEN,
            self.real,
            *(child, self.frame, FrameKind.CALL, address, store, caller, *value),
            *(*data, self.code_run.code, *flags),
        )
        static = this.is_static + static_call * (1 - this.is_static)
        context = (this.depth + 1, this.scope, static, self.undone, self.eor)
        c.request(FRAME_CONTEXT, self.real, child, *context)
        c.send(
            CALLER,
            self.real,
            *(child, self.frame, self.code, self.pc, self.sp - len(self.popped())),
            *(self.available.value - self.given, self.growth.msize, self.saved_undo),
            *(self.journal, self.data_out.start, self.data_out.size),
        )
        writes = self.first_write + 2 * moves * self.undone
        left = self.given + gas.CALL_STIPEND * stipend
        state = (child, self.code_run.code, 0, 0, left, 0, writes, self.journal)
        c.send(STATE, self.real, self.clock + CALL_TICKS, *state)

    @property
    def first_write(self) -> Expr:
        """The number of the frame's first write: a success goes on with the caller's count."""
        return self.success * self.saved_undo

    def gas_after_charging(self, s: Steps) -> U64:
        frames, child = s.trace.frames, opened(s)
        saved = s.trace.rows.gas[frames.end_row[child] + 1]
        return saved + frames.gas_start[child] - stipend(s)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        execution, child = s.execution, opened(s)
        schedule, frames = execution.schedule, s.trace.frames
        lengths = np.array([len(code) for code in s.trace.codes])
        w[self.code_length_rest] = lengths[frames.code[child]] - 1
        w[self.success] = frames.success[child]
        w[self.undone] = schedule.undone[child]
        w[self.eor] = schedule.eor[child]


class EnterCall(Entering, MovingCall):
    """CALL of code."""

    name = "enter_call"

    transfer = Transfer()

    def constrain(self, c: Builder) -> Next:
        # An account with code is not dead: no charge for a new one.
        self.declare_call(c, self.declare_value(c))
        address, caller = self.address, self.this.address
        store, value, moves = self.code_run.store, self.value.expr, self.has_value
        self.declare_frame(c, address, store, caller, value, stipend=moves, moves=moves)
        undoing = [Undoing(self.undone, self.eor - self.first_write - k) for k in range(2)]
        clock = self.clock + 1
        self.transfer.use(c, moves, caller, address, value, clock, undoing)
        return Next(opcode=Op.CALL, gas=0, ends=True)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        schedule, child = s.execution.schedule, opened(s)
        first = np.where(s.trace.frames.success[child], self._saved_undo(s), np.uint64(0))
        clock = schedule.eor[child] - first
        inverses = [Inverses(schedule.undone[child], clock - np.uint64(k)) for k in range(2)]
        plan_transfer(self, self.transfer, plan, s, inverses)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        fill_transfer(self.transfer, w, s)


class EnterCode(Entering, Funded, KeepingCall):
    """CALLCODE of code: the value stays where it is, but has to be there."""

    name = "enter_code"

    own_store = Cell(ColumnType.U64)

    def constrain(self, c: Builder) -> Next:
        self.declare_call(c, self.declare_value(c))
        this, value = self.this, self.value.expr
        facts = (this.scope, this.is_static, this.undone, this.eor)
        c.request(FRAME_STORE, self.real, self.frame, self.own_store, *facts)
        self.declare_funds(c)
        owner = (this.address, self.own_store, this.address)
        self.declare_frame(c, *owner, value, stipend=self.has_value)
        return Next(opcode=Op.CALLCODE, gas=0, ends=True)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.own_store] = s.execution.frame_stores[s.frame_index]


class EnterPlain(Entering, CallWithoutValue):
    """DELEGATECALL and STATICCALL of code."""

    name = "enter_plain"

    own_store = Cell(ColumnType.U64)

    def constrain(self, c: Builder) -> Next:
        self.declare_call(c, 0)
        this, static = self.this, self.is_static
        c.require_zero("static call is real", static * (1 - self.real))
        facts = (this.scope, this.is_static, this.undone, this.eor)
        c.request(FRAME_STORE, self.real - static, self.frame, self.own_store, *facts)
        self.declare_frame(
            c,
            this.address + static * (self.address - this.address),
            self.own_store + static * (self.code_run.store - self.own_store),
            this.caller + static * (this.address - this.caller),
            word((1 - static) * this.value.lo, (1 - static) * this.value.hi),
            static,
        )
        return Next(opcode=self.opcode, gas=0, ends=True)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        own = s.execution.frame_stores[s.frame_index]
        w[self.own_store] = np.where(s.opcode == Op.STATICCALL, np.uint64(0), own)


ENTERING = (EnterCall, EnterCode, EnterPlain)
