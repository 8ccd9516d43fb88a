"""Calls that open no frame.

Outcomes.  empty   the code is empty: value moves, 1 is pushed, the gas comes back
           fail    the stack of calls is full, or the caller has less than the value: 0 is pushed,
                   the gas comes back
Relation.  Yellow paper, appendix H (CALL); EIP-161: value that moves to a dead account costs more;
           EIP-2929, EIP-7702 as for `calls`.  Nothing was returned.
Argument.  The outcomes exclude each other: the depth is below 1024 or 1024; the value can be paid
           or is more than the balance; the length of the code is 0 or not.
"""

from __future__ import annotations

import numpy as np

from circuits.execution.tokens import U64, Mask
from circuits.language import (
    Bit,
    Builder,
    Next,
    Plan,
    ReturnedAccess,
    Steps,
    Witness,
    keys,
    values,
    word,
)
from circuits.language.callee import codes_of
from circuits.language.calling import (
    CALL_TICKS,
    Calling,
    CallWithoutValue,
    CallWithValue,
    Funded,
    KeepingCall,
    MovingCall,
    declare_room,
    fill_transfer,
    own_addresses,
    plan_transfer,
    stipend,
    with_value,
)
from circuits.language.compare import LessWord
from circuits.language.money import Transfer
from circuits.language.new_account import NewAccount
from circuits.language.state import (
    BalanceAccess,
    Inverses,
    addresses,
)
from zkevm.evm import gas
from zkevm.evm.instructions.system import MAX_DEPTH
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import CallOutcome


class Frameless(Calling):
    """A call that opens no frame: its result is pushed at once, and nothing was returned."""

    returned = ReturnedAccess()

    def declare_result(
        self,
        c: Builder,
        opcode: Expr | int,
        cost: Expr,
        result: int,
        writes: Expr | int = 0,
        output: tuple[Expr | int, ...] = (0, 0, 0),
        ticks: int = CALL_TICKS,
    ) -> Next:
        """Say where the return data is, by default nowhere, and go on."""
        self.returned.use(c, self.real, (self.frame,), self.clock, output)
        return Next(
            opcode=opcode,
            gas=cost,
            push=word(result),
            msize=self.growth.msize,
            undo=self.saved_undo + writes,
            ticks=ticks,
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        new = values(*self.output(s))
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock, new)

    def output(self, s: Steps) -> tuple[U64, U64, U64]:
        """Where the return data is: data frame, offset, length."""
        none = np.zeros(len(s), np.uint64)
        return none, none, none

    def gas_after_charging(self, s: Steps) -> U64:
        return s.next_gas - stipend(s)


class FramelessCall(Frameless, MovingCall):
    """CALL that opens no frame."""

    new_account = NewAccount()

    def declare_costs(self, c: Builder) -> Expr:
        """All that is charged."""
        code = self.code_run.info.code
        self.new_account.use(c, self.has_value, self.address, self.clock, code)
        return self.declare_call(c, self.declare_value(c) + self.new_account.cost)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        address = addresses(s.pop(1))
        self.new_account.plan(self, plan, address, s.clock, with_value(s))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        codes = [f.code for f in codes_of(s.execution, addresses(s.pop(1)), s.rows)]
        self.new_account.fill(w, codes, with_value(s))


class Paying(FramelessCall):
    """CALL that opens no frame, whose value moves."""

    transfer = Transfer()

    def declare_payment(self, c: Builder) -> Expr:
        """Move the value.  Returns how many writes that takes."""
        moves, this = self.has_value, self.this
        undoing = [this.undoing(self.saved_undo + k) for k in range(2)]
        accounts = (this.address, self.address)
        self.transfer.use(c, moves, *accounts, self.value.expr, self.clock + 1, undoing)
        return 2 * moves * this.undone

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        clock = s.eor - self._saved_undo(s)
        inverses = [Inverses(s.undone, clock - np.uint64(k)) for k in range(2)]
        plan_transfer(self, self.transfer, plan, s, inverses)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        fill_transfer(self.transfer, w, s)


class EmptyCall(Paying):
    """CALL of an account without code."""

    name = "empty_call"
    outcome = CallOutcome.EMPTY

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_costs(c)
        declare_room(c, self)
        c.require_zero("there is no code", self.code_run.length)
        paid = cost - gas.CALL_STIPEND * self.has_value
        return self.declare_result(c, Op.CALL, paid, 1, self.declare_payment(c))


class EmptyCodeCall(Frameless, Funded, KeepingCall):
    """CALLCODE of an account without code."""

    name = "empty_code_call"
    outcome = CallOutcome.EMPTY

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, self.declare_value(c))
        declare_room(c, self)
        c.require_zero("there is no code", self.code_run.length)
        self.declare_funds(c)
        return self.declare_result(c, Op.CALLCODE, cost - gas.CALL_STIPEND * self.has_value, 1)


class EmptyPlain(Frameless, CallWithoutValue):
    """DELEGATECALL and STATICCALL of an account without code."""

    name = "empty_plain"
    outcome = CallOutcome.EMPTY

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, 0)
        declare_room(c, self)
        c.require_zero("there is no code", self.code_run.length)
        return self.declare_result(c, self.opcode, cost, 1)


class FailWithValue(Frameless, CallWithValue):
    """CALL or CALLCODE at the greatest depth, or with more value than there is."""

    outcome = CallOutcome.DEPTH_OR_BALANCE_FAIL

    full = Bit()
    balance = BalanceAccess()
    too_little = LessWord()

    def declare_failure(self, c: Builder, opcode: Op, cost: Expr) -> Next:
        """Say why it fails, and go on."""
        reads = self.real - self.full
        c.require_zero("full is real", self.full * (1 - self.real))
        c.require_zero("full at the greatest depth", self.full * (self.this.depth - MAX_DEPTH))
        self.balance.read(c, reads, self.this.address, self.clock + 1)
        self.too_little.use(c, self.balance.word, self.value.expr)
        c.require_zero("or the balance is too little", reads * (1 - self.too_little.bit))
        return self.declare_result(c, opcode, cost - gas.CALL_STIPEND * self.has_value, 0)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        clock = s.clock + np.uint64(1)
        self.balance.plan_read(self, plan, own_addresses(s), clock, ~self._full(s))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.full] = self._full(s)
        self.too_little.fill(w, w.word(*self.balance.old), s.pop(2))

    def _full(self, s: Steps) -> Mask:
        return np.asarray(s.trace.frames.depth[s.frame_index] == MAX_DEPTH)


class FailCall(FramelessCall, FailWithValue):
    """CALL at the greatest depth, or with more value than there is."""

    name = "fail_call"

    def constrain(self, c: Builder) -> Next:
        return self.declare_failure(c, Op.CALL, self.declare_costs(c))


class FailCode(FailWithValue, KeepingCall):
    """CALLCODE at the greatest depth, or with more value than there is."""

    name = "fail_code"

    def constrain(self, c: Builder) -> Next:
        return self.declare_failure(c, Op.CALLCODE, self.declare_call(c, self.declare_value(c)))


class FailPlain(Frameless, CallWithoutValue):
    """DELEGATECALL and STATICCALL at the greatest depth."""

    name = "fail_plain"
    outcome = CallOutcome.DEPTH_OR_BALANCE_FAIL

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, 0)
        c.require_equal("at the greatest depth", self.this.depth, MAX_DEPTH * self.real)
        return self.declare_result(c, self.opcode, cost, 0)


FRAMELESS = (EmptyCall, EmptyCodeCall, EmptyPlain, FailCall, FailCode, FailPlain)
