"""Calls that cannot be paid.

Relation.  memory + touch of the callee, and of the account it is delegated to + value > gas.
           Nothing is marked: the frame fails.
Argument.  Success has the gas left after charging in range.
Limits.    What memory alone makes too dear is `memory_out_of_gas`.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from circuits.execution.tokens import Mask
from circuits.language import (
    Bit,
    Builder,
    Halves,
    Next,
    Plan,
    Popped,
    Steps,
    Uint,
    Witness,
    select,
)
from circuits.language.arrays import integers, words
from circuits.language.callee import CodeInfo, codes_of, followed
from circuits.language.calling import CallStep
from circuits.language.compare import IsZeroWord
from circuits.language.halt import ExceptionalHalt
from circuits.language.new_account import NewAccount
from circuits.language.range_cost import RangeCost
from circuits.language.state import (
    CodeAccess,
    FrameStore,
    Freshness,
    MarkAccess,
    addresses,
)
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import Halt

SAVED_BY_WARMTH = gas.COLD_ACCOUNT - gas.WARM_ACCESS


class UnpaidStep(CallStep, ExceptionalHalt):
    """A call that cannot be paid."""

    halts = (Halt.OUT_OF_GAS,)


class UnpaidValueStep(UnpaidStep):
    """The value of a CALL or CALLCODE."""

    value = Popped()


class Unpaid(UnpaidStep):
    """What all unpaid calls share."""

    input_offset = Popped()
    input_size = Popped()
    output_offset = Popped()
    output_size = Popped()
    takes_output = Bit()  # of the two ranges, the output is the one that costs
    offset = Halves()
    size = Halves()
    range = RangeCost()
    here = FrameStore()
    mark = MarkAccess()
    fresh = Freshness()
    code_hash = CodeAccess()
    info = CodeInfo()
    follows = Bit()
    to_itself = Bit()  # delegated to the callee itself, which is warm then
    delegate_mark = MarkAccess()
    delegate_fresh = Freshness()
    shortfall = Uint(96)

    def declare_shortfall(self, c: Builder, surcharge: Expr | int) -> None:
        """The cost is more than the gas."""
        real, clock, scope = self.real, self.clock, self.here.scope
        self.here.use(c, self.frame)
        ranges = (
            (self.offset, self.input_offset, self.output_offset),
            (self.size, self.input_size, self.output_size),
        )
        for chosen, data_in, data_out in ranges:
            named = select(self.takes_output, data_out.expr, data_in.expr)
            c.require_equal(f"the {chosen.label} of a range, low half", chosen.lo, named.lo)
            c.require_equal(f"the {chosen.label} of a range, high half", chosen.hi, named.hi)
        memory = self.range.use(c, self.offset.expr, self.size.expr)
        c.require_zero("no range is huge", self.range.huge)
        self.mark.read(c, real, self.address, clock)
        self.fresh.use(c, real, scope, self.mark.old[0])
        self.code_hash.read(c, real, self.address, clock)
        self.info.use(c, real, self.code_hash.hash)
        # `info` is looked up on real rows only: on padding `delegated` may be anything
        followed_ = real * self.info.delegated if self.fork.has_delegations else 0
        c.require_equal("follows a delegation", self.follows, followed_)
        target = self.info.target
        c.require_zero("to itself follows a delegation", self.to_itself * (1 - self.follows))
        c.require_zero("delegated to itself", self.to_itself * (target - self.address))
        # One cell cannot be read twice at one clock: another account than the callee.
        other = self.follows - self.to_itself
        self.delegate_mark.read(c, other, target, clock)
        self.delegate_fresh.use(c, other, scope, self.delegate_mark.old[0])
        warm = self.fresh.same + self.mark.old[1]
        delegate_warm = self.delegate_fresh.same + self.delegate_mark.old[1]
        touches = (real + self.follows) * gas.COLD_ACCOUNT - SAVED_BY_WARMTH * (
            real * warm + self.to_itself + other * delegate_warm
        )
        missing = memory + touches + surcharge - self.gas - real
        c.require_equal("gas is short of the cost", self.shortfall.value, missing)

    @abstractmethod
    def surcharges(self, w: Witness, s: Steps) -> list[int]:
        """What the value costs."""

    def plan(self, s: Steps, plan: Plan) -> None:
        address = addresses(s.pop(1))
        self.mark.plan_read(self, plan, address, s.clock)
        self.code_hash.plan_read(self, plan, address, s.clock)
        targets, follows = followed(s.execution, self.fork, address, s.rows)
        other = follows & (targets != address).any(axis=1)
        self.delegate_mark.plan_read(self, plan, targets, s.clock, other)

    def fill(self, w: Witness, s: Steps) -> None:
        address = addresses(s.pop(1))
        targets, follows = followed(s.execution, self.fork, address, s.rows)
        itself = follows & (targets == address).all(axis=1)
        self.here.fill(w, s)
        self.info.fill(w, codes_of(s.execution, address, s.rows))
        w[self.follows], w[self.to_itself] = follows, itself
        scope, every, other = s.execution.scope, np.ones(len(s), np.bool_), follows & ~itself
        touch = _touch(w, scope, self.mark, self.fresh, every)
        touch += _touch(w, scope, self.delegate_mark, self.delegate_fresh, other)
        touch += np.where(itself, gas.WARM_ACCESS, 0)
        memory = self._fill_range(w, s)
        w[self.shortfall] = words(
            sum(costs) - have - 1
            for *costs, have in zip(
                memory, touch.tolist(), self.surcharges(w, s), s.gas.tolist(), strict=True
            )
        )

    def _fill_range(self, w: Witness, s: Steps) -> list[int]:
        first = len(self.popped()) - 4
        operands = [integers(s.pop(k)) for k in range(first, first + 4)]
        ends = [
            [a + n if n else 0 for a, n in zip(*operands[k : k + 2], strict=True)] for k in (0, 2)
        ]
        output = [b > a for a, b in zip(*ends, strict=True)]
        offset, size = (
            [b if o else a for a, b, o in zip(operands[k], operands[k + 2], output, strict=True)]
            for k in (0, 1)
        )
        w[self.takes_output] = np.array(output, np.bool_)
        w[self.offset], w[self.size] = words(offset), words(size)
        return self.range.fill(w, offset, size, s.msize.tolist())


class CallOutOfGas(Unpaid, UnpaidValueStep):
    """CALL that cannot be paid."""

    name = "call_out_of_gas"
    opcodes = (Op.CALL,)

    no_value = IsZeroWord()
    new_account = NewAccount()

    def constrain(self, c: Builder) -> Next:
        self.no_value.test(c, self.value.expr)
        moves = self.real - self.no_value.bit
        self.new_account.use(c, moves, self.address, self.clock, self.info.code)
        self.declare_shortfall(c, gas.CALL_VALUE * moves + self.new_account.cost)
        return self.halt(c, Op.CALL)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        self.new_account.plan(self, plan, addresses(s.pop(1)), s.clock, _moves(s))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.no_value] = s.pop(2)
        super().fill(w, s)

    def surcharges(self, w: Witness, s: Steps) -> list[int]:
        codes = [f.code for f in codes_of(s.execution, addresses(s.pop(1)), s.rows)]
        moves = _moves(s)
        self.new_account.fill(w, codes, moves)
        new = np.where(w[self.new_account.dead] != 0, gas.NEW_ACCOUNT, 0)
        return [int(cost) for cost in np.where(moves, gas.CALL_VALUE, 0) + new]


class CodeCallOutOfGas(Unpaid, UnpaidValueStep):
    """CALLCODE that cannot be paid."""

    name = "code_call_out_of_gas"
    opcodes = (Op.CALLCODE,)

    no_value = IsZeroWord()

    def constrain(self, c: Builder) -> Next:
        self.no_value.test(c, self.value.expr)
        self.declare_shortfall(c, gas.CALL_VALUE * (self.real - self.no_value.bit))
        return self.halt(c, Op.CALLCODE)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.no_value] = s.pop(2)
        super().fill(w, s)

    def surcharges(self, w: Witness, s: Steps) -> list[int]:
        return [int(cost) for cost in np.where(_moves(s), gas.CALL_VALUE, 0)]


class PlainCallOutOfGas(Unpaid):
    """DELEGATECALL or STATICCALL that cannot be paid."""

    name = "plain_call_out_of_gas"
    opcodes = (Op.DELEGATECALL, Op.STATICCALL)

    is_static = Bit()

    def constrain(self, c: Builder) -> Next:
        self.declare_shortfall(c, 0)
        opcode = self.real * Op.DELEGATECALL + self.is_static * (Op.STATICCALL - Op.DELEGATECALL)
        return self.halt(c, opcode)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.is_static] = s.opcode == Op.STATICCALL
        super().fill(w, s)

    def surcharges(self, w: Witness, s: Steps) -> list[int]:
        return [0] * len(s)


def _touch(
    w: Witness, scope: int, mark: MarkAccess, fresh: Freshness, where: Mask
) -> NDArray[np.int64]:
    """Fill whether a mark is fresh; return what touching its account costs, 0 if it is not."""
    fresh.fill(w, scope, w[mark.old[0]].astype(np.uint64), where)
    warm = (w[fresh.same] != 0) | (w[mark.old[1]] != 0)
    return np.where(where, np.where(warm, gas.WARM_ACCESS, gas.COLD_ACCOUNT), 0)


def _moves(s: Steps) -> Mask:
    """Which steps have value."""
    return np.asarray(s.pop(2).any(axis=1))


UNPAID = (CallOutOfGas, CodeCallOutOfGas, PlainCallOutOfGas)
