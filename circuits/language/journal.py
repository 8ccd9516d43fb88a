"""Changing the journal: refund counter, number of logs, number of destroyed accounts.

They live in entries that never change (GADGETS.md section 3.3); the state carries the id of the one
in force.  A failing frame restores the id of its caller, and with it all three.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.buses import JOURNAL, JOURNAL_NEW
from circuits.execution.steps import Steps
from circuits.execution.tokens import I64, Mask
from circuits.language.arrays import signed_field
from circuits.language.builder import Builder
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan
from circuits.language.witness import Witness
from zkevm.plonkish.expression import Column, ColumnType, Expr


class JournalChange(Part):
    """The entry in force, looked up, and a new one made by the step: its id is the step's clock."""

    def __init__(self) -> None:
        self.refund = Cell(ColumnType.U64)
        self.logs = Cell(ColumnType.U32)
        self.destroyed = Cell(ColumnType.U32)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".refund", self.refund
        yield ".logs", self.logs
        yield ".destroyed", self.destroyed

    def use(
        self,
        c: Builder,
        when: Expr,
        entry: Expr,
        clock: Expr,
        refund: Expr | int = 0,
        logs: Expr | int = 0,
        destroyed: Expr | int = 0,
    ) -> Expr:
        """Where `when` is 1, add to the counters of `entry`.  Returns the id then in force."""
        counters = (self.refund, self.logs, self.destroyed)
        c.request(JOURNAL, when, entry, *counters)
        after = (self.refund + refund, self.logs + logs, self.destroyed + destroyed)
        c.send(JOURNAL_NEW, when, clock, *after)
        return entry + when * (clock - entry)

    def plan(
        self,
        plan: Plan,
        s: Steps,
        refund: I64 | int = 0,
        logs: int = 0,
        destroyed: int = 0,
        where: Mask | None = None,
    ) -> None:
        """Record the new entries."""
        where = np.ones(len(s), np.bool_) if where is None else where
        old = s.execution.journal.find(s.journal)
        clock = s.clock[where]
        added = np.broadcast_to(refund, (len(s),))
        after = (old.refund + added, old.logs + logs, old.destroyed + destroyed)
        plan.request(JOURNAL_NEW, clock, *(counter[where] for counter in after))

    def fill(self, w: Witness, s: Steps, where: Mask | None = None) -> None:
        """Fill the counters found."""
        where = np.ones(len(s), np.bool_) if where is None else where
        counters = (np.where(where, c, 0) for c in s.execution.journal.find(s.journal))
        refund, logs, destroyed = counters
        w[self.refund] = signed_field(refund)
        w[self.logs] = logs
        w[self.destroyed] = destroyed
