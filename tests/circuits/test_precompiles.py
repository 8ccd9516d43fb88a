"""Calls of precompiles: the identity, and what is not given enough gas."""

from dataclasses import replace

import pytest

from circuits.execution.precompiles import IDENTITY, LENGTHS, PRICES
from circuits.machine import fill
from tests.support.transactions import (
    ETHER,
    altered,
    cell,
    faults,
    program,
    tables_of,
    trace_of,
)
from zkevm.errors import NotProvableError
from zkevm.evm.code import Code
from zkevm.evm.forks import FORKS
from zkevm.evm.instructions import system
from zkevm.evm.opcodes import Op
from zkevm.evm.precompiles import Precompile, PrecompileFailure
from zkevm.evm.precompiles.hashes import IDENTITY as HONEST
from zkevm.evm.state import Account

WITH_VALUE = (Op.CALL, Op.CALLCODE)
KINDS = (*WITH_VALUE, Op.DELEGATECALL, Op.STATICCALL)
BIG = 2**255 + 2**131 + 257
ENDS = ((Op.STOP,), (0, 0, Op.REVERT))


def call(op, to=IDENTITY, value=0, gas=100_000, data=(0, 0), out=(0, 0)):
    """The items of a call; ranges are (offset, size)."""
    values = (value,) if op in WITH_VALUE else ()
    return (out[1], out[0], data[1], data[0], *values, to, gas, op)


FILLED = (BIG, 0, Op.MSTORE, BIG + 3, 32, Op.MSTORE, 2**255 - 1, 61, Op.MSTORE)
# What the call has left: return data, memory, and what was pushed.
LOOKS = (
    *(Op.RETURNDATASIZE, 0, 300, Op.RETURNDATACOPY, 0, Op.MLOAD, 64, Op.MLOAD, 300, Op.MLOAD),
    *(Op.GAS, Op.SELFBALANCE, IDENTITY, Op.BALANCE),
)


def check(trace):
    assert faults(*tables_of(trace)) == []


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("data", [(0, 0), (2**200, 0), (0, 32), (31, 66), (40, 5)])
@pytest.mark.parametrize("out", [(0, 0), (5, 90), (64, 64), (33, 1)])
def test_identity(op, data, out):
    check(trace_of(program(*FILLED, *call(op, data=data, out=out), *LOOKS)))


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("value", [0, 1, ETHER])
@pytest.mark.parametrize("gas", [0, 10_000])
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("balance", [0, 3])
def test_value(op, value, gas, end, balance):
    accounts = {IDENTITY: Account(balance=balance)}
    code = program(*FILLED, *call(op, value=value, gas=gas, data=(0, 40)), Op.GAS, *end)
    check(trace_of(code, accounts=accounts, value=ETHER))


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("gas", [0, 17, 18, 20, 21, 2**64, 2**200])
@pytest.mark.parametrize("size", [0, 1, 33])
def test_identity_with_so_much_gas(op, gas, size):
    code = program(*FILLED, *call(op, gas=gas, data=(3, size), out=(0, 9)), Op.RETURNDATASIZE)
    check(trace_of(code))


@pytest.mark.parametrize("price", PRICES, ids=lambda p: hex(p.address))
@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("end", ENDS)
def test_too_little_gas(price, op, end):
    """The price is what the interpreter asks for, too: a unit less fails."""
    known = FORKS["Osaka"].precompiles[price.address]
    assert known.price(bytes(77)) == price.fixed + 3 * price.word
    gas = known.price(bytes(77)) - 1
    code = program(*call(op, price.address, gas=gas, data=(3, 77), out=(2, 9)), Op.GAS, *end)
    trace = trace_of(code, fork="Osaka")
    assert trace.calls.success[0] == 0
    check(trace)


@pytest.mark.parametrize(("address", "length"), LENGTHS)
@pytest.mark.parametrize("op", KINDS)
def test_an_input_of_the_wrong_length(op, address, length):
    for size in (0, length - 1, length + 1, 700):
        code = program(*call(op, address, value=1, data=(3, size), out=(2, 9)), Op.GAS)
        trace = trace_of(code, fork="Osaka")
        assert trace.calls.success[0] == 0
        check(trace)
    with pytest.raises(NotProvableError):
        fill(trace_of(program(*call(op, address, data=(3, length))), fork="Osaka"))


@pytest.mark.parametrize("value", [1, 6, 2**200])
def test_value_does_not_move_to_what_fails(value):
    """With so much less gas that the stipend does not reach; or the value is not there."""
    code = program(*call(Op.CALL, 1, value=value, gas=10), 1, Op.BALANCE, Op.SELFBALANCE)
    check(trace_of(code, fork="Osaka"))


def test_calls_in_a_row_leave_the_last_output():
    calls = [call(Op.STATICCALL, data=(k, 40 - k), out=(k, 50)) for k in (0, 3, 40)]
    code = program(*FILLED, *calls[0], *calls[1], 30, 2, 99, Op.RETURNDATACOPY, *calls[2])
    check(trace_of(code + program(Op.RETURNDATASIZE, *calls[1], 99, Op.MLOAD)))


def test_a_delegation_to_the_identity_is_no_call_of_it():
    accounts = {0xDE: Account(code=Code(b"\xef\x01\x00" + IDENTITY.to_bytes(20, "big")))}
    code = program(*FILLED, *call(Op.CALL, 0xDE, data=(0, 40)), Op.RETURNDATASIZE)
    check(trace_of(code, accounts=accounts, fork="Prague"))


@pytest.mark.parametrize(
    ("to", "name"), [(1, "ECRECOVER"), (2, "SHA256"), (5, "MODEXP"), (8, "BN254_PAIRING")]
)
def test_others_are_refused_by_name(to, name):
    with pytest.raises(NotProvableError, match=f"precompile {name} called by STATICCALL at pc"):
        fill(trace_of(program(*call(Op.STATICCALL, to))))


# Cheats.  A lying interpreter executes the whole transaction by its wrong rule.

CALLS = program(*FILLED, *call(Op.CALL, value=1, data=(7, 60), out=(5, 90)), Op.GAS)


def lying(changes, code=CALLS):
    """The trace of an interpreter with other precompiles at some addresses (None: none)."""
    fork = FORKS["Cancun"]
    known = fork.precompiles | changes
    known = {address: found for address, found in known.items() if found is not None}
    return trace_of(code, value=ETHER, rules=replace(fork, precompiles=known))


def rejected(trace):
    """Nothing proves it: no gadget accepts the step, or the checker finds fault."""
    try:
        return bool(faults(*tables_of(trace)))
    except NotProvableError:
        return True


@pytest.mark.parametrize(
    "identity",
    [
        Precompile("", lambda data: 14 + 3 * (len(data) // 32), lambda data: data),
        Precompile("", HONEST.price, lambda data: data + b"\1"),
        Precompile("", HONEST.price, lambda data: data[::-1]),
        Precompile("", HONEST.price, lambda data: bytes(len(data))),
    ],
    ids=["price", "longer", "reversed", "zeros"],
)
def test_another_identity(identity):
    assert faults(*tables_of(lying({IDENTITY: identity})))


def test_failure_although_it_is_paid():
    def fail(data):
        raise PrecompileFailure

    assert rejected(lying({IDENTITY: Precompile("", HONEST.price, fail)}))
    assert rejected(lying({IDENTITY: Precompile("", lambda data: 2**64, HONEST.body)}))


@pytest.mark.parametrize("op", KINDS)
def test_a_precompile_is_forgotten_or_made_up(op):
    forgotten = program(*FILLED, *call(op, data=(0, 40)), Op.GAS)
    assert rejected(lying({IDENTITY: None}, forgotten))
    made_up = program(*FILLED, *call(op, 0xDEAD, data=(0, 40)), Op.GAS)
    assert rejected(lying({0xDEAD: HONEST}, made_up))


def test_value_moves_although_it_fails(monkeypatch):
    honest = system._call_precompile

    def lie(frame, precompile, recipient, value, given, ranges):
        honest(frame, precompile, recipient, value, given, ranges)
        frame.machine.state.transfer(frame.address, recipient, value)

    monkeypatch.setattr(system, "_call_precompile", lie)
    trace = trace_of(program(*call(Op.CALL, 1, value=1, gas=10), 1, Op.BALANCE, Op.SELFBALANCE))
    monkeypatch.undo()
    assert rejected(trace)


def test_value_does_not_move_although_it_succeeds(monkeypatch):
    honest = system._call_precompile

    def lie(frame, precompile, recipient, value, given, ranges):
        honest(frame, precompile, None, value, given, ranges)

    monkeypatch.setattr(system, "_call_precompile", lie)
    trace = trace_of(program(*call(Op.CALL, value=1), IDENTITY, Op.BALANCE, Op.SELFBALANCE))
    monkeypatch.undo()
    assert rejected(trace)


CHEATS = [
    ("identity_call", "words[0]", 1),
    ("identity_call", "words[0]", -1),
    ("identity_call", "given", 1),
    ("identity_call", "copied", 1),
    ("identity_call", "copied", -1),
    ("identity_call", "copies_none", 1),
    ("identity_call", "wants_less", 1),
    ("identity_call", "creation", 1),
    ("identity_call", "touch.mark.always", -1),
    ("identity_call", "callee[0]", -1),
    ("identity_call", "returned.length", 1),
    ("identity_call", "saved_undo", 1),
    ("identity_plain", "is_static", 1),
    ("identity_code_call", "funds.balance.lo", 1),
    ("identity_code_call", "no_value", 1),
    ("unpaid_precompile_call", "priced[0]", -1),
    ("unpaid_precompile_call", "priced[1]", 1),
    ("unpaid_precompile_call", "sized[0]", 1),
    ("unpaid_precompile_call", "longer", 1),
    ("unpaid_precompile_call", "excess[0]", 1),
    ("unpaid_precompile_plain", "longer", -1),
    ("unpaid_precompile_plain", "sized[0]", -1),
    ("unpaid_precompile_plain", "excess[0]", 1),
    ("unpaid_precompile_plain", "input_size.lo", -1),
    ("unpaid_precompile_call", "given", -1),
    ("unpaid_precompile_call", "words[0]", 1),
    ("unpaid_precompile_call", "this.depth", 1),
]


@pytest.fixture(scope="module")
def all_kinds():
    ranges = {"data": (7, 60), "out": (5, 90)}
    calls = [item for op in KINDS for item in call(op, value=1, **ranges)]
    failing = (*call(Op.CALL, 1, gas=20, data=(0, 3)), *call(Op.STATICCALL, 9, data=(0, 214)))
    code = program(*FILLED, *calls, *failing, 0, 0, Op.REVERT)
    tables, public = tables_of(trace_of(code, value=ETHER))
    assert faults(tables, public) == []
    return tables, public


@pytest.mark.parametrize(("table", "column", "change"), CHEATS)
def test_a_changed_cell_is_noticed(all_kinds, table, column, change):
    tables, public = all_kinds
    value = cell(tables, table, 0, column) + change
    assert faults(altered(tables, table, {(0, column): value}), public)
