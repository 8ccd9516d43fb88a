"""Honest rows: of executed programs whose operands are edge values, and of transactions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from circuits.audit.buses import COMPLETE
from circuits.audit.polynomial import Row
from circuits.audit.relation import Relation
from circuits.audit.scene import World
from circuits.filled import Filled
from circuits.language import Plan, StepGadget, Witness
from circuits.machine import all_gadgets, columns, step_gadgets
from zkevm.plonkish.cells import height_of, integers
from zkevm.plonkish.table import Role, Table
from zkevm.trace.trace import Halt

SIMPLE = ("state", "stack", "fetch")
PLENTY = 1 << 50
"""More gas than a step costs that does not touch memory beyond all bounds."""

HOPELESS = "range.huge"
"""The column of steps that no amount of gas is enough for."""

ASKED = COMPLETE | {"env", "ended"}

Cells = tuple[int, ...]
"""One row: witness cells, then fixed ones; counts are 1."""


@dataclass(frozen=True, eq=False)
class Sample:
    """An honest row, and what the other tables of its execution state under each key.

    `truth` is given for a row that is not honest: the true messages, as `Scene` has them.
    """

    row: Cells
    world: World
    truth: Mapping[int, Cells] | None = None
    refused: str = ""
    """Why the step is not the gadget's to prove at all."""


Rows = dict[str, list[Sample]]
"""Samples of each table, by name."""


def rows_of(
    filled: Filled, relations: Mapping[str, Relation], world: World, most: int = 4096
) -> Rows:
    """All rows of all tables of an execution but the fixed ones, at most so many of each."""
    found: Rows = {}
    for gadget in all_gadgets(filled.fork):
        if (w := filled.witnesses.get(gadget.name)) is not None and gadget.name in relations:
            cells = table_rows(gadget.table, columns(gadget, w), w, most)
            found[gadget.name] = [Sample(row, world) for row in cells]
    return found


def world_of(filled: Filled, relations: Mapping[str, Relation]) -> World:
    """Every statement that a table makes on a lookup bus with keys, by bus and key."""
    world: World = {}
    for gadget in all_gadgets(filled.fork):
        relation, w = relations.get(gadget.name), filled.witnesses.get(gadget.name)
        if relation is None or w is None:
            continue
        offers = [m for m in relation.messages if m.interaction.role is Role.PROVIDE and m.key]
        if offers:
            for row in table_rows(gadget.table, columns(gadget, w), w, w.rows):
                for m in offers:
                    if m.active(row):
                        values = m.values(row)
                        world[m.bus.name, values[: len(m.key)]] = values
    return world


def table_rows(table: Table, cells: Sequence[Any], w: Witness, most: int) -> list[Cells]:
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
    filled: Filled,
    relations: Mapping[str, Relation],
    world: World,
    gadget: StepGadget,
    most: int,
) -> list[Sample]:
    """Steps of its opcodes that a gadget leaves to others, filled all the same, with the truth.

    Where one of the two proves halts and the other does not, the step must be refused.  Only for
    gadgets all of whose lookups are about what the world states completely.
    """
    own = relations[gadget.name]
    if any(m.bus.name not in SIMPLE and m.bus.name not in ASKED for m in own.messages):
        return []
    found: list[Sample] = []
    for other in step_gadgets(filled.fork):
        if other.name == gadget.name or other.name not in filled.rows:
            continue
        if other.halts == (Halt.OUT_OF_GAS,) and not gadget.halts:
            continue  # success leads to a negative gas, with which no frame ends well
        numbers = filled.rows[other.name]
        chosen = numbers[np.isin(filled.execution.trace.rows.op[numbers], gadget.opcodes)]
        chosen = chosen[:: max(1, len(chosen) // most)][:most]
        if not len(chosen):
            continue
        refused = _refusal(gadget, other)
        try:
            with np.errstate(all="ignore"):
                honest = _assigned(filled, other, chosen)
                bent = _assigned(filled, gadget, chosen)
        except (ArithmeticError, IndexError, KeyError, ValueError):
            continue
        for row, true in zip(bent, honest, strict=True):
            truth = _translated(relations[other.name], own, true, bool(refused))
            if truth:
                found.append(Sample(row, world, truth, refused))
    return found


def enriched(samples: Sequence[Sample], relation: Relation) -> list[Sample]:
    """Steps that ran out of gas, given so much that they must not."""
    names = [c.name for c in relation.table.columns]
    place, hopeless = names.index("gas"), [i for i, name in enumerate(names) if name == HOPELESS]
    found = []
    for sample in samples:
        if sample.truth is None and not any(sample.row[i] for i in hopeless):
            row = (*sample.row[:place], PLENTY, *sample.row[place + 1 :])
            given = {
                n: m.values(row)
                for n, m in enumerate(relation.messages)
                if m.interaction.role in (Role.RECEIVE, Role.REQUEST) and m.active(row) == 1
            }
            found.append(Sample(row, sample.world, given, "has gas enough"))
    return found


def _refusal(gadget: StepGadget, other: StepGadget) -> str:
    if bool(gadget.halts) == bool(other.halts):
        return ""
    return "does not halt" if gadget.halts else "halts"


def _assigned(filled: Filled, gadget: StepGadget, chosen: Any) -> list[Cells]:
    w = gadget.assign(filled.execution.steps(chosen), Plan(filled.execution, filled.level))
    return table_rows(gadget.table, columns(gadget, w), w, len(chosen))


def _translated(
    source: Relation, target: Relation, row: Row, given_only: bool
) -> dict[int, tuple[int, ...]]:
    """The messages of a row of one relation under the numbers of another, if both have as many."""
    found: dict[int, tuple[int, ...]] = {}
    for bus in SIMPLE:
        for role in (Role.RECEIVE, Role.REQUEST) if given_only else tuple(Role):
            theirs, ours = (_numbers(r, bus, role) for r in (source, target))
            if len(theirs) != len(ours) and bus != "fetch":
                if not given_only:
                    return {}
                continue
            for ours_number, number in zip(ours, theirs, strict=False):
                if source.messages[number].active(row) == 1:
                    found[ours_number] = source.messages[number].values(row)
    return found


def _numbers(relation: Relation, bus: str, role: Role) -> list[int]:
    """The messages of a kind; of fetches the step's own instruction alone."""
    return [
        n
        for n, m in enumerate(relation.messages)
        if (m.bus.name, m.interaction.role) == (bus, role)
        and (bus != "fetch" or m.interaction is relation.fetch)
    ]


def diverse(relation: Relation, samples: Iterable[Sample], most: int) -> list[Sample]:
    """Samples that differ as much as possible in the sizes of cells, and in what they say."""
    left: dict[frozenset[tuple[int, int]], Sample] = {}
    for sample in samples:
        sizes = ((p, _size(v)) for p, v in enumerate(sample.row))
        said = ((-n, 1) for n, m in enumerate(relation.messages, 1) if m.active(sample.row))
        left.setdefault(frozenset((*sizes, *said)), sample)
    chosen: list[Sample] = []
    covered: set[tuple[int, int]] = set()
    while left and len(chosen) < most:
        best = max(left, key=lambda s: len(s - covered))
        if not best - covered:
            break
        covered |= best
        chosen.append(left.pop(best))
    rest = list(left.values())
    return chosen + rest[:: max(1, len(rest) // max(1, most - len(chosen)))][: most - len(chosen)]


def _size(value: int) -> int:
    """A coarse size: 0, 1, and then by bits."""
    return value if value < 2 else 2 + value.bit_length() // 16
