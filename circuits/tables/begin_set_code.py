"""The beginning of a transaction with authorizations (EIP-7702).

Relation.  As in `begin_call`; each authorization is paid for as if its authority were a new
           account; those whose authority existed are a refund from the beginning, whatever happens
           later.
Argument.  The `list` chain goes through the rows of the authorizations, after the access list and
           before the call; their number is the one stated.  Other beginnings look up that there are
           none.
"""

from __future__ import annotations

from circuits.buses import LIST, ListKind
from circuits.execution.amounts import Amounts
from circuits.execution.authorizations import refund_of
from circuits.language import Builder, Cell, ColumnType, Plan, Witness
from circuits.language.arrays import one_word
from circuits.tables.begin_call import BeginTransaction
from zkevm.evm import gas
from zkevm.evm.transaction import Transaction
from zkevm.plonkish.expression import Expr

SAVED = gas.AUTHORIZATION_NEW_ACCOUNT - gas.AUTHORIZATION


class BeginSetCode(BeginTransaction):
    """A row for each call with authorizations."""

    name = "begin_set_code"

    authorizations = Cell(ColumnType.U32)
    existing = Cell(ColumnType.U32)  # of their authorities
    authorized = Cell(ColumnType.U64)  # when they are done

    def accepts(self, transaction: Transaction) -> bool:
        return bool(transaction.authorizations)

    @property
    def authorization_count(self) -> Expr:
        return self.authorizations

    @property
    def start(self) -> Expr:
        return self.authorized

    @property
    def first_refund(self) -> Expr:
        return SAVED * self.existing

    @property
    def surcharge(self) -> Expr:
        return super().surcharge + gas.AUTHORIZATION_NEW_ACCOUNT * self.authorizations

    def declare_frame(self, c: Builder) -> None:
        of_list = (self.scope, ListKind.AUTHORITIES)
        begins = (0, self.list_end, 0, 0)
        c.send(LIST, self.real, *of_list, *begins, label="authorizations begin")
        ends = (self.authorizations, self.authorized, self.existing, 0)
        c.receive(LIST, self.real, *of_list, *ends, label="authorizations end")
        super().declare_frame(c)

    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        super().fill_frame(w, plan, amounts)
        found = plan.execution.authorizations
        w[self.authorizations] = one_word(len(found))
        w[self.existing] = one_word(refund_of(found) // SAVED)
        w[self.authorized] = one_word(amounts.list_end)
