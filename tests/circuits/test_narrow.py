"""Tables on words of four or eight bits, over small fields: every assignment there is, or a solver.

Each operand, and each opcode that a table has, gives exactly one result: the true one.
"""

from collections import defaultdict
from dataclasses import replace

import pytest

from circuits.machine import step_gadgets, tables
from tests.support.narrow import Narrow, Scale
from zkevm.evm.opcodes import Op

FORK, PRIMES = "Osaka", (97, 257)
TABLES = {table.name: table for table in tables(FORK)}
OPCODES = {gadget.name: gadget.opcodes for gadget in step_gadgets(FORK)}


def signed(bits: int, word: int) -> int:
    return word - (word >> bits - 1 << bits)


def quotient(a: int, b: int) -> int:
    """Rounded to zero."""
    return abs(a) // abs(b) * (1 if a * b > 0 else -1) if b else 0


def byte(bits: int, index: int, word: int) -> int:
    """One of four, from the most significant one."""
    size = bits // 4
    return word >> size * (3 - index) & (1 << size) - 1 if index < 4 else 0


def sign_extended(bits: int, index: int, word: int) -> int:
    size = min(bits // 4 * (index + 1), bits)
    return signed(size, word & (1 << size) - 1)


def of_signed(meaning):
    return lambda bits, a, b: meaning(signed(bits, a), signed(bits, b))


MEANING = {
    Op.ADD: lambda _, a, b: a + b,
    Op.SUB: lambda _, a, b: a - b,
    Op.MUL: lambda _, a, b: a * b,
    Op.DIV: lambda _, a, b: quotient(a, b),
    Op.MOD: lambda _, a, b: a % b if b else 0,
    Op.SDIV: of_signed(quotient),
    Op.SMOD: of_signed(lambda a, b: a - b * quotient(a, b) if b else 0),
    Op.ADDMOD: lambda _, a, b, modulus: (a + b) % modulus if modulus else 0,
    Op.MULMOD: lambda _, a, b, modulus: a * b % modulus if modulus else 0,
    Op.SIGNEXTEND: sign_extended,
    Op.LT: lambda _, a, b: a < b,
    Op.GT: lambda _, a, b: a > b,
    Op.SLT: of_signed(lambda a, b: a < b),
    Op.SGT: of_signed(lambda a, b: a > b),
    Op.EQ: lambda _, a, b: a == b,
    Op.ISZERO: lambda _, a: a == 0,
    Op.AND: lambda _, a, b: a & b,
    Op.OR: lambda _, a, b: a | b,
    Op.XOR: lambda _, a, b: a ^ b,
    Op.NOT: lambda _, a: ~a,
    Op.BYTE: byte,
    Op.SHL: lambda _, shift, value: value << shift,
    Op.SHR: lambda _, shift, value: value >> shift,
    Op.SAR: lambda bits, shift, value: signed(bits, value) >> shift,
    Op.CLZ: lambda bits, a: bits - a.bit_length(),
}
SHIFT = {"shift": {0: 4, 8: 4}, "part": {0: 2}, "excess": {0: 4}}
"""A half of the number of bits is one limb; what is over is compared with eight."""
SIZES = {64: 2, 256: 8, 1 << 10: 2}
SCALES = {
    "signed_less_than": Scale(cells={"first_sign.rest": {0: 1}, "second_sign.rest": {0: 1}}),
    "signed_divide": Scale(cells={"size.rest": {0: 1}, "divisor_size.rest": {0: 1}}),
    "sign_extend": Scale(
        2,
        2,
        {"place.bits": dict.fromkeys((0, 8, 16), 1)},
        {8: 1, 16: 2, 24: 3, 31: 3, 128: 2, 255: 3, 256: 0},
    ),
    "byte": Scale(
        2,
        2,
        {
            "place.bits": dict.fromkeys((0, 8, 16, 24), 1),
            "value": dict.fromkeys((7, 15, 23, 31), 2),
        },
        {8: 1, 16: 2, 24: 3, 32: 4, 1 << 56: 1, 1 << 120: 4},
    ),
    "bitwise": Scale(2, 2),
    "shift": Scale(2, 2, SHIFT, SIZES),
    "shift_arithmetic": Scale(
        2,
        2,
        {**SHIFT, "value": dict.fromkeys((0, 4, 8, 15), 2)},
        {**SIZES, 1 << 15: 2, 1 << 48: 1, 1 << 112: 4},
    ),
    "count_leading_zeros": Scale(
        2,
        2,
        {"top": dict.fromkeys((0, 4, 8, 12), 1)},
        {4: 1, 8: 2, 12: 3, 15: 3, 16: 2, 256: 8, 1 << 15: 2},
    ),
}
"""Where every fourth limb or eighth byte of one bit is not it.

The places of what is left follow one another: 8 becomes 1 where bytes are counted.
"""
WHOLE = (
    *("add_sub", "less_than", "signed_less_than", "equal", "is_zero", "not", "multiply"),
    *("divide", "signed_divide", "sign_extend", "byte", "bitwise", "shift", "shift_arithmetic"),
    *("count_leading_zeros", "modular"),
)
PARTIAL = ("is_zero_bool", "multiply_small", "divide_small")
"""They take some operands only."""

SOME_HALVES = (0, 1, 3, 6, 8, 13)
"""Of words of eight bits."""

TOLD_APART = ("low halves agree if set", "high halves agree if set", "a half differs if clear")
SPARED = {
    "add_sub": {"carry[0] is a bit"},
    "less_than": {"less.borrow[0] is a bit"},
    "signed_less_than": {"less.borrow[0] is a bit"},
    "equal": {"equal is a bit"},
    "is_zero": {"zero is a bit"},
    "multiply": {"request range16 of carry_low"},
    "divide": {
        "division.by_zero is a bit",
        "division.by_zero: a half differs if clear",
        "division.below.borrow[0] is a bit",
        "division.below.borrow[1] is a bit",
        "request range16 of division.carry",
    },
    "signed_divide": {"division.by_zero: a half differs if clear"},
    "shift": {
        *(f"request range16 of {name}" for name in ("shift", "part")),
        *(f"request range16 of lower_{i}" for i in range(4)),
    },
    "shift_arithmetic": {
        "negative is a bit",
        *(f"request range16 of {name}" for name in ("shift", "part")),
        *(f"request range16 of lower_{i}" for i in range(4)),
    },
    "count_leading_zeros": {"at most one top limb"},
    "modular": {f"is_zero: {said}" for said in TOLD_APART},
}
"""What no wrong result needs.

No remainder is below a divisor that is zero, and no result that is not zero is set to be.  What is
carried out of a low half follows from numbers; so does what a sender knows, and what an equation
leaves for a bit.  The lower part of a limb that is shifted is in range if it is so when scaled, and
what it is shifted by if both powers are listed.
"""
HEAVY = ("signed_divide", "modular")
"""Here bits are bits, and limbs in range."""


def narrow(name: str, prime: int = PRIMES[0], **options) -> Narrow:
    return Narrow(TABLES[name], prime, SCALES.get(name, Scale()), **options)


def results(relation: Narrow) -> dict[tuple[int, ...], set[tuple[int, int]]]:
    """The halves of words that may come of an opcode and operands."""
    found, half = defaultdict(set), relation.scale.half
    for (opcode, *halves), result in relation.results():
        operands = (a + half * b for a, b in zip(halves[::2], halves[1::2], strict=True))
        found[(opcode, *operands)].add(result)
    return found


def expected(relation: Narrow, opcode: int, *operands: int) -> set[tuple[int, int]]:
    """The one result; none of an opcode that the table does not have."""
    if opcode not in OPCODES[relation.table.name]:
        return set()
    scale = relation.scale
    word = int(MEANING[Op(opcode)](4 * scale.bits, *operands)) % scale.half**2
    return {(word % scale.half, word // scale.half)}


@pytest.mark.parametrize("prime", PRIMES)
@pytest.mark.parametrize("name", [*WHOLE, *PARTIAL])
def test_every_operand_has_one_result(name, prime):
    relation = narrow(name, prime)
    found = results(relation)
    assert all(words == expected(relation, *given) for given, words in found.items())
    opcodes = {given[0] for given in found}
    every = (relation.scale.half**2) ** (len(next(iter(found))) - 1)
    whole = opcodes == {*OPCODES[name]} and len(found) == len(opcodes) * every
    assert whole or (name in PARTIAL and len(found) > 1)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [*WHOLE[:-1], pytest.param(WHOLE[-1], marks=pytest.mark.slow)])
def test_each_claim_is_needed(name):
    """Without one, some operand has a wrong result: the enumeration can see that."""
    relation = narrow(name)
    needed = {}
    for i, claim in enumerate(relation.declared):
        if claim.reads <= relation.columns.keys() and (name not in HEAVY or len(claim.reads) > 1):
            needed[claim.label] = needed.get(claim.label) or is_needed(relation, i)
    assert {label for label, answer in needed.items() if not answer} == SPARED.get(name, set())


def is_needed(relation: Narrow, i: int) -> bool:
    some = None if relation.scale.bits == 1 else SOME_HALVES
    bare = replace(relation, dropped=i, halves=some)
    return any(words != expected(bare, *given) for given, words in results(bare).items())


def test_constants_are_made_narrow():
    powers = (0, 1, -2, 2**64, -(2**127), 2**128, 2**128 - 1, 2**72)
    assert [Scale().constant(c) for c in powers] == [0, 1, -2, 2, -2, 4, 3, 0]
    assert [Scale(2).constant(c) for c in powers] == [0, 1, -2, 4, -8, 16, 15, 0]
    with pytest.raises(ValueError, match="no narrow form"):
        Scale().constant(2**100 + 2)


# By a solver, without going through the assignments.

SOLVED = (
    *("add_sub", "less_than", "signed_less_than", "equal", "is_zero", "not"),
    *("multiply", "divide"),
)
"""The others take it too long: signs of words, and what is looked up."""
SOLVER_PRIMES = {"equal": (17, 31)}
"""Where products of two elements of the field meet: smaller ones."""


def solver():
    return pytest.importorskip("tests.support.solver", reason="cvc5-gpl is not installed")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOLVED)
@pytest.mark.parametrize("which", [0, 1])
def test_a_solver_finds_no_second_result(name, which):
    assert solver().is_determined(narrow(name, SOLVER_PRIMES.get(name, PRIMES)[which]))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SOLVED)
def test_the_solver_finds_a_second_result_if_there_is_one(name):
    relation = narrow(name, SOLVER_PRIMES.get(name, PRIMES)[0])
    for i, claim in enumerate(relation.declared):
        if len(claim.reads) > 1:
            found = solver().is_determined(replace(relation, dropped=i))
            assert found == (claim.label in SPARED.get(name, ())), claim.label
