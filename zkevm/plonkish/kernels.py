"""Counting lookups and checking a witness with the native kernels, where they are installed.

The plain checker says the same, slower; where the kernels find something wrong, it says what.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.plonkish import checker
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.checker import Imbalance, Violation
from zkevm.plonkish.expression import Column
from zkevm.plonkish.fixed import FixedColumn
from zkevm.plonkish.program import Program
from zkevm.plonkish.table import PublicMessage, Table, singly
from zkevm.vectors import native

Counts = list[dict[Column, NDArray[np.uint32]]]


def count_lookups(tables: Sequence[Cells]) -> Counts:
    """How often each provider row is asked for: the count columns of each table."""
    kernels = native()
    if kernels is None:
        return checker.count_lookups(tables)
    providers = [
        (t, i, interaction.count)
        for t, cells in enumerate(tables)
        for i, interaction in enumerate(cells.table.interactions)
        if interaction.count is not None
    ]
    rows = [_counting(kernels, cells) for cells in tables]
    found, _ = kernels.count_lookups(rows, [(t, i) for t, i, _ in providers])
    counts: Counts = [{} for _ in tables]
    for (t, _, column), count in zip(providers, found, strict=True):
        counts[t][column] = count[: tables[t].rows]
    return counts


def violations(tables: Sequence[Cells], limit: int = 100) -> list[Violation]:
    """Broken constraints of all tables, at most `limit`."""
    kernels = native()
    found: list[Violation] = []
    for cells in tables:
        if kernels is None or rows_of(kernels, cells).violations(1):
            found += checker.violations(cells, limit - len(found))
        if len(found) >= limit:
            break
    return found


def imbalances(
    tables: Sequence[Cells], public: Sequence[PublicMessage], limit: int = 100
) -> list[Imbalance]:
    """Messages out of balance, at most `limit`."""
    kernels = native()
    if kernels is not None:
        messages = [
            (p.bus.number, p.multiplicity, b"".join(v.to_bytes(32, "little") for v in p.values))
            for p in singly(public)
        ]
        if not kernels.imbalance([rows_of(kernels, cells) for cells in tables], messages, 1):
            return []
    return checker.imbalances(tables, public, limit)


def _counting(kernels: ModuleType, cells: Cells) -> Any:  # noqa: ANN401 (a class of the native module)
    """The same cells with counts of one: then a provider's numerator says if it is real."""
    counts = {i.count for i in cells.table.interactions if i.count is not None}
    if counts.issuperset(cells.table.columns):
        return _fixed_rows(kernels, cells.table, cells.program, cells.height)
    ones = np.ones(cells.rows, np.uint8)
    columns = [
        ones if column in counts else values
        for column, values in zip(cells.table.columns, cells.columns, strict=True)
    ]
    return rows_of(kernels, Cells(cells.table, cells.program, columns, cells.rows, cells.height))


@cache
def _fixed_rows(kernels: ModuleType, table: Table, program: Program, height: int) -> Any:  # noqa: ANN401
    """The rows of a table of which nothing but the counts depends on a witness."""
    ones = [np.ones(1 << height, np.uint8)] * len(table.columns)
    return rows_of(kernels, Cells(table, program, ones, 1 << height, height))


def rows_of(kernels: ModuleType, cells: Cells) -> Any:  # noqa: ANN401
    """The kernels' view of a table: its program with all cells, witness columns then fixed ones."""
    fixed = [_fixed_values(column, cells.height) for column in cells.table.fixed]
    program = native_program(kernels, cells.program)
    return kernels.Rows(program, [*cells.columns, *fixed], cells.height)


@cache
def _fixed_values(column: FixedColumn, height: int) -> NDArray[Any]:
    return np.ascontiguousarray(column.values(height))


@cache
def native_program(kernels: ModuleType, program: Program) -> Any:  # noqa: ANN401
    """The kernels' view of a program."""
    nodes, constants = program.arrays
    return kernels.Program(
        program.width,
        program.fixed,
        nodes,
        constants,
        program.constraints,
        [(i.bus, i.numerator, i.message) for i in program.interactions],
    )
