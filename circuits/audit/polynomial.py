"""Expressions as Python functions of one row of integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zkevm.field import MODULUS
from zkevm.plonkish.expression import Binary, Const, Difference, Expr, Product, Sum, in_order

Row = Sequence[int]

_SYMBOLS = {Sum: "+", Difference: "-", Product: "*"}


@dataclass(frozen=True, eq=False)
class Polynomial:
    """`value` evaluates the expression on a row; `degrees` bounds the degree in each column read.

    `slopes` are the coefficients of the columns if the expression is linear.
    """

    value: Callable[[Row], int]
    degrees: Mapping[int, int]
    slopes: Mapping[int, int] | None = None

    def slopes_at(self, row: list[int], places: Iterable[int]) -> dict[int, int]:
        """The slope in each of some cells, of degree 1 each."""
        if self.slopes is not None:
            return {place: self.slopes[place] for place in places}
        here = self.value(row)
        found = {}
        for place in places:
            row[place] += 1
            found[place] = (self.value(row) - here) % MODULUS
            row[place] -= 1
        return found


def polynomial(expr: Expr, position: Mapping[Expr, int]) -> Polynomial:
    """Compile an expression; `position` places its columns.

    Intermediate numbers are not reduced: constants are, and the degree is small.
    """
    lines: list[str] = []
    names: dict[int, str] = {}
    degrees: dict[int, dict[int, int]] = {}
    for node in in_order(expr, names):
        key = id(node)
        if isinstance(node, Const):
            names[key], degrees[key] = _signed(node.value), {}
        elif isinstance(node, Binary):
            left, right = id(node.left), id(node.right)
            names[key] = f"t{len(lines)}"
            lines.append(f" {names[key]} = {names[left]} {_SYMBOLS[type(node)]} {names[right]}")
            degrees[key] = _joined(degrees[left], degrees[right], isinstance(node, Product))
        else:
            place = position[node]
            names[key], degrees[key] = f"row[{place}]", {place: 1}
    source = "\n".join(["def value(row):", *lines, f" return {names[id(expr)]} % {MODULUS}"])
    scope: dict[str, Callable[[Row], int]] = {}
    exec(source, scope)  # noqa: S102  # our own expressions, made of digits and operators
    value, reads = scope["value"], degrees[id(expr)]
    found = Polynomial(value, reads)
    if expr.degree > 1:
        return found
    return Polynomial(value, reads, found.slopes_at([0] * (max(reads, default=0) + 1), reads))


def combined(left: Polynomial, factor: int, right: Polynomial, other: int) -> Polynomial:
    """factor * left + other * right."""
    degrees = _joined(dict(left.degrees), dict(right.degrees), product=False)
    return Polynomial(
        lambda row: (factor * left.value(row) + other * right.value(row)) % MODULUS, degrees
    )


def factors(expr: Expr) -> list[Expr]:
    """The factors of a product; the expression itself if it is none."""
    if isinstance(expr, Product):
        return factors(expr.left) + factors(expr.right)
    return [] if isinstance(expr, Const) else [expr]


def _signed(value: int) -> str:
    return f"({value - MODULUS})" if value > MODULUS // 2 else str(value)


def _joined(left: dict[int, int], right: dict[int, int], product: bool) -> dict[int, int]:
    if product:
        return {p: left.get(p, 0) + right.get(p, 0) for p in left | right}
    return {p: max(left.get(p, 0), right.get(p, 0)) for p in left | right}
