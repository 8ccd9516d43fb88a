"""SELFDESTRUCT, and its running out of gas.

Relation.  EIP-6780: the balance goes to the beneficiary; an account that was created in this
           transaction is marked, to be cleared at its end, and loses its balance even to itself;
           any other stays, and so does its balance if it is the beneficiary.
           EIP-150, 161, 2929: 5000, 2600 for a cold beneficiary (nothing for a warm one), 25000 if
           a balance goes to a dead one.  Forbidden in a static frame.  The frame succeeds.
Argument.  The balance is taken at one tick and given at the next, to another account only: it is
           not doubled.  The first mark of an account in a transaction counts it; the end of the
           transaction clears as many marked accounts as are counted.  All is reversible.
           Success has its gas in range, out of gas is short of the same cost.
"""

from __future__ import annotations

import numpy as np

from circuits.execution.events import events_at
from circuits.execution.schedule import SELFDESTRUCT_WRITES
from circuits.execution.tokens import Mask
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Next,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    constant,
    values,
    word,
)
from circuits.language.arrays import integers, inverses, signed_field
from circuits.language.birth import LifeAccess
from circuits.language.compare import IsEqualWord, IsZeroWord
from circuits.language.ending import End
from circuits.language.halt import ExceptionalHalt
from circuits.language.journal import JournalChange
from circuits.language.money import Credit
from circuits.language.new_account import NewAccount
from circuits.language.state import (
    AddressAccess,
    AddressWord,
    BalanceAccess,
    CodeAccess,
    FrameSelf,
    Freshness,
    MarkAccess,
    addresses,
    inverses_of,
)
from circuits.language.words import WordExpr
from zkevm.evm import gas
from zkevm.evm.keccak import EMPTY_HASH
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import Halt, StateEventKind
from zkevm.trace.words import Words, words_from_ints

TICKS = 2
"""The balance is taken; it is given."""


class Destroying(StepGadget):
    """The beneficiary, and whether giving it the balance makes it an account."""

    opcodes = (Op.SELFDESTRUCT,)

    heir = Popped(AddressWord())
    this = FrameSelf(writes=True)
    to_itself = Bit()
    difference = Cell(ColumnType.FIELD)  # of the two addresses, inverted
    own = BalanceAccess()
    nothing = IsZeroWord()  # to give
    gives = Bit()
    heir_code = CodeAccess()
    no_code = IsEqualWord()
    new_account = NewAccount()

    @property
    def heir_address(self) -> Expr:
        """The beneficiary."""
        operand = self.heir.word
        if not isinstance(operand, AddressWord):
            raise TypeError("the operand is not taken apart as an address")
        return operand.address

    def declare_heir(self, c: Builder) -> Expr:
        """Say whether the balance, read by the gadget, goes anywhere.  Returns what it costs."""
        real, this, heir = self.real, self.this, self.heir_address
        this.use(c, self.frame)
        # addresses are below 2^160: equal as numbers
        apart = heir - this.address
        c.require_zero("to itself", self.to_itself * apart)
        c.require_equal("or to another", self.difference * apart, real - self.to_itself)
        self.nothing.test(c, self.own.word)
        gives = (real - self.nothing.bit) * (1 - self.to_itself)
        c.require_equal("gives a balance to another", self.gives, gives)
        self.heir_code.read(c, self.gives, heir, self.clock)
        self.no_code.use(c, WordExpr(*self.heir_code.hash), constant(EMPTY_HASH), self.gives)
        has_code = self.gives - self.no_code.bit
        self.new_account.use(c, self.gives, heir, self.clock, has_code)
        return gas.SELFDESTRUCT * real + self.new_account.cost

    def plan(self, s: Steps, plan: Plan) -> None:
        heir, gives = addresses(s.pop(0)), gives_away(s)
        self.heir_code.plan_read(self, plan, heir, s.clock, gives)
        self.new_account.plan(self, plan, heir, s.clock, gives)

    def fill(self, w: Witness, s: Steps) -> None:
        own, heir, gives = owners(s), addresses(s.pop(0)), gives_away(s)
        itself = (own == heir).all(axis=1)
        self.this.fill(w, s)
        w[self.to_itself] = itself
        w[self.difference] = inverses(heir, own)
        w[self.nothing] = w.word(*self.own.old)
        w[self.gives] = gives
        empty = words_from_ints([EMPTY_HASH]).repeat(len(s), axis=0)
        self.no_code.fill(w, w.word(*self.heir_code.old[:2]), empty, gives)
        has_code = gives & (w[self.no_code.bit] == 0)
        self.new_account.fill(w, has_code.astype(np.int64).tolist(), gives)


class SelfDestruct(Destroying, End):
    """SELFDESTRUCT."""

    name = "selfdestruct"

    touch = AddressAccess()
    life = LifeAccess()
    created = Freshness()
    marked = Freshness()
    newly = Bit()
    stays = Bit()  # what is given to itself, if the account is not new
    heir_balance = BalanceAccess()
    total = Credit()
    entry = JournalChange()

    def constrain(self, c: Builder) -> Next:
        real, this, clock = self.real, self.this, self.clock
        undoing = [this.undoing(self.undo + k) for k in range(SELFDESTRUCT_WRITES + 1)]
        cost = self.declare_heir(c)
        self.touch.use(c, real, self.heir_address, clock, this.scope, undoing[0])
        created, marked, had_storage = self.life.old
        self.created.use(c, real, this.scope, created)
        self.marked.use(c, real, this.scope, marked)
        mine = self.created.same
        stays = self.to_itself * (1 - mine)
        c.require_equal("the balance stays", self.stays, stays)
        c.require_equal("marked for the first time", self.newly, mine * (1 - self.marked.same))
        balance = self.own.word
        kept = (self.stays * balance.lo, self.stays * balance.hi)
        self.own.write(c, real, this.address, clock, kept, undoing[1])
        life = (created, marked + mine * (this.scope - marked), had_storage)
        self.life.write(c, real, this.address, clock, life, undoing[2])
        given = word(self.gives * balance.lo, self.gives * balance.hi)
        self.total.use(c, self.heir_balance.word, given)
        total = tuple(self.total.word)
        self.heir_balance.write(c, self.gives, self.heir_address, clock + 1, total, undoing[3])
        journal = self.entry.use(c, self.newly, self.journal, clock, destroyed=1)
        cost = cost + gas.COLD_ACCOUNT * (real - self.touch.warm)
        writes = this.undone * (SELFDESTRUCT_WRITES * real + self.gives)
        self.end(c, 1, cost, writes=writes, journal=journal, ticks=TICKS)
        return Next(opcode=Op.SELFDESTRUCT, gas=cost, ends=True)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        own, heir, gives = owners(s), addresses(s.pop(0)), gives_away(s)
        mine, newly = _marks(s)
        balance = _balances(s)
        warm = events_at(s.trace, s.rows, StateEventKind.WARM_ACCOUNT).old[:, 0] != 0
        self.touch.plan(self, plan, heir, s.clock, warm, inverses_of(s))
        stays = (own == heir).all(axis=1) & ~mine
        kept = np.where(stays[:, None], balance, np.uint64(0))
        self.own.plan_write(self, plan, own, s.clock, kept, balance, inverses_of(s, 1))
        scope = np.uint64(s.execution.scope) * mine
        created = np.where(mine, scope, s.execution.created_before(own))
        had = s.execution.had_storage(own)
        old = values(created, scope * ~newly, had)
        life = values(created, scope, had)
        self.life.plan_write(self, plan, own, s.clock, life, old, inverses_of(s, 2))
        before = events_at(s.trace, s.rows, StateEventKind.BALANCE, 1).old
        sums = zip(integers(before), integers(balance), strict=True)
        total = words_from_ints((a + b) % 2**256 for a, b in sums)
        clock = s.clock + np.uint64(1)
        undoing = inverses_of(s, 3)
        self.heir_balance.plan_write(self, plan, heir, clock, total, before, undoing, gives)
        self.entry.plan(plan, s, destroyed=1, where=newly)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        mine, newly = _marks(s)
        every, gives = np.ones(len(s), np.bool_), gives_away(s)
        for fresh, mark in zip((self.created, self.marked), self.life.old[:2], strict=True):
            fresh.fill(w, s.execution.scope, w[mark].astype(np.uint64), every)
        w[self.newly] = newly
        w[self.stays] = (w[self.to_itself] != 0) & ~mine
        given = np.where(gives[:, None], _balances(s), np.uint64(0))
        self.total.fill(w, w.word(*self.heir_balance.old), given)
        self.entry.fill(w, s, newly)
        w[self.left] = s.trace.frames.gas_end[s.frame_index]


class SelfDestructOutOfGas(Destroying, ExceptionalHalt):
    """SELFDESTRUCT that cannot be paid: nothing is marked, the frame fails."""

    name = "selfdestruct_out_of_gas"
    halts = (Halt.OUT_OF_GAS,)

    mark = MarkAccess()
    fresh = Freshness()
    shortfall = Uint(32)

    def constrain(self, c: Builder) -> Next:
        real, this = self.real, self.this
        cost = self.declare_heir(c)
        self.own.read(c, real, this.address, self.clock)
        scope, always = self.mark.old
        self.mark.read(c, real, self.heir_address, self.clock)
        self.fresh.use(c, real, this.scope, scope)
        cost = cost + gas.COLD_ACCOUNT * (real - self.fresh.same - always)
        c.require_equal("gas is short of the cost", self.shortfall.value, cost - self.gas - real)
        return self.halt(c, Op.SELFDESTRUCT)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        self.own.plan_read(self, plan, owners(s), s.clock)
        self.mark.plan_read(self, plan, addresses(s.pop(0)), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        scope, always = (w[cell].astype(np.uint64) for cell in self.mark.old)
        self.fresh.fill(w, s.execution.scope, scope, np.ones(len(s), np.bool_))
        cold = (w[self.fresh.same] == 0) & (always == 0)
        dead = w[self.new_account.dead] != 0
        cost = gas.SELFDESTRUCT + gas.COLD_ACCOUNT * cold + gas.NEW_ACCOUNT * dead
        w[self.shortfall] = signed_field(cost - 1 - s.gas.astype(np.int64))


def owners(s: Steps) -> Words:
    """The accounts whose code runs, or that it runs for."""
    return np.asarray(s.trace.frames.address[s.frame_index])


def gives_away(s: Steps) -> Mask:
    """Which steps have a balance to give, to another account."""
    own = owners(s)
    history = s.execution.balance_history
    pairs = zip(integers(own), s.rows.tolist(), strict=True)
    some = np.array([history.before(address, row) > 0 for address, row in pairs], np.bool_)
    return np.asarray(some & (addresses(s.pop(0)) != own).any(axis=1))


def _balances(s: Steps) -> Words:
    """What the accounts have before they give it away."""
    return events_at(s.trace, s.rows, StateEventKind.BALANCE).old


def _marks(s: Steps) -> tuple[Mask, Mask]:
    """Which accounts are new in the transaction, and which of them are marked first."""
    found = events_at(s.trace, s.rows, StateEventKind.DESTROYED)
    return found.present, found.present & (found.old[:, 0] == 0)
