"""Accesses to cells: receive the token that the access before left, send one's own.

The relation is that of `circuits.execution.tokens`: for a cell and a clock, the value received was
left at a smaller clock, and the value sent is left at this one.  That the token received is the
last one is the argument of the whole bus: each cell is created once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.buses import ACCOUNT, MEMORY, RETURNED, STORAGE, TRANSIENT
from circuits.execution.tokens import Access
from circuits.language.builder import Builder
from circuits.language.columns import U16, Bit, Uint
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan
from circuits.language.witness import Witness
from circuits.language.words import ByteWord, WordExpr
from zkevm.plonkish.expression import Column, ColumnType, Expr
from zkevm.plonkish.table import Bus


class TokenAccess(Part):
    """The columns of one access: the cells received, the gap and, on droppable buses, `keep`.

    `old` are the value cells received; their ranges were proven by who wrote them.  `received` is
    the same as expressions.  Values of a message beyond `cells` are 0.
    """

    bus: Bus
    cells: tuple[str, ...]
    droppable = False
    wide = False

    def __init__(self) -> None:
        self.old = tuple(Cell(ColumnType.U128) for _ in self.cells)
        self.received: tuple[Expr, ...] = self.old
        self.gap: U16 | Uint = Uint(32) if self.wide else U16()
        self.keep = Bit() if self.droppable else None

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        for name, cell in zip(self.cells, self.old, strict=True):
            yield f".{name}", cell
        yield ".gap", self.gap
        if self.keep is not None:
            yield ".keep", self.keep

    def use(
        self,
        c: Builder,
        when: Expr,
        key: Sequence[Expr | int],
        clock: Expr,
        new: Sequence[Expr | int] | None = None,
    ) -> None:
        """Where `when` is 1, read the cell `key` at `clock` and leave `new` in it (or the old)."""
        gap = self.gap.value if isinstance(self.gap, Uint) else self.gap
        unused = (0,) * (len(self.bus.fields) - len(key) - len(self.cells) - 1)
        left = (*key, *self.received, *unused, clock - 1 - gap)
        c.receive(self.bus, when, *left, label=f"{self.label} receives")
        kept = when if self.keep is None else when * self.keep
        c.send(
            self.bus,
            kept,
            *key,
            *(self.received if new is None else new),
            *unused,
            clock,
            label=f"{self.label} sends",
        )

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        self.settle(w, plan.accessed(owner, self))

    def settle(self, w: Witness, access: Access | None) -> None:
        """Fill the columns from a solved access."""
        old = np.zeros((w.rows, 2 * len(self.cells)), np.uint64)
        gap, keep = np.zeros(w.rows, np.uint64), np.zeros(w.rows, np.bool_)
        if access is not None and len(access.where):
            old[access.where] = access.old[:, : old.shape[1]]
            gap[access.where] = access.gap
            keep[access.where] = access.keep
        for i, cell in enumerate(self.old):
            w[cell] = old[:, 2 * i : 2 * i + 2]
        w[self.gap] = gap
        if self.keep is not None:
            w[self.keep] = keep


class MemoryAccess(TokenAccess):
    """A word of memory or of a data frame; tokens may be dropped: creation is what is guarded."""

    bus = MEMORY
    cells = ("lo", "hi")
    droppable = True

    @property
    def expr(self) -> WordExpr:
        """The word received."""
        return WordExpr(*self.received)


class MemoryBytesAccess(MemoryAccess):
    """A word of memory taken apart into bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.word = ByteWord()
        self.old = ()
        self.received = (self.word.lo, self.word.hi)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.word
        yield ".gap", self.gap
        if self.keep is not None:
            yield ".keep", self.keep

    def settle(self, w: Witness, access: Access | None) -> None:
        super().settle(w, access)
        received = np.zeros((w.rows, 4), np.uint64)
        if access is not None:
            received[access.where] = access.old
        w[self.word] = received


class AccountAccess(TokenAccess):
    """A field of an account."""

    bus = ACCOUNT
    cells = ("v0", "v1", "v2")


class StorageAccess(TokenAccess):
    """A storage slot with its original value, warm mark and scope."""

    bus = STORAGE
    cells = ("value_lo", "value_hi", "original_lo", "original_hi", "warm", "scope")


class TransientAccess(TokenAccess):
    """A transient slot with its scope."""

    bus = TRANSIENT
    cells = ("value_lo", "value_hi", "scope")


class ReturnedAccess(TokenAccess):
    """Where a frame's return data lies."""

    bus = RETURNED
    cells = ("data_frame", "offset", "length")
    droppable = True
    wide = True
