"""Polynomial expressions over the cells of one row.

There are no rotations: an expression reads one row of one table.  Expressions are values; they are
written once, by a gadget, and read by the checker, the prover, the verifier and the documentation
(through `zkevm.plonkish.program`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from enum import IntEnum
from functools import cache

from zkevm.field import MODULUS


class ColumnType(IntEnum):
    """How the cells of a column are stored; the cost of a cell follows it.  It proves nothing."""

    BIT = 0
    U8 = 1
    U16 = 2
    U32 = 3
    U64 = 4
    U128 = 5
    FIELD = 6


class Expr:
    """A polynomial in the cells of one row, with its total degree."""

    __slots__ = ("degree",)
    degree: int

    def __add__(self, other: Expr | int) -> Expr:
        return _add(self, lift(other))

    def __radd__(self, other: int) -> Expr:
        return _add(lift(other), self)

    def __sub__(self, other: Expr | int) -> Expr:
        return _subtract(self, lift(other))

    def __rsub__(self, other: int) -> Expr:
        return _subtract(lift(other), self)

    def __mul__(self, other: Expr | int) -> Expr:
        return _multiply(self, lift(other))

    def __rmul__(self, other: int) -> Expr:
        return _multiply(lift(other), self)

    def __neg__(self) -> Expr:
        return _subtract(ZERO, self)


class Const(Expr):
    """A field constant, kept reduced."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = int(value) % MODULUS
        self.degree = 0


class Column(Expr):
    """A leaf: a column that the prover commits to, named by the object; the table orders it."""

    __slots__ = ("name", "type")

    def __init__(self, name: str = "", type: ColumnType = ColumnType.FIELD) -> None:
        self.name = name
        self.type = type
        self.degree = 1

    def __repr__(self) -> str:
        return self.name


class Binary(Expr):
    """Two operands; the subclasses say what is done with them."""

    __slots__ = ("left", "right")

    def __init__(self, left: Expr, right: Expr, degree: int) -> None:
        self.left = left
        self.right = right
        self.degree = degree


class Sum(Binary):
    """left + right."""

    __slots__ = ()


class Difference(Binary):
    """left - right."""

    __slots__ = ()


class Product(Binary):
    """left * right."""

    __slots__ = ()


@cache
def constant(value: int) -> Const:
    """A constant, one object for each value."""
    return Const(value)


ZERO = constant(0)
ONE = constant(1)


def lift(value: Expr | int) -> Expr:
    """An integer as a constant; an expression as it is."""
    return value if isinstance(value, Expr) else constant(value)


def total(terms: Iterable[Expr | int]) -> Expr:
    """The sum of the terms, 0 if there is none."""
    result: Expr = ZERO
    for term in terms:
        result = result + term
    return result


def recompose(limbs: Iterable[Expr | int], bits: int) -> Expr:
    """The number with these limbs of `bits` bits, least significant first."""
    return total(limb * (1 << bits * i) for i, limb in enumerate(limbs))


def in_order(root: Expr, done: Container[int]) -> Iterator[Expr]:
    """The nodes under `root`, operands first, without recursion.

    Nodes whose id is in `done` are left out; the caller adds each one that it is given.
    """
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in done:
            continue
        if isinstance(node, Binary):
            left, right = node.left, node.right
            if id(left) not in done or id(right) not in done:
                stack += (node, right, left)
                continue
        yield node


def _add(left: Expr, right: Expr) -> Expr:
    if type(right) is Const:
        if type(left) is Const:
            return constant(left.value + right.value)
        if not right.value:
            return left
    elif type(left) is Const and not left.value:
        return right
    return Sum(left, right, max(left.degree, right.degree))


def _subtract(left: Expr, right: Expr) -> Expr:
    if type(right) is Const:
        if type(left) is Const:
            return constant(left.value - right.value)
        if not right.value:
            return left
    return Difference(left, right, max(left.degree, right.degree))


def _multiply(left: Expr, right: Expr) -> Expr:
    if type(right) is Const:
        if type(left) is Const:
            return constant(left.value * right.value)
        if right.value <= 1:
            return left if right.value else ZERO
    elif type(left) is Const and left.value <= 1:
        return right if left.value else ZERO
    return Product(left, right, left.degree + right.degree)
