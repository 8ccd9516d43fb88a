"""Calls, their ends and resumptions: honest transactions balance, whatever the outcome."""

import pytest

from tests.support.transactions import ETHER, TARGET, faults, program, tables_of, trace_of
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.plonkish import kernels

CALLEE = 0xCA11EE
OTHER = 0x07E4
DEAD = 0xDEAD
BIG = 2**255 + 2**128 + 1
KINDS = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
WITH_VALUE = (Op.CALL, Op.CALLCODE)


def check(trace):
    assert faults(*tables_of(trace)) == []


def call(op, to=CALLEE, value=0, gas=100_000, data=(0, 0), out=(0, 0)):
    """The items of a call; ranges are (offset, size)."""
    values = (value,) if op in WITH_VALUE else ()
    return (out[1], out[0], data[1], data[0], *values, to, gas, op)


def with_callee(*items, **accounts):
    return {CALLEE: Account(code=Code(program(*items)), **accounts)}


STORES = (7, 1, Op.SSTORE, DEAD, Op.BALANCE, Op.POP)
READS = (1, Op.SLOAD, DEAD, Op.BALANCE, Op.SELFBALANCE, Op.CALLER, Op.CALLVALUE, Op.ADDRESS)


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("end", [(Op.STOP,), (), (0, 0, Op.RETURN), (0, 0, Op.REVERT)])
def test_every_end(op, end):
    writes = () if op is Op.STATICCALL else STORES
    accounts = with_callee(*READS, *writes, *end)
    check(trace_of(program(*call(op), *call(op)), accounts=accounts, storage={1: 5}))


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("gas", [0, 1, 50_000, 10**6, 2**64, 2**128, BIG])
def test_gas_asked_for(op, gas):
    accounts = with_callee(Op.GAS, Op.POP)
    if gas > 1:
        check(trace_of(program(*call(op, gas=gas)), accounts=accounts))
    else:
        accounts = with_callee(Op.STOP)
        check(trace_of(program(*call(op, gas=gas)), accounts=accounts))


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("value", [0, 1, ETHER])
@pytest.mark.parametrize("end", [(Op.STOP,), (0, 0, Op.REVERT)])
def test_value_moves_with_the_frame(op, value, end):
    accounts = with_callee(Op.SELFBALANCE, Op.CALLVALUE, *end, balance=2**130)
    check(trace_of(program(*call(op, value=value)), accounts=accounts, value=ETHER))


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("value", [0, 1])
@pytest.mark.parametrize("to", [DEAD, CALLEE, OTHER])
@pytest.mark.parametrize("ends", [True, False])
def test_call_of_an_account_without_code(op, value, to, ends):
    accounts = {CALLEE: Account(balance=2**200), OTHER: Account(nonce=1)}
    end = (Op.STOP,) if ends else (0, 0, Op.REVERT)
    code = program(*call(op, to=to, value=value, gas=10_000), *end)
    check(trace_of(code, accounts=accounts, value=ETHER))


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("end", [(Op.STOP,), (0, 0, Op.REVERT)])
def test_call_of_oneself(op, end):
    """The frame inside ends at once, as it has call data; the value goes nowhere."""
    inside = call(op, to=TARGET, value=3, data=(0, 1))
    end_of_calls = len(program(Op.CALLDATASIZE, 0xFF, Op.JUMPI, *inside))
    code = program(Op.CALLDATASIZE, end_of_calls, Op.JUMPI, *inside, Op.JUMPDEST, *end)
    check(trace_of(code, value=ETHER))


@pytest.mark.parametrize("op", [Op.DELEGATECALL, Op.STATICCALL])
def test_plain_call_of_an_account_without_code(op):
    check(trace_of(program(*call(op, to=DEAD), *call(op, to=BIG), Op.RETURNDATASIZE)))


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("to", [CALLEE, DEAD, OTHER, 2])
@pytest.mark.parametrize("end", [(Op.STOP,), (0, 0, Op.REVERT)])
def test_more_value_than_there_is(op, to, end):
    accounts = with_callee(Op.STOP) | {OTHER: Account(balance=1)}
    check(trace_of(program(*call(op, to=to, value=6), *end), accounts=accounts))


@pytest.mark.parametrize("op", KINDS)
def test_the_greatest_depth(op):
    """The program calls itself until there is no more room."""
    code = program(*call(op, to=TARGET, gas=2**64, value=1))
    trace = trace_of(code, gas_limit=10**15, block_gas_limit=10**15)
    assert trace.frames.depth.max() == 1024
    tables, public = tables_of(trace)
    assert kernels.violations(tables) == []
    assert kernels.imbalances(tables, public) == []


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("to", [CALLEE, OTHER, DEAD, 2])
def test_more_value_than_there_is_for_a_delegated_account(op, to):
    accounts = with_callee(Op.STOP) | {OTHER: Account(code=delegation_to(to))}
    code = program(*call(op, to=OTHER, value=6), *call(op, to=OTHER, value=6), Op.GAS)
    check(trace_of(code, accounts=accounts, fork="Prague"))


def test_value_of_a_code_call_from_a_static_frame():
    """CALLCODE may have value there: it stays where it is."""
    accounts = with_callee(*call(Op.CALLCODE, to=OTHER, value=3), balance=3) | {
        OTHER: Account(code=Code(program(*READS)))
    }
    check(trace_of(program(*call(Op.STATICCALL)), accounts=accounts))


def test_undoing_is_nested():
    """A success inside a failure inside a success, with value and marks on every level."""
    inner = (*STORES, *READS, Op.STOP)
    middle = (*STORES, *call(Op.CALL, to=OTHER, value=1), *STORES, 0, 0, Op.REVERT)
    accounts = {
        CALLEE: Account(balance=9, code=Code(program(*middle))),
        OTHER: Account(balance=9, code=Code(program(*inner))),
    }
    outer = (*call(Op.CALL, value=3), *STORES, *call(Op.DELEGATECALL, to=OTHER), *READS)
    check(trace_of(program(*outer), accounts=accounts, value=ETHER))
    check(trace_of(program(*outer, 0, 0, Op.REVERT), accounts=accounts, value=ETHER))


def test_static_frames_stay_static():
    accounts = with_callee(*call(Op.CALL, to=OTHER), *call(Op.DELEGATECALL, to=OTHER)) | {
        OTHER: Account(code=Code(program(*READS)))
    }
    check(trace_of(program(*call(Op.STATICCALL)), accounts=accounts))


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("out", [(0, 0), (0, 64), (5, 32), (70, 7), (31, 200)])
def test_data_in_and_out(op, out):
    accounts = with_callee(
        *(Op.CALLDATASIZE, 3, 1, Op.MSTORE, BIG, 64, Op.MSTORE, 71, 1, Op.RETURN)
    )
    code = program(BIG, 0, Op.MSTORE, *call(op, data=(3, 50), out=out), Op.RETURNDATASIZE)
    check(trace_of(code, accounts=accounts))


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("to", [CALLEE, OTHER, DEAD, 2])
@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
@pytest.mark.parametrize("end", [(Op.STOP,), (0, 0, Op.REVERT)])
def test_delegated_accounts(op, to, fork, end):
    """To code, to itself, to nothing, to a precompile (whose code is empty)."""
    accounts = {
        CALLEE: Account(code=Code(program(*READS))),
        OTHER: Account(code=delegation_to(to)),
    }
    if fork == "Prague":
        code = program(*call(op, to=OTHER), *call(op, to=OTHER), *end)
        check(trace_of(code, accounts=accounts, fork=fork))


def test_root_of_a_delegated_account():
    accounts = {TARGET: Account(code=delegation_to(CALLEE)), **with_callee(*READS)}
    check(trace_of(b"", accounts=accounts, fork="Prague"))
