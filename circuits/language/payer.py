"""The sender of a transaction, who pays for it before its first instruction.

Relation.  Yellow paper, section 6; EIP-1559, 3607, 7702: the nonce is the account's, and rises; the
           balance holds the value and the gas at the highest fee, and pays the gas at its price;
           the account has no code, or a delegation.  With blobs (EIP-4844) it holds their gas at
           the highest fee, too, and pays it at the block's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from circuits.buses import CODE_INFO
from circuits.execution.amounts import Amounts
from circuits.execution.execution import Execution
from circuits.execution.tokens import U64
from circuits.language.arrays import one_number, one_word
from circuits.language.builder import Builder
from circuits.language.callee import code_facts
from circuits.language.columns import Bit, Bits, Uint
from circuits.language.hashing import EMPTY_HALVES
from circuits.language.money import HALF, Cost, Debit
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan, values
from circuits.language.state import BalanceAccess, CodeAccess, NonceAccess
from circuits.language.witness import Witness
from circuits.language.words import LimbWord, WordExpr, constant
from zkevm.evm.code import DELEGATION_LENGTH
from zkevm.evm.fork import Fork
from zkevm.plonkish.expression import Column, ColumnType, Expr, total
from zkevm.trace.trace import BEGIN
from zkevm.trace.words import Words


@dataclass(frozen=True)
class Offer:
    """An amount of gas, what a unit costs, and what the sender would pay for it at most."""

    gas: Expr
    price: Expr
    most: Expr


class Payer(Part):
    """Checks the account of a sender, and takes the fee."""

    has_blobs = False

    def __init__(self) -> None:
        self.nonce = NonceAccess()
        self.next_nonce = Uint(64)
        self.balance = BalanceAccess()
        self.fee = Cost()
        self.after_fee = Debit()
        self.most = Cost()  # of the gas at the highest fee
        self.spare = LimbWord()  # what the balance holds more than `most` and the value
        self.spare_carry = Bits(3 if self.has_blobs else 2)
        self.code = CodeAccess()
        self.delegated = Bit()
        self.code_id = Cell(ColumnType.U32)
        self.delegate = Cell(ColumnType.FIELD)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".nonce", self.nonce
        yield ".next_nonce", self.next_nonce
        yield ".balance", self.balance
        yield ".fee", self.fee
        yield ".after_fee", self.after_fee
        yield ".most", self.most
        yield ".spare", self.spare
        yield ".spare_carry", self.spare_carry
        yield ".code", self.code
        yield ".delegated", self.delegated
        yield ".code_id", self.code_id
        yield ".delegate", self.delegate

    @property
    def left(self) -> LimbWord:
        """The balance that is left."""
        return self.after_fee.word

    def declare_blobs(self, c: Builder, blobs: Offer | None) -> WordExpr:
        """Take what the blobs cost.  Returns what they would cost at most."""
        if blobs is not None:
            raise TypeError("this payer pays for no blobs")
        return constant(0)

    def use(
        self,
        c: Builder,
        fork: Fork,
        sender: Expr,
        nonce: Expr,
        clock: Expr,
        value: WordExpr,
        execution: Offer,
        blobs: Offer | None = None,
    ) -> None:
        """On real rows, at `clock`."""
        c.require_equal("the nonce is the sender's", nonce, self.nonce.old[0])
        c.require_equal("the next nonce", self.next_nonce.value, nonce + c.real)
        self.nonce.write(c, c.real, sender, clock, (self.next_nonce.value,))
        self.fee.use(c, execution.gas, execution.price)
        self.after_fee.use(c, self.balance.word, self.fee.word)
        of_blobs = self.declare_blobs(c, blobs)
        self.balance.write(c, c.real, sender, clock, tuple(self.left))
        self.most.use(c, execution.gas, execution.most)
        # halves of four words: the sums stay below 2^130
        carry = total(self.spare_carry)
        most, spare, before = self.most.word, self.spare, self.balance.word
        low = most.lo + of_blobs.lo + value.lo + spare.lo
        high = most.hi + of_blobs.hi + value.hi + spare.hi
        c.require_equal("the sender can pay, low half", low, before.lo + carry * HALF)
        c.require_equal("the sender can pay, high half", high + carry, before.hi)
        self._use_code(c, fork, sender, clock)

    def _use_code(self, c: Builder, fork: Fork, sender: Expr, clock: Expr) -> None:
        self.code.read(c, c.real, sender, clock)
        plain = c.real - self.delegated
        c.require_zero("delegated is real", self.delegated * (1 - c.real))
        halves = zip(("low", "high"), self.code.hash, EMPTY_HALVES, strict=True)
        for name, half, empty in halves:
            c.require_zero(f"a sender has no code, {name} half", plain * (half - empty))
        if not fork.has_delegations:
            c.require_zero("there are no delegations", self.delegated)
        facts = (self.code_id, DELEGATION_LENGTH, 1, self.delegate)
        c.request(CODE_INFO, self.delegated, *self.code.hash, *facts, label="or a delegation")

    def plan(
        self,
        owner: object,
        plan: Plan,
        sender: Words,
        clock: U64,
        next_nonce: U64,
        after_fee: Words,
    ) -> None:
        """Register the accesses."""
        self.nonce.plan_write(owner, plan, sender, clock, values(next_nonce))
        self.balance.plan_write(owner, plan, sender, clock, after_fee)
        self.code.plan_read(owner, plan, sender, clock)

    def fill(self, w: Witness, execution: Execution, amounts: Amounts) -> None:
        """For one row."""
        transaction = execution.trace.transaction
        facts = code_facts(execution, amounts.sender, BEGIN)
        most, fee = (
            transaction.gas_limit * rate for rate in (transaction.max_fee_per_gas, amounts.price)
        )
        of_blobs = amounts.blob_gas * transaction.max_fee_per_blob_gas
        spare = amounts.before - most - of_blobs - transaction.value
        parts = (most, of_blobs, transaction.value, spare)
        carry = sum(part % HALF for part in parts) // HALF
        w[self.next_nonce] = one_number(transaction.nonce + 1)
        self.fee.fill(w, one_word(fee))
        self.after_fee.fill(w, one_word(amounts.before), one_word(fee))
        self.most.fill(w, one_word(most))
        w[self.spare] = one_word(spare)
        w[self.spare_carry] = np.array([[carry > i for i in range(len(self.spare_carry))]])
        w[self.delegated] = np.array([facts.delegated])
        w[self.code_id] = one_number(facts.code)
        w[self.delegate] = one_word(facts.target)


class BlobPayer(Payer):
    """A sender who pays for blobs."""

    has_blobs = True

    def __init__(self) -> None:
        super().__init__()
        self.blob_fee = Cost()
        self.after_blobs = Debit()
        self.most_of_blobs = Cost()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield from super().children()
        yield ".blob_fee", self.blob_fee
        yield ".after_blobs", self.after_blobs
        yield ".most_of_blobs", self.most_of_blobs

    @property
    def left(self) -> LimbWord:
        return self.after_blobs.word

    def declare_blobs(self, c: Builder, blobs: Offer | None) -> WordExpr:
        if blobs is None:
            raise TypeError("this payer pays for blobs")
        self.blob_fee.use(c, blobs.gas, blobs.price)
        self.after_blobs.use(c, self.after_fee.word, self.blob_fee.word)
        self.most_of_blobs.use(c, blobs.gas, blobs.most)
        return self.most_of_blobs.word

    def fill(self, w: Witness, execution: Execution, amounts: Amounts) -> None:
        super().fill(w, execution, amounts)
        trace = execution.trace
        fee = amounts.blob_gas * trace.environment.blob_base_fee
        most = amounts.blob_gas * trace.transaction.max_fee_per_blob_gas
        self.blob_fee.fill(w, one_word(fee))
        self.after_blobs.fill(w, one_word(amounts.after_fee + fee), one_word(fee))
        self.most_of_blobs.fill(w, one_word(most))
