"""Checks a filled circuit without cryptography, and says in EVM terms what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from circuits.filled import Filled
from zkevm.plonkish import kernels
from zkevm.plonkish.cells import Cells, integers
from zkevm.plonkish.checker import Imbalance, Occurrence, Violation
from zkevm.plonkish.expression import Expr
from zkevm.plonkish.fixed import FixedColumn
from zkevm.plonkish.table import PublicMessage, leaves


@dataclass(frozen=True, slots=True)
class Place:
    """A row of a table; row -1 of `the statement` stands for what the verifier adds."""

    table: str
    row: int
    step: int | None
    """The row of the traces that it proves; None in tables that serve the steps."""
    instruction: str
    """The opcode and the program counter of the step, in words; empty without one."""

    def __str__(self) -> str:
        if self.row < 0:
            return self.table
        place = f"{self.table}, row {self.row}"
        return place if self.step is None else f"{place}: step {self.step}, {self.instruction}"


@dataclass(frozen=True, slots=True)
class BrokenConstraint:
    """A row on which a claim does not hold, with the cells that the claim is about."""

    place: Place
    claim: str
    values: Mapping[str, int]

    def lines(self) -> list[str]:
        """The failure in words."""
        return [f"{self.place}", f"  does not hold: {self.claim}", *_value_lines(self.values)]


@dataclass(frozen=True, slots=True)
class Message:
    """One party to a message out of balance: positive if it was sent or requested."""

    place: Place
    label: str
    multiplicity: int


@dataclass(frozen=True, slots=True)
class UnbalancedBus:
    """A message that was sent more or less often than received."""

    bus: str
    values: Mapping[str, int]
    total: int
    messages: tuple[Message, ...]

    def lines(self) -> list[str]:
        """The failure in words."""
        lines = [f"bus {self.bus}: a message is out of balance by {self.total:+d}"]
        lines += _value_lines(self.values)
        return lines + [f"  {m.multiplicity:+d} {m.label} ({m.place})" for m in self.messages]


Failure = BrokenConstraint | UnbalancedBus


def failures(
    filled: Filled, tables: Sequence[Cells], public: Sequence[PublicMessage], limit: int = 100
) -> list[Failure]:
    """Broken constraints first, then messages out of balance, at most `limit` of each.

    `tables` are the `circuits.machine.cells` of `filled`, `public` what the statement adds.
    """
    by_name = {cells.table.name: cells for cells in tables}
    broken = kernels.violations(tables, limit)
    unbalanced = kernels.imbalances(tables, public, limit)
    return [
        *(_broken(filled, by_name[violation.table], violation) for violation in broken),
        *(_unbalanced(filled, imbalance) for imbalance in unbalanced),
    ]


def _broken(filled: Filled, cells: Cells, violation: Violation) -> BrokenConstraint:
    table = cells.table
    (expr,) = (c.expr for c in table.constraints if c.label == violation.label)
    return BrokenConstraint(
        place=_place(filled, violation.table, violation.row),
        claim=violation.label,
        values=_values(cells, violation.row, expr),
    )


def _values(cells: Cells, row: int, expr: Expr) -> dict[str, int]:
    """The cells of a row that an expression reads, by name, in the order of the columns."""
    position = cells.table.position
    found = {}
    for leaf in sorted(leaves([expr]), key=lambda leaf: position[leaf]):
        column = leaf.values(cells.height) if isinstance(leaf, FixedColumn) else None
        column = cells.columns[position[leaf]] if column is None else column
        found[leaf.name] = int(integers(column[row : row + 1])[0])
    return found


def _unbalanced(filled: Filled, imbalance: Imbalance) -> UnbalancedBus:
    return UnbalancedBus(
        bus=imbalance.bus.name,
        values=dict(zip(imbalance.bus.fields, imbalance.message, strict=True)),
        total=imbalance.total,
        messages=tuple(_message(filled, occurrence) for occurrence in imbalance.occurrences),
    )


def _message(filled: Filled, occurrence: Occurrence) -> Message:
    place = _place(filled, occurrence.table, occurrence.row)
    return Message(place, occurrence.label, occurrence.multiplicity)


def _place(filled: Filled, table: str, row: int) -> Place:
    if table not in filled.rows:
        return Place(table, row, None, "")
    step = int(filled.rows[table][row])
    return Place(table, row, step, filled.describe(step))


def _value_lines(values: Mapping[str, int]) -> list[str]:
    width = max(map(len, values), default=0)
    return [f"    {name:<{width}}  {value:#x}" for name, value in values.items()]
