"""Honest rows: of executed programs whose operands are edge values, and of transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from circuits.audit.polynomial import Row
from circuits.audit.relation import Relation
from circuits.language import Plan, StepGadget, Witness
from circuits.machine import Filled, all_gadgets, columns, step_gadgets
from zkevm.plonkish.cells import height_of, integers
from zkevm.plonkish.table import Role, Table

SIMPLE = ("state", "stack", "fetch")

Rows = dict[str, list[tuple[int, ...]]]
"""Honest rows of each table, by name: witness cells, then fixed ones."""


def rows_of(filled: Filled, most: int = 4096) -> Rows:
    """All rows of all tables of an execution but for the fixed tables', at most so many of each."""
    found: Rows = {}
    for gadget in all_gadgets(filled.execution.trace.fork):
        if (w := filled.witnesses.get(gadget.name)) is not None:
            found[gadget.name] = table_rows(gadget.table, columns(gadget, w), w, most)
    return found


def table_rows(table: Table, cells: Sequence[Any], w: Witness, most: int) -> list[tuple[int, ...]]:
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


def strangers(
    filled: Filled, relations: Mapping[str, Relation], gadget: StepGadget, most: int
) -> list[tuple[tuple[int, ...], dict[int, tuple[int, ...]]]]:
    """Steps of its opcodes that a gadget leaves to another, filled all the same, with the truth.

    Only for gadgets that talk about nothing but state, stack and code.
    """
    found = []
    own = relations[gadget.name]
    if any(m.bus.name not in SIMPLE for m in own.messages):
        return []
    for other in step_gadgets(filled.execution.trace.fork):
        shared = other.name in filled.rows and set(other.opcodes) & set(gadget.opcodes)
        if other.name == gadget.name or other.halts or gadget.halts or not shared:
            continue
        numbers = filled.rows[other.name]
        chosen = numbers[np.isin(filled.execution.trace.rows.op[numbers], gadget.opcodes)]
        chosen = chosen[:: max(1, len(chosen) // most)]
        honest = _assigned(filled, other, chosen)
        for row, true in zip(_assigned(filled, gadget, chosen), honest, strict=True):
            truth = _translated(relations[other.name], own, true)
            if truth:
                found.append((row, truth))
    return found


def _assigned(filled: Filled, gadget: StepGadget, chosen: Any) -> list[tuple[int, ...]]:
    w = gadget.assign(filled.execution.steps(chosen), Plan(filled.execution))
    return table_rows(gadget.table, columns(gadget, w), w, len(chosen))


def _translated(source: Relation, target: Relation, row: Row) -> dict[int, tuple[int, ...]]:
    """The messages of a row of one relation under the numbers of another, if both have as many."""
    found: dict[int, tuple[int, ...]] = {}
    for bus in SIMPLE:
        for role in Role:
            theirs, ours = (
                [
                    n
                    for n, m in enumerate(r.messages)
                    if (m.bus.name, m.interaction.role) == (bus, role)
                ]
                for r in (source, target)
            )
            if len(theirs) != len(ours):
                return {}
            for ours_number, number in zip(ours, theirs, strict=True):
                if source.messages[number].active(row) == 1:
                    found[ours_number] = source.messages[number].values(row)
    return found


def diverse(rows: Iterable[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
    """Rows that differ as much as possible in the sizes of their cells, the first one included."""
    signatures: dict[frozenset[tuple[int, int]], tuple[int, ...]] = {}
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
