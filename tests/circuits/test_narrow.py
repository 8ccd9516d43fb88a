"""Arithmetic on words of four bits, over small fields: every assignment there is, or a solver.

Each operand, and each opcode that a table has, gives exactly one result: the true one.
"""

from collections import defaultdict

import pytest

from circuits.machine import tables
from tests.support.narrow import HALF, WORD, Narrow, scaled
from zkevm.evm.opcodes import Op
from zkevm.plonkish.table import Table

FORK, PRIMES = "Osaka", (97, 257)
TABLES = {table.name: table for table in tables(FORK)}


def signed(word: int) -> int:
    return word - WORD if word >= WORD // 2 else word


def quotient(a: int, b: int) -> int:
    """Rounded to zero."""
    return abs(a) // abs(b) * (1 if a * b > 0 else -1) if b else 0


MEANING = {
    Op.ADD: lambda a, b: a + b,
    Op.SUB: lambda a, b: a - b,
    Op.MUL: lambda a, b: a * b,
    Op.DIV: quotient,
    Op.MOD: lambda a, b: a % b if b else 0,
    Op.SDIV: lambda a, b: quotient(signed(a), signed(b)),
    Op.SMOD: lambda a, b: signed(a) - signed(b) * quotient(signed(a), signed(b)) if b else 0,
    Op.ADDMOD: lambda a, b, modulus: (a + b) % modulus if modulus else 0,
    Op.MULMOD: lambda a, b, modulus: a * b % modulus if modulus else 0,
    Op.LT: lambda a, b: a < b,
    Op.GT: lambda a, b: a > b,
    Op.SLT: lambda a, b: signed(a) < signed(b),
    Op.SGT: lambda a, b: signed(a) > signed(b),
    Op.EQ: lambda a, b: a == b,
    Op.ISZERO: lambda a: a == 0,
    Op.NOT: lambda a: WORD - 1 - a,
}
WHOLE = (
    *("add_sub", "less_than", "signed_less_than", "equal", "is_zero", "not", "multiply"),
    *("divide", "signed_divide", "modular"),
)
TOLD_APART = ("low halves agree if set", "high halves agree if set", "a half differs if clear")
SPARED = {
    "divide": {"division.by_zero: a half differs if clear"},
    "signed_divide": {"division.by_zero: a half differs if clear"},
    "modular": {f"is_zero: {said}" for said in TOLD_APART},
}
"""No remainder is below a divisor that is zero, and no result that is not zero is set to be."""

PARTIAL = ("is_zero_bool", "multiply_small", "divide_small")
"""They take some operands only."""


def results(table: Table, prime: int) -> dict[tuple[int, ...], set[int]]:
    """The words that may come of an opcode and operands."""
    found = defaultdict(set)
    for (opcode, *halves), (lo, hi) in Narrow(table, prime).results():
        operands = (a + HALF * b for a, b in zip(halves[::2], halves[1::2], strict=True))
        found[(opcode, *operands)].add(lo + HALF * hi)
    return found


def expected(opcode: int, *operands: int) -> set[int]:
    return {int(MEANING[Op(opcode)](*operands)) % WORD}


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("name", [*WHOLE, *PARTIAL])
def test_every_operand_has_one_result(name, prime):
    found = results(TABLES[name], prime)
    assert all(words == expected(*given) for given, words in found.items())
    opcodes = {given[0] for given in found}
    arity = len(next(iter(found))) - 1
    assert len(found) == len(opcodes) * WORD**arity or (name in PARTIAL and len(found) > 1)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*WHOLE[:-1], pytest.param(WHOLE[-1], marks=pytest.mark.slow)])
def test_each_constraint_is_needed(name):
    """Without one, some operand has a wrong result: the enumeration can see that."""
    table = TABLES[name]
    for dropped in table.constraints:
        if not dropped.label.endswith("is a bit"):  # a bit is one by its domain here
            kept = tuple(c for c in table.constraints if c is not dropped)
            bare = Table(table.name, table.columns, table.fixed, kept, table.interactions)
            found = results(bare, PRIMES[0])
            wrong = [given for given, words in found.items() if words != expected(*given)]
            assert bool(wrong) != (dropped.label in SPARED.get(name, ())), dropped.label


def test_constants_are_made_narrow():
    assert [scaled(c) for c in (0, 1, -2, 2**64, -(2**127), 2**128, 2**128 - 1)] == [
        0, 1, -2, 2, -2, 4, 3,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="no narrow form"):
        scaled(2**100 + 1)


# By a solver, without going through the assignments.

SOLVED = ("add_sub", "less_than", "equal", "is_zero", "not")
"""The others take it too long: products of sums of bits, and signs."""


def solver():
    return pytest.importorskip("tests.support.solver", reason="cvc5-gpl is not installed")


@pytest.mark.parametrize("name", SOLVED)
@pytest.mark.parametrize("prime", PRIMES)
def test_a_solver_finds_no_second_result(name, prime):
    assert solver().is_determined(Narrow(TABLES[name], prime))


@pytest.mark.parametrize("name", SOLVED[:-1])
def test_the_solver_finds_a_second_result_if_there_is_one(name):
    table = TABLES[name]
    kept = tuple(c for c in table.constraints if "high half" not in c.label)
    if name in ("equal", "is_zero"):
        kept = table.constraints[:-1]
    bare = Table(table.name, table.columns, table.fixed, kept, table.interactions)
    assert not solver().is_determined(Narrow(bare, PRIMES[0]))
