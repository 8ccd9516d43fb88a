"""A table's expressions as a flat program: a list of nodes, each reading earlier ones.

The same program drives the kernels, the Python verifier and the checker.  Node `i` is a triple
(operation, a, b):
    CONSTANT  constants[a]
    COLUMN    column number a (witness columns first, then fixed ones)
    ADD, SUBTRACT, MULTIPLY  of nodes a and b
Equal subexpressions are one node.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.field import MODULUS
from zkevm.plonkish.expression import Binary, Const, Difference, Expr, Product, Sum
from zkevm.plonkish.table import Table


class Operation(IntEnum):
    """What a node does with its two numbers."""

    CONSTANT = 0
    COLUMN = 1
    ADD = 2
    SUBTRACT = 3
    MULTIPLY = 4


# The inner loops below compare plain integers: members of an enumeration are slow to name.
_CONSTANT, _COLUMN, _ADD, _SUBTRACT, _MULTIPLY = map(int, Operation)

_BINARY = {Sum: _ADD, Difference: _SUBTRACT, Product: _MULTIPLY}


@dataclass(frozen=True)
class InteractionNodes:
    """The nodes of one interaction: bus number, numerator and message."""

    bus: int
    numerator: int
    message: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Program:
    """The expressions of one table.  `width` counts witness columns, `fixed` the public ones."""

    width: int
    fixed: int
    nodes: tuple[tuple[int, int, int], ...]
    constants: tuple[int, ...]
    constraints: tuple[int, ...]
    interactions: tuple[InteractionNodes, ...]

    @cached_property
    def arrays(self) -> tuple[NDArray[np.uint32], bytes]:
        """For the kernels: nodes (n, 3), and constants as 32 bytes each, little endian."""
        numbers = chain.from_iterable(self.nodes)
        nodes = np.fromiter(numbers, np.uint32, 3 * len(self.nodes)).reshape(-1, 3)
        return nodes, b"".join(c.to_bytes(32, "little") for c in self.constants)

    def run(self, cells: Sequence[Any]) -> list[Any]:
        """The value of every node, for cells that are integers or arrays of Python integers."""
        values: list[Any] = []
        append, constants = values.append, self.constants
        for operation, a, b in self.nodes:
            if operation == _MULTIPLY:
                append(values[a] * values[b] % MODULUS)
            elif operation == _ADD:
                append((values[a] + values[b]) % MODULUS)
            elif operation == _SUBTRACT:
                append((values[a] - values[b]) % MODULUS)
            elif operation == _COLUMN:
                append(cells[a])
            else:
                append(constants[a])
        return values

    def reads(self) -> set[int]:
        """The numbers of the columns that the expressions read."""
        return {a for operation, a, _ in self.nodes if operation == _COLUMN}

    @cached_property
    def encoded(self) -> bytes:
        """A canonical encoding: what enters the digest of the circuit."""
        nodes, constants = self.arrays
        parts = [
            np.array([self.width, self.fixed, len(nodes)], dtype="<u4").tobytes(),
            nodes.astype("<u4").tobytes(),
            len(self.constants).to_bytes(4, "little") + constants,
            np.array([len(self.constraints), *self.constraints], dtype="<u4").tobytes(),
            len(self.interactions).to_bytes(4, "little"),
        ]
        for i in self.interactions:
            numbers = [i.bus, i.numerator, len(i.message), *i.message]
            parts.append(np.array(numbers, dtype="<u4").tobytes())
        return b"".join(parts)


def compile_table(table: Table) -> Program:
    """Flatten the expressions of `table`; `ValueError` if they read a column of another one."""
    nodes: dict[tuple[int, int, int], int] = {}
    constants: dict[int, int] = {}
    done: dict[Expr, int] = {}

    def visit(expr: Expr) -> int:
        # Long sums are deep on the left: no recursion there.
        pending = []
        while (place := done.get(expr)) is None:
            if not isinstance(expr, Binary):
                place = done[expr] = nodes.setdefault(_leaf(expr, table, constants), len(nodes))
                break
            pending.append(expr)
            expr = expr.left
        for binary in reversed(pending):
            right = done.get(binary.right)
            if right is None:
                right = visit(binary.right)
            node = _BINARY[type(binary)], place, right
            place = done[binary] = nodes.setdefault(node, len(nodes))
        return place

    constraints = tuple(visit(c.expr) for c in table.constraints)
    interactions = tuple(
        InteractionNodes(i.bus.number, visit(i.numerator), tuple(visit(m) for m in i.message))
        for i in table.interactions
    )
    return Program(
        width=len(table.columns),
        fixed=len(table.fixed),
        nodes=tuple(nodes),
        constants=tuple(constants),
        constraints=constraints,
        interactions=interactions,
    )


def _leaf(expr: Expr, table: Table, constants: dict[int, int]) -> tuple[int, int, int]:
    if isinstance(expr, Const):
        return _CONSTANT, constants.setdefault(expr.value, len(constants)), 0
    if expr not in table.position:
        raise ValueError(f"column of another table: {expr!r}")
    return _COLUMN, table.position[expr], 0
