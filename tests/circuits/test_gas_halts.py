"""Out of gas for memory and for calls: with the last gas too few, for every opcode."""

import pytest

from circuits.gadgets.memory_halts import TOUCHES
from tests.support.transactions import ETHER, altered, cell, faults, program, tables_of, trace_of
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.state import Account
from zkevm.trace.trace import Halt

CALLEE = 0xCA11EE
OTHER = 0x07E4
DEAD = 0xDEAD
SUPPORTED = [t for t in TOUCHES if t.op not in (Op.EXTCODECOPY, Op.CREATE, Op.CREATE2)]


def outer(code, gas):
    """A transaction that calls the code with so much gas."""
    accounts = {CALLEE: Account(balance=5, code=Code(code))}
    return program(0, 0, 0, 0, 1, CALLEE, gas, Op.CALL), accounts


def least_gas(code, **accounts):
    """The least gas with which the code does not run out of it."""
    low, high = 0, 500_000
    while low < high:
        middle = (low + high) // 2
        if halts(run(code, middle, **accounts)):
            low = middle + 1
        else:
            high = middle
    return low


def run(code, gas, fork="Cancun", more=None):
    program_, accounts = outer(code, gas)
    return trace_of(program_, accounts=accounts | (more or {}), value=ETHER, fork=fork)


def halts(trace):
    return trace.frames.halt[1] == Halt.OUT_OF_GAS


def check(trace):
    assert faults(*tables_of(trace)) == []


def operands(touch, offset, size):
    """The operands, last first."""
    found = [0] * ARITY[touch.op].inputs
    found[touch.offset] = offset
    if touch.size is not None:
        found[touch.size] = size
    if ARITY[touch.op].inputs > 5:
        found[0], found[1] = 0, DEAD
    return found[::-1]


@pytest.mark.parametrize("touch", SUPPORTED, ids=lambda t: f"{t.op.name}-{t.offset}")
@pytest.mark.parametrize(
    ("offset", "size"),
    [(1000, 3000), (0, 100_000), (2**44, 2**44), (2**45, 1), (5, 2**128), (2**255, 2**255)],
)
def test_memory(touch, offset, size):
    code = program(*operands(touch, offset, size), touch.op)
    enough = least_gas(code)
    gas = min(enough - 1, 499_999)
    if gas < 0:
        pytest.skip("costs nothing")
    trace = run(code, gas)
    if halts(trace):
        check(trace)


@pytest.mark.parametrize("op", [Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL])
@pytest.mark.parametrize("to", [DEAD, CALLEE, OTHER, OTHER + 1, OTHER + 2, 3])
@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
def test_calls(op, to, value, fork):
    values = (value,) if op in (Op.CALL, Op.CALLCODE) else ()
    more = {
        OTHER: Account(code=delegation_to(DEAD)),
        OTHER + 1: Account(code=delegation_to(OTHER + 1)),
        OTHER + 2: Account(balance=3),
    }
    code = program(40, 0, 64, 32, *values, to, 0, op, 0, 0, Op.REVERT)
    enough = least_gas(code, fork=fork, more=more)
    for gas in (enough - 1, enough - 50, enough - 2000, enough - 10_000):
        if gas >= 0:
            trace = run(code, gas, fork=fork, more=more)
            if halts(trace):
                check(trace)


CHEATS = [
    ("memory_out_of_gas", "shortfall[0]", 1),
    ("memory_out_of_gas", "range.need[0]", 1),
    ("memory_out_of_gas", "range.new_quotient[0]", 1),
    ("memory_out_of_gas", "range.grows", -1),
    ("memory_out_of_gas", "range.huge", 1),
    ("memory_out_of_gas", "words[0]", 1),
    ("memory_out_of_gas", "size.lo", 32),
    ("memory_out_of_gas", "offset.lo", 32),
    ("memory_out_of_gas", "gas", -1),
    ("call_out_of_gas", "shortfall[0]", 1),
    ("call_out_of_gas", "fresh.same", 1),
    ("call_out_of_gas", "new_account.dead", -1),
    ("call_out_of_gas", "no_value", 1),
    ("call_out_of_gas", "follows", 1),
    ("call_out_of_gas", "range.grows", -1),
    ("call_out_of_gas", "takes_output", 1),
    ("exp_out_of_gas", "shortfall", 1),
    ("exp_out_of_gas", "gas", -1),
    ("exp_out_of_gas", "exponent.lo", 1),
    ("exp_out_of_gas", "size[2]", 1),
    ("extcodecopy_out_of_gas", "shortfall[0]", 1),
    ("extcodecopy_out_of_gas", "gas", -1),
    ("extcodecopy_out_of_gas", "fresh.same", 1),
    ("extcodecopy_out_of_gas", "mark.always", 1),
    ("extcodecopy_out_of_gas", "range.need[0]", 1),
    ("extcodecopy_out_of_gas", "words[0]", 1),
    ("extcodecopy_out_of_gas", "size.lo", 32),
    ("extcodecopy_out_of_gas", "account[0]", 1),
]
DEAR = {
    "memory_out_of_gas": (30_000, 1000, Op.KECCAK256),
    "call_out_of_gas": (0, 0, 64, 32, 1, DEAD, 0, Op.CALL),
    "exp_out_of_gas": (DEAD, Op.BALANCE, 2**15, 3, Op.EXP),
    "extcodecopy_out_of_gas": (100, 0, 40, DEAD, Op.EXTCODECOPY),
}


@pytest.mark.parametrize(("table", "column", "change"), CHEATS)
def test_a_changed_cell_is_noticed(table, column, change):
    code = program(*DEAR[table])
    tables, public = tables_of(run(code, least_gas(code) - 1))
    assert faults(tables, public) == []
    names = [c.name for t in tables if t.table.name == table for c in t.table.columns]
    if column not in names:
        pytest.fail(f"{column} is none of {names}")
    value = cell(tables, table, 0, column) + change
    assert faults(altered(tables, table, {(0, column): value}), public)


def test_a_longer_exponent_is_claimed():
    """One byte more would cost more than there is."""
    code = program(*DEAR["exp_out_of_gas"])
    tables, public = tables_of(run(code, least_gas(code) - 1))
    shortfall = cell(tables, "exp_out_of_gas", 0, "shortfall")
    longer = {(0, "size[1]"): 0, (0, "size[2]"): 1, (0, "shortfall"): shortfall + 50}
    rest = {(0, f"rest[{i}]"): (2**15 - 2**16 >> 16 * i) % 2**16 for i in range(8)}
    assert faults(altered(tables, "exp_out_of_gas", longer | rest), public)
