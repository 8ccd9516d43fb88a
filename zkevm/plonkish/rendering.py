"""A table's declaration as text that one can review: the golden text of the circuit.

Sums are written term by term with constants multiplied out; digits of one number are drawn
together: `limbs16(x[0..7])` is `x[0] + x[1] * 2^16 + ...`, `bytes(...)` and `bits(...)` likewise,
`sum(x[0..3])` has no weights.  Lines that differ by an index alone are one line with a range, and
large families of constraints are cut short.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from zkevm.field import MODULUS, signed
from zkevm.plonkish.expression import Binary, Column, Const, Difference, Expr, Product, in_order
from zkevm.plonkish.fixed import FixedColumn
from zkevm.plonkish.table import Interaction, Table

Terms = dict[str, int]
"""Coefficients by product; the empty product is the constant."""

DIGITS = {1: "sum", 2: "bits", 1 << 8: "bytes", 1 << 16: "limbs16"}
SHORTEST_RUN = 3
LONGEST_FAMILY = 40
LONGEST_LINE = 2000
_INDEX = re.compile(r"\[(\d+)\]")


def render_table(table: Table) -> str:
    """The whole declaration."""
    height = "" if table.height is None else f", 2^{table.height} rows"
    lines = [f"table {table.name}: {len(table.columns)} columns{height}", "", "columns"]
    lines += _gathered(f"{c.name}: {c.type.name.lower()}" for c in table.columns)
    if table.fixed:
        lines += ["", "fixed"]
        lines += [f"  {c.name}: {_description(c)}" for c in table.fixed]
    lines += ["", "constraints"]
    lines += _shortened(_gathered(f"{c.label}:  {render(c.expr)} = 0" for c in table.constraints))
    lines += ["", "interactions"]
    lines += _gathered(_interaction(i) for i in table.interactions)
    return "\n".join(lines) + "\n"


def _shortened(lines: list[str]) -> list[str]:
    """Of lines whose labels differ by numbers alone, if they are many, the first and a digest."""
    families: dict[str, list[str]] = {}
    for line in lines:
        families.setdefault(re.sub(r"\d+", "#", line.split(":  ")[0]), []).append(line)
    found: list[str] = []
    for family in families.values():
        if len(family) > LONGEST_FAMILY:
            digest = hashlib.sha256("\n".join(family).encode()).hexdigest()[:16]
            found += [family[0], f"  ... {len(family) - 1} more like it, digest {digest}"]
        else:
            found += family
    return found


def render(expr: Expr) -> str:
    """An expression as readable algebra."""
    return _written(_terms(expr))


def _description(column: FixedColumn) -> str:
    text = column.describe()
    return text.decode() if text.isascii() and len(text) < 80 else f"{len(text)} bytes"


def _interaction(i: Interaction) -> str:
    fields = zip(i.bus.fields, i.message, strict=True)
    message = ", ".join(f"{name} = {render(value)}" for name, value in fields)
    head = f"{i.role.value} {i.bus.name}"
    label = "" if i.label == head else f" ({i.label})"
    return f"{head}{label}, {render(i.multiplicity)} times:  {message}"


def _terms(root: Expr) -> Terms:
    """The expression as a sum of products, operands first, without recursion into sums."""
    done: dict[int, Terms] = {}
    for node in in_order(root, done):
        done[id(node)] = _combined(node, done)
    return done[id(root)]


def _combined(node: Expr, done: dict[int, Terms]) -> Terms:
    if isinstance(node, Const):
        return {"": node.value} if node.value else {}
    if isinstance(node, Column | FixedColumn):
        return {node.name: 1}
    if not isinstance(node, Binary):
        raise TypeError(f"not an expression: {node!r}")
    left, right = done[id(node.left)], done[id(node.right)]
    if isinstance(node, Product):
        for constant, other in ((right, left), (left, right)):
            if set(constant) <= {""}:
                factor = constant.get("", 0)
                return {k: v * factor % MODULUS for k, v in other.items()} if factor else {}
        return {f"{_factor(left)} * {_factor(right)}": 1}
    sign = -1 if isinstance(node, Difference) else 1
    found = dict(left)
    for key, value in right.items():
        found[key] = (found.get(key, 0) + sign * value) % MODULUS
    return {key: value for key, value in found.items() if value}


def _factor(terms: Terms) -> str:
    text = _written(terms)
    is_sum = " + " in text or " - " in text or text.startswith("-")
    return f"({text})" if is_sum else text


def _written(terms: Terms) -> str:
    parts = []
    for name, coefficient in _drawn_together(terms):
        value = signed(coefficient)
        sign = "-" if value < 0 else "+"
        weight = _number(abs(value))
        body = weight if not name else name if weight == "1" else f"{weight} * {name}"
        parts.append(f"{sign} {body}")
    return (" ".join(parts) or "0").removeprefix("+ ")


def _number(value: int) -> str:
    power = value.bit_length() - 1
    if value > 1 << 10 and value == 1 << power:
        return f"2^{power}"
    if value > 1 << 10 and value == (1 << power + 1) - 1:
        return f"(2^{power + 1} - 1)"
    return str(value) if value < 1 << 32 else f"0x{value:x}"


def _drawn_together(terms: Terms) -> Iterator[tuple[str, int]]:
    """Terms, with runs of digits as one."""
    items = list(terms.items())
    at = 0
    while at < len(items):
        end = at + 1
        ratio, step = _ratio(items, at)
        while ratio and end < len(items) and _ratio(items, end - 1) == (ratio, step):
            end += 1
        if ratio in DIGITS and end - at >= SHORTEST_RUN:
            ends = sorted((items[at], items[end - 1]), key=_weight)
            low, high = (_INDEX.findall(name)[0] for name, _ in ends)
            name = ends[0][0].replace(f"[{low}]", f"[{low}..{high}]")
            yield f"{DIGITS[ratio]}({name})", ends[0][1]
            at = end
        else:
            yield items[at]
            at += 1


def _weight(item: tuple[str, int]) -> int:
    return min(item[1], MODULUS - item[1])


def _ratio(items: Sequence[tuple[str, int]], at: int) -> tuple[int, int]:
    """How the weight grows from a cell to the next of the same name, and the step of the index."""
    if at + 1 >= len(items):
        return 0, 0
    (name, weight), (other, then) = items[at], items[at + 1]
    here, there = _INDEX.findall(name), _INDEX.findall(other)
    same = _INDEX.sub("[]", name) == _INDEX.sub("[]", other) and name.endswith("]")
    if not same or " " in name or len(here) != 1 or abs(step := int(there[0]) - int(here[0])) != 1:
        return 0, 0
    for small, large, direction in ((weight, then, step), (then, weight, -step)):
        for ratio in DIGITS:
            if small * ratio % MODULUS == large:
                return ratio, direction
    return 0, 0


def _gathered(lines: Iterator[str]) -> list[str]:
    """Indented lines; runs of lines that differ by rising indices alone are one."""
    found: list[str] = []
    run: list[str] = []
    for line in lines:
        if run and not _follows(run, line):
            found.append(_ranged(run))
            run = []
        run.append(line)
    if run:
        found.append(_ranged(run))
    return [f"  {_cut(line)}" for line in found]


def _cut(line: str) -> str:
    """A line that nobody would read to its end, with a digest of all of it."""
    if len(line) <= LONGEST_LINE:
        return line
    digest = hashlib.sha256(line.encode()).hexdigest()[:16]
    return f"{line[:LONGEST_LINE]} ... {len(line)} characters, digest {digest}"


def _follows(run: list[str], line: str) -> bool:
    if _INDEX.sub("[]", run[-1]) != _INDEX.sub("[]", line) or not _INDEX.search(line):
        return False
    steps = _steps(run[-1], line)
    if not any(steps) or not set(steps) <= {-1, 0, 1}:
        return False
    return len(run) == 1 or _steps(run[-2], run[-1]) == steps


def _steps(line: str, following: str) -> list[int]:
    pairs = zip(_INDEX.findall(line), _INDEX.findall(following), strict=True)
    return [int(b) - int(a) for a, b in pairs]


def _ranged(run: list[str]) -> str:
    if len(run) == 1:
        return run[0]
    ends = iter(_INDEX.findall(run[-1]))

    def widened(match: re.Match[str]) -> str:
        end = next(ends)
        return f"[{match[1]}]" if end == match[1] else f"[{match[1]}:{end}]"

    return _INDEX.sub(widened, run[0])
