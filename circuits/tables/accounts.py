"""The touched accounts: where the tokens of their fields begin and end.

Relation.  A row for each touched account, in rising order of address.  It sends the initial token
           of each field, with the value before the block, and receives the final one, with the
           value after.  `pre` and `post` carry both to whoever states or proves them.  The
           account's store is twice its place in the table.  An address is always warm exactly if it
           is a precompile.
Argument.  Addresses rise strictly, so a field is created once: all its accesses are on one path,
           which begins and ends here.  The clock of creation is free: the first access bounds it.
           A field that no step uses has its token received where it was sent.
Assumes.   Values before the block are canonical: whoever takes `pre` proves that.
           `had_storage` is a claim of theirs, too.
Ensures.   Stores of two accounts differ, and `store_status` tells whose a store is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import ACCOUNT, ORDER, POST, PRE, PRECOMPILE, STORE_STATUS, OrderOf
from circuits.execution.carried import first_found
from circuits.language import (
    Bit,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Expr,
    Halves,
    Plan,
    TableGadget,
    Uint,
    Witness,
    total,
)
from circuits.language.arrays import Array, limbs, words
from circuits.language.compare import IsZeroSmall
from circuits.language.state import BALANCE, CODE, HAD_STORAGE, LIFE, MARK, NONCE, is_always_warm
from zkevm.trace.words import Words, words_from_ints

FIELDS = (NONCE, BALANCE, CODE, MARK, LIFE)
ADDRESS_BITS = 160
LOW_BITS = 16
PAGE_BITS = 9


@dataclass(frozen=True)
class TouchedAccounts:
    """The addresses in rising order, as words, and the tokens that their fields begin with."""

    addresses: Words
    initial: dict[tuple[int, ...], tuple[int, ...]]

    def __len__(self) -> int:
        return len(self.addresses)


class Accounts(TableGadget[TouchedAccounts]):
    """A row for each touched account."""

    name = "accounts"
    once = True

    real = Bit()
    index = Uint(PAGE_BITS)  # the address is index + 2^9 page + 2^16 upper
    page = Uint(LOW_BITS - PAGE_BITS)
    upper = Uint(ADDRESS_BITS - LOW_BITS)
    previous = Cell(ColumnType.FIELD)  # the address before, plus one; 0 before the first
    distance = Uint(ADDRESS_BITS)
    place = Cell(ColumnType.U32)
    last = Bit()
    small = IsZeroSmall(20)
    always_warm = Bit()
    pre_nonce = Cell(ColumnType.U64)
    pre_balance = Halves()
    pre_hash = Halves()
    had_storage = Bit()
    post_nonce = Cell(ColumnType.U64)
    post_balance = Halves()
    post_hash = Halves()
    post_store = Cell(ColumnType.U64)
    mark = Cell(ColumnType.U16)
    created_scope = Cell(ColumnType.U16)
    destroyed_scope = Cell(ColumnType.U16)
    created = Cells(len(FIELDS), ColumnType.U64)  # clocks of creation, less than the first access's
    left = Cells(len(FIELDS), ColumnType.U64)  # clocks of the last accesses
    count = Cell(ColumnType.U32)

    @property
    def address(self) -> Expr:
        """The address, below 2^160."""
        low = self.index.value + (1 << PAGE_BITS) * self.page.value
        return low + (1 << LOW_BITS) * self.upper.value

    def constrain(self, c: Builder) -> None:
        address = self.address
        self._constrain_order(c)
        self._constrain_precompile(c)
        # Initial and final value of each field.
        tokens = (
            ((self.pre_nonce, 0, 0), (self.post_nonce, 0, 0)),
            ((*self.pre_balance, 0), (*self.post_balance, 0)),
            ((*self.pre_hash, 2 * self.place), (*self.post_hash, self.post_store)),
            ((0, self.always_warm, 0), (self.mark, self.always_warm, 0)),
            (
                (0, 0, self.had_storage),
                (self.created_scope, self.destroyed_scope, self.had_storage),
            ),
        )
        for i, (field, (before, after)) in enumerate(zip(FIELDS, tokens, strict=True)):
            c.send(ACCOUNT, self.real, address, field, *before, self.created[i])
            c.receive(ACCOUNT, self.real, address, field, *after, self.left[i])
        for bus, nonce, balance, code_hash in (
            (PRE, self.pre_nonce, self.pre_balance, self.pre_hash),
            (POST, self.post_nonce, self.post_balance, self.post_hash),
        ):
            c.send(bus, self.real, address, NONCE, 0, 0, nonce, 0)
            c.send(bus, self.real, address, BALANCE, 0, 0, *balance)
            c.send(bus, self.real, address, CODE, 0, 0, *code_hash)
        c.send(PRE, self.real, address, HAD_STORAGE, 0, 0, self.had_storage, 0)
        c.provide(STORE_STATUS, self.real, self.count, self.post_store, 1, address)

    def _constrain_order(self, c: Builder) -> None:
        # Both sides are below 2^161: integers.
        address = self.address
        c.require_equal("addresses rise", address - self.previous, self.distance.value)
        c.require_zero("only a real row is the last", self.last * (1 - self.real))
        c.receive(ORDER, self.real, OrderOf.ACCOUNTS, self.previous, 0, 0, self.place - 1)
        more = self.real - self.last
        c.send(ORDER, more, OrderOf.ACCOUNTS, address + 1, 0, 0, self.place)

    def _constrain_precompile(self, c: Builder) -> None:
        # Precompiles are below 2^9; the sum is below 2^7 + 9 * 2^16.
        self.small.use(c, self.page.value + total(self.upper))
        c.require_zero("precompiles are small", self.always_warm * (1 - self.small.bit))
        c.request(PRECOMPILE, self.small.bit, self.index.value, self.always_warm)

    def collect(self, plan: Plan) -> TouchedAccounts:
        pre, stores = first_found([e.trace for e in plan.executions]), plan.execution.carried.stores
        listed = list(stores)
        addresses = words_from_ints(listed)
        always = is_always_warm(plan.execution.trace.fork, addresses)
        initial: dict[tuple[int, ...], tuple[int, ...]] = {}
        for address, key, warm in zip(listed, addresses.tolist(), always.tolist(), strict=True):
            account = pre[address]
            values = {
                NONCE: (account.nonce, 0, 0),
                BALANCE: (*halves(account.balance), 0),
                CODE: (*halves(account.code_hash), stores[address]),
                MARK: (0, int(warm), 0),
                LIFE: (0, 0, int(account.has_storage)),
            }
            for field, cells in values.items():
                value = tuple(part for cell in cells for part in (cell % 2**64, cell >> 64))
                initial[*key, field] = value
                plan.account.initial((*key, field), value)
        return TouchedAccounts(addresses, initial)

    def fill(self, w: Witness, record: TouchedAccounts, plan: Plan) -> None:
        found = plan.account.cells
        places = {key: i for i, key in enumerate(map(tuple, found.keys.tolist()))}
        n = len(record)
        before, after = np.zeros((2, n, len(FIELDS), 6), np.uint64)
        created, left = np.zeros((2, n, len(FIELDS)), np.uint64)
        for row, address in enumerate(record.addresses.tolist()):
            for i, field in enumerate(FIELDS):
                key = (*address, field)
                before[row, i] = after[row, i] = record.initial[key]
                if (place := places.get(key)) is not None:
                    after[row, i] = found.final[place]
                    created[row, i], left[row, i] = found.created[place], found.last[place]
        w[self.real] = 1
        self._fill_order(w, record.addresses, plan)
        w[self.created], w[self.left] = created, left
        self._fill_values(w, before, after)

    def _fill_order(self, w: Witness, addresses: Words, plan: Plan) -> None:
        listed = list(plan.execution.carried.stores)
        previous = [0, *(address + 1 for address in listed[:-1])]
        parts = limbs(addresses)
        page = parts[:, 0] >> PAGE_BITS
        w[self.index], w[self.page] = parts[:, 0] % (1 << PAGE_BITS), page
        for cell, limb in zip(self.upper, parts[:, 1:].T, strict=False):
            w[cell] = limb
        self.small.fill(w, page + parts[:, 1:10].sum(axis=1))
        w[self.previous] = words(previous)
        w[self.distance] = words(a - b for a, b in zip(listed, previous, strict=True))
        w[self.place] = np.arange(1, len(listed) + 1)
        w[self.last] = np.arange(1, len(listed) + 1) == len(listed)

    def _fill_values(self, w: Witness, before: Array, after: Array) -> None:
        """From the limbs (n, field, 6) of initial and final values."""
        nonce, balance, code, mark, life = range(len(FIELDS))
        w[self.pre_nonce], w[self.post_nonce] = before[:, nonce, 0], after[:, nonce, 0]
        w[self.pre_balance], w[self.post_balance] = before[:, balance, :4], after[:, balance, :4]
        w[self.pre_hash], w[self.post_hash] = before[:, code, :4], after[:, code, :4]
        w[self.post_store] = after[:, code, 4]
        w[self.mark] = after[:, mark, 0]
        w[self.always_warm] = before[:, mark, 2]
        w[self.created_scope], w[self.destroyed_scope] = after[:, life, 0], after[:, life, 2]
        w[self.had_storage] = before[:, life, 4]


def halves(value: int) -> tuple[int, int]:
    """The halves of a word."""
    return value % 2**128, value >> 128
