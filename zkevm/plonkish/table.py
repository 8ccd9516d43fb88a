"""What a table is, as data: columns, constraints and bus interactions.

One declaration, many readers: the checker, the prover, the verifier, the golden text and the
documentation all read a `Table` and nothing else of a gadget.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from struct import iter_unpack
from typing import NamedTuple, Protocol

from zkevm.plonkish.expression import Binary, Column, Const, Expr
from zkevm.plonkish.fixed import FixedColumn
from zkevm.transcript import WORD

MAX_DEGREE = 3
MULTIPLICITY_BOUND = 1 << 64


class BusKind(Enum):
    """The rules of a bus; see `Role`."""

    TOKEN = "token"  # every message sent is received once
    LOOKUP = "lookup"  # every message requested is a true statement of a provider


@dataclass(frozen=True)
class Bus:
    """A multiset of messages that must balance.

    `number` is the bus's distinct non-zero place in fingerprints; `fields` names the elements of a
    message, whose count is the same for all messages of the bus.
    """

    name: str
    number: int
    kind: BusKind
    fields: tuple[str, ...]


class Role(Enum):
    """What a row does with a message, and the sign of its multiplicity in the balance."""

    SEND = "send"  # token bus, + multiplicity
    RECEIVE = "receive"  # token bus, - multiplicity
    REQUEST = "request"  # lookup bus, + multiplicity
    PROVIDE = "provide"  # lookup bus, - multiplicity (real times the free column `count`)


@dataclass(frozen=True, eq=False)
class Constraint:
    """`expr` vanishes on every row.  The label reads as a claim."""

    label: str
    expr: Expr


@dataclass(frozen=True, eq=False)
class Interaction:
    """`multiplicity` copies of `message` on `bus`.

    A multiplicity is boolean by constraint, but for a provider's: `real * count`, where the
    witness column `count` is free.
    """

    bus: Bus
    role: Role
    multiplicity: Expr
    message: tuple[Expr, ...]
    label: str
    count: Column | None = None

    @cached_property
    def numerator(self) -> Expr:
        """The signed multiplicity: the fraction's numerator."""
        if self.role in (Role.SEND, Role.REQUEST):
            return self.multiplicity
        return -self.multiplicity


class PublicMessage(NamedTuple):
    """A message that the statement adds to a bus: `multiplicity` copies, negative if received.

    With `data`, such a message for each 32 bytes of it, the last padded with zeros: after `values`
    come their number, from 0, and their lower and upper half, big-endian.
    """

    bus: Bus
    multiplicity: int
    values: tuple[int, ...]
    data: bytes | None = None

    @property
    def size(self) -> int:
        """How many messages it stands for."""
        return 1 if self.data is None else -(-len(self.data) // WORD)

    @property
    def width(self) -> int:
        """How many values each has."""
        return len(self.values) + (0 if self.data is None else 3)


def singly(public: Iterable[PublicMessage]) -> Iterator[PublicMessage]:
    """The messages, all without `data`."""
    for message in public:
        if message.data is None:
            yield message
            continue
        padded = message.data + bytes(-len(message.data) % WORD)
        for number, (upper, lower) in enumerate(iter_unpack("16s16s", padded)):
            halves = int.from_bytes(lower), int.from_bytes(upper)
            yield message._replace(values=(*message.values, number, *halves), data=None)


class Source(Protocol):
    """What declares a table once it is asked for it: most proofs have few of a circuit's tables."""

    @property
    def name(self) -> str:
        """That of the table."""

    @property
    def table(self) -> Table:
        """The declaration."""


@dataclass(frozen=True, eq=False)
class Table:
    """A table of the circuit.  `height` (log2 of the rows) is forced where values depend on it."""

    name: str
    columns: tuple[Column, ...]
    fixed: tuple[FixedColumn, ...]
    constraints: tuple[Constraint, ...]
    interactions: tuple[Interaction, ...]
    height: int | None = None

    @property
    def table(self) -> Table:
        """The table: it is a `Source` that has been asked."""
        return self

    @cached_property
    def position(self) -> dict[Expr, int]:
        """The place of each column: witness columns first, then fixed ones."""
        return {column: i for i, column in enumerate((*self.columns, *self.fixed))}

    def expressions(self) -> Iterator[tuple[str, Expr]]:
        """Every expression of the table with its label."""
        for constraint in self.constraints:
            yield constraint.label, constraint.expr
        for interaction in self.interactions:
            for expr in (interaction.numerator, *interaction.message):
                yield interaction.label, expr

    def faults(self) -> list[str]:
        """What is wrong with the declaration itself, in words; empty for a sound one.

        Which columns its expressions read is known when it is compiled.
        """
        found = []
        labels = Counter(c.label for c in self.constraints)
        found += [f"label used twice: {label}" for label, n in labels.items() if n > 1]
        found += [
            f"degree {expr.degree} over {MAX_DEGREE}: {label}"
            for label, expr in self.expressions()
            if expr.degree > MAX_DEGREE
        ]
        found += [
            f"message of {len(i.message)} elements on bus {i.bus.name}: {i.label}"
            for i in self.interactions
            if len(i.message) != len(i.bus.fields)
        ]
        if len(self.position) < len(self.columns) + len(self.fixed):
            found.append("column declared twice")
        found += [
            f"role {i.role.value} on a {i.bus.kind.value} bus: {i.label}"
            for i in self.interactions
            if (i.bus.kind is BusKind.LOOKUP) != (i.role in (Role.REQUEST, Role.PROVIDE))
        ]
        return found


def leaves(exprs: Sequence[Expr]) -> Iterator[Column | FixedColumn]:
    """The distinct columns that the expressions read."""
    seen: set[int] = set()
    stack = list(exprs)
    while stack:
        expr = stack.pop()
        if id(expr) in seen:
            continue
        seen.add(id(expr))
        if isinstance(expr, Binary):
            stack += (expr.left, expr.right)
        elif isinstance(expr, Column | FixedColumn):
            yield expr
        elif not isinstance(expr, Const):
            raise TypeError(f"not an expression: {expr!r}")
