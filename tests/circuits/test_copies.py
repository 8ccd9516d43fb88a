"""Copies of call data, code, return data and memory; KECCAK256; logs."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.transactions import TARGET, faults, program, tables_of, trace_of
from zkevm.evm.code import Code
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account

DATA = bytes(range(1, 101))
CALLEE = 0xCA11EE
FILL = [int.from_bytes(DATA[:32], "big"), 0, Op.MSTORE, int.from_bytes(DATA[32:64], "big"), 32]
FILL += [Op.MSTORE, int.from_bytes(DATA[64:96], "big"), 64, Op.MSTORE]
RETURNS = program(*FILL, 70, 3, Op.RETURN)


def tables_for(*items, data=DATA, **kwargs):
    accounts = {CALLEE: Account(code=Code(RETURNS))}
    return tables_of(trace_of(program(*items), data=data, accounts=accounts, **kwargs))


def check(*items, **kwargs):
    assert faults(*tables_for(*items, **kwargs)) == []


RANGES = [
    (0, 0, 32),
    (0, 0, 100),
    (0, 0, 64),
    (5, 5, 90),
    (5, 0, 32),
    (0, 5, 64),
    (31, 1, 64),
    (1, 31, 65),
    (40, 20, 3),
    (20, 40, 1),
    (62, 3, 4),
    (3, 62, 33),
    (0, 64, 36),
    (0, 90, 100),
    (3, 95, 70),
    (7, 100, 40),
    (0, 2**255, 33),
    (0, 2**128, 1),
    (2**200, 3, 0),
    (3, 2**200, 0),
    (0, 1, 99),
    (0, 5, 95),
    (0, 4, 96),
    (0, 36, 128),
    (27, 91, 60),
    (10, 68, 33),
]


@pytest.mark.parametrize(("to", "offset", "size"), RANGES)
@pytest.mark.parametrize("op", [Op.CALLDATACOPY, Op.CODECOPY])
def test_copy_into_memory(op, to, offset, size):
    check(*FILL, size, offset, to, op)


@pytest.mark.parametrize(("to", "offset", "size"), [r for r in RANGES if r[1] < 2**128])
def test_copy_within_memory(to, offset, size):
    check(*FILL, size, offset, to, Op.MCOPY)


@pytest.mark.parametrize(
    ("to", "offset", "size"), [(0, 0, 70), (0, 0, 0), (9, 70, 0), (3, 5, 65), (33, 1, 32)]
)
def test_copy_of_return_data(to, offset, size):
    call = [0, 0, 0, 0, CALLEE, 100_000, Op.STATICCALL, Op.POP]
    check(*call, Op.RETURNDATASIZE, size, offset, to, Op.RETURNDATACOPY)


@pytest.mark.parametrize(
    ("offset", "size"),
    [(0, 71), (71, 0), (70, 1), (2**128 - 1, 2**128 - 1), (2**128, 0), (0, 2**255), (2**64, 2**64)],
)
@pytest.mark.parametrize("calls", [True, False])
def test_copy_past_the_return_data(offset, size, calls):
    call = [0, 0, 0, 0, CALLEE, 100_000, Op.STATICCALL, Op.POP] * calls
    check(*call, size, offset, 0, Op.RETURNDATACOPY)


@pytest.mark.parametrize(("offset", "size"), [(0, 32), (0, 70), (5, 90), (33, 100), (0, 0)])
def test_output_of_a_call(offset, size):
    call = [*FILL, size, offset, 0, 0, CALLEE, 100_000, Op.STATICCALL]
    check(*call, Op.RETURNDATASIZE, 0, Op.MLOAD)


@pytest.mark.parametrize("account", [CALLEE, TARGET, 0xDEAD, 2**200 + CALLEE])
@pytest.mark.parametrize(
    ("to", "offset", "size"), [(0, 0, 64), (5, 1, 40), (3, 2**130, 33), (9, 9, 0)]
)
def test_copy_of_another_code(account, to, offset, size):
    check(*FILL, *[size, offset, to, account, Op.EXTCODECOPY] * 2)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([Op.CALLDATACOPY, Op.CODECOPY, Op.MCOPY, Op.KECCAK256, Op.LOG1]),
            st.integers(0, 130),
            st.integers(0, 130),
            st.integers(0, 150),
        ),
        min_size=3,
        max_size=20,
    )
)
def test_any_program(steps):
    items = [*FILL]
    for op, to, offset, size in steps:
        if op == Op.KECCAK256:
            items += [size, offset, op, Op.POP]
        elif op == Op.LOG1:
            items += [to, size, offset, op]
        else:
            items += [size, offset, to, op]
    check(*items)


@pytest.mark.parametrize("offset", [0, 1, 32])
@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 64, 135, 136, 137, 271, 272, 273])
def test_keccak(offset, size):
    check(*FILL, size, offset, Op.KECCAK256)


def test_equal_inputs_share_a_sponge():
    tables, public = tables_for(*FILL, *[64, 0, Op.KECCAK256, Op.POP] * 3)
    assert faults(tables, public) == []
    assert next(t for t in tables if t.table.name == "first_block").rows == 1


@pytest.mark.parametrize("topics", range(5))
@pytest.mark.parametrize(("offset", "size"), [(0, 0), (0, 32), (3, 40), (0, 9), (64, 24)])
def test_log(topics, offset, size):
    check(*FILL, *range(1, topics + 1), size, offset, Op(Op.LOG0 + topics))
