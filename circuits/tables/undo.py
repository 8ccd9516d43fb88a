"""The inverses of reversible writes in frames that are undone (GADGETS.md section 3.2).

Relation.  A row receives the token of its write, finds in the cell what the write left, and puts
           back what was there before, at the mirrored clock.
Argument.  The mirrored clocks put the inverses in the reverse of the order of the writes, so each
           finds its own value; the token is consumed once, so each is performed once.
Assumes.   The end of the failing frame proves `eor`, and no step runs on the clocks up to it.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from circuits.buses import UNDO_ACCOUNT, UNDO_STORAGE, UNDO_TRANSIENT
from circuits.execution.tokens import U64, Ledger
from circuits.language import (
    AccountAccess,
    Bit,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Halves,
    Plan,
    StorageAccess,
    TableGadget,
    TransientAccess,
    Witness,
    keys,
    values,
)
from zkevm.plonkish.table import Bus


@dataclass(frozen=True)
class UndoRows:
    """One entry a row: the key of the cell and the value put back, in the limbs of the ledger."""

    keys: U64
    values: U64
    clock: U64

    def __len__(self) -> int:
        return len(self.clock)


class UndoAccount(TableGadget[UndoRows]):
    """A row for each undone write of a field of an account."""

    name = "undo_account"

    real = Bit()
    address = Cell(ColumnType.FIELD)
    field = Cell(ColumnType.U8)
    found = AccountAccess()
    before = Cells(3, ColumnType.U128)
    clock = Cell(ColumnType.U64)

    def constrain(self, c: Builder) -> None:
        key = (self.address, self.field)
        c.receive(UNDO_ACCOUNT, self.real, *key, *self.found.old, *self.before, self.clock)
        self.found.use(c, self.real, key, self.clock, tuple(self.before))

    def collect(self, plan: Plan) -> UndoRows:
        address, field, _, _, _, *before, clock = plan.requests(UNDO_ACCOUNT)
        rows = UndoRows(keys(address, field), values(*before), clock)
        if len(rows):
            plan.access(self, self.found, plan.account, rows.keys, clock, rows.values)
        return rows

    def fill(self, w: Witness, record: UndoRows, plan: Plan) -> None:
        w[self.real] = 1
        w[self.address] = record.keys[:, :4]
        w[self.field] = record.keys[:, 4]
        for i, cell in enumerate(self.before):
            w[cell] = record.values[:, 2 * i : 2 * i + 2]
        w[self.clock] = record.clock


class UndoSlot(TableGadget[UndoRows]):
    """What both kinds of slots share: the key, and the value put back."""

    bus: Bus
    found: StorageAccess | TransientAccess

    real = Bit()
    store = Cell(ColumnType.U64)
    key = Halves()
    before: Halves
    clock: Cell

    @abstractmethod
    def ledger(self, plan: Plan) -> Ledger:
        """The slots' ledger."""

    def collect(self, plan: Plan) -> UndoRows:
        store, low, high, _, _, *before, clock = plan.requests(self.bus)
        rows = UndoRows(keys(store, low, high), values(*before), clock)
        if len(rows):
            plan.access(self, self.found, self.ledger(plan), rows.keys, clock, rows.values)
        return rows

    def fill(self, w: Witness, record: UndoRows, plan: Plan) -> None:
        w[self.real] = 1
        w[self.store] = record.keys[:, 0]
        w[self.key] = record.keys[:, 1:]
        w[self.before] = record.values[:, :4]
        w[self.clock] = record.clock


class UndoStorage(UndoSlot):
    """A row for each undone touch of a storage slot."""

    name = "undo_storage"
    bus = UNDO_STORAGE

    found = StorageAccess()
    before = Halves()
    warm = Cell(ColumnType.BIT)
    clock = Cell(ColumnType.U64)

    def ledger(self, plan: Plan) -> Ledger:
        return plan.storage

    def constrain(self, c: Builder) -> None:
        value_lo, value_hi, original_lo, original_hi, _, scope = self.found.old
        cell = (self.store, *self.key)
        original = (original_lo, original_hi)
        of_write = (*cell, value_lo, value_hi, *self.before, *original, self.warm, scope)
        c.receive(UNDO_STORAGE, self.real, *of_write, self.clock)
        before = (*self.before, *original, self.warm, scope)
        self.found.use(c, self.real, cell, self.clock, before)

    def fill(self, w: Witness, record: UndoRows, plan: Plan) -> None:
        super().fill(w, record, plan)
        w[self.warm] = record.values[:, 8]


class UndoTransient(UndoSlot):
    """A row for each undone write of a transient slot."""

    name = "undo_transient"
    bus = UNDO_TRANSIENT

    found = TransientAccess()
    before = Halves()
    clock = Cell(ColumnType.U64)

    def ledger(self, plan: Plan) -> Ledger:
        return plan.transient

    def constrain(self, c: Builder) -> None:
        value_lo, value_hi, scope = self.found.old
        cell = (self.store, *self.key)
        of_write = (*cell, value_lo, value_hi, *self.before, scope)
        c.receive(UNDO_TRANSIENT, self.real, *of_write, self.clock)
        self.found.use(c, self.real, cell, self.clock, (*self.before, scope))
