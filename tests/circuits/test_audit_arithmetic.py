"""Bugs that audits have found in other zkEVMs, tried on ours: arithmetic, stack, code, buses.

Each test plants the bug's forgery in an honest row, repairs whatever depends on it, and requires
that something rejects every attempt (GADGETS.md, section 13).
"""

import pytest

from circuits.audit.buses import fixed_statements
from circuits.audit.programs import call, push
from circuits.audit.relation import Relation
from circuits.machine import cells, circuit
from circuits.statement import statement
from tests.support.forgeries import FORK, TABLES, cells_of, filled, rejected, rejected_by, scene
from zkevm.evm.opcodes import Op
from zkevm.field import MODULUS
from zkevm.plonkish.checker import imbalances, violations
from zkevm.plonkish.table import BusKind, Role

WORD = 1 << 256
HALF = 1 << 128
MINIMUM = 1 << 255


@pytest.mark.parametrize(
    ("op", "lhs", "rhs"), [(Op.MOD, MINIMUM, 3), (Op.DIV, MINIMUM, 3), (Op.DIV, WORD - 1, 2)]
)
def test_audit_A2_quotient_past_the_word(op, lhs, rhs):
    """quotient * divisor + remainder = dividend + 2^256."""
    quotient, remainder = divmod(lhs + WORD, rhs)
    forged = cells_of(quotient, "division.quotient") | cells_of(remainder, "division.remainder")
    assert rejected("divide", call(op, lhs, rhs), forged)


def test_audit_A2_product_above_the_word():
    """Dropping what is above 2^256, (2^128 + 5) * 2^128 is 5 * 2^128."""
    forged = cells_of(HALF + 5, "division.quotient") | cells_of(0, "division.remainder")
    code = call(Op.DIV, 5 * HALF, HALF)
    assert rejected_by("no product above 2**256", "divide", code, forged)


@pytest.mark.parametrize("turns", [1, 2, -1])
def test_audit_A2_quotient_past_the_field(turns):
    """The equation holds modulo the field alone."""
    lhs, rhs = 2**255 + 12345, 7
    quotient, remainder = divmod(lhs + turns * MODULUS, rhs)
    forged = cells_of(quotient, "division.quotient") | cells_of(remainder, "division.remainder")
    assert rejected("divide", call(Op.DIV, lhs, rhs), forged)


@pytest.mark.parametrize("name", ["division.quotient", "division.remainder", "divisor"])
@pytest.mark.parametrize("limb", [0, 3, 7, 15])
def test_audit_A3_limb_without_range(name, limb):
    code = call(Op.DIV, 2**200 + 77, 2**70 + 3)
    honest = scene("divide", code)
    columns = [c.name for c in honest.relation.table.columns]
    held = honest.honest[columns.index(f"{name}[{limb}]")]
    for value in (held + 2**16, held - 2**16, held + 2**64, held + MODULUS // 2):
        assert rejected("divide", code, {f"{name}[{limb}]": value})


@pytest.mark.parametrize("limb", range(4))
@pytest.mark.parametrize("other", range(4))
def test_audit_A4_cross_product_left_out_or_doubled(limb, other):
    lhs, rhs = 3 << 64 * limb | 1, 5 << 64 * other | 1
    product = 15 << 64 * (limb + other)
    for wrong in (lhs * rhs - product, lhs * rhs + product):
        if (wrong - lhs * rhs) % WORD:
            forged = cells_of(wrong % WORD, "result")
            assert rejected("multiply", call(Op.MUL, lhs | 1 << 255, rhs), forged)


@pytest.mark.parametrize("op", [Op.SHL, Op.SHR])
@pytest.mark.parametrize("shift", [256, 257, 2**16 + 1, 2**64, 2**128 + 1, 2**255])
def test_audit_A6_shift_taken_modulo(op, shift):
    """A shift from 256 on treated as its remainder by 64 or 256."""
    code = call(op, shift, WORD - 1)
    for part in (shift % 64, 1):
        for whole in range(4):
            assert rejected("shift", code, {f"whole[{whole}]": 1, "part[0]": part})


@pytest.mark.parametrize("value", [MINIMUM, WORD - 1, MINIMUM | 1])
@pytest.mark.parametrize("shift", [0, 1, 63, 64, 255, 256, 2**128])
def test_audit_A7_sign_of_sar(value, shift):
    code = call(Op.SAR, shift, value)
    assert rejected("shift_arithmetic", code, {"negative": 0})
    assert rejected("shift_arithmetic", code, {"negative": 0, "rest[0]": 2**15})


def test_audit_A7_sign_of_a_positive_value():
    assert rejected("shift_arithmetic", call(Op.SAR, 4, MINIMUM - 1), {"negative": 1})


@pytest.mark.parametrize(("lhs", "rhs"), [(2**130 + 5, 2**129), (2**200, 3), (10, 2**129)])
@pytest.mark.parametrize("op", [Op.DIV, Op.MOD])
def test_audit_A9_remainder_not_below_the_divisor(op, lhs, rhs):
    quotient, remainder = divmod(lhs, rhs)
    for less in (1, 2):
        if quotient >= less:
            more = remainder + less * rhs
            forged = cells_of(quotient - less, "division.quotient") | cells_of(
                more, "division.remainder"
            )
            assert rejected("divide", call(op, lhs, rhs), forged)


def test_audit_A9_the_comparison_is_what_rejects():
    forged = cells_of(2**200 // 3 - 1, "division.quotient")
    forged |= cells_of(2**200 % 3 + 3, "division.remainder")
    label = "the remainder is below the divisor"
    assert rejected_by(label, "divide", call(Op.DIV, 2**200, 3), forged)


@pytest.mark.parametrize("divisor", [0])
def test_audit_A9_division_by_zero(divisor):
    code = call(Op.DIV, 2**200, divisor)
    for quotient in (1, 2**200, WORD - 1):
        assert rejected(
            "divide", code, cells_of(quotient, "division.quotient") | {"division.by_zero": 0}
        )


@pytest.mark.parametrize("op", [Op.ADD, Op.SUB])
@pytest.mark.parametrize(("lhs", "rhs"), [(1, 2), (HALF - 1, 1), (WORD - 1, 1), (0, 0)])
def test_audit_A10_carry_out_of_nothing(op, lhs, rhs):
    code = call(op, lhs, rhs)
    result = (lhs + rhs if op is Op.ADD else lhs - rhs) % WORD
    for wrong in (result + 1, result - 1, result + HALF, result - HALF, result + MODULUS):
        assert rejected("add_sub", code, cells_of(wrong % WORD, "result"))
    columns = [c.name for c in TABLES["add_sub"].columns]
    for carry in ("carry[0]", "carry[1]"):
        held = scene("add_sub", code).honest[columns.index(carry)]
        assert rejected("add_sub", code, {carry: 1 - held})


@pytest.mark.parametrize(
    "word", [HALF, 1 | HALF, 1 | (HALF - 1) * HALF, 5 | (HALF - 5) * HALF, WORD - 1]
)
def test_audit_A11_zero_by_the_sum_of_halves(word):
    assert rejected("is_zero", call(Op.ISZERO, word), {"zero": 1})


def test_audit_A11_each_half_is_tested():
    for word, half in ((HALF, "high"), (2, "low")):
        label = f"zero: {half} halves agree if set"
        assert rejected_by(label, "is_zero", call(Op.ISZERO, word), {"zero": 1})


def test_audit_A11_halves_that_cancel_in_the_field():
    """With halves (x, p - x) their sum is zero; no half is that large, and none is needed."""
    assert rejected("is_zero", call(Op.ISZERO, 7), {"operand.hi": MODULUS - 7, "zero": 1})
    assert rejected("equal", call(Op.EQ, 1, HALF), {"equal": 1})


@pytest.mark.parametrize(
    ("op", "lhs", "rhs"),
    [
        (Op.LT, 5, 3), (Op.LT, 3, 5), (Op.GT, 3, 5), (Op.LT, 7, 7), (Op.LT, HALF, 1),
        (Op.LT, WORD - 1, 0), (Op.GT, HALF - 1, HALF),
    ],
)  # fmt: skip
def test_audit_A13_difference_wrapped(op, lhs, rhs):
    code = call(op, lhs, rhs)
    columns = [c.name for c in TABLES["less_than"].columns]
    held = scene("less_than", code).honest[columns.index("less.borrow[1]")]
    left, right = (lhs, rhs) if op is Op.LT else (rhs, lhs)
    assert rejected("less_than", code, {"less.borrow[1]": 1 - held})
    for turns in (1, 2, 5):
        difference = (left - right + turns * MODULUS) % WORD
        forged = cells_of(difference, "less.difference") | {"less.borrow[1]": 1 - held}
        assert rejected("less_than", code, forged)


def test_audit_A13_the_range_is_what_rejects():
    label = "range16 of less.difference"
    assert rejected_by(label, "less_than", call(Op.LT, 5, 3), {"less.borrow[1]": 1})


@pytest.mark.parametrize("op", [Op.SLT, Op.SGT])
def test_audit_A13_signed_as_unsigned(op):
    code = call(op, WORD - 1, 1)
    for sign in ("first_sign.bit", "second_sign.bit"):
        columns = [c.name for c in TABLES["signed_less_than"].columns]
        held = scene("signed_less_than", code).honest[columns.index(sign)]
        assert rejected("signed_less_than", code, {sign: 1 - held})


def test_audit_A21_jump_into_push_data():
    """A JUMPDEST byte inside PUSH data is no instruction: nobody states that it is."""
    code = push(5) + bytes((Op.JUMP, Op.PUSH1, Op.JUMPDEST, Op.JUMPDEST, Op.STOP))
    found = filled(code)
    fetches = [
        i for i in TABLES["bytecode"].interactions
        if i.role is Role.PROVIDE and i.bus.name == "fetch"
    ]  # fmt: skip
    table = next(c for c in cells(found) if c.table.name == "bytecode")
    stated = set()
    for i, nodes in zip(table.table.interactions, table.program.interactions, strict=True):
        if i in fetches:
            stated |= set(zip(*(table.node(n).tolist() for n in nodes.message), strict=True))
    here = {(pc, byte): (instruction, dest) for _, pc, byte, instruction, dest in stated}
    assert here[5, Op.JUMPDEST] == (1, 1)
    assert here[4, Op.JUMPDEST] == (0, 0)
    byte_at = {(code_id, pc) for code_id, pc, *_ in stated}
    assert len(byte_at) == len(stated), "one statement for each byte"


@pytest.mark.parametrize("byte", range(3))
def test_audit_A21_push_data_cannot_pass_for_instructions(byte):
    code = bytes((Op.PUSH3, Op.JUMPDEST, Op.JUMPDEST, Op.JUMPDEST, Op.JUMPDEST, Op.STOP))
    assert rejected("bytecode", code, {f"instruction[{1 + byte}]": 1})
    assert rejected("bytecode", code, {f"jumpdest[{1 + byte}]": 1})
    assert rejected("bytecode", code, {f"push_left[{1 + byte}]": 0})


def test_audit_A21_state_begins_at_pc_0():
    """Whoever opens a frame sends pc 0, a constant."""
    for table in TABLES.values():
        opens = any(i.bus.name == "open" and i.role is Role.SEND for i in table.interactions)
        for i in table.interactions:
            if opens and i.bus.name == "state" and i.role is Role.SEND:
                pc = i.message[i.bus.fields.index("pc")]
                assert not hasattr(pc, "left"), table.name
                assert getattr(pc, "value", None) == 0, table.name


def test_audit_A27_headers_and_bytes_are_two_tables():
    """No tag tells a header from bytes; a header states no byte, and a row of bytes no length."""
    offers = {
        name: {i.bus.name for i in TABLES[name].interactions if i.role is Role.PROVIDE}
        for name in ("code_header", "bytecode")
    }
    assert offers["code_header"].isdisjoint(offers["bytecode"])
    code = push(1) * 20
    assert rejected("bytecode", code, {"last": 1})
    assert rejected("bytecode", code, {"last": 0}, row=1)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_audit_A34_A48_multiplicities_are_boolean(table):
    """A multiplicity of 2 or -1 breaks the table's own constraints, whatever else it holds."""
    rel = Relation(table, fixed_statements(FORK))
    provided = {i.count for i in table.interactions if i.count is not None}
    bits = {place for place, limits in rel.bounds.items() if any(b == 2 for _, b in limits)}
    for message in (*rel.messages, *rel.lookups):
        for place in message.multiplicity.degrees:
            column = (*table.columns, *table.fixed)[place]
            if column in table.columns and column not in provided:
                assert place in bits, f"{message.interaction.label}: {column.name} is no bit"


def test_audit_A45_every_element_of_a_message_counts():
    """Two tokens that differ in one element, whichever, do not cancel."""
    found = filled(call(Op.ADD, 5, 7))
    honest, public = cells(found), statement(found).messages()
    assert imbalances(honest, public) == []
    table = next(c for c in honest if c.table.name == "push")
    others = [c for c in honest if c is not table]
    for column in range(len(table.columns)):
        bent = list(table.columns)
        bent[column] = bent[column].astype("uint64") + 1
        changed = type(table)(table.table, table.program, bent, table.rows, table.height)
        assert violations(changed) or imbalances([*others, changed], public, 1)


def test_audit_A45_buses_have_distinct_numbers():
    buses = circuit(FORK).buses
    assert len({bus.number for bus in buses}) == len(buses)
    assert all(bus.number > 0 for bus in buses)
    assert {bus.kind for bus in buses} == set(BusKind)
