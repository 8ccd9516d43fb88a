"""Honest rows: of executed programs whose operands are edge values, and of transactions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from circuits.language import Witness
from circuits.machine import Filled, all_gadgets, columns
from zkevm.plonkish.cells import height_of, integers
from zkevm.plonkish.table import Table

Rows = dict[str, list[tuple[int, ...]]]
"""Honest rows of each table, by name: witness cells, then fixed ones."""


def rows_of(filled: Filled, most: int = 4096) -> Rows:
    """All rows of all tables of an execution but for the fixed tables', at most so many of each."""
    found: Rows = {}
    for gadget in all_gadgets(filled.execution.trace.fork):
        if (w := filled.witnesses.get(gadget.name)) is not None:
            found[gadget.name] = table_rows(gadget.table, columns(gadget, w), w, most)
    return found


def table_rows(
    table: Table, cells: Sequence[Any], w: Witness, most: int
) -> list[tuple[int, ...]]:
    """The rows of one table, spread evenly if there are more than `most`; counts are set to 1."""
    count = w.rows
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))
    fixed = [column.values(height_of(table, count))[:count] for column in table.fixed]
    arrays = [integers(np.asarray(c)[chosen]) for c in (*cells, *fixed)]
    counts = {i.count for i in table.interactions}
    for place, column in enumerate(table.columns):
        if column in counts:
            arrays[place][:] = 1
    return [tuple(int(v) for v in row) for row in zip(*arrays, strict=True)]


def diverse(rows: Iterable[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
    """Rows that differ as much as possible in the sizes of their cells, the first one included."""
    signatures = {}
    for row in rows:
        signature = frozenset((place, _size(v)) for place, v in enumerate(row))
        signatures.setdefault(signature, row)
    chosen: list[tuple[int, ...]] = []
    covered: set[tuple[int, int]] = set()
    left = dict(signatures)
    while left and len(chosen) < most:
        best = max(left, key=lambda s: len(s - covered))
        if not best - covered:
            break
        covered |= best
        chosen.append(left.pop(best))
    return chosen


def _size(value: int) -> int:
    """A coarse size: 0, 1, and then by bits."""
    return value if value < 2 else 2 + value.bit_length() // 16
