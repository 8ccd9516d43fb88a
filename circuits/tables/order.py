"""Keys in strictly rising order: what guards that an account or a slot is created once.

Relation.  Each row of an ordered table receives the `order` token of its predecessor, proves that
           its own key is greater, and sends a token with it unless it is the last.
Argument.  The verifier sends one first token a table, so there is one path of rows from it; keys
           rise strictly along it, so no two rows have the same.  No row may send a first token: a
           table may occur in every segment of a proof, so none can promise to have one row.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.buses import ORDER, OrderOf
from circuits.execution.tokens import I64, Ledger
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Part,
    Plan,
    TableGadget,
    Uint,
    Witness,
)
from circuits.language.compare import LessWord
from zkevm.plonkish.expression import ONE, Column

STARTED = (OrderOf.ACCOUNTS, OrderOf.SLOTS, OrderOf.TRANSIENT_SLOTS)


class UnusedOrders(TableGadget[range]):
    """Takes the first tokens of ordered tables without rows.  To drop a token creates nothing."""

    name = "unused_orders"
    once = True

    absent = Bits(len(STARTED))

    def declare(self) -> Builder:
        c = Builder(ONE)
        self.absent.constrain(c)
        self.constrain(c)
        return c

    def constrain(self, c: Builder) -> None:
        for table, absent in zip(STARTED, self.absent, strict=True):
            c.receive(ORDER, absent, table, 0, 0, 0, 0, label=f"no {table.name.lower()}")

    def collect(self, plan: Plan) -> range:
        return range(1)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        ledgers = (plan.account, plan.storage, plan.transient)
        w[self.absent] = np.array([[len(ledger.cells.keys) == 0 for ledger in ledgers]])


class RisingSlots(Part):
    """The order of (store, key): the store rises, or stays and the key rises.

    Keys are compared as integers lo + 2^128 * hi.  The first predecessor is (0, 0), and a row is at
    most 2^129 a half away from the one before, so halves stay under 2^162 for 2^32 rows: equations
    of residues are equations of integers, and equal keys have equal halves.
    """

    def __init__(self) -> None:
        self.store = Cell(ColumnType.U64)
        self.key = Halves()
        self.previous_store = Cell(ColumnType.U64)
        self.previous_key = Halves()
        self.same_store = Bit()
        self.rise = Uint(48)  # of the store, less one where it rises
        self.less = LessWord()
        self.last = Bit()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".store", self.store
        yield ".key", self.key
        yield ".previous_store", self.previous_store
        yield ".previous_key", self.previous_key
        yield ".same_store", self.same_store
        yield ".rise", self.rise
        yield ".less", self.less
        yield ".last", self.last

    def use(self, c: Builder, table: OrderOf) -> None:
        """On every real row: the row follows its predecessor in `table`."""
        before = (self.previous_store, self.previous_key.hi, self.previous_key.lo)
        now = (self.store, self.key.hi, self.key.lo)
        step = self.store - self.previous_store
        c.receive(ORDER, c.real, table, *before, 0)
        c.send(ORDER, c.real - self.last, table, *now, 0)
        c.require_zero("only a real row is the last", self.last * (1 - c.real))
        c.require_zero("the store stays if it is the same", self.same_store * step)
        c.require_equal("the store rises", step - c.real + self.same_store, self.rise.value)
        self.less.use(c, self.previous_key, self.key)
        c.require_zero("in a store the key rises", self.same_store * (1 - self.less.bit))

    def fill(self, w: Witness, ledger: Ledger) -> I64:
        """From a solved ledger of slots.  Returns the order in which its cells are the rows."""
        found = ledger.cells.keys
        order = np.lexsort((*found[:, 1:].T, found[:, 0]))
        store, key = found[order, 0], np.ascontiguousarray(found[order, 1:])
        previous_store = np.concatenate([np.zeros(1, np.uint64), store[:-1]])
        previous_key = np.concatenate([np.zeros((1, 4), np.uint64), key[:-1]])
        same = store == previous_store
        w[self.store], w[self.key] = store, key
        w[self.previous_store], w[self.previous_key] = previous_store, previous_key
        w[self.same_store] = same
        w[self.rise] = store - previous_store - np.uint64(1) * ~same
        self.less.fill(w, previous_key, key)
        w[self.last] = np.arange(len(order)) == len(order) - 1
        return order
