"""The beginning of a transaction that calls an account.

Relation.  As in `begin`; the root frame runs the code of the recipient, or of the account that it
           is delegated to (EIP-7702).  The identity precompile costs what a call of it does, and
           runs no code: what it returns goes to nobody.  With less gas than it costs its frame ends
           at once: no value moves, and no gas is left.
Argument.  The statement names the recipient of a call, and that alone.  The identity is paid or
           not: what is left after its price is not negative, or what is left without it is less.
Limits.    No other precompile is called.
"""

from __future__ import annotations

from circuits.buses import TX, TransactionField
from circuits.execution.amounts import Amounts
from circuits.execution.precompiles import IDENTITY, IDENTITY_PRICE
from circuits.language import Bit, Builder, Halves, Plan, Witness, word_count
from circuits.language.arrays import one_number, one_word
from circuits.language.callee import CalleeCode
from circuits.language.compare import AtLeast
from circuits.language.words import address_of
from circuits.tables.begin import Beginning
from zkevm.evm.transaction import Transaction
from zkevm.plonkish.expression import Expr


class BeginTransaction(Beginning):
    """A row for each call."""

    name = "begin_transaction"

    target = Halves()
    callee = CalleeCode()
    is_identity = Bit()  # and is paid
    is_unpaid = Bit()
    missing = AtLeast(48)  # of its price, less one

    def accepts(self, transaction: Transaction) -> bool:
        special = transaction.blob_versioned_hashes or transaction.authorizations
        return transaction.to is not None and not special

    @property
    def address(self) -> Expr:
        return address_of(self.target)

    @property
    def surcharge(self) -> Expr:
        return self.is_identity * self._price

    @property
    def _price(self) -> Expr:
        """What the identity costs."""
        return IDENTITY_PRICE.word * self.data_words + IDENTITY_PRICE.fixed

    def declare_frame(self, c: Builder) -> None:
        to = (self.scope, TransactionField.TO, 0, *self.target)
        c.request(TX, self.real, *to, label="the recipient")
        callee, unpaid = self.callee, self.is_unpaid
        callee.use(c, self.fork, self.address, self.start, self.scope)
        own = self.real - callee.follows
        always_warm = self.touch_target.mark.old[1]
        is_identity = self.is_identity + unpaid
        c.require_zero("the identity", is_identity * (self.address - IDENTITY))
        c.require_zero("the identity is called itself", is_identity * (1 - own))
        # of the two bits one is set: the identity is always warm
        other = own * always_warm * (1 - is_identity)
        c.require_zero("the target is no other precompile, or delegated", other)
        # counts of words are below 2^32, so prices are below 2^34
        self.missing.use(c, self._price - 1, self.available.value, when=unpaid)
        data = (self.clock + 1, 0, self.data_length)
        # Whatever code a state gives to the account of a precompile, it never runs.
        code = (1 - is_identity) * callee.code
        self.open_frame(c, callee.store, data, code, self.real - unpaid)

    def plan_frame(self, plan: Plan, amounts: Amounts) -> None:
        target, clock = one_word(amounts.target), one_number(amounts.list_end)
        self.callee.plan(self, plan, self.fork, target, (0,), clock)

    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        w[self.target] = one_word(amounts.target)
        self.callee.fill(w, plan.execution, self.fork, one_word(amounts.target), (0,))
        identity = amounts.target == IDENTITY and not w[self.callee.follows][0]
        unpaid = identity and not amounts.runs
        data_words = int(word_count(one_number(len(plan.execution.trace.transaction.data)))[0])
        price = IDENTITY_PRICE.fixed + IDENTITY_PRICE.word * data_words
        w[self.is_identity] = one_number(identity and not unpaid)
        w[self.is_unpaid] = one_number(unpaid)
        w[self.missing] = one_number(max(price - 1 - amounts.available, 0) * unpaid)
