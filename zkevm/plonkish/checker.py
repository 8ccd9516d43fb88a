"""Checks every constraint and every bus on a witness, without proving anything.

All violations are reported, none is raised.  The padding row is the circuit's business: that it is
legal and silent is checked once, when the circuit is made.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zkevm.field import MODULUS, signed
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.expression import Column
from zkevm.plonkish.table import Bus, Interaction, PublicMessage, Role, singly

Message = tuple[int, ...]

PUBLIC = "the statement"


@dataclass(frozen=True)
class Violation:
    """A constraint that a row breaks."""

    table: str
    row: int
    label: str


@dataclass(frozen=True)
class Occurrence:
    """A row (or the statement, row -1) that has to do with a message: `multiplicity` is signed."""

    table: str
    row: int
    label: str
    multiplicity: int


@dataclass(frozen=True)
class Imbalance:
    """A message whose multiplicities do not sum to zero."""

    bus: Bus
    message: Message
    total: int
    occurrences: tuple[Occurrence, ...]


def violations(cells: Cells, limit: int = 100) -> list[Violation]:
    """Broken constraints of one table, at most `limit`."""
    found: list[Violation] = []
    for constraint, node in zip(cells.table.constraints, cells.program.constraints, strict=True):
        broken = np.flatnonzero(cells.node(node) != 0)
        found += [Violation(cells.table.name, int(r), constraint.label) for r in broken]
    return found[:limit]


def imbalances(
    tables: Sequence[Cells], public: Sequence[PublicMessage] = (), limit: int = 100
) -> list[Imbalance]:
    """Messages out of balance over all tables and the statement, at most `limit`."""
    totals: Counter[tuple[Bus, Message]] = Counter()
    for bus, message, occurrence in _everything(tables, public):
        totals[bus, message] += occurrence.multiplicity
    wrong = [key for key, total in totals.items() if total % MODULUS][:limit]
    if not wrong:
        return []
    found: dict[tuple[Bus, Message], list[Occurrence]] = {key: [] for key in wrong}
    for bus, message, occurrence in _everything(tables, public):
        if (bus, message) in found and len(found[bus, message]) < limit:
            found[bus, message].append(occurrence)
    return [
        Imbalance(bus, message, signed(totals[bus, message]), tuple(found[bus, message]))
        for bus, message in wrong
    ]


def _everything(
    tables: Sequence[Cells], public: Sequence[PublicMessage]
) -> Iterator[tuple[Bus, Message, Occurrence]]:
    """Every message of the tables and of the statement, with who says it."""
    for cells in tables:
        for bus, message, multiplicity, row, interaction in _messages(cells):
            yield bus, message, Occurrence(cells.table.name, row, interaction.label, multiplicity)
    for p in singly(public):
        message = tuple(v % MODULUS for v in p.values)
        yield p.bus, message, Occurrence(PUBLIC, -1, "public message", p.multiplicity)


def count_lookups(
    tables: Sequence[Cells],
) -> list[dict[Column, np.ndarray[tuple[int], np.dtype[np.uint32]]]]:
    """How often each provider row is asked for: for each table its count columns.

    Requests that no provider answers are left to `imbalances`.  Of equal statements the first
    provider row is counted.
    """
    place: dict[tuple[Bus, Message], tuple[int, Column, int]] = {}
    counts: list[dict[Column, np.ndarray[tuple[int], np.dtype[np.uint32]]]] = []
    for t, cells in enumerate(tables):
        counts.append({})
        for i, (interaction, nodes) in enumerate(
            zip(cells.table.interactions, cells.program.interactions, strict=True)
        ):
            if interaction.count is None:
                continue
            counts[t][interaction.count] = np.zeros(cells.rows, np.uint32)
            columns = [cells.node(n) for n in nodes.message]
            for row in _offered(cells, i):
                key = interaction.bus, tuple(column[row] for column in columns)
                place.setdefault(key, (t, interaction.count, row))
    for cells in tables:
        for bus, message, multiplicity, _, _ in _messages(cells, (Role.REQUEST,)):
            if multiplicity and (found := place.get((bus, message))):
                t, column, row = found
                counts[t][column][row] += multiplicity
    return counts


def _offered(cells: Cells, number: int) -> list[int]:
    """Rows on which a provider is true: its numerator with a count of one is not zero."""
    interaction = cells.table.interactions[number]
    if interaction.count is None:
        return []
    position = cells.table.position[interaction.count]
    columns = list(cells.columns)
    columns[position] = np.ones(cells.rows, np.uint8)
    trial = Cells(cells.table, cells.program, columns, cells.rows, cells.height)
    return [
        int(r) for r in np.flatnonzero(trial.node(cells.program.interactions[number].numerator))
    ]


def _messages(
    cells: Cells, roles: Sequence[Role] = tuple(Role)
) -> list[tuple[Bus, Message, int, int, Interaction]]:
    """The messages of a table: bus, values, signed multiplicity (not zero), row, interaction."""
    found = []
    pairs = zip(cells.table.interactions, cells.program.interactions, strict=True)
    for interaction, nodes in pairs:
        if interaction.role not in roles:
            continue
        numerator = cells.node(nodes.numerator)
        rows = np.flatnonzero(numerator != 0)
        columns = [cells.node(n)[rows] for n in nodes.message]
        for row, multiplicity, *message in zip(rows, numerator[rows], *columns, strict=True):
            found.append(
                (interaction.bus, tuple(message), signed(multiplicity), int(row), interaction)
            )
    return found
