"""The authorizations of a transaction (EIP-7702).

Relation.  A row for each, in order.  Of another chain, with the greatest nonce, or without a signer
           it is skipped.  Else the authority is touched; with code that is no delegation, or
           another nonce, it is skipped, too.  Else its code becomes the delegation (none for the
           address 0) and its nonce rises; whether it existed before (EIP-161) is counted.
Argument.  The `list` chain has as many rows as the statement says.  Each row has one fate, and
           proves it: being applied is the negation of all reasons to be skipped, and an authority
           is touched unless one of the first three reasons holds.  Who signed is stated: the
           verifier recovers the signers by itself.
Assumes.   Nonces stated are below 2^64, addresses below 2^160.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import CODE_INFO, ENV, LIST, TX, ListKind, TransactionField
from circuits.execution.amounts import TARGET_TICKS
from circuits.execution.authorizations import Fate, Verdict
from circuits.execution.execution import Execution
from circuits.execution.schedule import AUTHORITY_TICKS
from circuits.execution.tokens import U64, Mask
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    OneHot,
    Plan,
    TableGadget,
    Uint,
    Witness,
    keys,
    total,
    values,
)
from circuits.language.arrays import words
from circuits.language.callee import NO_CODE, CodeFacts, CodeInfo, listed_code
from circuits.language.compare import IsEqualWord, IsZeroWord
from circuits.language.hashing import EMPTY_HALVES
from circuits.language.new_account import NewAccount
from circuits.language.state import CODE, AddressAccess, CodeAccess, NonceAccess
from circuits.language.words import address_of
from zkevm.evm.code import DELEGATION_LENGTH, EMPTY_CODE
from zkevm.evm.instructions.system import MAX_NONCE
from zkevm.evm.opcodes import Op
from zkevm.evm.transaction import Authorization
from zkevm.plonkish.expression import Expr
from zkevm.trace.words import Words


class Authorizations(TableGadget[list[Verdict]]):
    """A row for each authorization."""

    name = "authorizations"

    real = Bit()
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U32)
    clock = Cell(ColumnType.U64)
    existing = Cell(ColumnType.U32)  # authorities before that existed
    fate = OneHot(len(Fate))

    chain = Halves()
    own_chain = Halves()
    any_chain = IsZeroWord()
    same_chain = IsEqualWord()
    nonce = Cell(ColumnType.U64)
    next_nonce = Uint(64)
    signed = Cell(ColumnType.BIT)
    authority = Halves()

    touch = AddressAccess()
    code = CodeAccess()
    info = CodeInfo()
    account = NewAccount()
    above = Bit()  # the stated nonce is, if it is another
    distance = Uint(64)

    target = Halves()
    clears = IsZeroWord()
    new_hash = Halves()
    new_code = Cell(ColumnType.U32)
    left_nonce = NonceAccess()

    def constrain(self, c: Builder) -> None:
        applied = self.fate[Fate.APPLIED]
        reached = total(self.fate[fate] for fate in Fate if fate.reaches)
        self._take_turn(c)
        self._look_up(c)
        self._judge_tuple(c, reached)
        authority = address_of(self.authority)
        self.touch.use(c, reached, authority, self.clock, self.scope)
        self.account.use(c, reached, authority, self.clock, self.info.code)
        self.info.use(c, reached, self.code.hash)
        self._judge_account(c)
        self.clears.test(c, self.target, applied)
        for name, half, empty in zip(("low", "high"), self.new_hash, EMPTY_HALVES, strict=True):
            label = f"the code is cleared, {name} half"
            c.require_zero(label, self.clears.bit * (half - empty))
        delegation = (self.new_code, DELEGATION_LENGTH, 1, address_of(self.target))
        delegates = applied - self.clears.bit
        c.request(CODE_INFO, delegates, *self.new_hash, *delegation, label="the delegation")
        halves = zip(self.code.hash, self.new_hash, strict=True)
        left = [old + applied * (new - old) for old, new in halves]
        self.code.write(c, reached, authority, self.clock, (*left, self.code.old[2]))
        self.left_nonce.write(c, applied, authority, self.clock + 1, (self.next_nonce.value,))

    def _take_turn(self, c: Builder) -> None:
        of_list = (self.scope, ListKind.AUTHORITIES)
        c.receive(LIST, self.real, *of_list, self.index, self.clock, self.existing, 0)
        existed = self.fate[Fate.APPLIED] * (1 - self.account.dead)
        after = (self.clock + AUTHORITY_TICKS, self.existing + existed, 0)
        c.send(LIST, self.real, *of_list, self.index + 1, *after)

    def _look_up(self, c: Builder) -> None:
        field = TransactionField
        for name, low, high in (
            (field.AUTHORITY_CHAIN, *self.chain),
            (field.AUTHORITY_TARGET, *self.target),
            (field.AUTHORITY_NONCE, self.nonce, 0),
            (field.AUTHORITY, *self.authority),
            (field.AUTHORITY_SIGNED, self.signed, 0),
        ):
            label = f"the {name.name.lower().replace('_', ' ')}"
            c.request(TX, self.real, self.scope, name, self.index, low, high, label=label)
        c.request(ENV, self.real, 0, Op.CHAINID, *self.own_chain, label="the block's chainid")

    def _judge_tuple(self, c: Builder, reached: Expr) -> None:
        self.any_chain.test(c, self.chain)
        self.same_chain.use(c, self.chain, self.own_chain)
        fits = (1 - self.any_chain.bit) * (1 - self.same_chain.bit)
        c.require_zero("of any chain, or this one", reached * fits)
        fitting = self.any_chain.bit + self.same_chain.bit
        c.require_zero("of another chain", self.fate[Fate.OTHER_CHAIN] * fitting)
        # below 2^64 with 1 added: the nonce is not the greatest
        following = reached * (self.nonce + 1)
        c.require_equal("the nonce can grow", self.next_nonce.value, following)
        greatest = self.fate[Fate.MAX_NONCE] * (self.nonce - MAX_NONCE)
        c.require_zero("the greatest nonce", greatest)
        c.require_zero("signed where it is looked at", reached * (1 - self.signed))
        c.require_zero("not signed", self.fate[Fate.UNSIGNED] * self.signed)

    def _judge_account(self, c: Builder) -> None:
        applied, occupied = self.fate[Fate.APPLIED], self.fate[Fate.OCCUPIED]
        other, found = self.fate[Fate.OTHER_NONCE], self.account.nonce.old[0]
        c.require_zero("no delegation", occupied * self.info.delegated)
        c.require_range("there is code", occupied, self.info.length - 1)
        bare = (1 - self.info.delegated) * self.info.length
        c.require_zero("no code, or a delegation", applied * bare)
        c.require_zero("the nonce is the authority's", applied * (self.nonce - found))
        # nonces are below 2^64: the difference does not wrap
        apart = other * ((2 * self.above - 1) * (self.nonce - found) - 1)
        c.require_equal("another nonce", self.distance.value, apart)

    def collect(self, plan: Plan) -> list[Verdict]:
        execution = plan.execution
        record = execution.authorizations
        authority, clock = _authorities(record), _clocks(execution)
        reached, applied = _masks(record)
        self.touch.plan(self, plan, authority, clock, where=reached)
        self.account.plan(self, plan, authority, clock, reached)
        store = words(execution.carried.stores.get(v.authority, 0) for v in record)[:, :2]
        new = np.concatenate([words(v.new_hash for v in record), store], axis=1)
        key = keys(authority, CODE)
        plan.access(self, self.code, plan.account, key, clock, new, reached, applied)
        nonce = np.array([v.nonce + 1 for v in record], np.uint64)
        later = clock + np.uint64(1)
        self.left_nonce.plan_write(self, plan, authority, later, values(nonce), where=applied)
        return record

    def fill(self, w: Witness, record: list[Verdict], plan: Plan) -> None:
        execution = plan.execution
        entries = execution.trace.transaction.authorizations
        reached, applied = _masks(record)
        existed = np.array([v.fate is Fate.APPLIED and v.existed for v in record], np.int64)
        stated = np.array([e.nonce for e in entries], np.uint64)
        w[self.real] = 1
        w[self.scope] = execution.scope
        w[self.index] = np.arange(len(record))
        w[self.clock] = _clocks(execution)
        w[self.existing] = np.cumsum(existed) - existed
        w[self.fate] = np.array([int(v.fate) for v in record])
        self._fill_chains(w, execution, entries)
        w[self.nonce] = stated
        w[self.next_nonce] = np.where(reached, stated + np.uint64(1), np.uint64(0))
        w[self.signed] = np.array([v.authority != 0 for v in record])
        w[self.authority] = _authorities(record)
        facts = [_facts(execution, v.code_hash) if v.fate.reaches else NO_CODE for v in record]
        self.info.fill(w, facts)
        self.account.fill(w, [f.code for f in facts], reached)
        other = np.array([v.fate is Fate.OTHER_NONCE for v in record])
        found = np.array([v.nonce for v in record], np.uint64)
        apart = np.maximum(stated, found) - np.minimum(stated, found)
        w[self.above] = other & (stated > found)
        w[self.distance] = np.where(other, apart - other, np.uint64(0))
        target = words(e.address for e in entries)
        w[self.target] = target
        self.clears.fill(w, target, np.zeros_like(target), applied)
        w[self.new_hash] = words(v.new_hash if v.fate is Fate.APPLIED else 0 for v in record)
        new = [_facts(execution, v.new_hash).code for v in record if v.fate is Fate.APPLIED]
        code = np.zeros(len(record), np.uint64)
        code[applied] = new
        w[self.new_code] = code

    def _fill_chains(
        self, w: Witness, execution: Execution, entries: tuple[Authorization, ...]
    ) -> None:
        chain = words(e.chain_id for e in entries)
        own = words(execution.trace.chain_id for _ in entries)
        w[self.chain], w[self.own_chain], w[self.any_chain] = chain, own, chain
        self.same_chain.fill(w, chain, own)


def _clocks(execution: Execution) -> U64:
    count = len(execution.trace.transaction.authorizations)
    end = execution.schedule.first - TARGET_TICKS
    return np.arange(end - AUTHORITY_TICKS * count, end, AUTHORITY_TICKS, dtype=np.uint64)


def _authorities(record: list[Verdict]) -> Words:
    return words(v.authority for v in record)


def _masks(record: list[Verdict]) -> tuple[Mask, Mask]:
    """Which reach their authority, and which are applied."""
    reached = np.array([v.fate.reaches for v in record], np.bool_)
    return reached, np.array([v.fate is Fate.APPLIED for v in record], np.bool_)


def _facts(execution: Execution, code_hash: int) -> CodeFacts:
    """Of a code that the trace lists."""
    if code_hash == EMPTY_CODE.hash:
        return NO_CODE
    return listed_code(execution, execution.code_places[code_hash])
