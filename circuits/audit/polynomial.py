"""Expressions as Python functions of one row of integers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zkevm.field import MODULUS, signed
from zkevm.plonkish.expression import Binary, Const, Difference, Expr, Product, Sum, in_order

Row = Sequence[int]

_SYMBOLS = {Sum: "+", Difference: "-", Product: "*"}


@dataclass(frozen=True, eq=False)
class Polynomial:
    """`value` evaluates the expression on a row; `degrees` bounds the degree in each column read.

    `slopes` are the coefficients of the columns if the expression is linear; `source` is the
    expression that the derivatives are made of, with the columns' positions.
    """

    value: Callable[[Row], int]
    degrees: Mapping[int, int]
    slopes: Mapping[int, int] | None = None
    source: tuple[Expr, Mapping[Expr, int]] | None = None

    @property
    def column(self) -> int | None:
        """The column, if the expression is nothing else."""
        is_one = self.slopes is not None and list(self.slopes.values()) == [1]
        return next(iter(self.degrees)) if is_one else None

    def slopes_at(self, row: list[int], places: Iterable[int]) -> dict[int, int]:
        """The slope in each of some cells, of degree 1 each."""
        if self.slopes is not None:
            return {place: self.slopes[place] for place in places}
        if self._gradient is not None:
            found = dict(zip(self.degrees, self._gradient(row), strict=True))
            return {place: found[place] for place in places}
        here = self.value(row)
        changed = {}
        for place in places:
            row[place] += 1
            changed[place] = (self.value(row) - here) % MODULUS
            row[place] -= 1
        return changed

    @cached_property
    def _gradient(self) -> Callable[[Row], Sequence[int]] | None:
        """The derivatives in all columns of `degrees` at once, made when first asked for."""
        return None if self.source is None else _derivatives(*self.source, list(self.degrees))


def polynomial(expr: Expr, position: Mapping[Expr, int]) -> Polynomial:
    """Compile an expression; `position` places its columns.

    Intermediate numbers are not reduced: constants are, and the degree is small.
    """
    degrees: dict[int, dict[int, int]] = {}
    for node in in_order(expr, degrees):
        if isinstance(node, Const):
            degrees[id(node)] = {}
        elif isinstance(node, Binary):
            left, right = degrees[id(node.left)], degrees[id(node.right)]
            degrees[id(node)] = _joined(left, right, isinstance(node, Product))
        else:
            degrees[id(node)] = {position[node]: 1}
    lines, names = _forward(expr, position)
    value = _function(lines, f"{names[id(expr)]} % {MODULUS}")
    reads = degrees[id(expr)]
    if expr.degree > 1:
        return Polynomial(value, reads, source=(expr, position))
    found = Polynomial(value, reads)
    return Polynomial(value, reads, found.slopes_at([0] * (max(reads, default=0) + 1), reads))


def cell(place: int) -> Polynomial:
    """One cell."""
    return Polynomial(lambda row: row[place], {place: 1}, {place: 1})


def combined(left: Polynomial, factor: int, right: Polynomial, other: int) -> Polynomial:
    """factor * left + other * right."""
    degrees = _joined(dict(left.degrees), dict(right.degrees), product=False)
    slopes = None
    if left.slopes is not None and right.slopes is not None:
        slopes = {
            p: (factor * left.slopes.get(p, 0) + other * right.slopes.get(p, 0)) % MODULUS
            for p in degrees
        }
    return Polynomial(
        lambda row: (factor * left.value(row) + other * right.value(row)) % MODULUS,
        degrees,
        slopes,
    )


def factors(expr: Expr) -> list[Expr]:
    """The factors of a product; the expression itself if it is none."""
    if isinstance(expr, Product):
        return factors(expr.left) + factors(expr.right)
    return [] if isinstance(expr, Const) else [expr]


def _forward(expr: Expr, position: Mapping[Expr, int]) -> tuple[list[str], dict[int, str]]:
    """Lines that compute every node, and the name of each."""
    lines: list[str] = []
    names: dict[int, str] = {}
    for node in in_order(expr, names):
        if isinstance(node, Const):
            names[id(node)] = f"({signed(node.value)})"
        elif isinstance(node, Binary):
            names[id(node)] = f"t{len(lines)}"
            left, right = names[id(node.left)], names[id(node.right)]
            lines.append(f" {names[id(node)]} = {left} {_SYMBOLS[type(node)]} {right}")
        else:
            names[id(node)] = f"row[{position[node]}]"
    return lines, names


def _derivatives(
    expr: Expr, position: Mapping[Expr, int], places: Sequence[int]
) -> Callable[[Row], Sequence[int]]:
    """All first derivatives, from the result back to the columns."""
    lines, names = _forward(expr, position)
    nodes: dict[int, Expr] = {}
    for node in in_order(expr, nodes):
        nodes[id(node)] = node
    terms: dict[int, list[str]] = {id(expr): ["1"]}
    slopes: dict[int, list[str]] = {}
    for key, node in reversed(nodes.items()):
        if isinstance(node, Const):
            continue
        here = " + ".join(terms.get(key, ["0"]))
        if not isinstance(node, Binary):
            slopes.setdefault(position[node], []).append(here)
            continue
        mine = f"d{len(lines)}"
        lines.append(f" {mine} = {here}")
        left, right = id(node.left), id(node.right)
        if isinstance(node, Product):
            terms.setdefault(left, []).append(f"{mine} * {names[right]}")
            terms.setdefault(right, []).append(f"{mine} * {names[left]}")
        else:
            terms.setdefault(left, []).append(mine)
            terms.setdefault(right, []).append(mine if isinstance(node, Sum) else f"-{mine}")
    found = [f"({' + '.join(slopes.get(place, ['0']))}) % {MODULUS}" for place in places]
    return _function(lines, f"({', '.join(found)},)")


def _function(lines: Sequence[str], result: str) -> Callable[[Row], Any]:
    source = "\n".join(["def value(row):", *lines, f" return {result}"])
    scope: dict[str, Callable[[Row], Any]] = {}
    exec(source, scope)  # noqa: S102  # our own expressions, made of digits and operators
    return scope["value"]


def _joined(left: dict[int, int], right: dict[int, int], product: bool) -> dict[int, int]:
    if product:
        return {p: left.get(p, 0) + right.get(p, 0) for p in left | right}
    return {p: max(left.get(p, 0), right.get(p, 0)) for p in left | right}
