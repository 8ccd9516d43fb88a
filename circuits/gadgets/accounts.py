"""BALANCE, SELFBALANCE, EXTCODESIZE and EXTCODEHASH.

Relation.  The address is the low 160 bits of the operand.  EIP-2929: its first touch in the
           transaction costs 2600, each other 100.  EIP-1052: the hash of an account that is dead
           (EIP-161: no nonce, balance or code) is 0.  EIP-7702: delegations are not followed.
Assumes.   Fields of accounts are canonical, and so is the operand.
"""

import numpy as np

from circuits.buses import ENV
from circuits.execution.events import events_at
from circuits.language import (
    Builder,
    Cell,
    ColumnType,
    Halves,
    Next,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Witness,
    constant,
    word,
)
from circuits.language.callee import CodeInfo, codes_of
from circuits.language.compare import IsEqualWord, IsZeroWord
from circuits.language.state import (
    AddressAccess,
    AddressWord,
    BalanceAccess,
    CodeAccess,
    FrameStore,
    NonceAccess,
    addresses,
    inverses_of,
)
from circuits.language.words import WordExpr
from zkevm.evm import gas
from zkevm.evm.keccak import EMPTY_HASH
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import StateEventKind
from zkevm.trace.words import Words, words_from_ints


class AccountQuery(StepGadget):
    """What the opcodes share that are asked about an address: the operand, the touch, its cost."""

    account = Popped(AddressWord())
    here = FrameStore()
    touch = AddressAccess()

    @property
    def address(self) -> Expr:
        """The address asked about."""
        operand = self.account.word
        if not isinstance(operand, AddressWord):
            raise TypeError("the operand is not taken apart as an address")
        return operand.address

    def answer(self, c: Builder, push: WordExpr) -> Next:
        """Touch the account, and push what was read of it."""
        self.here.use(c, self.frame)
        undoing = self.here.undoing(self.undo)
        self.touch.use(c, self.real, self.address, self.clock, self.here.scope, undoing)
        undo = self.undo + self.here.undone
        return Next(opcode=self.opcodes[0], gas=self.touch.cost, push=push, undo=undo)

    def plan(self, s: Steps, plan: Plan) -> None:
        warm = events_at(s.trace, s.rows, StateEventKind.WARM_ACCOUNT).old[:, 0] != 0
        address = addresses(s.pop(0))
        self.touch.plan(self, plan, address, s.clock, warm, inverses_of(s))
        self.plan_reads(plan, address, s)

    def plan_reads(self, plan: Plan, address: Words, s: Steps) -> None:
        """Register what is read of the account."""

    def fill(self, w: Witness, s: Steps) -> None:
        self.here.fill(w, s)


class Balance(AccountQuery):
    """BALANCE: the balance of an account."""

    name = "balance"
    opcodes = (Op.BALANCE,)

    balance = BalanceAccess()

    def constrain(self, c: Builder) -> Next:
        self.balance.read(c, self.real, self.address, self.clock)
        return self.answer(c, self.balance.word)

    def plan_reads(self, plan: Plan, address: Words, s: Steps) -> None:
        self.balance.plan_read(self, plan, address, s.clock)


class ExtCodeSize(AccountQuery):
    """EXTCODESIZE: the length of an account's code."""

    name = "extcodesize"
    opcodes = (Op.EXTCODESIZE,)

    code_hash = CodeAccess()
    info = CodeInfo()

    def constrain(self, c: Builder) -> Next:
        self.code_hash.read(c, self.real, self.address, self.clock)
        self.info.use(c, self.real, self.code_hash.hash)
        return self.answer(c, word(self.info.length))

    def plan_reads(self, plan: Plan, address: Words, s: Steps) -> None:
        self.code_hash.plan_read(self, plan, address, s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.info.fill(w, codes_of(s.execution, addresses(s.pop(0)), s.rows))


class ExtCodeHash(AccountQuery):
    """EXTCODEHASH: the hash of an account's code, 0 if the account is dead."""

    name = "extcodehash"
    opcodes = (Op.EXTCODEHASH,)

    code_hash = CodeAccess()
    nonce = NonceAccess()
    balance = BalanceAccess()
    no_code = IsEqualWord()
    nothing = IsZeroWord()  # neither nonce nor balance
    dead = Cell(ColumnType.BIT)

    def constrain(self, c: Builder) -> Next:
        for field in (self.code_hash, self.nonce, self.balance):
            field.read(c, self.real, self.address, self.clock)
        found = WordExpr(self.code_hash.old[0], self.code_hash.old[1])
        self.no_code.use(c, found, constant(EMPTY_HASH))
        # Below 2^129: the sum is 0 only if both are.
        balance = self.balance.word
        self.nothing.test(c, word(balance.lo, balance.hi + self.nonce.old[0]))
        c.require_equal("dead if without all three", self.dead, self.no_code.bit * self.nothing.bit)
        kept = self.real - self.dead
        return self.answer(c, word(kept * found.lo, kept * found.hi))

    def plan_reads(self, plan: Plan, address: Words, s: Steps) -> None:
        for field in (self.code_hash, self.nonce, self.balance):
            field.plan_read(self, plan, address, s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        found = w.word(*self.code_hash.old[:2])
        empty = words_from_ints([EMPTY_HASH]).repeat(len(s), axis=0)
        self.no_code.fill(w, found, empty)
        pair = w.word(*self.balance.old)
        pair[:, 2] += w[self.nonce.old[0]].astype(np.uint64)
        w[self.nothing] = pair
        w[self.dead] = w[self.no_code.bit] & w[self.nothing.bit]


class SelfBalance(StepGadget):
    """SELFBALANCE: the balance of the running account."""

    name = "selfbalance"
    opcodes = (Op.SELFBALANCE,)

    own = Halves()
    balance = BalanceAccess()

    def constrain(self, c: Builder) -> Next:
        c.request(ENV, self.real, self.frame, Op.ADDRESS, *self.own)
        address = self.own.lo + self.own.hi * 2**128
        self.balance.read(c, self.real, address, self.clock)
        return Next(opcode=Op.SELFBALANCE, gas=gas.LOW, push=self.balance.word)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.balance.plan_read(self, plan, s.trace.frames.address[s.frame_index], s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.own] = s.trace.frames.address[s.frame_index]
