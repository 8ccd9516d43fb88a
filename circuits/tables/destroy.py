"""The accounts that the end of a transaction clears (EIP-6780).

Relation.  A row for each account that was marked as destroyed: nonce, balance and code become those
           of no account, and its storage another, empty store; the mark goes.
Argument.  The `list` chain begins and ends in the end of the transaction, with as many rows as the
           journal counts marked accounts.  A row takes the mark away, so no account has two: every
           marked account has one.  Of the old store `store_status` says that it is dead, of no
           other: its slots are stated by nobody.  A slot of the new store can be stated, though no
           step has touched it: only as 0, as the account had no storage.
           A later transaction may create the account again, with the new store.
Assumes.   A marked account was created in the same transaction, so its storage was empty before.
Ensures.   Stores of new accounts are odd, by the clock of the row, and unique.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import LIST, STORE_STATUS, ListKind
from circuits.execution.carried import new_stores
from circuits.language import Bit, Builder, Cell, ColumnType, Plan, TableGadget, Witness, values
from circuits.language.arrays import words
from circuits.language.birth import LifeAccess
from circuits.language.hashing import EMPTY_HALVES
from circuits.language.state import BalanceAccess, CodeAccess, NonceAccess
from zkevm.evm.keccak import EMPTY_HASH


class Destroy(TableGadget[range]):
    """A row for each account destroyed."""

    name = "destroy"

    real = Bit()
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U32)
    clock = Cell(ColumnType.U64)
    address = Cell(ColumnType.FIELD)
    nonce = NonceAccess()
    balance = BalanceAccess()
    code = CodeAccess()
    life = LifeAccess()
    count = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        real, address, clock = self.real, self.address, self.clock
        of_list = (self.scope, ListKind.DESTROYED)
        c.receive(LIST, real, *of_list, self.index, clock, 0, 0)
        c.send(LIST, real, *of_list, self.index + 1, clock + 1, 0, 0)
        created, destroyed, had_storage = self.life.old
        c.require_equal("marked in this scope", destroyed, self.scope)
        self.life.write(c, real, address, clock, (created, 0, had_storage))
        self.nonce.write(c, real, address, clock, (0,))
        self.balance.write(c, real, address, clock, (0, 0))
        self.code.write(c, real, address, clock, (*EMPTY_HALVES, 2 * clock + 1))
        c.provide(STORE_STATUS, real, self.count, self.code.old[2], 0, address)

    def collect(self, plan: Plan) -> range:
        execution = plan.execution
        address = words(execution.destroyed)
        record = range(len(address))
        if record:
            clock = execution.destroyed_at
            none = np.zeros(len(address), np.uint64)
            empty = words([EMPTY_HASH] * len(address))
            store = new_stores(clock)
            for field, new in (
                (self.life, values(none + np.uint64(execution.scope), none, none)),
                (self.nonce, values(none)),
                (self.balance, values(none, none)),
                (self.code, values(empty, store)),
            ):
                field.plan_write(self, plan, address, clock, new)
        return record

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        w[self.real] = 1
        w[self.scope] = execution.scope
        w[self.index] = np.arange(len(record))
        w[self.clock] = execution.destroyed_at
        w[self.address] = words(execution.destroyed)
