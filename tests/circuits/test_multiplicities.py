"""Every multiplicity is 0 or 1, and rows that are none have no part in anything.

Messages are counted: were a multiplicity 2 or -1, one row could take a token twice, or answer what
it should ask.  The constraints alone have to see to that, whatever the other cells of a row hold.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from circuits.machine import all_gadgets
from zkevm.evm.forks import FORKS
from zkevm.field import signed
from zkevm.plonkish.expression import Binary, Const, Difference, Expr, Product, Sum
from zkevm.plonkish.program import compile_table
from zkevm.plonkish.rendering import render_table
from zkevm.plonkish.table import BusKind, Interaction, Table, leaves

Bits = dict[Expr, int]
Interval = tuple[int, int]

INVERSES = ": a half differs if clear"
"""The end of the label of `inverse * difference = when - bit`, where the bit says that nothing
differs: so `when - bit` is 0 if the bit is set, and cannot be -1."""

RELATED = 3
"""How far from a multiplicity constraints are looked for."""

EXCUSED = (
    # The refund follows from bits that are 0 on padding, and the bit from the refund.
    "sstore, send journal_new: may be [1] on a row that is not real",
)


def interval(expr: Expr, known: Bits) -> Interval:
    """Bounds of a polynomial in bits, of which some are known."""
    if isinstance(expr, Const):
        value = signed(expr.value)
        return value, value
    if not isinstance(expr, Binary):
        return (known[expr], known[expr]) if expr in known else (0, 1)
    (a, b), (c, d) = interval(expr.left, known), interval(expr.right, known)
    if isinstance(expr, Sum):
        return a + c, b + d
    if isinstance(expr, Difference):
        return a - d, b - c
    assert isinstance(expr, Product)
    products = (a * c, a * d, b * c, b * d)
    return min(products), max(products)


@cache
def bits_of(table: Table) -> frozenset[Expr]:
    """The columns that a constraint says to be bits."""
    found = set()
    for c in table.constraints:
        columns = list(leaves([c.expr]))
        for column in columns if len(columns) == 1 else ():
            if [interval(c.expr, {column: v})[0] for v in (0, 1, 2)] == [0, 0, 2]:
                found.add(column)
    return frozenset(found)


@cache
def relations(table: Table) -> tuple[tuple[Expr, frozenset[Expr]], ...]:
    """What vanishes on every row and reads bits only, with the bits."""
    vanishing = [c.expr for c in table.constraints]
    for c in table.constraints:
        if c.label.endswith(INVERSES):
            assert isinstance(c.expr, Difference)
            vanishing.append(c.expr.right * (c.expr.right - 1))
    pairs = [(e, frozenset(leaves([e]))) for e in vanishing]
    return tuple((e, of) for e, of in pairs if of <= bits_of(table))


def values(table: Table, expr: Expr, known: Bits) -> Iterator[int]:
    """Values that the constraints allow a polynomial in bits, each at least once."""
    near = set(leaves([expr]))
    for _ in range(RELATED):
        near |= {b for _, of in relations(table) if of & near for b in of}
    rules = [e for e, of in relations(table) if of <= near]
    own = set(leaves([expr]))
    # the bits of the expression first: they decide
    order = sorted(near, key=lambda bit: (bit not in own, table.position[bit]))

    def search(known: Bits, seen: set[int]) -> Iterator[int]:
        bounds = [interval(rule, known) for rule in rules]
        if any(a > 0 or b < 0 for a, b in bounds):
            return
        low, high = interval(expr, known)
        if low == high and low in seen:
            return
        rest = [bit for bit in order if bit not in known]
        if not rest:
            seen.add(low)
            yield low
            return
        for value in (1, 0):
            yield from search({**known, rest[0]: value}, seen)

    yield from search(known, set())


def wrong(table: Table, interaction: Interaction) -> str:
    """What is wrong with a multiplicity; a provider's count is taken to be 1."""
    expr, known = interaction.multiplicity, {}
    if interaction.count is not None:
        known[interaction.count] = 1
    others = set(leaves([expr])) - bits_of(table) - set(known)
    if others:
        return f"{sorted(c.name for c in others)} are no bits"
    found = sorted({*values(table, expr, known)} - {0, 1})
    if found:
        return f"may be {found}"
    real = next((c for c in table.columns if c.name == "real"), None)
    if real is not None and (interaction.bus.kind is BusKind.TOKEN or known):
        found = sorted({*values(table, expr, {**known, real: 0})} - {0})
        if found:
            return f"may be {found} on a row that is not real"
    return ""


def faults(table: Table) -> list[str]:
    """What is wrong with the multiplicities of a table, each looked at once."""
    program, looked, found = compile_table(table), set(), []
    for interaction, nodes in zip(table.interactions, program.interactions, strict=True):
        kind = nodes.numerator, interaction.bus.kind
        if kind not in looked and (fault := wrong(table, interaction)):
            found.append(f"{table.name}, {interaction.label}: {fault}")
        looked.add(kind)
    return found


@cache
def distinct_tables() -> dict[str, Table]:
    """The tables of all forks, by name and text."""
    return {render_table(g.table): g.table for fork in FORKS for g in all_gadgets(fork)}


def test_multiplicities():
    found = [fault for table in distinct_tables().values() for fault in faults(table)]
    assert sorted(found) == sorted(EXCUSED)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("begin_creation", "it collides or not"),
        ("memory_out_of_gas", "range: a range of a real row"),
        ("accounts", "only a real row is the last"),
        ("first_block", "a last block is real"),
        ("sload", "here.undone is a bit"),
    ],
)
def test_what_a_constraint_is_for(name, label):
    table = next(t for t in distinct_tables().values() if t.name == name)
    assert faults(table) == []
    rest = tuple(c for c in table.constraints if c.label != label)
    assert len(rest) < len(table.constraints)
    assert faults(replace(table, constraints=rest))
