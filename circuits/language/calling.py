"""What all calls begin with: operands, memory, the callee and its code, what is charged.

Argument.  The gas left after charging is in range whatever the outcome (CIRCUITS.md, section 7).
           Marks are in the caller's count of writes.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.execution.events import events_at
from circuits.execution.tokens import U64, Mask
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Part,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordExpr,
)
from circuits.language.arrays import integers
from circuits.language.callee import CalleeCode, OwnCode, followed
from circuits.language.compare import IsZeroWord
from circuits.language.memory import Growth, Larger, MemoryRange, range_end
from circuits.language.money import HALF, Debit, Transfer
from circuits.language.state import (
    AddressAccess,
    AddressWord,
    BalanceAccess,
    FrameSelf,
    Inverses,
    addresses,
    inverses_of,
)
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.instructions.system import MAX_DEPTH
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Column, Expr
from zkevm.trace.trace import CallOutcome, StateEventKind
from zkevm.trace.words import Words, words_from_ints

CALL_TICKS = 3
"""Touch and code of the callee; of its delegate, and the debit; the credit."""

DEPTH_BITS = 10
GIVEN_FRACTION = 64  # EIP-150


class CallStep(StepGadget):
    """The operands of every call but the value and the ranges."""

    requested = Popped()
    callee = Popped(AddressWord())

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    @property
    def address(self) -> Expr:
        """The address called."""
        operand = self.callee.word
        if not isinstance(operand, AddressWord):
            raise TypeError("the operand is not taken apart as an address")
        return operand.address


class ValueStep(CallStep):
    """The value of a CALL or CALLCODE."""

    value = Popped()
    no_value = IsZeroWord()


class Calling(CallStep):
    """What all calls begin with, whatever comes of them."""

    input_offset = Popped()
    input_size = Popped()
    output_offset = Popped()
    output_size = Popped()
    data_in = MemoryRange(input_offset, input_size)
    data_out = MemoryRange(output_offset, output_size)
    end = Larger(data_in.end, data_out.end)
    growth = Growth(end.value)
    this = FrameSelf()
    touch = AddressAccess()
    code_run: OwnCode = CalleeCode()
    available = Uint(64)  # gas left after charging
    saved_undo = Cell(ColumnType.U32)  # writes of this frame, with those of this step

    outcome: ClassVar[CallOutcome | None]

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        outcome = s.take(s.execution.schedule.outcome)
        return np.asarray(outcome == (-1 if self.outcome is None else self.outcome))

    def declare_call(self, c: Builder, surcharge: Expr | int) -> Expr:
        """Touch the callee, read its code, charge.  Returns the cost."""
        self.this.use(c, self.frame)
        scope, undone = self.this.scope, self.this.undone
        touched, delegated = (self.this.undoing(self.undo + k) for k in range(2))
        self.touch.use(c, self.real, self.address, self.clock, scope, touched)
        self.code_run.use(c, self.fork, self.address, self.clock, scope, delegated)
        follows = self.code_run.follows
        touches = self.real * self.touch.cost + self.code_run.cost
        cost = self.growth.cost + touches + surcharge
        c.require_equal("gas after charging", self.available.value, self.gas - cost)
        writes = self.undo + undone * (self.real + follows)
        c.require_equal("writes with those of this step", self.saved_undo, writes)
        return cost

    def plan(self, s: Steps, plan: Plan) -> None:
        warm = [
            events_at(s.trace, s.rows, StateEventKind.WARM_ACCOUNT, k).old[:, 0] != 0
            for k in range(2)
        ]
        address = addresses(s.pop(1))
        self.growth.plan(s, plan, self._end(s))
        self.touch.plan(self, plan, address, s.clock, warm[0], inverses_of(s))
        self.code_run.plan(
            self, plan, self.fork, address, s.rows, s.clock, warm[1], inverses_of(s, 1)
        )

    def fill(self, w: Witness, s: Steps) -> None:
        first = self._first_range()
        ranges = (s.pop(first), s.pop(first + 1)), (s.pop(first + 2), s.pop(first + 3))
        self.data_in.fill(w, *ranges[0])
        self.data_out.fill(w, *ranges[1])
        self.end.fill(w, range_end(*ranges[0]), range_end(*ranges[1]))
        self.growth.fill(w, s, self._end(s))
        self.this.fill(w, s)
        self.code_run.fill(w, s.execution, self.fork, addresses(s.pop(1)), s.rows)
        w[self.available] = self.gas_after_charging(s)
        w[self.saved_undo] = self._saved_undo(s)

    def _first_range(self) -> int:
        return len(self.popped()) - 4

    def _end(self, s: Steps) -> U64:
        first = self._first_range()
        ends = [range_end(s.pop(k), s.pop(k + 1)) for k in (first, first + 2)]
        return np.maximum(*ends)

    def _saved_undo(self, s: Steps) -> U64:
        _, follows = followed(s.execution, self.fork, addresses(s.pop(1)), s.rows)
        return s.undo + s.undone * (1 + follows.astype(np.uint64))

    @abstractmethod
    def gas_after_charging(self, s: Steps) -> U64:
        """The gas left after charging, before any is given."""


class CallWithValue(Calling, ValueStep):
    """CALL and CALLCODE."""

    @property
    def has_value(self) -> Expr:
        """Whether there is value."""
        return self.real - self.no_value.bit

    def declare_value(self, c: Builder) -> Expr:
        """Declare what a value asks for.  Returns what it costs."""
        self.no_value.test(c, self.value.expr)
        return gas.CALL_VALUE * self.has_value

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.no_value] = s.pop(2)
        super().fill(w, s)


class MovingCall(CallWithValue):
    """CALL: the value moves."""

    opcodes = (Op.CALL,)

    def declare_value(self, c: Builder) -> Expr:
        cost = super().declare_value(c)
        c.require_zero("no value from a static frame", self.has_value * self.this.is_static)
        return cost


class KeepingCall(CallWithValue):
    """CALLCODE: the value does not move, but has to be there."""

    opcodes = (Op.CALLCODE,)


class Funds(Part):
    """The balance of an account, which is not less than an amount."""

    def __init__(self) -> None:
        self.balance = BalanceAccess()
        self.rest = Debit()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".balance", self.balance
        yield ".rest", self.rest

    def use(self, c: Builder, owner: Expr, amount: WordExpr, clock: Expr) -> None:
        """On every real row, `owner` has the amount."""
        self.balance.read(c, c.real, owner, clock)
        self.rest.use(c, self.balance.word, amount)

    def fill(self, w: Witness, amount: Words) -> None:
        """From the amounts; the balances have been read already."""
        self.rest.fill(w, w.word(*self.balance.old), amount)


def with_value(s: Steps) -> Mask:
    """Which steps have value: CALL and CALLCODE only."""
    found: Mask = np.isin(s.opcode, (Op.CALL, Op.CALLCODE)) & s.pop(2).any(axis=1)
    return found


def stipend(s: Steps) -> U64:
    """What a callee gets for nothing, where there is value."""
    return np.where(with_value(s), np.uint64(gas.CALL_STIPEND), np.uint64(0))


def own_addresses(s: Steps) -> Words:
    """The address of each step's frame."""
    found: Words = s.trace.frames.address[s.frame_index]
    return found


class Funded(CallWithValue):
    """A call whose value has to be there, although it does not move."""

    funds = Funds()

    def declare_funds(self, c: Builder) -> None:
        """The balance is not less than the value."""
        self.funds.use(c, self.this.address, self.value.expr, self.clock + 1)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        clock = s.clock + np.uint64(1)
        self.funds.balance.plan_read(self, plan, own_addresses(s), clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.funds.fill(w, s.pop(2))


class Giving(Calling):
    """A call that gives gas away: what is asked for, but at most all but one 64th (EIP-150)."""

    share = Uint(64)  # the 64th that is kept
    as_asked = Bit()  # what is asked for is given; else all that may be
    much = Bit()  # 2^128 or more is asked for
    slack = Uint(128)
    given = Cell(ColumnType.U64)

    def declare_gift(self, c: Builder) -> None:
        """Declare how much is given."""
        available, share, asked = self.available.value, self.share.value, self.requested
        # share < 2^64: the difference does not wrap
        c.require_range("a 64th", self.real, available - GIVEN_FRACTION * share, 6)
        most = available - share
        c.require_zero("not much is asked for if given", self.as_asked * (asked.hi + self.much))
        # as asked: asked <= most; else either asked.hi >= 1, or asked.lo > most
        more = self.much * (asked.hi - 1) + (1 - self.much) * (asked.lo - most - 1)
        distance = self.as_asked * (most - asked.lo) + (self.real - self.as_asked) * more
        c.require_equal("the smaller is given", distance, self.slack.value)
        c.require_equal("gas given", self.given, most + self.as_asked * (asked.lo - most))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        available = self.gas_after_charging(s)
        share = available // np.uint64(GIVEN_FRACTION)
        pairs = list(zip(integers(s.pop(0)), integers(available - share), strict=True))
        w[self.share] = share
        w[self.as_asked] = np.array([asked <= most for asked, most in pairs])
        w[self.much] = np.array([asked >= HALF for asked, _ in pairs])
        w[self.slack] = words_from_ints(_slack(asked, most) for asked, most in pairs)
        w[self.given] = np.array([min(pair) for pair in pairs], np.uint64)


def _slack(asked: int, most: int) -> int:
    if asked <= most:
        return most - asked
    return (asked >> 128) - 1 if asked >= HALF else asked - most - 1


class CallWithoutValue(Calling):
    """DELEGATECALL and STATICCALL."""

    opcodes = (Op.DELEGATECALL, Op.STATICCALL)

    is_static = Bit()

    @property
    def opcode(self) -> Expr:
        """The opcode."""
        return self.real * Op.DELEGATECALL + self.is_static * (Op.STATICCALL - Op.DELEGATECALL)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.is_static] = s.opcode == Op.STATICCALL
        super().fill(w, s)


def declare_depth(c: Builder, call: Calling) -> None:
    """The depth is below its limit."""
    room = MAX_DEPTH - 1 - call.this.depth
    c.require_range("room for another frame", call.real, room, DEPTH_BITS)


def declare_room(c: Builder, call: Calling) -> None:
    """The depth is below its limit, and the callee is no precompile (or is delegated)."""
    own = call.real - call.code_run.follows
    declare_depth(c, call)
    c.require_zero("no precompile", own * call.touch.mark.old[1])


def opened(s: Steps) -> NDArray[np.int64]:
    """The frame that each step opens."""
    return np.asarray(s.take(s.execution.schedule.opened))


def plan_transfer(
    owner: object, part: Transfer, plan: Plan, s: Steps, inverses: Sequence[Inverses]
) -> None:
    """Register the move of the value of each CALL."""
    own, called = own_addresses(s), addresses(s.pop(1))
    payer, payee = balances_before(s)
    clock = s.clock + np.uint64(1)
    part.plan(owner, plan, (own, payer), (called, payee), s.pop(2), clock, inverses, with_value(s))


def fill_transfer(part: Transfer, w: Witness, s: Steps) -> None:
    """Fill the move of the value of each CALL."""
    part.fill(w, *balances_before(s), s.pop(2), with_value(s))


def balances_before(s: Steps) -> tuple[Words, Words]:
    """The balances of payer and payee before each write."""
    payer, payee = (events_at(s.trace, s.rows, StateEventKind.BALANCE, k).old for k in range(2))
    return payer, payee
