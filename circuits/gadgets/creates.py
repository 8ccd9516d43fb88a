"""CREATE and CREATE2.

Outcomes.  enter     a frame runs the init code, in the name of the new account
           collide   the address is taken: 0 is pushed, the gas given is lost
           fail      the stack of calls is full, the creator has less than the value, or its nonce
                     is the last: 0 is pushed, the gas comes back, nothing is marked
Relation.  Yellow paper, section 7; EIP-150: all but one 64th of the gas is given; EIP-684, 7610: an
           address with nonce, code or storage is taken; EIP-1014; EIP-2681: the last nonce;
           EIP-2929: the address is warm, even if the creation fails; EIP-3860: size and cost of the
           init code.  Nothing was returned.
Argument.  The frame's id is the clock of this step.  The init code that runs is the one listed with
           the hash of the bytes in memory.  What becomes of the new account, and the value, are in
           the frame's count of writes; mark and nonce of the creator's are in its own.
           The outcomes exclude each other: depth below 1024 or 1024; the value can be paid or not;
           the next nonce is below 2^64 or the nonce is 2^64 - 1; the account is new or taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuits.buses import CALLER, FRAME_CONTEXT, OPEN, STATE
from circuits.execution.events import events_at
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Next,
    OneHot,
    Plan,
    ReturnedAccess,
    Steps,
    Witness,
    keys,
    values,
    word,
)
from circuits.language.arrays import integers
from circuits.language.birth import BIRTH_WRITES, Birth, Site, Taken
from circuits.language.callee import CodeInfo, listed_code
from circuits.language.compare import LessWord
from circuits.language.creating import (
    CREATE_TICKS,
    Create,
    Create2,
    CreateStep,
    NamedByNonce,
    NamedBySalt,
    Naming,
    creators,
    declare_init,
    new_addresses,
    plan_init,
)
from circuits.language.hashing import RangeHash
from circuits.language.money import HALF, Debit, Transfer
from circuits.language.state import BalanceAccess, Inverses, NonceAccess, Undoing
from zkevm.evm.instructions.system import MAX_DEPTH, MAX_NONCE
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import CallOutcome, FrameKind, StateEventKind
from zkevm.trace.words import Words, words_from_ints


class Entering(Naming):
    """A creation that opens a frame."""

    init: RangeHash

    code_run = CodeInfo()
    birth = Birth()
    moves = Bit()
    transfer = Transfer()
    success = Bit()
    undone = Bit()
    eor = Cell(ColumnType.U64)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return np.asarray(s.take(s.execution.schedule.outcome) < 0)

    def declare_frame(self, c: Builder) -> None:
        """Make the account, move the value, open the frame and send its first state."""
        real, this, child = self.real, self.this, self.clock
        self.code_run.use(c, real, self.init.digest)
        first = self.success * self.saved_undo
        undoing = [Undoing(self.undone, self.eor - first - k) for k in range(4)]
        clock = self.clock + 1
        self.birth.use(c, real, self.address, clock, this.scope, undoing[:BIRTH_WRITES])
        # A move of nothing changes nothing: `moves` may be 1 then.
        c.require_zero("value moves, low half", self.value.lo * (1 - self.moves))
        c.require_zero("value moves, high half", self.value.hi * (1 - self.moves))
        c.require_zero("moves is real", self.moves * (1 - real))
        accounts, moved = (this.address, self.address), self.value.expr
        self.transfer.use(c, self.moves, *accounts, moved, clock, undoing[BIRTH_WRITES:])
        c.send(
            OPEN,
            real,
            *(child, self.frame, FrameKind.CREATE, self.address, self.birth.store, this.address),
            *(*self.value.expr, 0, 0, 0, self.code_run.code, self.success, 0, this.scope),
        )
        context = (this.depth + 1, this.scope, 0, self.undone, self.eor)
        c.request(FRAME_CONTEXT, real, child, *context)
        sp = self.sp - len(self.popped())
        saved = (self.frame, self.code, self.pc, sp, self.share.value, self.growth.msize)
        c.send(CALLER, real, child, *saved, self.saved_undo, self.journal, 0, 0)
        given = self.available.value - self.share.value
        writes = first + (BIRTH_WRITES * real + 2 * self.moves) * self.undone
        state = (child, self.code_run.code, 0, 0, given, 0, writes, self.journal)
        c.send(STATE, real, self.clock + CREATE_TICKS, *state)

    def constrain(self, c: Builder) -> Next:
        self.declare_charge(c)
        self.declare_naming(c)
        self.declare_frame(c)
        return Next(opcode=self.opcodes[0], gas=0, ends=True)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        schedule, child = s.execution.schedule, opened(s)
        undone, clock = schedule.undone[child], s.clock + np.uint64(1)
        first = np.where(s.trace.frames.success[child], s.undo + np.uint64(2) * s.undone, 0)
        last = schedule.eor[child] - first.astype(np.uint64)
        inverses = [Inverses(undone, last - np.uint64(k)) for k in range(4)]
        self.birth.plan(self, plan, new_addresses(s), clock, inverses[:BIRTH_WRITES])
        payer, payee = balances_before(s)
        self.transfer.plan(
            self,
            plan,
            (creators(s), payer),
            (new_addresses(s), payee),
            s.pop(0),
            clock,
            inverses[BIRTH_WRITES:],
            with_value(s),
        )

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        execution, child = s.execution, opened(s)
        codes = s.trace.frames.code[child].tolist()
        self.code_run.fill(w, [listed_code(execution, place) for place in codes])
        w[self.moves] = with_value(s)
        self.transfer.fill(w, *balances_before(s), s.pop(0), with_value(s))
        w[self.success] = s.trace.frames.success[child]
        w[self.undone] = execution.schedule.undone[child]
        w[self.eor] = execution.schedule.eor[child]


class EnterCreate(NamedByNonce, Entering):
    """CREATE that opens a frame."""

    name = "enter_create"

    init = RangeHash()

    def declare_address(self, c: Builder) -> None:
        super().declare_address(c)
        declare_init(c, self, self.init)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        plan_init(self, self.init, s, plan)


class EnterCreate2(NamedBySalt, Entering):
    """CREATE2 that opens a frame."""

    name = "enter_create2"


class Frameless(CreateStep):
    """A creation that opens no frame: 0 is pushed, and nothing was returned."""

    returned = ReturnedAccess()

    def declare_result(self, c: Builder, cost: Expr, undo: Expr) -> Next:
        """Empty the return data and go on."""
        self.returned.use(c, self.real, (self.frame,), self.clock, (0, 0, 0))
        return Next(
            opcode=self.opcodes[0],
            gas=cost,
            push=word(0),
            msize=self.growth.msize,
            undo=undo,
            ticks=CREATE_TICKS,
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        none = np.zeros(len(s), np.uint64)
        new = values(none, none, none)
        plan.access(self, self.returned, plan.returned, keys(s.frame), s.clock, new)


class Colliding(Naming, Frameless):
    """A creation at an address that is taken."""

    balance = BalanceAccess()
    left = Debit()  # the value could be paid
    site = Site()
    taken = Taken(site)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        outcome = s.take(s.execution.schedule.outcome)
        return np.asarray(outcome == CallOutcome.CREATE_COLLISION)

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_charge(c)
        self.declare_naming(c)
        real, clock = self.real, self.clock + 1
        self.balance.read(c, real, self.this.address, clock)
        self.left.use(c, self.balance.word, self.value.expr)
        self.site.read(c, real, self.address, clock)
        c.require_equal("taken by something", self.taken.use(c), real)
        given = self.available.value - self.share.value
        return self.declare_result(c, cost + given, self.saved_undo)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        clock, address = s.clock + np.uint64(1), new_addresses(s)
        self.balance.plan_read(self, plan, creators(s), clock)
        self.site.plan_read(self, plan, address, clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.left.fill(w, w.word(*self.balance.old), s.pop(0))
        self.taken.fill(w, np.ones(len(s), np.bool_))


class CollideCreate(NamedByNonce, Colliding):
    """CREATE at an address that is taken."""

    name = "collide_create"


class CollideCreate2(NamedBySalt, Colliding):
    """CREATE2 at an address that is taken."""

    name = "collide_create2"


class Failing(Frameless):
    """A creation that fails before anything is marked."""

    because = OneHot(3)  # of the depth, the balance, the nonce
    nonce = NonceAccess()
    balance = BalanceAccess()
    too_little = LessWord()

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        failed = (CallOutcome.DEPTH_OR_BALANCE_FAIL, CallOutcome.NONCE)
        return np.isin(s.take(s.execution.schedule.outcome), failed)

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_charge(c)
        real, this = self.real, self.this
        full, poor, last = self.because
        self.nonce.read(c, real, this.address, self.clock)
        self.balance.read(c, real, this.address, self.clock)
        self.too_little.use(c, self.balance.word, self.value.expr)
        c.require_zero("at the greatest depth", full * (this.depth - MAX_DEPTH))
        c.require_zero("or the balance is too little", poor * (1 - self.too_little.bit))
        c.require_zero("or the nonce is the last", last * (self.nonce.old[0] - MAX_NONCE))
        return self.declare_result(c, cost, self.undo)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        for field in (self.nonce, self.balance):
            field.plan_read(self, plan, creators(s), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        lo, hi = (integers(w[cell]) for cell in self.balance.old)
        balance = words_from_ints(a + b * HALF for a, b in zip(lo, hi, strict=True))
        self.too_little.fill(w, balance, s.pop(0))
        full = s.trace.frames.depth[s.frame_index] == MAX_DEPTH
        w[self.because] = np.where(full, 0, np.where(w[self.too_little.bit], 1, 2))


class FailCreate(Failing, Create):
    """CREATE that fails before anything is marked."""

    name = "fail_create"


class FailCreate2(Failing, Create2):
    """CREATE2 that fails before anything is marked."""

    name = "fail_create2"


def opened(s: Steps) -> NDArray[np.int64]:
    """The frame that each step opens."""
    return np.asarray(s.take(s.execution.schedule.opened))


def with_value(s: Steps) -> NDArray[np.bool_]:
    """Which steps move value."""
    return np.asarray(s.pop(0).any(axis=1))


def balances_before(s: Steps) -> tuple[Words, Words]:
    """The balances of creator and contract before each write."""
    payer, payee = (events_at(s.trace, s.rows, StateEventKind.BALANCE, k).old for k in range(2))
    return payer, payee


CREATES = (EnterCreate, EnterCreate2, CollideCreate, CollideCreate2, FailCreate, FailCreate2)
