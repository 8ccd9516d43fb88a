"""CALL, DELEGATECALL and STATICCALL: a frame is opened, or the call ends at once.

Outcomes, each with its own tables (7 operands: CALL; 6: the others):
    enter   there is code to run: a frame is opened, which `resume_call` brings to its end
    empty   the code is empty: value moves, 1 is pushed, the gas comes back
    fail    the stack of calls is full, or the caller has less than the value: 0 is pushed, the gas
            comes back

Relation.  Yellow paper, appendix H (CALL); EIP-150: at most all but one 64th of the gas is given;
           EIP-2929: the callee is touched; EIP-7702: so is the account it is delegated to.
Argument.  The gas left after charging is in range whatever the outcome (CIRCUITS.md, section 7).
           The outcomes exclude each other: the depth is below 1024 or 1024; the value can be paid
           or is more than the balance; the length of the code is 0 or in [1, 2^16].
           Marks are in the caller's count of writes; the value that moves to a frame is in the
           frame's, so that it comes back if the frame fails.
Limits.    No CALLCODE, no call of a precompile.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.buses import CALLER, FRAME_CONTEXT, FRAME_STORE, OPEN, STATE
from circuits.execution.events import events_at
from circuits.execution.tokens import U64, Mask
from circuits.language import (
    U16,
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    Next,
    Part,
    Plan,
    Popped,
    ReturnedAccess,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordExpr,
    keys,
    total,
    values,
    word,
)
from circuits.language.arrays import integers
from circuits.language.callee import CalleeCode, code_facts, followed
from circuits.language.compare import IsZeroWord, LessWord
from circuits.language.memory import Growth, Larger, MemoryRange, range_end
from circuits.language.money import HALF, Transfer
from circuits.language.state import (
    AddressAccess,
    AddressWord,
    BalanceAccess,
    FrameSelf,
    Inverses,
    NonceAccess,
    Undoing,
    addresses,
    inverses_of,
)
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.instructions.system import MAX_DEPTH
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ZERO, Column, Expr
from zkevm.trace.trace import CallOutcome, FrameKind, StateEventKind
from zkevm.trace.words import Words, words_from_ints

TICKS = 3  # touch and code of the callee; of its delegate, and the debit; the credit
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
    """The value of a CALL."""

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
    code_run = CalleeCode()
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
        touches = self.real * self.touch.cost + follows * self.code_run.touch.cost
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
        self.code_run.plan(self, plan, self.fork, address, s.clock, warm[1], inverses_of(s, 1))

    def fill(self, w: Witness, s: Steps) -> None:
        first = self._first_range()
        ranges = (s.pop(first), s.pop(first + 1)), (s.pop(first + 2), s.pop(first + 3))
        self.data_in.fill(w, *ranges[0])
        self.data_out.fill(w, *ranges[1])
        self.end.fill(w, range_end(*ranges[0]), range_end(*ranges[1]))
        self.growth.fill(w, s, self._end(s))
        self.this.fill(w, s)
        self.code_run.fill(w, s.execution, self.fork, addresses(s.pop(1)))
        w[self.available] = self.gas_after_charging(s)
        w[self.saved_undo] = self._saved_undo(s)

    def _first_range(self) -> int:
        return len(self.popped()) - 4

    def _end(self, s: Steps) -> U64:
        first = self._first_range()
        ends = [range_end(s.pop(k), s.pop(k + 1)) for k in (first, first + 2)]
        return np.maximum(*ends)

    def _saved_undo(self, s: Steps) -> U64:
        _, follows = followed(s.execution, self.fork, addresses(s.pop(1)))
        return s.undo + s.undone * (1 + follows.astype(np.uint64))

    @abstractmethod
    def gas_after_charging(self, s: Steps) -> U64:
        """The gas left after charging, before any is given."""


class CallWithValue(Calling, ValueStep):
    """CALL."""

    opcodes = (Op.CALL,)

    @property
    def moves(self) -> Expr:
        """Whether value moves."""
        return self.real - self.no_value.bit

    def declare_value(self, c: Builder) -> Expr:
        """Declare what a value asks for.  Returns what it costs to move it."""
        self.no_value.test(c, self.value.expr)
        c.require_zero("no value from a static frame", self.moves * self.this.is_static)
        return gas.CALL_VALUE * self.moves

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.no_value] = s.pop(2)
        super().fill(w, s)


def with_value(s: Steps) -> Mask:
    """Which steps move value: CALLs only."""
    found: Mask = (s.opcode == Op.CALL) & s.pop(2).any(axis=1)
    return found


def stipend(s: Steps) -> U64:
    """What a callee gets for nothing, where value moves."""
    return np.where(with_value(s), np.uint64(gas.CALL_STIPEND), np.uint64(0))


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


class Entering(Calling):
    """A call that opens a frame."""

    outcome = None

    code_length_rest = U16()  # the length of the code less one
    share = Uint(64)  # the 64th that is kept
    as_asked = Bit()  # what is asked for is given; else all that may be
    much = Bit()  # 2^128 or more is asked for
    slack = Uint(128)
    given = Cell(ColumnType.U64)
    success = Bit()
    undone = Bit()
    eor = Cell(ColumnType.U64)

    def declare_gift(self, c: Builder) -> None:
        """The gas given: what is asked for, but at most all but one 64th (EIP-150)."""
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

    def declare_frame(
        self,
        c: Builder,
        address: Expr,
        store: Expr,
        caller: Expr,
        value: WordExpr,
        static_call: Expr,
        moves: Expr,
    ) -> None:
        """Open the frame, keep what the caller goes on with, and send the frame's first state."""
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
        left = self.given + gas.CALL_STIPEND * moves
        state = (child, self.code_run.code, 0, 0, left, 0, writes, self.journal)
        c.send(STATE, self.real, self.clock + TICKS, *state)

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
        available = self.gas_after_charging(s)
        share = available // np.uint64(GIVEN_FRACTION)
        most = [int(v) for v in available - share]
        asked = integers(s.pop(0))
        slack = [
            m - a if a <= m else (a >> 128) - 1 if a >= HALF else a - m - 1
            for a, m in zip(asked, most, strict=True)
        ]
        w[self.code_length_rest] = lengths[frames.code[child]] - 1
        w[self.share] = share
        w[self.as_asked] = np.array([a <= m for a, m in zip(asked, most, strict=True)])
        w[self.much] = np.array([a >= HALF for a in asked])
        w[self.slack] = words_from_ints(slack)
        w[self.given] = frames.gas_start[child] - stipend(s)
        w[self.success] = frames.success[child]
        w[self.undone] = schedule.undone[child]
        w[self.eor] = schedule.eor[child]


class EnterCall(Entering, CallWithValue):
    """CALL of code."""

    name = "enter_call"

    transfer = Transfer()

    def constrain(self, c: Builder) -> Next:
        # An account with code is not dead: no charge for a new one.
        self.declare_call(c, self.declare_value(c))
        address, caller = self.address, self.this.address
        store, value = self.code_run.store, self.value.expr
        self.declare_frame(c, address, store, caller, value, ZERO, self.moves)
        undoing = [Undoing(self.undone, self.eor - self.first_write - k) for k in range(2)]
        clock = self.clock + 1
        self.transfer.use(c, self.moves, caller, address, value, clock, undoing)
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
            ZERO,
        )
        return Next(opcode=self.opcode, gas=0, ends=True)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        own = s.execution.frame_stores[s.frame_index]
        w[self.own_store] = np.where(s.opcode == Op.STATICCALL, np.uint64(0), own)


class Frameless(Calling):
    """A call that opens no frame: its result is pushed at once, and nothing was returned."""

    returned = ReturnedAccess()

    def declare_result(
        self, c: Builder, opcode: Expr | int, cost: Expr, result: int, writes: Expr | int = 0
    ) -> Next:
        """Empty the return data and go on."""
        self.returned.use(c, self.real, (self.frame,), self.clock, (0, 0, 0))
        return Next(
            opcode=opcode,
            gas=cost,
            push=word(result),
            msize=self.growth.msize,
            undo=self.saved_undo + writes,
            ticks=TICKS,
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        none = np.zeros(len(s), np.uint64)
        new = values(none, none, none)
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock, new)

    def gas_after_charging(self, s: Steps) -> U64:
        return s.next_gas - stipend(s)


class NewAccount(Part):
    """Whether an account to which value moves is dead (EIP-161), so that it has to be paid for.

    It lives if one of nonce, balance and code is proven not to be zero.
    """

    def __init__(self) -> None:
        self.nonce = NonceAccess()
        self.balance = BalanceAccess()
        self.dead = Bit()
        self.lives_by = Bits(4)
        self.rest = Uint(128)  # what is not zero, less one

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".nonce", self.nonce
        yield ".balance", self.balance
        yield ".dead", self.dead
        yield ".lives_by", self.lives_by
        yield ".rest", self.rest

    def use(self, c: Builder, when: Expr, address: Expr, clock: Expr, code: Expr) -> None:
        """Where `when` is 1, of the account with this code id (0: no code)."""
        self.nonce.read(c, when, address, clock)
        self.balance.read(c, when, address, clock)
        facts = (self.nonce.old[0], *self.balance.word, code)
        lives = total(self.lives_by)
        c.require_equal(f"{self.label}: it lives or is dead", lives + self.dead, when)
        for name, fact in zip(("nonce", "low", "high", "code"), facts, strict=True):
            c.require_zero(f"{self.label}: dead, so without {name}", self.dead * fact)
        chosen = total(bit * fact for bit, fact in zip(self.lives_by, facts, strict=True))
        c.require_equal(f"{self.label}: it lives by this", chosen - lives, self.rest.value)

    @property
    def cost(self) -> Expr:
        """What a new account costs."""
        return gas.NEW_ACCOUNT * self.dead

    def plan(self, owner: object, plan: Plan, address: Words, clock: U64, where: Mask) -> None:
        """Register the reads."""
        self.nonce.plan_read(owner, plan, address, clock, where)
        self.balance.plan_read(owner, plan, address, clock, where)

    def fill(self, w: Witness, code: Sequence[int], where: Mask) -> None:
        """From the code ids; the fields have been read already."""
        nonce, lo, hi = (integers(w[cell]) for cell in (self.nonce.old[0], *self.balance.old))
        dead, by, rest = [], np.zeros((w.rows, 4), np.bool_), []
        for i, facts in enumerate(zip(nonce, lo, hi, code, strict=True)):
            living = [k for k, fact in enumerate(facts) if fact]
            dead.append(bool(where[i]) and not living)
            by[i, living[:1]] = where[i]
            rest.append(facts[living[0]] - 1 if living and where[i] else 0)
        w[self.dead] = np.array(dead, np.bool_)
        w[self.lives_by] = by
        w[self.rest] = words_from_ints(rest)


class FramelessCall(Frameless, CallWithValue):
    """CALL that opens no frame."""

    new_account = NewAccount()

    def declare_costs(self, c: Builder) -> Expr:
        """All that is charged."""
        code = self.code_run.info.code
        self.new_account.use(c, self.moves, self.address, self.clock, code)
        return self.declare_call(c, self.declare_value(c) + self.new_account.cost)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        address = addresses(s.pop(1))
        self.new_account.plan(self, plan, address, s.clock, with_value(s))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        called = integers(addresses(s.pop(1)))
        codes = [code_facts(s.execution, a).code for a in called]
        self.new_account.fill(w, codes, with_value(s))


class EmptyCall(FramelessCall):
    """CALL of an account without code."""

    name = "empty_call"
    outcome = CallOutcome.EMPTY

    transfer = Transfer()

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_costs(c)
        declare_room(c, self)
        c.require_zero("there is no code", self.code_run.length)
        moves, this = self.moves, self.this
        undoing = [this.undoing(self.saved_undo + k) for k in range(2)]
        accounts = (this.address, self.address)
        self.transfer.use(c, moves, *accounts, self.value.expr, self.clock + 1, undoing)
        paid = cost - gas.CALL_STIPEND * moves
        return self.declare_result(c, Op.CALL, paid, 1, 2 * moves * this.undone)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        clock = s.eor - self._saved_undo(s)
        inverses = [Inverses(s.undone, clock - np.uint64(k)) for k in range(2)]
        plan_transfer(self, self.transfer, plan, s, inverses)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        fill_transfer(self.transfer, w, s)


class EmptyPlain(Frameless, CallWithoutValue):
    """DELEGATECALL and STATICCALL of an account without code."""

    name = "empty_plain"
    outcome = CallOutcome.EMPTY

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, 0)
        declare_room(c, self)
        c.require_zero("there is no code", self.code_run.length)
        return self.declare_result(c, self.opcode, cost, 1)


class FailCall(FramelessCall):
    """CALL at the greatest depth, or with more value than there is."""

    name = "fail_call"
    outcome = CallOutcome.DEPTH_OR_BALANCE_FAIL

    full = Bit()
    balance = BalanceAccess()
    too_little = LessWord()

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_costs(c)
        reads = self.real - self.full
        c.require_zero("full is real", self.full * (1 - self.real))
        c.require_zero("full at the greatest depth", self.full * (self.this.depth - MAX_DEPTH))
        self.balance.read(c, reads, self.this.address, self.clock + 1)
        self.too_little.use(c, self.balance.word, self.value.expr)
        c.require_zero("or the balance is too little", reads * (1 - self.too_little.bit))
        return self.declare_result(c, Op.CALL, cost - gas.CALL_STIPEND * self.moves, 0)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        own, clock = s.trace.frames.address[s.frame_index], s.clock + np.uint64(1)
        self.balance.plan_read(self, plan, own, clock, ~self._full(s))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.full] = self._full(s)
        lo, hi = (integers(w[cell]) for cell in self.balance.old)
        balance = words_from_ints(a + b * HALF for a, b in zip(lo, hi, strict=True))
        self.too_little.fill(w, balance, s.pop(2))

    def _full(self, s: Steps) -> Mask:
        return np.asarray(s.trace.frames.depth[s.frame_index] == MAX_DEPTH)


class FailPlain(Frameless, CallWithoutValue):
    """DELEGATECALL and STATICCALL at the greatest depth."""

    name = "fail_plain"
    outcome = CallOutcome.DEPTH_OR_BALANCE_FAIL

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, 0)
        c.require_equal("at the greatest depth", self.this.depth, MAX_DEPTH * self.real)
        return self.declare_result(c, self.opcode, cost, 0)


def declare_room(c: Builder, call: Calling) -> None:
    """The depth is below its limit, and the callee is no precompile (or is delegated)."""
    own = call.real - call.code_run.follows
    room = MAX_DEPTH - 1 - call.this.depth
    c.require_range("room for another frame", call.real, room, DEPTH_BITS)
    c.require_zero("no precompile", own * call.touch.mark.old[1])


def opened(s: Steps) -> NDArray[np.int64]:
    """The frame that each step opens."""
    return np.asarray(s.take(s.execution.schedule.opened))


def plan_transfer(
    owner: object, part: Transfer, plan: Plan, s: Steps, inverses: Sequence[Inverses]
) -> None:
    """Register the move of the value of each CALL."""
    own, called = s.trace.frames.address[s.frame_index], addresses(s.pop(1))
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
