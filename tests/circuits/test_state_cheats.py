"""Storage, accounts and undoing: what a lying interpreter or a lying prover says is rejected.

A lying interpreter executes the whole transaction by its wrong rule, so that gas, fees and the
state after agree with the lie; all tables are then filled as for an honest one.
"""

import dataclasses

import pytest

from circuits.language import state as language_state
from circuits.tables import accounts as accounts_table
from tests.support.transactions import (
    ETHER,
    SENDER,
    TARGET,
    altered,
    cell,
    faults,
    program,
    tables_of,
    trace_of,
)
from zkevm.evm import gas
from zkevm.evm.code import Code
from zkevm.evm.events import Halt
from zkevm.evm.frame import Frame
from zkevm.evm.halt import ExceptionalHalt
from zkevm.evm.instructions import environment, storage
from zkevm.evm.interpreter import Machine
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State

BIG = 2**255 + 2**128 + 1


def rejected(trace, *hints):
    """Faults are found, and one of them mentions each hint."""
    found = faults(*tables_of(trace))
    assert found
    for hint in hints:
        assert any(hint in fault for fault in found), found


READ = program(1, Op.SLOAD, 1, Op.SLOAD)
WRITE = program(5, 1, Op.SSTORE, 0, 1, Op.SSTORE, BIG, 1, Op.SSTORE)


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("code", [READ, WRITE])
def test_audit_A15_slots_warm_on_first_access_or_never(monkeypatch, warm, code):
    monkeypatch.setattr(State, "is_warm_slot", lambda self, address, key: warm)
    rejected(trace_of(code, storage={1: BIG}))


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("op", [Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH])
def test_audit_A15_addresses_warm_on_first_access_or_never(monkeypatch, warm, op):
    monkeypatch.setattr(State, "is_warm", lambda self, address: warm)
    rejected(trace_of(program(0xDEAD, op, 0xDEAD, op)))


def test_original_value_taken_as_the_current_one(monkeypatch):
    monkeypatch.setattr(State, "original_storage", State.storage)
    rejected(trace_of(WRITE, storage={1: BIG}))


@pytest.mark.parametrize("factor", [0, 2])
def test_refunds_forgotten_or_doubled(monkeypatch, factor):
    honest = storage.store_refund
    monkeypatch.setattr(storage, "store_refund", lambda *values: factor * honest(*values))
    rejected(trace_of(WRITE, storage={1: BIG}))


def test_refund_not_taken_back(monkeypatch):
    honest = storage.store_refund
    monkeypatch.setattr(storage, "store_refund", lambda *values: max(0, honest(*values)))
    rejected(trace_of(program(0, 1, Op.SSTORE, 5, 1, Op.SSTORE), storage={1: BIG}))


@pytest.mark.parametrize("cost", [0, 100, 2900, 20000])
def test_one_price_for_every_write(monkeypatch, cost):
    monkeypatch.setattr(storage, "store_cost", lambda *values: cost)
    rejected(trace_of(WRITE, storage={1: BIG}), "state")


def test_write_with_no_more_gas_than_the_stipend(monkeypatch):
    code = program(BIG, 1, Op.SSTORE)
    cost = 21_000 + 3 + 3 + gas.COLD_SLOT + gas.WARM_ACCESS
    monkeypatch.setattr(gas, "STORAGE_STIPEND", 0)
    trace = trace_of(code, storage={1: BIG}, gas_limit=cost)
    assert trace.receipt.success
    rejected(trace, "over_stipend")


def test_value_of_another_slot(monkeypatch):
    honest = State.load
    monkeypatch.setattr(State, "load", lambda self, address, key: honest(self, address, key ^ 1))
    rejected(trace_of(program(1, Op.SLOAD, 0, Op.SLOAD), storage={1: BIG, 0: 3}))


@pytest.mark.parametrize("old", [3, 2**128])
def test_transient_slot_that_does_not_begin_with_zero(monkeypatch, old):
    honest = State.load_transient

    def load(self, address, key):
        self._transient.setdefault((address, key), old)
        return honest(self, address, key)

    monkeypatch.setattr(State, "load_transient", load)
    rejected(trace_of(program(1, Op.TLOAD)), "transient")


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        ("_storages", program(5, 1, Op.SSTORE)),
        ("_balances", program()),
        ("_nonces", program()),
    ],
)
def test_change_kept_after_failure(monkeypatch, mapping, code):
    """The state after says that what the frame did stayed."""
    trace = trace_of(code + program(0, 0, Op.REVERT), storage={1: BIG}, value=ETHER)
    account = trace.post.accounts[TARGET]
    post = dict(trace.post.accounts), dict(trace.post.storage)
    if mapping == "_storages":
        post[1][TARGET, 1] = 5
    else:
        field = mapping[1:-1]
        post[0][TARGET] = dataclasses.replace(account, **{field: getattr(account, field) + 1})
    lie = dataclasses.replace(trace.post, accounts=post[0], storage=post[1])
    rejected(dataclasses.replace(trace, post=lie), "post")


def test_address_of_more_than_160_bits(monkeypatch):
    monkeypatch.setattr(environment, "ADDRESS_MASK", 2**161 - 1)
    address = 2**160 + SENDER
    accounts = {address: Account(balance=3)}
    rejected(trace_of(program(address, Op.BALANCE), accounts=accounts))


@pytest.mark.parametrize("address", [0xDEAD, 0xBEEF, 0xF00D])
def test_audit_A19_hash_of_dead_and_living_accounts(monkeypatch, address):
    """The dead one is taken as living, those with a balance or a nonce as dead."""
    honest = State.is_empty
    monkeypatch.setattr(State, "is_empty", lambda self, a: (a == address) ^ honest(self, a))
    accounts = {0xBEEF: Account(balance=2**128), 0xF00D: Account(nonce=1)}
    rejected(trace_of(program(address, Op.EXTCODEHASH), accounts=accounts))


@pytest.mark.parametrize("address", [0xDEAD, 0, 11, 256, 2**16 + 1])
def test_address_said_to_be_a_precompile(monkeypatch, address):
    honest = State.is_warm
    monkeypatch.setattr(State, "is_warm", lambda self, a: a == address or honest(self, a))
    known = language_state.is_always_warm

    def lie(fork, words):
        return known(fork, words) | (words == language_state.words_from_ints([address])).all(axis=1)

    monkeypatch.setattr(language_state, "is_always_warm", lie)
    monkeypatch.setattr(accounts_table, "is_always_warm", lie)
    rejected(trace_of(program(address, Op.BALANCE)), "precompile")


def test_precompile_said_to_be_none(monkeypatch):
    honest = State.is_warm
    monkeypatch.setattr(State, "is_warm", lambda self, a: a in self._warm_accounts)
    assert honest is not State.is_warm

    def lie(fork, words):
        return words[:, 0] != words[:, 0]

    monkeypatch.setattr(language_state, "is_always_warm", lie)
    monkeypatch.setattr(accounts_table, "is_always_warm", lie)
    rejected(trace_of(program(2, Op.BALANCE)), "precompile")


def test_mark_of_an_earlier_transaction_taken_for_this_ones():
    """A stale mark is older than the scope: neither `same` nor the distance can hide it."""
    tables, public = tables_of(trace_of(READ, storage={1: BIG}))
    for same, age in ((1, 0), (1, 1), (0, -1)):
        lie = altered(tables, "sload", {(0, "slot.same"): same, (0, "slot.age"): age})
        assert any("sload row 0" in fault for fault in faults(lie, public))


def test_slot_created_twice():
    """Two rows for one key: the order of the table does not allow it."""
    tables, public = tables_of(trace_of(program(1, Op.SLOAD, 2, Op.SLOAD), storage={1: BIG}))
    columns = ("slot.key.lo", "slot.key.hi", "pre.lo", "pre.hi", "post.lo", "post.hi")
    again = {(1, column): cell(tables, "slots", 0, column) for column in columns}
    for limb in range(16):
        again[1, f"slot.less.difference[{limb}]"] = 0
    for borrow in (0, 1):
        again[1, f"slot.less.borrow[{borrow}]"] = 0
    lie = altered(tables, "slots", again)
    assert any("in a store the key rises" in fault for fault in faults(lie, public))
    other_store = {**again, (1, "slot.same_store"): 0, (1, "slot.rise[0]"): 0}
    lie = altered(tables, "slots", other_store)
    assert any("the store rises" in fault for fault in faults(lie, public))


def test_account_left_out_of_order():
    tables, public = tables_of(trace_of(program(0xDEAD, Op.BALANCE)))
    for row in range(4):
        lie = altered(tables, "accounts", {(row, "real"): 0})
        assert faults(lie, public)
    swapped = {
        (0, f"{part}[{i}]"): cell(tables, "accounts", 1, f"{part}[{i}]")
        for part, count in (("index", 1), ("page", 1), ("upper", 9))
        for i in range(count)
    }
    lie = altered(tables, "accounts", swapped)
    assert any("addresses rise" in fault for fault in faults(lie, public))


FAILING = program(5, 1, Op.SSTORE, 6, 1, Op.SSTORE, 0xDEAD, Op.BALANCE, 0, 0, Op.REVERT)


def test_order_of_undoing_exchanged():
    tables, public = tables_of(trace_of(FAILING, storage={1: BIG}))
    clocks = [cell(tables, "undo_storage", row, "clock") for row in (0, 1)]
    lie = altered(tables, "undo_storage", {(0, "clock"): clocks[1], (1, "clock"): clocks[0]})
    assert any("undo_storage" in fault for fault in faults(lie, public))


@pytest.mark.parametrize(
    ("table", "change"),
    [("sstore", ("here.undone", 0)), ("sstore", ("here.eor", 99)), ("sstore", ("undo", 7))],
)
def test_inverse_not_sent_or_sent_to_another_time(table, change):
    tables, public = tables_of(trace_of(FAILING, storage={1: BIG}))
    column, value = change
    lie = altered(tables, table, {(0, column): value})
    assert any("frame_store" in f or "state" in f for f in faults(lie, public))


def test_undoing_that_puts_another_value_back():
    tables, public = tables_of(trace_of(FAILING, storage={1: BIG}))
    for column in ("before.lo", "before.hi", "warm"):
        value = cell(tables, "undo_storage", 0, column)
        lie = altered(tables, "undo_storage", {(0, column): value ^ 1})
        assert any("undo_storage" in fault for fault in faults(lie, public))
    for column in ("before[0]", "before[1]", "field"):
        value = cell(tables, "undo_account", 0, column)
        lie = altered(tables, "undo_account", {(0, column): value ^ 1})
        assert any("undo_account" in fault for fault in faults(lie, public))


CALLEE = 0xBEEF
CALL_CALLEE = program(0, 0, 0, 0, 1, CALLEE, 200_000, Op.CALL)
CALLEE_CODE = program(
    *(9, 1, Op.SSTORE, 9, 1, Op.TSTORE, 0xDEAD, Op.BALANCE, 0, 2, Op.SSTORE),
    *(0, 0, Op.REVERT),
)
AGAIN = program(1, Op.SLOAD, 1, Op.TLOAD, 0xDEAD, Op.BALANCE)
CALLER_CODE = CALL_CALLEE + CALL_CALLEE + AGAIN


@pytest.mark.parametrize(
    "kept",
    ["_storages", "_transient", "_warm_slots", "_warm_accounts", "_balances"],
)
def test_something_kept_of_a_call_that_reverts(monkeypatch, kept):
    honest = State.revert

    def revert(self, snapshot):
        spared = self._storages.values() if kept == "_storages" else [getattr(self, kept)]

        def restore(mapping, key, before):
            if not any(mapping is each for each in spared):
                State._restore(mapping, key, before)

        monkeypatch.setattr(self, "_restore", restore)
        honest(self, snapshot)

    monkeypatch.setattr(State, "revert", revert)
    callee = Account(nonce=1, code=Code(CALLEE_CODE + AGAIN), storage={1: 5, 2: BIG})
    rejected(trace_of(CALLER_CODE, accounts={CALLEE: callee}, storage={1: BIG}))


def test_warm_mark_of_the_callee_undone_with_it(monkeypatch):
    honest = State.revert

    def revert(self, snapshot):
        honest(self, snapshot)
        self._warm_accounts.pop(CALLEE, None)

    monkeypatch.setattr(State, "revert", revert)
    callee = Account(nonce=1, code=Code(CALLEE_CODE), storage={1: 5, 2: BIG})
    rejected(trace_of(CALLER_CODE, accounts={CALLEE: callee}))


def test_refund_kept_after_failure(monkeypatch):
    """The callee clears a slot and reverts; the refund counter is left as it was there."""
    honest = Machine._end

    def end(self, frame):
        refund = self.refund
        honest(self, frame)
        self.refund = refund

    monkeypatch.setattr(Machine, "_end", end)
    callee = Account(nonce=1, code=Code(CALLEE_CODE), storage={2: BIG})
    rejected(trace_of(CALL_CALLEE, accounts={CALLEE: callee}))


@pytest.mark.parametrize("write", [program(5, 1, Op.SSTORE), program(5, 1, Op.TSTORE)])
def test_success_in_a_static_frame(monkeypatch, write):
    monkeypatch.setattr(Frame, "require_not_static", lambda self: None)
    code = program(0, 0, 0, 0, CALLEE, 200_000, Op.STATICCALL)
    callee = Account(nonce=1, code=Code(write), storage={1: BIG})
    rejected(trace_of(code, accounts={CALLEE: callee}), "frame_store")


@pytest.mark.parametrize("write", [program(5, 1, Op.SSTORE), program(5, 1, Op.TSTORE)])
def test_static_violation_in_a_frame_that_is_not_static(monkeypatch, write):
    def halt(self):
        raise ExceptionalHalt(Halt.STATIC_VIOLATION)

    monkeypatch.setattr(Frame, "require_not_static", halt)
    rejected(trace_of(write), "frame_context")


@pytest.mark.parametrize(
    ("code", "left"),
    [
        (program(1, Op.SLOAD), 2100),
        (program(1, Op.SLOAD, 1, Op.SLOAD), 100),
        (program(2, Op.SLOAD, 7, 2, Op.SSTORE), 20000),
        (program(BIG, 1, Op.SSTORE), 2301),
        (program(0xDEAD, Op.BALANCE), 2600),
        (program(0xDEAD, Op.EXTCODESIZE, 0xDEAD, Op.EXTCODEHASH), 100),
    ],
)
def test_out_of_gas_although_it_can_be_paid(monkeypatch, code, left):
    """With exactly the gas that the last instruction needs, and one unit more."""
    rows = trace_of(code, storage={1: BIG}).rows
    limit = 1_000_000 - int(rows.gas[-2]) + left
    last = int(rows.pc[-2]) + 1
    honest = Frame.charge

    def charge(self, amount):
        if self.pc == last:
            raise ExceptionalHalt(Halt.OUT_OF_GAS)
        honest(self, amount)

    monkeypatch.setattr(Frame, "charge", charge)
    for gas_limit in (limit, limit + 1):
        trace = trace_of(code, storage={1: BIG}, gas_limit=gas_limit)
        assert not trace.receipt.success
        rejected(trace, "range16")
