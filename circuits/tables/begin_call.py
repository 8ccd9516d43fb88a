"""The beginning of a transaction that calls an account.

Relation.  As in `begin`; the root frame runs the code of the recipient, or of the account that it
           is delegated to (EIP-7702).  The identity precompile costs what a call of it does, and
           runs no code: what it returns goes to nobody.
Argument.  The statement names the recipient of a call, and that alone.
Limits.    No other precompile is called, nor the identity with less gas than it costs.
"""

from __future__ import annotations

from circuits.buses import TX, TransactionField
from circuits.execution.amounts import Amounts
from circuits.execution.precompiles import IDENTITY, IDENTITY_PRICE
from circuits.language import Bit, Builder, Halves, Plan, Witness
from circuits.language.arrays import one_number, one_word
from circuits.language.callee import CalleeCode
from circuits.language.words import address_of
from circuits.tables.begin import Beginning
from zkevm.evm.transaction import Transaction
from zkevm.plonkish.expression import Expr


class BeginTransaction(Beginning):
    """A row for each call."""

    name = "begin_transaction"

    target = Halves()
    callee = CalleeCode()
    is_identity = Bit()

    def accepts(self, transaction: Transaction) -> bool:
        special = transaction.blob_versioned_hashes or transaction.authorizations
        return transaction.to is not None and not special

    @property
    def address(self) -> Expr:
        return address_of(self.target)

    @property
    def surcharge(self) -> Expr:
        price = IDENTITY_PRICE.fixed + IDENTITY_PRICE.word * self.data_words
        return self.is_identity * price

    def declare_frame(self, c: Builder) -> None:
        to = (self.scope, TransactionField.TO, 0, *self.target)
        c.request(TX, self.real, *to, label="the recipient")
        callee, is_identity = self.callee, self.is_identity
        callee.use(c, self.fork, self.address, self.start, self.scope)
        own = self.real - callee.follows
        always_warm = self.touch_target.mark.old[1]
        c.require_zero("the identity", is_identity * (self.address - IDENTITY))
        c.require_zero("the identity is called itself", is_identity * (1 - own))
        other = own * always_warm * (1 - is_identity)
        c.require_zero("the target is no other precompile, or delegated", other)
        data = (self.clock + 1, 0, self.data_length)
        # Whatever code a state gives to the account of a precompile, it never runs.
        self.open_frame(c, callee.store, data, (1 - is_identity) * callee.code, 0)

    def plan_frame(self, plan: Plan, amounts: Amounts) -> None:
        target, clock = one_word(amounts.target), one_number(amounts.list_end)
        self.callee.plan(self, plan, self.fork, target, (0,), clock)

    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        w[self.target] = one_word(amounts.target)
        self.callee.fill(w, plan.execution, self.fork, one_word(amounts.target), (0,))
        own = w[self.callee.follows] == 0
        w[self.is_identity] = own & (amounts.target == IDENTITY)
