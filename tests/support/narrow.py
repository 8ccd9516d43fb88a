"""Tables made narrow: 64 bits become one or two, a small prime becomes the field.

All that a table declares stays: constraints, and lookups of what is fixed.  Constants shrink: if 64
bits become one, 2^64 is 2 and 2^128 is 4.  Of the 16-bit limbs of a number, and of its bytes, one
of each 64 bits is left.  What a step does with the machine's state is left out; operands, opcode
and result are what remains.
"""

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from circuits.buses import AND8, BYTES, POW2, RANGE16
from zkevm.field import signed
from zkevm.plonkish.expression import (
    ONE,
    ZERO,
    Binary,
    Column,
    ColumnType,
    Const,
    Expr,
    Product,
    Sum,
    lift,
)
from zkevm.plonkish.table import Interaction, Role, Table, leaves

SPARSE = {ColumnType.U16: 4, ColumnType.U8: 8}
"""Of so many limbs or bytes one is left."""


def evaluate(expr: Expr, cell: Callable[[Column], Any], constant: Callable[[int], Any]) -> Any:
    """An expression on values of any kind that can be added and multiplied."""
    if isinstance(expr, Const):
        return constant(signed(expr.value))
    if not isinstance(expr, Binary):
        return cell(expr)
    left, right = evaluate(expr.left, cell, constant), evaluate(expr.right, cell, constant)
    if isinstance(expr, Product):
        return left * right
    return left + right if isinstance(expr, Sum) else left - right


@dataclass(frozen=True)
class Scale:
    """How much narrower a table is made.

    `bits` is what becomes of 64 bits, and of a byte; `limb` of what is looked up as 16 bits and is
    no limb itself; `cells` has the bits of the cells that are left of a row of cells, by its name
    and their places, where these are not `bits` at every eighth byte or fourth limb; `constants`
    what becomes of other constants.
    """

    bits: int = 1
    limb: int = 1
    cells: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    constants: Mapping[int, int] = field(default_factory=dict)

    @property
    def half(self) -> int:
        """Halves of words are below this."""
        return 1 << 2 * self.bits

    def constant(self, value: int) -> int:
        """A constant made narrow."""
        size, sign = abs(value), -1 if value < 0 else 1
        if size in self.constants:
            return sign * self.constants[size]
        if size < 1 << 15:
            return value
        if size & 1:
            return sign * (self.constant(size + 1) - 1)
        power = size.bit_length() - 1
        if size != 1 << power or power % 8 not in (0, 7):
            raise ValueError(f"no narrow form of {value:#x}")
        below = power % 64 == 63  # else a limb or byte that is left out is multiplied by it
        return sign << self.bits * ((power + 1) // 64) - below if below or power % 64 == 0 else 0

    def width(self, column: Column) -> int | None:
        """The bits of a cell in a row of cells, 0 if it is left out; None if nothing says it."""
        name, _, index = column.name.partition("[")
        place = int(index.rstrip("]")) if index else 0
        if name in self.cells:
            return self.cells[name].get(place, 0)
        if not index or column.type not in SPARSE:
            return None
        return 0 if place % SPARSE[column.type] else self.bits

    def expression(self, expr: Expr) -> Expr:
        """An expression made narrow, on a real row."""

        def cell(column: Column) -> Expr:
            if column.name == "real":
                return ONE
            return ZERO if self.width(column) == 0 else column

        return evaluate(expr, cell, lambda value: lift(self.constant(value)))

    def statements(self, i: Interaction) -> list[tuple[tuple[Expr, ...], list[tuple[int, ...]]]]:
        """Messages with what fixed tables say: of two bytes, each for itself."""
        byte = range(1 << self.bits)
        if i.bus is RANGE16:
            own = self.width(i.message[0]) if isinstance(i.message[0], Column) else None
            return [(i.message, numbers(range(1 << (self.limb if own is None else own))))]
        if i.bus is BYTES:
            return [((element,), numbers(byte)) for element in i.message]
        if i.bus is AND8:
            return [(i.message, [(a, b, a & b) for a, b in itertools.product(byte, byte)])]
        return [(i.message, [(k, 1 << k) for k in range(2 * self.bits)])] if i.bus is POW2 else []


def numbers(values: Iterable[int]) -> list[tuple[int, ...]]:
    """The statements that a number is one of these."""
    return [(x,) for x in values]


@dataclass(frozen=True, eq=False)
class Claim:
    """Where `when` is not zero, the message is one of the statements."""

    label: str
    when: Expr
    message: tuple[Expr, ...]
    statements: list[tuple[int, ...]]

    @cached_property
    def reads(self) -> frozenset[Column]:
        """The columns that it is about."""
        return frozenset(leaves([self.when, *self.message]))

    @property
    def elements(self) -> list["Claim"]:
        """What follows for each element of the message."""
        told = (sorted({(x,) for x in column}) for column in zip(*self.statements, strict=True))
        pairs = zip(self.message, told, strict=True)
        return [Claim(self.label, self.when, (element,), column) for element, column in pairs]


@dataclass(frozen=True, eq=False)
class Narrow:
    """The relation of a step's table over the integers modulo `prime`."""

    table: Table
    prime: int
    scale: Scale = Scale()
    dropped: int | None = None
    """The place of a claim that is not made; what follows for its elements alone still is."""
    halves: tuple[int, ...] | None = None
    """Those that operands have, if not all."""

    @cached_property
    def declared(self) -> list[Claim]:
        """What the table claims of columns."""
        equations = [self._claim(c.label, ONE, (c.expr,), [(0,)]) for c in self.table.constraints]
        requests = (i for i in self.table.interactions if i.role is Role.REQUEST)
        lookups = itertools.chain(*map(self._lookups, requests))
        return [claim for claim in (*equations, *lookups) if claim.reads]

    def _lookups(self, i: Interaction) -> Iterator[Claim]:
        """What is fixed; the label is the same for the cells of a row of cells."""
        rows = dict.fromkeys(c.name.partition("[")[0] for c in leaves(i.message))
        label = f"{i.label} of {', '.join(rows)}"
        for message, told in self.scale.statements(i):
            yield self._claim(label, i.multiplicity, message, told)

    def _claim(self, label: str, when: Expr, message: tuple[Expr, ...], told: list) -> Claim:
        narrow = tuple(map(self.scale.expression, message))
        return Claim(label, self.scale.expression(when), narrow, told)

    @cached_property
    def claims(self) -> list[Claim]:
        """What holds for a row: what the table claims, and that operands are words."""
        kept = [claim for i, claim in enumerate(self.declared) if i != self.dropped]
        joint = (claim.elements for claim in self.declared if len(claim.message) > 1)
        halves = range(self.scale.half) if self.halves is None else self.halves
        words = [Claim("its sender knows", ONE, (x,), numbers(halves)) for x in self.inputs[1:]]
        return [claim for claim in (*kept, *itertools.chain(*joint), *words) if claim.reads]

    @cached_property
    def columns(self) -> dict[Column, np.ndarray]:
        """Those that matter, each with the values that the claims on it alone leave."""
        read = set(leaves(self.said)).union(*(c.reads for c in self.claims if len(c.reads) > 1))
        found = {}
        for column in filter(read.__contains__, self.table.columns):
            every = {column: np.arange(self.prime)}
            alone = [self.holds(claim, every) for claim in self.claims if claim.reads == {column}]
            found[column] = np.flatnonzero(np.logical_and.reduce([every[column] >= 0, *alone]))
        return found

    @cached_property
    def inputs(self) -> list[Expr]:
        """The opcode, and the halves of the operands."""
        found = [self._said(Role.REQUEST, "fetch")[0][2]]
        for message in self._said(Role.RECEIVE, "stack"):
            found += message[2:4]
        return list(map(self.scale.expression, found))

    @cached_property
    def outputs(self) -> list[Expr]:
        """The halves of the result."""
        ((*_, lo, hi, _),) = self._said(Role.SEND, "stack")
        return list(map(self.scale.expression, (lo, hi)))

    @property
    def said(self) -> list[Expr]:
        """What others see."""
        return [*self.inputs, *self.outputs]

    def _said(self, role: Role, bus: str) -> list[tuple[Expr, ...]]:
        own = [i for i in self.table.interactions if (i.role, i.bus.name) == (role, bus)]
        return [i.message for i in own]

    def value(self, expr: Expr, rows: Mapping[Column, np.ndarray]) -> np.ndarray:
        """On many assignments at once."""
        return np.asarray(evaluate(expr, rows.__getitem__, int)) % self.prime

    def holds(self, claim: Claim, rows: Mapping[Column, np.ndarray]) -> np.ndarray:
        """For which assignments a claim is true."""
        told = np.zeros((self.prime,) * len(claim.message), np.bool_)
        told[tuple(np.array(claim.statements).T % self.prime)] = True
        true = told[tuple(self.value(e, rows) for e in claim.message)]
        return true if claim.when is ONE else true | (self.value(claim.when, rows) == 0)

    def assignments(self) -> dict[Column, np.ndarray]:
        """What the columns that are said may be in rows for which every claim holds.

        Column by column, each claim once it can be; a column that is read no more is dropped, and
        of rows that are the same then one is left.
        """
        rows: dict[Column, np.ndarray] = {}
        left = [claim for claim in self.claims if len(claim.reads) > 1]
        waiting, kept = set(self.columns), set(leaves(self.said))
        while waiting:
            new = self._next(left, waiting, kept)
            waiting.discard(new)
            rows = self._extended(rows, new, [c for c in left if not c.reads & waiting])
            left = [claim for claim in left if claim.reads & waiting]
            rows = self._distinct(rows, kept.union(*(claim.reads for claim in left)))
        return rows

    def _extended(
        self, rows: dict[Column, np.ndarray], new: Column, claims: list[Claim]
    ) -> dict[Column, np.ndarray]:
        """The rows with each value of one more column for which the claims hold."""
        values = self.columns[new]
        tried = {c: held[:, None] for c, held in rows.items()} | {new: values[None, :]}
        holds = np.ones((len(next(iter(rows.values()), [0])), len(values)), np.bool_)
        for claim in claims:
            holds &= self.holds(claim, tried)
        row, value = np.nonzero(holds)
        return {c: held[row] for c, held in rows.items()} | {new: values[value]}

    def _distinct(
        self, rows: dict[Column, np.ndarray], wanted: set[Expr]
    ) -> dict[Column, np.ndarray]:
        """The distinct rows of the columns that are wanted, if any is not."""
        columns = [c for c in rows if c in wanted]
        sizes = [int(self.columns[c].max(initial=0)) + 1 for c in columns]
        if len(columns) == len(rows) or math.prod(sizes) >= 1 << 63:
            return rows
        number = np.zeros(len(next(iter(rows.values()))), np.int64)
        for column, size in zip(columns, sizes, strict=True):
            number = number * size + rows[column]
        _, first = np.unique(number, return_index=True)
        return {c: rows[c][first] for c in columns}

    def _next(self, left: list[Claim], waiting: set[Column], kept: set[Expr]) -> Column:
        """One of the claim that lacks the fewest values of columns that are read again."""
        readers = Counter(column for claim in left for column in claim.reads)

        def cost(lacking: frozenset[Column]) -> tuple[int, int]:
            again = (c for c in lacking if c in kept or readers[c] > 1)
            return self._choices(again), self._choices(lacking)

        lacking = [claim.reads & waiting for claim in left if claim.reads & waiting]
        fewest = min(lacking, key=cost, default=waiting)
        return min(fewest, key=lambda c: (len(self.columns[c]), c.name))

    def _choices(self, columns: Iterable[Column]) -> int:
        return math.prod(len(self.columns[c]) for c in columns)

    def results(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Inputs and outputs of all assignments."""
        rows = self.assignments()
        count = len(next(iter(rows.values())))
        said = [np.broadcast_to(self.value(e, rows), count).tolist() for e in self.said]
        return itertools.starmap(
            lambda *found: (found[: len(self.inputs)], found[len(self.inputs) :]),
            zip(*said, strict=True),
        )
