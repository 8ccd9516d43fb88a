"""MLOAD, MSTORE, MSTORE8 and the growth of memory."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.transactions import altered, cell, faults, program, tables_of, trace_of
from zkevm.evm.opcodes import Op

WORD = int.from_bytes(bytes(range(1, 33)), "big")
OFFSETS = [0, 1, 16, 31, 32, 33, 63, 64, 95, 96]


def run(*items):
    return tables_of(trace_of(program(*items)))


def check(*items):
    assert faults(*run(*items)) == []


def rejects(tables, public, name, changes):
    """The tables with some cells changed have a fault."""
    assert faults(altered(tables, name, changes), public)


@pytest.mark.parametrize("offset", OFFSETS)
def test_store_then_load(offset):
    check(WORD, offset, Op.MSTORE, offset, Op.MLOAD, Op.MSIZE)


@pytest.mark.parametrize("offset", OFFSETS)
def test_store_byte(offset):
    check(WORD, 0, Op.MSTORE, 0xABCD, offset, Op.MSTORE8, 0, Op.MLOAD)


@pytest.mark.parametrize("offset", [0, 31, 32, 1000, 22_527, 22_528, 100_000])
def test_cost_of_growth(offset):
    check(offset, Op.MLOAD, offset, Op.MLOAD)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Op.MLOAD, Op.MSTORE, Op.MSTORE8]),
            st.integers(0, 200),
            st.integers(0, 2**256 - 1),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_any_program(steps):
    items = []
    for op, offset, value in steps:
        items += [offset, Op.MLOAD, Op.POP] if op == Op.MLOAD else [value, offset, op]
    check(*items)


def test_value_is_what_is_there():
    tables, public = run(WORD, 33, Op.MSTORE, 33, Op.MLOAD)
    names = [t.table.name for t in tables]
    assert "memory_word" in names
    for row in (0, 1):
        for place in (0, 5, 31):
            byte = cell(tables, "memory_word", row, f"value[{place}]")
            rejects(tables, public, "memory_word", {(row, f"value[{place}]"): byte ^ 1})


def test_neighbour_stays():
    tables, public = run(WORD, 0, Op.MSTORE, WORD, 32, Op.MSTORE, 7, 17, Op.MSTORE)
    for part in ("first[20]", "second[2]"):
        byte = cell(tables, "memory_word", 0, part)
        rejects(tables, public, "memory_word", {(0, part): byte ^ 1})


@pytest.mark.parametrize("shift", [1, 31])
def test_shift_is_that_of_the_offset(shift):
    tables, public = run(WORD, shift, Op.MSTORE, shift, Op.MLOAD)
    changes = {(0, f"offset.shift[{shift}]"): 0, (0, f"offset.shift[{shift - 1}]"): 1}
    rejects(tables, public, "memory_word", changes)


def test_growth_is_not_one_word_short():
    tables, public = run(40, Op.MLOAD)
    rejects(tables, public, "memory_word", {(0, "growth.need[0]"): 2})
    less = {(0, "growth.need[0]"): 2, (0, "growth.cost"): 6}
    rejects(tables, public, "memory_word", less)


def test_growth_is_not_left_out():
    tables, public = run(40, Op.MLOAD)
    changes = {(0, "growth.grows"): 0, (0, "growth.cost"): 0}
    rejects(tables, public, "memory_word", changes)


def test_growth_is_paid_for():
    tables, public = run(40, Op.MLOAD)
    cost = cell(tables, "memory_word", 0, "growth.cost")
    assert cost == 9
    rejects(tables, public, "memory_word", {(0, "growth.cost"): 0})
    # 724^2 = 524,176 = 512 * 1023 + 400
    tables, public = run(32 * 724 - 32, Op.MLOAD)
    quotient = cell(tables, "expand", 0, "new_quotient[0]")
    assert quotient == 1023
    rejects(tables, public, "expand", {(0, "new_quotient[0]"): quotient - 1})


def test_read_needs_an_active_word():
    """A read past msize without growth, though the word is created later."""
    tables, public = run(0, Op.MLOAD, 0, Op.MLOAD, 64, Op.MLOAD)
    assert cell(tables, "mload_aligned", 0, "offset.index[0]") == 0
    changes = {(0, "offset.index[0]"): 2, (0, "spare[0]"): -2}
    rejects(tables, public, "mload_aligned", changes)


def test_word_is_created_once():
    tables, public = run(1, 64, Op.MSTORE, 2, 0, Op.MSTORE)
    rejects(tables, public, "grow", {(1, "index"): 0})
    clock = cell(tables, "grow", 0, "clock")
    rejects(tables, public, "grow", {(0, "clock"): clock + 1})
