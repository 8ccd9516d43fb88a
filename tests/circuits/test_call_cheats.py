"""Calls, frames and ends: what a lying interpreter or a lying prover says is rejected.

A lying interpreter executes the whole transaction by its wrong rule; the tables are then filled as
for an honest one.
"""

import numpy as np
import pytest

from circuits.machine import cells, fill
from circuits.statement import statement
from tests.support.transactions import (
    ETHER,
    TARGET,
    altered,
    cell,
    end_lies_with_the_transaction,
    faults,
    program,
    tables_of,
    trace_of,
)
from zkevm.evm import gas
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.frame import Frame
from zkevm.evm.instructions import system
from zkevm.evm.interpreter import Machine
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.plonkish.cells import Cells

CALLEE = 0xCA11EE
OTHER = 0x07E4
DEAD = 0xDEAD
KINDS = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
WITH_VALUE = (Op.CALL, Op.CALLCODE)
READS = (1, Op.SLOAD, DEAD, Op.BALANCE, Op.SELFBALANCE, Op.CALLER, Op.CALLVALUE, Op.ADDRESS)
STORES = (7, 1, Op.SSTORE, DEAD, Op.BALANCE, Op.POP)


def call(op, to=CALLEE, value=0, asked=100_000, data=(0, 0), out=(0, 0)):
    """The items of a call; ranges are (offset, size)."""
    values = (value,) if op in WITH_VALUE else ()
    return (out[1], out[0], data[1], data[0], *values, to, asked, op)


def with_callee(*items, balance=0):
    return {CALLEE: Account(balance=balance, code=Code(program(*items)))}


def rejected(trace):
    assert faults(*tables_of(trace))


# Gas.


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("kept", [0, 1 / 64, 1 / 32])
def test_more_or_less_than_all_but_one_64th_is_given(monkeypatch, op, kept):
    honest = gas.all_but_one_64th
    lie = lambda left: left - int(left * kept) - (kept == 1 / 64)  # noqa: E731
    monkeypatch.setattr(gas, "all_but_one_64th", lie)
    trace = trace_of(program(*call(op, asked=2**64)), accounts=with_callee(*READS))
    assert any(lie(g) != honest(g) for g in range(100, 200))
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("name", ["CALL_VALUE", "CALL_STIPEND", "NEW_ACCOUNT"])
@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("to", [CALLEE, DEAD])
@pytest.mark.parametrize("change", [-1, 1])
def test_other_costs_of_value(monkeypatch, name, op, to, change):
    if name == "NEW_ACCOUNT" and (to == CALLEE or op == Op.CALLCODE):
        pytest.skip("no new account is paid for")
    monkeypatch.setattr(gas, name, getattr(gas, name) + change)
    code = program(*call(op, to=to, value=1))
    trace = trace_of(code, accounts=with_callee(*READS), value=ETHER)
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("empty", [True, False])
def test_new_account_for_a_living_one_or_the_reverse(monkeypatch, empty):
    to = OTHER if empty else DEAD
    honest = State.is_empty
    lie = lambda self, address: empty if address == to else honest(self, address)  # noqa: E731
    monkeypatch.setattr(State, "is_empty", lie)
    accounts = {OTHER: Account(balance=1)}
    trace = trace_of(program(*call(Op.CALL, to=to, value=1)), accounts=accounts, value=ETHER)
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("to", [DEAD, CALLEE])
@pytest.mark.parametrize("op", KINDS)
def test_audit_A16_calls_cost_nothing(monkeypatch, op, to):
    monkeypatch.setattr(gas, "COLD_ACCOUNT", 0)
    trace = trace_of(program(*call(op, to=to)), accounts=with_callee(*READS))
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("extra", [-1, 1, 2300])
def test_more_gas_comes_back_than_was_left(monkeypatch, extra):
    honest = Machine._resume

    def resume(self, frame, child):
        child.gas += extra
        honest(self, frame, child)

    monkeypatch.setattr(Machine, "_resume", resume)
    trace = trace_of(program(*call(Op.CALL)), accounts=with_callee(*READS))
    monkeypatch.undo()
    rejected(trace)


# Frames.


@pytest.mark.parametrize("op", [Op.CALL, Op.DELEGATECALL])
def test_static_is_forgotten(monkeypatch, op):
    honest = Frame.__init__

    def init(self, *args, **kwargs):
        if kwargs.get("call_op") == op:
            kwargs["static"] = False
        honest(self, *args, **kwargs)

    monkeypatch.setattr(Frame, "__init__", init)
    accounts = with_callee(*call(op, to=OTHER)) | {OTHER: Account(code=Code(program(*STORES)))}
    trace = trace_of(program(*call(Op.STATICCALL)), accounts=accounts)
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("op", KINDS)
@pytest.mark.parametrize("change", [{"caller": 5}, {"value": 3}, {"address": OTHER}])
def test_another_caller_value_or_address(monkeypatch, op, change):
    honest = Frame.__init__

    def init(self, *args, **kwargs):
        if kwargs.get("call_op") == op:
            kwargs |= change
        honest(self, *args, **kwargs)

    monkeypatch.setattr(Frame, "__init__", init)
    accounts = with_callee(Op.CALLER, Op.CALLVALUE, Op.ADDRESS) | {OTHER: Account(balance=1)}
    code = program(OTHER, Op.BALANCE, *call(op))
    trace = trace_of(code, accounts=accounts, value=1)
    monkeypatch.undo()
    rejected(trace)


def test_another_code_runs(monkeypatch):
    honest = Frame.__init__

    def init(self, *args, **kwargs):
        if kwargs.get("call_op") == Op.CALL:
            kwargs["code"] = Code(program(1, 2, Op.ADD))
        honest(self, *args, **kwargs)

    monkeypatch.setattr(Frame, "__init__", init)
    trace = trace_of(program(*call(Op.CALL)), accounts=with_callee(*READS))
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("op", KINDS)
def test_delegation_is_ignored(monkeypatch, op):
    accounts = with_callee(*READS) | {OTHER: Account(code=delegation_to(CALLEE))}
    monkeypatch.setattr(Code, "delegate", None)
    code = program(DEAD, Op.BALANCE, *call(op, to=OTHER))
    trace = trace_of(code, accounts={**accounts, OTHER: Account()}, fork="Prague")
    monkeypatch.undo()
    pre = trace.pre.accounts[OTHER]
    delegated = Account(code=delegation_to(CALLEE)).code.hash
    assert pre.code_hash != delegated
    filled = fill(trace)
    lie = statement(filled)
    changed = tuple(
        type(a)(
            a.address,
            a.had_storage,
            *(type(v)(v.nonce, v.balance, delegated) for v in (a.before, a.after)),
        )
        if a.address == OTHER
        else a
        for a in lie.accounts
    )
    assert faults(cells(filled), type(lie)(**dict(fields_of(lie), accounts=changed)).messages())


def fields_of(record):
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


# Failures.


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("to", [CALLEE, DEAD])
def test_value_that_is_not_there_moves(monkeypatch, op, to):
    """The balance is taken for larger where the call looks at it."""
    honest = State.balance
    end_lies_with_the_transaction(monkeypatch)
    monkeypatch.setattr(
        State, "balance", lambda self, a: honest(self, a) + (2**20 if a == TARGET else 0)
    )
    monkeypatch.setattr(State, "transfer", lambda self, sender, to, value: None)
    trace = trace_of(program(*call(op, to=to, value=6)), accounts=with_callee(Op.STOP))
    rejected(trace)


def test_value_of_a_code_call_goes_to_the_callee(monkeypatch):
    honest = Frame.__init__

    def init(self, machine, *args, **kwargs):
        honest(self, machine, *args, **kwargs)
        if kwargs.get("call_op") == Op.CALLCODE:
            machine.state.transfer(TARGET, CALLEE, kwargs["value"])

    monkeypatch.setattr(Frame, "__init__", init)
    code = program(*call(Op.CALLCODE, value=1), CALLEE, Op.BALANCE)
    trace = trace_of(code, accounts=with_callee(*READS), value=ETHER)
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("op", WITH_VALUE)
@pytest.mark.parametrize("value", [0, 5])
def test_failure_although_the_value_is_there(monkeypatch, op, value):
    honest = State.balance

    def balance(self, address):
        return honest(self, address) if address != TARGET else -1

    end_lies_with_the_transaction(monkeypatch)
    monkeypatch.setattr(State, "balance", balance)
    monkeypatch.setattr(State, "transfer", lambda self, sender, to, value: None)
    trace = trace_of(program(*call(op, value=value)), accounts=with_callee(Op.STOP))
    rejected(trace)


@pytest.mark.parametrize("op", KINDS)
def test_failure_for_depth_before_the_greatest(monkeypatch, op):
    monkeypatch.setattr(system, "MAX_DEPTH", 0)
    trace = trace_of(program(*call(op)), accounts=with_callee(Op.STOP))
    monkeypatch.undo()
    rejected(trace)


def test_precompile_taken_for_an_account_without_code(monkeypatch):
    trace = trace_of(program(*call(Op.CALL, to=0x11)), fork="Cancun")
    assert not faults(*tables_of(trace))
    object.__setattr__(trace, "fork", "Prague")
    rejected(trace)


# Lies of the prover: cells of an honest transaction.

INNER = (*STORES, *READS, Op.STOP)
MIDDLE = (*STORES, *call(Op.CALL, to=OTHER, value=1), *STORES, 0, 0, Op.REVERT)
NESTED = trace_of(
    program(
        *(*call(Op.CALL, value=3), *STORES, *call(Op.DELEGATECALL, to=OTHER)),
        *(*call(Op.STATICCALL, to=OTHER + 1), *call(Op.CALL, to=DEAD, value=1)),
        *(*call(Op.CALL, to=DEAD, value=2**200), *call(Op.STATICCALL, to=DEAD)),
        *(*call(Op.CALLCODE, to=OTHER + 1, value=4), *call(Op.CALLCODE, to=DEAD, value=5)),
        *(*call(Op.CALLCODE, to=DEAD, value=2**200), 0, 0, Op.RETURN),
    ),
    accounts={
        CALLEE: Account(balance=9, code=Code(program(*MIDDLE))),
        OTHER: Account(balance=9, code=Code(program(*INNER))),
        OTHER + 1: Account(code=Code(program(*READS))),
    },
    value=ETHER,
)
CHEATS = [
    ("enter_call", 0, "success", 1),
    ("enter_call", 1, "success", -1),
    ("enter_call", 0, "undone", -1),
    ("enter_call", 0, "eor", 1),
    ("enter_call", 0, "saved_undo", 1),
    ("enter_call", 1, "saved_undo", -1),
    ("enter_call", 0, "given", 1),
    ("enter_call", 0, "share[0]", 1),
    ("enter_call", 0, "as_asked", -1),
    ("enter_call", 0, "available[0]", 1),
    ("enter_call", 0, "no_value", 1),
    ("enter_call", 0, "code_run.store", 2),
    ("enter_call", 0, "code_run.id", 1),
    ("enter_call", 0, "touch.same", 1),
    ("enter_call", 0, "this.depth", 1),
    ("enter_call", 0, "this.address", 1),
    ("enter_plain", 0, "own_store", 2),
    ("enter_plain", 0, "is_static", 1),
    ("enter_plain", 1, "is_static", -1),
    ("enter_plain", 0, "this.caller", 1),
    ("enter_plain", 0, "this.value.lo", 1),
    ("enter_plain", 0, "code_run.follows", 1),
    ("empty_call", 0, "new_account.dead", -1),
    ("empty_call", 0, "new_account.lives_by[3]", 1),
    ("empty_call", 0, "transfer.left.borrow", 1),
    ("empty_call", 0, "saved_undo", 1),
    ("fail_call", 0, "full", 1),
    ("fail_call", 0, "too_little.borrow[1]", -1),
    ("fail_call", 0, "balance.lo", 1),
    ("enter_code", 0, "own_store", 2),
    ("enter_code", 0, "this.address", 1),
    ("enter_code", 0, "no_value", 1),
    ("enter_code", 0, "funds.rest.borrow", 1),
    ("enter_code", 0, "funds.balance.lo", 1),
    ("empty_code_call", 0, "no_value", 1),
    ("empty_code_call", 0, "funds.balance.lo", 1),
    ("empty_code_call", 0, "code_run.id", 1),
    ("fail_code", 0, "full", 1),
    ("fail_code", 0, "too_little.borrow[1]", -1),
    ("resume_call", 0, "success", 1),
    ("resume_call", 0, "eor", 1),
    ("resume_call", 0, "callee_undo[0]", 1),
    ("resume_call", 0, "undo", 1),
    ("resume_call", 0, "journal", 1),
    ("resume_call", 0, "handed_back", 1),
    ("resume_call", 0, "callee", 1),
    ("resume_call", 0, "length", 1),
    ("resume_call", 0, "clock", 1),
    ("resume_call", 0, "gas", 1),
    ("resume_call", 0, "pc", 1),
    ("frames", 1, "parent", 1),
    ("frames", 1, "depth", 1),
    ("frames", 1, "success", 1),
    ("frames", 2, "success", -1),
    ("frames", 1, "eor", 1),
    ("frames", 2, "parent_undone", -1),
    ("frames", 1, "caller[0]", 1),
    ("frames", 1, "value.lo", 1),
    ("frames", 1, "is_root", 1),
    ("frames", 1, "is_create", 1),
    ("stop", 0, "left[0]", 1),
    ("revert", 0, "left[0]", 1),
    ("return", 0, "left[0]", 1),
    ("revert", 0, "data.empty", -1),
    ("stop_past_end", 0, "length", -1),
    ("stop_past_end", 0, "pc", -1),
]


@pytest.fixture(scope="module")
def nested():
    tables, public = tables_of(NESTED)
    assert faults(tables, public) == []
    return tables, public


@pytest.mark.parametrize(("table", "row", "column", "change"), CHEATS)
def test_a_changed_cell_is_noticed(nested, table, row, column, change):
    tables, public = nested
    names = [c.name for t in tables if t.table.name == table for c in t.table.columns]
    if column not in names:
        pytest.fail(f"{column} is none of {names}")
    value = cell(tables, table, row, column) + change
    assert faults(altered(tables, table, {(row, column): value}), public)


def test_a_frame_has_one_row(nested):
    """A second row for a frame, which says that it is not static."""
    tables, public = nested
    found = next(t for t in tables if t.table.name == "frames")
    columns = [np.concatenate([c, c[-1:]]) for c in found.columns]
    twice = Cells(found.table, found.program, columns, found.rows + 1, found.height)
    assert faults([twice if t is found else t for t in tables], public)


def test_a_row_is_left_out(nested):
    """The last row of each table of frames and calls."""
    tables, public = nested
    names = {"frames", "enter_call", "enter_code", "enter_plain", "empty_call", "resume_call"}
    names |= {"fail_call", "fail_code", "empty_code_call"}
    for found in tables:
        if found.table.name not in names:
            continue
        columns = [c[:-1] for c in found.columns]
        short = Cells(found.table, found.program, columns, found.rows - 1, found.height)
        assert faults([short if t is found else t for t in tables], public)
