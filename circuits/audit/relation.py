"""What a table demands of a row, and what the row decides, as seen from one honest row.

Given:    a token of work as a whole; under every other key asked for, what the token or statement
says. Decided:  every message sent or offered, every key asked for, every multiplicity. Free:
the clock of a token received, if it is older than the row; whether a droppable token is sent.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from circuits.audit.buses import (
    ANSWERS,
    CELLS,
    CLAIMS,
    HINTS,
    Statements,
    is_work,
    key_size,
)
from circuits.audit.polynomial import Polynomial, Row, factors, polynomial
from circuits.audit.reviewed import FREEDOMS
from zkevm.plonkish.expression import Column, Const, Expr, Product
from zkevm.plonkish.table import Bus, Interaction, Role, Table

OWN_OPCODE = "the opcode at pc"
"""The label of the request by which a step reads its own instruction."""


@dataclass(frozen=True)
class Item:
    """A declaration that can be left out: a constraint, a lookup, a receive or a request."""

    kind: str
    label: str


@dataclass(frozen=True, eq=False)
class Slack:
    """What a range lookup of an expression says, as a cell of its own: the expression's value.

    The cell is bounded by the lookups; `lookup` is the first of them.
    """

    place: int
    polynomial: Polynomial
    lookup: Message


@dataclass(frozen=True, eq=False)
class Message:
    """An interaction with compiled expressions; a provider's count is taken to be one."""

    interaction: Interaction
    multiplicity: Polynomial
    elements: tuple[Polynomial, ...]
    given: tuple[int, ...]
    decided: tuple[int, ...]
    key: tuple[int, ...]

    @property
    def bus(self) -> Bus:
        """The bus."""
        return self.interaction.bus

    def active(self, row: Row) -> int:
        """The multiplicity on a row."""
        return self.multiplicity.value(row)

    def values(self, row: Row, places: Sequence[int] | None = None) -> tuple[int, ...]:
        """Elements of the message on a row, by default all."""
        chosen = self.elements if places is None else [self.elements[i] for i in places]
        return tuple(e.value(row) for e in chosen)


class Relation:
    """A table, compiled."""

    def __init__(self, table: Table, statements: dict[Bus, Statements]) -> None:
        self.table = table
        self.statements = statements
        self.position = table.position
        self.width = len(table.columns)
        self.names = [repr(c) for c in (*table.columns, *table.fixed)]
        self.constraints = [polynomial(c.expr, self.position) for c in table.constraints]
        self.factors = [
            [polynomial(f, self.position) for f in factors(c.expr)] for c in table.constraints
        ]
        self.lookups = [
            self._message(i, (), ())
            for i in table.interactions
            if i.role is Role.REQUEST and i.bus in self.statements
        ]
        talks = [i for i in table.interactions if i.bus not in self.statements]
        works = [i for i in talks if i.role is Role.RECEIVE and is_work(i.bus)]
        self.asks = works or [i for i in talks if i.role is Role.RECEIVE]
        self.fetch = next((i for i in talks if i.label == OWN_OPCODE), None)
        names = [c.name for c in table.columns]
        self.free = [
            (place, tuple(names.index(name) for name in freedom.unless))
            for freedom in FREEDOMS
            if freedom.table == table.name
            for place, name in enumerate(names)
            if freedom.column in (name, name.split("[")[0])
        ]
        """Columns that a review allows the prover to choose, each with those that have to be 0."""
        if not self.asks:
            self.asks = [i for i in talks if i.role is Role.PROVIDE]
        self.dated = any("clock" in i.bus.fields for i in self.asks) and bool(works)
        self.messages = [self._classified(i) for i in talks]
        labels = [self._lookup_label(m) for m in self.lookups]
        groups = list(dict.fromkeys(labels))
        self.first_lookup = len(self.constraints)
        self.lookup_items = [self.first_lookup + groups.index(label) for label in labels]
        self.first_take = self.first_lookup + len(groups)
        self.lookups_of: dict[int, list[int]] = {}
        for number, m in enumerate(self.lookups):
            for place in {p for e in (m.multiplicity, *m.elements) for p in e.degrees}:
                self.lookups_of.setdefault(place, []).append(number)
        self.slacks: dict[int, Slack] = {}
        self._slack_bounds: dict[int, list[tuple[int, int]]] = {}
        self._find_slacks()
        self.names += [f"slack {n}" for n in range(len(self.slacks))]
        self.group = [name.split("[")[0] for name in self.names]
        self.items = (
            [Item("constraint", c.label) for c in table.constraints]
            + [Item("lookup", label) for label in groups]
            + [Item(m.interaction.role.value, _label(m.interaction)) for m in self.takes]
        )

    def _find_slacks(self) -> None:
        """Expressions that lookups prove to be small, each with its bounds."""
        first = self.width + len(self.table.fixed)
        for item, lookup in zip(self.lookup_items, self.lookups, strict=True):
            statements = self.statements[lookup.bus]
            if len(statements.outputs) != math.prod(statements.bounds):
                continue
            for expr, limit in zip(lookup.interaction.message, statements.bounds, strict=True):
                inner, scale = _unscaled(expr)
                if isinstance(inner, Column | Const):
                    continue
                if id(inner) not in self.slacks:
                    compiled = polynomial(inner, self.position)
                    place = first + len(self.slacks)
                    self.slacks[id(inner)] = Slack(place, compiled, lookup)
                place = self.slacks[id(inner)].place
                entry = (item, (limit - 1) // scale + 1)
                self._slack_bounds.setdefault(place, []).append(entry)

    @cached_property
    def takes(self) -> list[Message]:
        """The messages received or requested, fixed lookups apart."""
        taking = (Role.RECEIVE, Role.REQUEST)
        return [m for m in self.messages if m.interaction.role in taking]

    @cached_property
    def real(self) -> int | None:
        """The column that tells rows from padding: the commonest multiplicity."""
        spoken = (m.multiplicity for m in (*self.messages, *self.lookups))
        columns = Counter(multiplicity.column for multiplicity in spoken if multiplicity.degrees)
        return next(iter(columns.most_common(1)), (None, 0))[0]

    @cached_property
    def of_real_rows(self) -> set[int | None]:
        """Lookups that happen where the column is set that tells rows from padding."""
        pairs = zip(self.lookup_items, self.lookups, strict=True)
        return {item for item, m in pairs if m.multiplicity.column == self.real is not None}

    @cached_property
    def bounds(self) -> dict[int, list[tuple[int, int]]]:
        """For each column the items that bound it, with the bound: the cell is below it."""
        found = {place: list(limits) for place, limits in self._slack_bounds.items()}
        for item, constraint in enumerate(self.constraints):
            if len(constraint.degrees) == 1:
                (place,) = constraint.degrees
                if not any(constraint.value([0] * place + [v]) for v in (0, 1)):
                    found.setdefault(place, []).append((item, 2))
        for number, lookup in zip(self.lookup_items, self.lookups, strict=True):
            limits = self.statements[lookup.bus].bounds
            for expr, limit in zip(lookup.interaction.message, limits, strict=True):
                column, scale = _scaled(expr)
                if column is not None and column in self.position:
                    entry = (number, (limit - 1) // scale + 1)
                    found.setdefault(self.position[column], []).append(entry)
        return found

    def bounds_without(self, dropped: int | None, *, padding: bool = False) -> dict[int, int]:
        """The least bound of each column, without one item; on padding without lookups there."""
        absent = {dropped} | (self.of_real_rows if padding else set())
        least = {
            place: min((b for item, b in limits if item not in absent), default=None)
            for place, limits in self.bounds.items()
        }
        return {p: b for p, b in least.items() if b is not None}

    def _message(self, i: Interaction, given: tuple[int, ...], decided: tuple[int, ...]) -> Message:
        multiplicity = i.multiplicity if i.count is None else _without(i.multiplicity, i.count)
        elements = tuple(polynomial(e, self.position) for e in i.message)
        return Message(
            i,
            polynomial(multiplicity, self.position),
            elements,
            given,
            decided,
            tuple(range(key_size(i.bus))),
        )

    def _classified(self, i: Interaction) -> Message:
        names = i.bus.fields
        answers = {names.index(f) for f in ANSWERS.get(i.bus.name, ())}
        hints = {names.index(f) for f in HINTS.get(i.bus.name, ())}
        every = set(range(len(names)))
        key = set(range(key_size(i.bus)))
        clock = {names.index("clock")} if i.bus.name in CELLS else set()
        if i in self.asks:
            given = key if i.role is Role.PROVIDE else every - answers
            decided = every - given
        elif i.role is Role.SEND and i.bus.name in CLAIMS:
            given, decided = every, set()
        elif i.role in (Role.SEND, Role.PROVIDE):
            given = answers | hints
            decided = every - given - (set() if self.dated else clock)
        else:
            decided = key | answers
            given = every - decided - clock
        return self._message(i, tuple(sorted(given)), tuple(sorted(decided)))

    def _lookup_label(self, m: Message) -> str:
        """The label, or the parts looked up where there is none: the cells of one are one item."""
        if m.interaction.label != f"request {m.bus.name}":
            return m.interaction.label
        names = [c.name for c in self.table.columns]
        read = [names[p] for e in m.elements for p in sorted(e.degrees) if p < self.width]
        parts = list(dict.fromkeys(name.split("[")[0] for name in read))
        scaled = ", scaled" if _scaled(m.interaction.message[0])[1] > 1 else ""
        return f"{m.bus.name} of {', '.join(parts[:3])}{', ...' if len(parts) > 3 else ''}{scaled}"


def _unscaled(expr: Expr) -> tuple[Expr, int]:
    """(x, k) for an expression times a constant; (x, 1) for anything else."""
    if isinstance(expr, Product) and isinstance(expr.right, Const):
        inner, scale = _unscaled(expr.left)
        return inner, scale * expr.right.value
    return expr, 1


def _scaled(expr: Expr) -> tuple[Column | None, int]:
    """(x, k) for a column times a constant; (None, 1) for anything else."""
    inner, scale = _unscaled(expr)
    return (inner, scale) if isinstance(inner, Column) else (None, 1)


def _without(multiplicity: Expr, count: Column) -> Expr:
    """The multiplicity of a provider, `when * count`, with a count of one."""
    if isinstance(multiplicity, Product) and multiplicity.right is count:
        return multiplicity.left
    return Const(1) if multiplicity is count else multiplicity


def _label(i: Interaction) -> str:
    return i.label if i.bus.name in i.label else f"{i.label} ({i.role.value} {i.bus.name})"
