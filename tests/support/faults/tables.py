"""Filled tables with cells changed: only the rows that changed are looked at again.

All other rows are honest.  So a change passes if it breaks no constraint of its rows, if these
send and receive what they did, all together, and if somebody answers what they look up.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from random import Random
from typing import Any

import numpy as np

from circuits import machine
from circuits.audit.buses import fixed_statements, is_fixed
from circuits.audit.polynomial import Polynomial, polynomial
from circuits.buses import CODE_CLAIM, CODE_DATA, PRE, PUBLIC
from circuits.language.state import HAD_STORAGE
from tests.support.faults.executor import chosen
from tests.support.faults.judge import Base
from zkevm.field import MODULUS, signed
from zkevm.plonkish.cells import Cells, integers
from zkevm.plonkish.checker import _messages
from zkevm.plonkish.expression import Expr
from zkevm.plonkish.kernels import native_program
from zkevm.plonkish.table import Bus, BusKind, Interaction, Role, Table, singly
from zkevm.vectors import native

kernel: Any = native()

Said = Counter[tuple[Bus, tuple[int, ...]]]
"""Messages with the sum of their signed multiplicities."""

End = tuple[str, int, Interaction]
"""A row, by table and number, and what it has to do with a token."""

Changes = dict[tuple[str, int], list[int] | None]
"""By table and row the cells of a row; None for one that is said twice."""


Change = Callable[["Filling", Random], tuple[Changes, Said | None]]
"""Rows changed, and what the statement says more and less."""


@dataclass(frozen=True)
class Row:
    """What a row says of itself and to others."""

    broken: bool
    tokens: Said
    requests: list[tuple[Bus, tuple[int, ...]]]
    offers: Said


@dataclass(eq=False)
class Filling:
    """The tables of a base, with what is said on every bus.

    Every offer counts as one: a liar counts last, and so often as is asked for.
    """

    base: Base
    tables: dict[str, Cells] = field(init=False)

    def __post_init__(self) -> None:
        found = machine.cells(machine.fill(self.base.traces, self.base.level))
        kept = (cells for cells in found if not is_fixed(cells.table))
        self.tables = {cells.table.name: _counted_once(cells) for cells in kept}
        self.fixed = fixed_statements(self.base.case.fork.name)

    @cached_property
    def offered(self) -> Said:
        """What tables state, and the statement: how many do."""
        stated = (
            (p.bus, p.values) for p in singly(self.base.stated.messages()) if p.multiplicity < 0
        )
        return self._said_by_rows(Role.PROVIDE) + Counter(stated)

    @cached_property
    def asked(self) -> Said:
        """How many look it up, what fixed tables state left out."""
        return self._said_by_rows(Role.REQUEST)

    def _said_by_rows(self, role: Role) -> Said:
        rows = (m for cells in self.tables.values() for m in _messages(cells, (role,)))
        return Counter((bus, message) for bus, message, *_ in rows if bus not in self.fixed)

    @cached_property
    def links(self) -> list[tuple[Bus, tuple[int, ...], list[End]]]:
        """Tokens with the rows that send and take them; the statement is not a row."""
        by_token: dict[tuple[Bus, tuple[int, ...]], list[End]] = {}
        for name, cells in self.tables.items():
            for bus, message, _, row, i in _messages(cells, (Role.SEND, Role.RECEIVE)):
                by_token.setdefault((bus, message), []).append((name, row, i))
        return [(bus, message, ends) for (bus, message), ends in by_token.items()]

    def row(self, name: str, row: int) -> list[int]:
        """The cells of a row, witness columns first."""
        cells = self.tables[name]
        fixed = [column.values(cells.height)[row : row + 1] for column in cells.table.fixed]
        held = [column[row : row + 1] for column in cells.columns]
        return [int(integers(np.asarray(c))[0]) for c in (*held, *fixed)]

    def says(self, name: str, values: Sequence[int]) -> Row:
        """Evaluate a row; of one that breaks a constraint nothing else is told."""
        table, program = self.tables[name].table, self.tables[name].program
        cells = [_limbs(value) for value in values]
        row = kernel.Rows(native_program(kernel, program), cells, 0)
        found = Row(bool(row.violations(1)), Counter(), [], Counter())
        if found.broken:
            return found
        times = _evaluated(row, [at.numerator for at in program.interactions])
        active = [n for n, number in enumerate(times) if number]
        said = [program.interactions[n].message for n in active]
        elements = iter(_evaluated(row, [node for message in said for node in message]))
        for n, message in zip(active, said, strict=True):
            i = table.interactions[n]
            key = i.bus, tuple(next(elements) for _ in message)
            if i.bus.kind is BusKind.TOKEN:
                found.tokens[key] += signed(times[n])
            elif i.role is Role.PROVIDE:
                found.offers[key] += times[n]
            else:
                found.requests.append(key)
        return found

    def verdict(self, changes: Changes, stated: Said | None = None) -> str:
        """What rejects the changes, and perhaps those of the statement; empty if nothing does."""
        tokens, offers, requests = Counter(stated or {}), Counter[Any](), Counter[Any]()
        for (name, number), values in changes.items():
            honest = self.says(name, self.row(name, number))
            bent = honest if values is None else self.says(name, values)
            if bent.broken:
                return "constraint"
            tokens.update(bent.tokens)
            offers.update(bent.offers)
            requests.update(bent.requests)
            if values is not None:
                tokens.subtract(honest.tokens)
                offers.subtract(honest.offers)
                requests.subtract(honest.requests)
        if any(n % MODULUS for n in tokens.values()):
            return "token"
        asked = {said for said, n in requests.items() if n > 0}
        if not all(self._is_answered(*said, offers[said]) for said in asked):
            return "lookup"
        gone = {said for said, n in offers.items() if n < 0 and self.offered[said] + n <= 0}
        return "offer" if any(self.asked[said] + requests[said] > 0 for said in gone) else ""

    def _is_answered(self, bus: Bus, message: tuple[int, ...], more: int) -> bool:
        if bus in self.fixed:
            return self.fixed[bus].holds(message)
        return self.offered[bus, message] + more > 0

    def decides_the_same(self, changes: Changes, stated: Said | None = None) -> bool:
        """Whether the rows, in whatever order, send, take and offer what the honest ones do.

        With changes of the statement, whether these are of values that nobody asks for: then it
        is true of another block, or of an account that had storage, or none, of which all is said.
        """
        if stated is not None:
            excused = {(PRE, HAD_STORAGE)}
            return all(bus is PUBLIC or (bus, said[1]) in excused for bus, said in stated)
        if None in changes.values():
            return not any(
                self.says(*place_and_row).tokens for place_and_row in self._held(changes)
            )
        honest = [self.says(name, held) for name, held in self._held(changes)]
        bent = [self.says(name, values) for (name, _), values in changes.items()]
        return _decided(honest) == _decided(bent)

    def _held(self, changes: Changes) -> list[tuple[str, list[int]]]:
        return [(name, self.row(name, number)) for name, number in changes]


def _counted_once(cells: Cells) -> Cells:
    counts = {i.count for i in cells.table.interactions}
    columns = [
        np.ones(cells.rows, np.uint8) if column in counts else held
        for column, held in zip(cells.table.columns, cells.columns, strict=True)
    ]
    return replace(cells, columns=columns)


def _decided(rows: Iterable[Row]) -> Counter[frozenset[Any]]:
    said = ((*row.tokens.items(), *row.offers.items()) for row in rows)
    return Counter(frozenset(entry for entry in each if entry[1]) for each in said)


def _limbs(value: int) -> np.ndarray:
    return np.array([[value >> 64 * i & (1 << 64) - 1 for i in range(4)]], np.uint64)


def _evaluated(row: Any, nodes: list[int]) -> list[int]:
    return [int(integers(values)[0]) for values in row.evaluate(nodes, 1)]


# Changes.


def other_cell(random: Random, value: int, neighbours: Iterable[int]) -> int:
    options = (
        value + 1, value - 1, value + (1 << 16), value - (1 << 16), -value, 1 - value, 2, 0,
        value + (1 << 128), *neighbours,
    )  # fmt: skip
    return random.choice([v % MODULUS for v in options if (v - value) % MODULUS])


def _place(filling: Filling, random: Random) -> tuple[str, int]:
    name = random.choice(list(filling.tables))
    return name, random.randrange(filling.tables[name].rows)


def cell(filling: Filling, random: Random) -> Changes:
    """One cell, which is no count: those are as many as are asked for."""
    name, row = _place(filling, random)
    values, table = filling.row(name, row), filling.tables[name].table
    counts = {i.count for i in table.interactions}
    at = chosen(random, [n for n, c in enumerate(table.columns) if c not in counts])
    values[at] = other_cell(random, values[at], values[at + 1 : at + 2])
    return {(name, row): values}


def row_left_out(filling: Filling, random: Random) -> Changes:
    name, row = _place(filling, random)
    width = len(filling.tables[name].columns)
    return {(name, row): [0] * width + filling.row(name, row)[width:]}


def row_twice(filling: Filling, random: Random) -> Changes:
    return {_place(filling, random): None}


def cells_exchanged(filling: Filling, random: Random) -> Changes:
    """Between two rows of a table."""
    name = random.choice([n for n, c in filling.tables.items() if c.rows > 1])
    cells = filling.tables[name]
    one, other = random.sample(range(cells.rows), 2)
    first, second = filling.row(name, one), filling.row(name, other)
    differing = [n for n in range(len(cells.columns)) if first[n] != second[n]]
    at = chosen(random, differing)
    first[at], second[at] = second[at], first[at]
    return {(name, one): first, (name, other): second}


def token(filling: Filling, random: Random) -> Changes:
    """An element of a token, with the cell that says it, in all rows that send or take it."""
    _, message, ends = random.choice(filling.links)
    place = random.randrange(len(message))
    return _followed(filling, ends, place, other_cell(random, message[place], ()) - message[place])


def said(filling: Filling, random: Random) -> tuple[Changes, Said]:
    """An element of what the statement says, and of the row that takes it or sends it."""
    tokens = {(bus, message): ends for bus, message, ends in filling.links}
    public = [p for p in singly(filling.base.stated.messages()) if (p.bus, p.values) in tokens]
    # What is said of a code is not a liar's: the verifier makes it of the code.
    public = [p for p in public if p.bus not in (CODE_CLAIM, CODE_DATA)]
    told = random.choice(public)
    place = random.randrange(len(told.values))
    value = other_cell(random, told.values[place], ())
    bent = (*told.values[:place], value, *told.values[place + 1 :])
    step = value - told.values[place]
    changes = _followed(filling, tokens[told.bus, told.values], place, step)
    times = told.multiplicity
    return changes, Counter({(told.bus, bent): times, (told.bus, told.values): -times})


def _followed(filling: Filling, ends: Sequence[End], place: int, step: int) -> Changes:
    changes: Changes = {}
    for name, row, interaction in ends:
        values = changes.get((name, row)) or filling.row(name, row)
        at = _carrier(filling, name, values, interaction.message[place])
        values[at] = (values[at] + step) % MODULUS
        changes[name, row] = values
    return changes


def _carrier(filling: Filling, name: str, values: list[int], element: Expr) -> int:
    """A column that an element of a message follows, step by step."""
    poly = _compiled(filling.tables[name].table, element)
    followed = poly.slopes_at(values, poly.degrees)
    return chosen(Random(0), [at for at, slope in followed.items() if slope == 1])


@cache
def _compiled(table: Table, element: Expr) -> Polynomial:
    return polynomial(element, table.position)


def _alone(change: Callable[[Filling, Random], Changes]) -> Change:
    return lambda filling, random: (change(filling, random), None)


KINDS: dict[str, Change] = {
    "a cell": _alone(cell),
    "a row left out": _alone(row_left_out),
    "a row twice": _alone(row_twice),
    "cells exchanged": _alone(cells_exchanged),
    "a token": _alone(token),
    "the statement": said,
}
