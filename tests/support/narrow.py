"""Tables made narrow: 64 bits become one, a small prime becomes the field.

All that a table declares stays, but for its constants: 2^64 is 2, 2^128 is 4, a word has four bits.
Of the 16-bit limbs of a number the lowest of each 64 bits is left, as one bit.  What a step does
with the machine's state is left out; operands, opcode and result are what remains.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zkevm.field import MODULUS
from zkevm.plonkish.expression import Binary, Column, ColumnType, Const, Expr, Product, Sum
from zkevm.plonkish.table import Role, Table, leaves

BITS = {64: 1, 127: 1, 128: 2}
HALF, WORD = 4, 16


def scaled(value: int) -> int:
    """A constant for narrow words, signed."""
    value = value - MODULUS if value > MODULUS // 2 else value
    size, sign = abs(value), -1 if value < 0 else 1
    if size < 1 << 15:
        return value
    if size == 2**128 - 1:
        return sign * (HALF - 1)
    power = size.bit_length() - 1
    if size != 1 << power or not (power in BITS or power % 16 == 0):
        raise ValueError(f"no narrow form of {value:#x}")
    return sign << BITS.get(power, 0)


@dataclass(frozen=True, eq=False)
class Narrow:
    """The relation of a step's table over the integers modulo `prime`."""

    table: Table
    prime: int

    def domain(self, column: Column) -> int:
        """The column is below this; 1 for those that are left out."""
        name, _, index = column.name.partition("[")
        kind = column.type
        if kind is ColumnType.BIT:
            return 2
        if kind is ColumnType.FIELD:
            return self.prime
        if kind is ColumnType.U128:
            return HALF
        if kind is not ColumnType.U16 or not index:
            return 1
        place = int(index.rstrip("]"))
        if name.endswith(".rest"):  # of a half without its sign: one bit
            return 2 if place == 0 else 1
        return 2 if place % 4 == 0 else 1

    @cached_property
    def columns(self) -> list[Column]:
        """Those with more than one value."""
        read = {leaf for expr in (*self.constraints, *self.said) for leaf in leaves([expr])}
        return [c for c in self.table.columns if c in read and self.varies(c)]

    def varies(self, column: Column) -> bool:
        return column.name != "real" and self.domain(column) > 1

    @cached_property
    def constraints(self) -> list[Expr]:
        return [constraint.expr for constraint in self.table.constraints]

    @cached_property
    def inputs(self) -> list[Expr]:
        """The opcode, and the halves of the operands."""
        found = [self._said(Role.REQUEST, "fetch")[0][2]]
        for message in self._said(Role.RECEIVE, "stack"):
            found += message[2:4]
        return found

    @cached_property
    def outputs(self) -> list[Expr]:
        """The halves of the result."""
        ((*_, lo, hi, _),) = self._said(Role.SEND, "stack")
        return [lo, hi]

    @property
    def said(self) -> list[Expr]:
        return [*self.inputs, *self.outputs]

    def _said(self, role: Role, bus: str) -> list[tuple[Expr, ...]]:
        own = [i for i in self.table.interactions if (i.role, i.bus.name) == (role, bus)]
        return [i.message for i in own]

    def evaluate(self, expr: Expr, cells: Callable[[Column], object], constant=lambda c: c):
        """An expression on cells of any kind that can be added and multiplied."""
        if isinstance(expr, Const):
            return constant(scaled(expr.value))
        if not isinstance(expr, Binary):
            return cells(expr)
        left = self.evaluate(expr.left, cells, constant)
        right = self.evaluate(expr.right, cells, constant)
        if isinstance(expr, Product):
            return left * right
        return left + right if isinstance(expr, Sum) else left - right

    def value(self, expr: Expr, rows: dict[Column, np.ndarray]) -> np.ndarray:
        """On many assignments at once."""

        def cell(column: Column):
            return rows[column] if column in rows else int(column.name == "real")

        return np.asarray(self.evaluate(expr, cell)) % self.prime

    def assignments(self) -> dict[Column, np.ndarray]:
        """What the columns that are said may be in rows that satisfy every constraint.

        Column by column, each constraint once it can be; a column that is read no more is dropped,
        and of rows that are the same then one is left.
        """
        rows: dict[Column, np.ndarray] = {}
        left = [(e, {c for c in leaves([e]) if self.varies(c)}) for e in self.constraints]
        waiting, kept = set(self.columns), set(leaves(self.said))
        while waiting:
            new = self._next(left, waiting)
            waiting.discard(new)
            values = np.arange(self.domain(new))
            count = len(next(iter(rows.values()), [0]))
            rows = {c: np.repeat(held, len(values)) for c, held in rows.items()}
            rows[new] = np.tile(values, count)
            for expr, reads in left:
                if reads <= rows.keys() and new in reads:
                    holds = np.broadcast_to(self.value(expr, rows) == 0, len(rows[new]))
                    rows = {c: held[holds] for c, held in rows.items()}
            left = [(expr, reads) for expr, reads in left if reads & waiting]
            rows = self._distinct(rows, kept.union(*(reads for _, reads in left)))
        return rows

    def _distinct(
        self, rows: dict[Column, np.ndarray], wanted: set[Expr]
    ) -> dict[Column, np.ndarray]:
        """The distinct rows of the columns that are wanted, if any is not."""
        columns = [c for c in rows if c in wanted]
        if len(columns) == len(rows) or math.prod(map(self.domain, columns)) >= 1 << 63:
            return rows
        number = np.zeros(len(next(iter(rows.values()))), np.int64)
        for column in columns:
            number = number * self.domain(column) + rows[column]
        _, first = np.unique(number, return_index=True)
        return {c: rows[c][first] for c in columns}

    @staticmethod
    def _next(left: list[tuple[Expr, set[Column]]], waiting: set[Column]) -> Column:
        """One of the constraint that lacks the fewest."""
        lacking = [reads & waiting for _, reads in left if reads & waiting]
        fewest = min(lacking, key=len, default=waiting)
        return min(fewest, key=lambda c: c.name)

    def results(self) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Inputs and outputs of all assignments."""
        rows = self.assignments()
        count = len(next(iter(rows.values())))
        said = [np.broadcast_to(self.value(e, rows), count).tolist() for e in self.said]
        return itertools.starmap(
            lambda *found: (found[: len(self.inputs)], found[len(self.inputs) :]),
            zip(*said, strict=True),
        )
