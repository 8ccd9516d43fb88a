"""The cells of one table, evaluated in plain Python: slow, exact, and needing no kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.plonkish.program import Program
from zkevm.plonkish.table import Table


@dataclass(frozen=True, eq=False)
class Cells:
    """A table with its witness columns.

    A column is (n,) unsigned, (n, 2) or (n, 4) uint64 with n = `rows`; the table has 2^`height`
    rows, and those from `rows` on are zero.
    """

    table: Table
    program: Program
    columns: Sequence[NDArray[Any]]
    rows: int
    height: int

    @cached_property
    def values(self) -> list[Any]:
        """The value of every node of the program on the rows in use (object arrays or integers)."""
        fixed = [column.values(self.height)[: self.rows] for column in self.table.fixed]
        return self.program.run([integers(c) for c in (*self.columns, *fixed)])

    def node(self, number: int) -> NDArray[np.object_]:
        """One node's value on each row in use."""
        return np.broadcast_to(np.asarray(self.values[number], dtype=object), (self.rows,))


def integers(column: NDArray[Any]) -> NDArray[np.object_]:
    """A column as Python integers."""
    if column.ndim == 1:
        return column.astype(object)
    total = column[:, -1].astype(object)
    for limb in column.T[-2::-1]:
        total = (total << 64) + limb.astype(object)
    return total


def height_of(table: Table, rows: int) -> int:
    """log2 of the rows of a table with so many in use."""
    return table.height if table.height is not None else max(0, (rows - 1).bit_length())
