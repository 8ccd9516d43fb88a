"""The journal's entries.

Relation.  A row receives the `journal_new` token of its entry and offers the entry to lookups.
Argument.  The id is the clock of the step that made the entry, which is unique, and the step makes
           one at most: so each id has one row.
Assumes.   Whoever changes a counter adds to the entry in force; at the end of the transaction the
           refund is checked not to be negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import JOURNAL, JOURNAL_NEW
from circuits.execution.tokens import I64, U64
from circuits.language import Bit, Builder, Cell, ColumnType, Plan, TableGadget, Witness
from circuits.language.arrays import signed_field


@dataclass(frozen=True)
class JournalRows:
    """New entries, one each."""

    id: U64
    refund: I64
    logs: U64
    destroyed: U64

    def __len__(self) -> int:
        return len(self.id)


class JournalTable(TableGadget[JournalRows]):
    """A row for each entry."""

    name = "journal"

    real = Bit()
    id = Cell(ColumnType.U64)
    refund = Cell(ColumnType.U64)
    logs = Cell(ColumnType.U32)
    destroyed = Cell(ColumnType.U32)
    count = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        entry = (self.id, self.refund, self.logs, self.destroyed)
        c.receive(JOURNAL_NEW, self.real, *entry)
        c.provide(JOURNAL, self.real, self.count, *entry)

    def collect(self, plan: Plan) -> JournalRows:
        number, refund, logs, destroyed = plan.requests(JOURNAL_NEW)
        return JournalRows(
            number.astype(np.uint64),
            refund.astype(np.int64),
            logs.astype(np.uint64),
            destroyed.astype(np.uint64),
        )

    def fill(self, w: Witness, record: JournalRows, plan: Plan) -> None:
        w[self.real] = 1
        w[self.id] = record.id
        w[self.refund] = signed_field(record.refund)
        w[self.logs] = record.logs
        w[self.destroyed] = record.destroyed
