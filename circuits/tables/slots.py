"""The touched storage slots: where their tokens begin and end.

Relation.  A row for each touched slot, in rising order of (store, key).  It sends the initial
           token, clean, cold, with the value before the block, and receives the final one.
           `pre` and `post` carry both values, under the address whose store it is, to whoever
           states or proves them, unless the account was destroyed: then the slot was 0 before the
           block and is again.  A transient slot begins with 0; its final token is dropped here.
Argument.  Keys rise strictly, so a slot is created once: all its accesses are on one path.
Assumes.   Values before the block are canonical: whoever takes `pre` proves that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import POST, PRE, STORAGE, STORE_STATUS, TRANSIENT, OrderOf
from circuits.execution.tokens import Ledger
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Plan,
    TableGadget,
    Witness,
)
from circuits.language.arrays import words
from circuits.language.state import SLOT
from circuits.tables.order import RisingSlots
from zkevm.trace.words import words_from_ints


@dataclass(frozen=True)
class TouchedSlots:
    """The cells of a ledger: known when it is solved."""

    ledger: Ledger

    def __len__(self) -> int:
        return len(self.ledger.cells.keys)


class Slots(TableGadget[TouchedSlots]):
    """A row for each touched storage slot."""

    name = "slots"
    once = True

    real = Bit()
    slot = RisingSlots()
    address = Cell(ColumnType.FIELD)
    alive = Bit()
    pre = Halves()
    post = Halves()
    original = Halves()
    warm = Cell(ColumnType.BIT)
    scope = Cell(ColumnType.U16)
    created = Cell(ColumnType.U64)  # any clock: the first access bounds it
    left = Cell(ColumnType.U64)

    def constrain(self, c: Builder) -> None:
        self.slot.use(c, OrderOf.SLOTS)
        cell = (self.slot.store, *self.slot.key)
        left = (*self.post, *self.original, self.warm, self.scope)
        c.send(STORAGE, self.real, *cell, *self.pre, *self.pre, 0, 0, self.created)
        c.receive(STORAGE, self.real, *cell, *left, self.left)
        c.require_zero("alive is real", self.alive * (1 - self.real))
        c.request(STORE_STATUS, self.real, self.slot.store, self.alive, self.address)
        for name, half in zip(("low", "high"), self.pre, strict=True):
            dead = self.real - self.alive
            c.require_zero(f"what is destroyed was empty, {name} half", dead * half)
        c.send(PRE, self.alive, self.address, SLOT, *self.slot.key, *self.pre)
        c.send(POST, self.alive, self.address, SLOT, *self.slot.key, *self.post)

    def collect(self, plan: Plan) -> TouchedSlots:
        first: dict[tuple[int, int], int] = {}
        for execution in reversed(plan.executions):
            found = execution.trace.pre.storage.items()
            first |= {(execution.carried.stores[a], key): value for (a, key), value in found}
        keys = words_from_ints(key for _, key in first).tolist()
        values = words_from_ints(first.values()).tolist()
        for (store, _), key, value in zip(first, keys, values, strict=True):
            plan.storage.initial((store, *key), (*value, *value, 0, 0, 0, 0))
        return TouchedSlots(plan.storage)

    def fill(self, w: Witness, record: TouchedSlots, plan: Plan) -> None:
        found = record.ledger.cells
        owner = {s: address for e in plan.executions for address, s in e.carried.stores.items()}
        alive = set(plan.executions[-1].leaves.stores.values())
        order = self.slot.fill(w, record.ledger)
        store, final = found.keys[order, 0], found.final[order]
        w[self.real] = 1
        w[self.address] = words(owner[s] for s in store.tolist())
        w[self.alive] = np.array([s in alive for s in store.tolist()])
        w[self.pre] = record.ledger.created_with(found.keys[order])[:, :4]
        w[self.post], w[self.original] = final[:, :4], final[:, 4:8]
        w[self.warm], w[self.scope] = final[:, 8], final[:, 10]
        w[self.created], w[self.left] = found.created[order], found.last[order]


class TransientSlots(TableGadget[TouchedSlots]):
    """A row for each touched transient slot."""

    name = "transient_slots"
    once = True

    real = Bit()
    slot = RisingSlots()
    value = Halves()
    scope = Cell(ColumnType.U16)
    created = Cell(ColumnType.U64)  # any clock: the first access bounds it
    left = Cell(ColumnType.U64)

    def constrain(self, c: Builder) -> None:
        self.slot.use(c, OrderOf.TRANSIENT_SLOTS)
        cell = (self.slot.store, *self.slot.key)
        c.send(TRANSIENT, self.real, *cell, 0, 0, 0, self.created)
        c.receive(TRANSIENT, self.real, *cell, *self.value, self.scope, self.left)

    def collect(self, plan: Plan) -> TouchedSlots:
        return TouchedSlots(plan.transient)

    def fill(self, w: Witness, record: TouchedSlots, plan: Plan) -> None:
        found = record.ledger.cells
        order = self.slot.fill(w, record.ledger)
        final = found.final[order]
        w[self.real] = 1
        w[self.value], w[self.scope] = final[:, :4], final[:, 4]
        w[self.created], w[self.left] = found.created[order], found.last[order]
