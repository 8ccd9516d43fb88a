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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.field import MODULUS
from zkevm.plonkish.expression import Binary, Const, Difference, Expr, Product, Sum, in_order
from zkevm.plonkish.table import Table


class Operation(IntEnum):
    """What a node does with its two numbers."""

    CONSTANT = 0
    COLUMN = 1
    ADD = 2
    SUBTRACT = 3
    MULTIPLY = 4


_BINARY = {Sum: Operation.ADD, Difference: Operation.SUBTRACT, Product: Operation.MULTIPLY}


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

    def arrays(self) -> tuple[NDArray[np.uint32], bytes]:
        """For the kernels: nodes (n, 3), and constants as 32 bytes each, little endian."""
        nodes = np.array(self.nodes, dtype=np.uint32).reshape(-1, 3)
        return nodes, b"".join(c.to_bytes(32, "little") for c in self.constants)

    def run(self, cells: Sequence[Any]) -> list[Any]:
        """The value of every node, for cells that are integers or arrays of Python integers."""
        values: list[Any] = []
        for operation, a, b in self.nodes:
            if operation == Operation.COLUMN:
                values.append(cells[a])
            elif operation == Operation.CONSTANT:
                values.append(self.constants[a])
            elif operation == Operation.ADD:
                values.append((values[a] + values[b]) % MODULUS)
            elif operation == Operation.SUBTRACT:
                values.append((values[a] - values[b]) % MODULUS)
            else:
                values.append(values[a] * values[b] % MODULUS)
        return values

    def encode(self) -> bytes:
        """A canonical encoding: what enters the digest of the circuit."""
        nodes, constants = self.arrays()
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
    """Flatten the expressions of `table`."""
    nodes: dict[tuple[int, int, int], int] = {}
    constants: dict[int, int] = {}
    done: dict[int, int] = {}

    def node_of(expr: Expr) -> tuple[int, int, int]:
        if isinstance(expr, Binary):
            return _BINARY[type(expr)], done[id(expr.left)], done[id(expr.right)]
        if isinstance(expr, Const):
            return Operation.CONSTANT, constants.setdefault(expr.value, len(constants)), 0
        return Operation.COLUMN, table.position[expr], 0

    def visit(root: Expr) -> int:
        for expr in in_order(root, done):
            done[id(expr)] = nodes.setdefault(node_of(expr), len(nodes))
        return done[id(root)]

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
