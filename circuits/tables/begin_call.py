"""The beginning of a transaction that calls an account.

Relation.  As in `begin`; the root frame runs the code of the recipient, or of the account that it
           is delegated to (EIP-7702).
Argument.  The statement names the recipient of a call, and that alone.
"""

from __future__ import annotations

from circuits.buses import TX, TransactionField
from circuits.execution.amounts import Amounts
from circuits.language import Builder, Halves, Plan, Witness
from circuits.language.arrays import one_number, one_word
from circuits.language.callee import CalleeCode
from circuits.language.words import address_of
from circuits.tables.begin import Beginning
from zkevm.plonkish.expression import Expr


class BeginTransaction(Beginning):
    """One row: the call of the proof."""

    name = "begin_transaction"
    creates = False

    target = Halves()
    callee = CalleeCode()

    @property
    def address(self) -> Expr:
        return address_of(self.target)

    @property
    def surcharge(self) -> int:
        return 0

    def declare_frame(self, c: Builder) -> None:
        to = (self.scope, TransactionField.TO, 0, *self.target)
        c.request(TX, self.real, *to, label="the recipient")
        callee = self.callee
        callee.use(c, self.fork, self.address, self.list_end, self.scope)
        own = self.real - callee.follows
        always_warm = self.touch_target.mark.old[1]
        c.require_zero("the target is no precompile, or delegated", own * always_warm)
        data = (self.clock + 1, 0, self.data_length)
        self.open_frame(c, callee.store, data, callee.code, 0)

    def plan_frame(self, plan: Plan, amounts: Amounts) -> None:
        target, clock = one_word(amounts.target), one_number(amounts.list_end)
        self.callee.plan(self, plan, self.fork, target, (0,), clock)

    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        w[self.target] = one_word(amounts.target)
        self.callee.fill(w, plan.execution, self.fork, one_word(amounts.target), (0,))
