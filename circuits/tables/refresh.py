"""Bridges of long gaps between the accesses of a cell (GADGETS.md section 6.6).

Relation.  A row receives a token and sends it again at a later clock, changing nothing else.
Argument.  It is an access like any other, so it adds none and drops none.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.buses import ACCOUNT, MEMORY, STORAGE, TRANSIENT
from circuits.execution.tokens import Ledger
from circuits.language import (
    Bit,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Plan,
    TableGadget,
    Uint,
    Witness,
)
from zkevm.plonkish.table import Bus


@dataclass(frozen=True)
class RefreshRows:
    """The refreshes of a ledger: known when it is solved."""

    ledger: Ledger

    def __len__(self) -> int:
        return len(self.ledger.refreshes.old)


class RefreshTable(TableGadget[RefreshRows]):
    """A row for each access of a cell that was written 2^16 ticks before or more.

    `widths` are the limbs that each cell takes in the ledger: those of the key, then the values.
    """

    once = True

    bus: ClassVar[Bus]
    widths: ClassVar[tuple[int, ...]]

    real = Bit()
    clock = Cell(ColumnType.U64)
    gap = Uint(32)
    cells: ClassVar[Cells]

    def constrain(self, c: Builder) -> None:
        c.receive(self.bus, self.real, *self.cells, self.clock)
        c.send(self.bus, self.real, *self.cells, self.clock + 1 + self.gap.value)

    @abstractmethod
    def ledger(self, plan: Plan) -> Ledger:
        """The ledger of the bus."""

    def collect(self, plan: Plan) -> RefreshRows:
        return RefreshRows(self.ledger(plan))

    def fill(self, w: Witness, record: RefreshRows, plan: Plan) -> None:
        found = record.ledger.refreshes
        w[self.real] = 1
        w[self.clock] = found.old
        w[self.gap] = found.new - found.old - 1
        limbs = np.concatenate([found.keys, found.values], axis=1)
        start = 0
        for cell, width in zip(self.cells, self.widths, strict=True):
            element = limbs[:, start : start + width]
            w[cell] = element[:, 0] if width == 1 else element
            start += width


class RefreshMemory(RefreshTable):
    """Of words of memory and data frames."""

    name = "refresh_memory"
    bus = MEMORY
    widths = (1, 1, 2, 2)

    cells = Cells(4, ColumnType.U128)

    def ledger(self, plan: Plan) -> Ledger:
        return plan.memory


class RefreshAccount(RefreshTable):
    """Of fields of accounts."""

    name = "refresh_account"
    bus = ACCOUNT
    widths = (4, 1, 2, 2, 2)

    cells = Cells(5, ColumnType.FIELD)

    def ledger(self, plan: Plan) -> Ledger:
        return plan.account


class RefreshStorage(RefreshTable):
    """Of storage slots."""

    name = "refresh_storage"
    bus = STORAGE
    widths = (1, 2, 2, 2, 2, 2, 2, 2, 2)

    cells = Cells(9, ColumnType.U128)

    def ledger(self, plan: Plan) -> Ledger:
        return plan.storage


class RefreshTransient(RefreshTable):
    """Of transient slots."""

    name = "refresh_transient"
    bus = TRANSIENT
    widths = (1, 2, 2, 2, 2, 2)

    cells = Cells(6, ColumnType.U128)

    def ledger(self, plan: Plan) -> Ledger:
        return plan.transient
