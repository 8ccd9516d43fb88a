"""The beginning and the end of a transaction, and the statement: honest ones hold, lies do not."""

import dataclasses

import pytest

from circuits.language import money
from circuits.machine import fill
from circuits.statement import Statement, StatementError, statement
from tests.support.transactions import (
    COINBASE,
    ETHER,
    SENDER,
    TARGET,
    altered,
    cell,
    faults,
    program,
    saying,
    tables_of,
    trace_of,
)
from zkevm.errors import NotProvableError
from zkevm.evm import gas, transition
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.evm.transaction import AccessListEntry, TransactionType

DATA = [b"", b"\0", b"\1", bytes(31), bytes(range(32)), b"\1" * 33, b"\0\1\2" * 33, b"\xff" * 64]
FORKS = ["Cancun", "Prague", "Osaka"]
REVERT = program(0, 0, Op.REVERT)


def check(trace):
    assert faults(*tables_of(trace)) == []


def rejected(trace):
    assert faults(*tables_of(trace))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("fork", FORKS)
def test_data_is_paid_for(data, fork):
    check(trace_of(b"", data=data, fork=fork))


@pytest.mark.parametrize("kind", list(TransactionType)[:3])
@pytest.mark.parametrize("fees", [(10, 10), (30, 30), (2**50, 2**50)])
def test_types(kind, fees):
    check(trace_of(b"", kind=kind, fees=fees, gas_limit=21_000, base_fee=fees[0] // 2))


@pytest.mark.parametrize("fees", [(10, 0), (12, 2), (11, 2), (13, 2), (30, 0), (30, 30), (10, 10)])
def test_price_is_the_smaller(fees):
    check(trace_of(b"", fees=fees))


@pytest.mark.parametrize("to", [SENDER, COINBASE, TARGET, 0xDEAD])
@pytest.mark.parametrize("coinbase", [SENDER, COINBASE, TARGET])
@pytest.mark.parametrize("value", [0, 1, ETHER])
def test_parties_may_be_the_same(to, coinbase, value):
    check(trace_of(b"", to=to, coinbase=coinbase, value=value))
    if to == TARGET:
        check(trace_of(REVERT, to=to, coinbase=coinbase, value=value))


def test_all_the_sender_has():
    balance = 21_000 * 30 + 2**100
    accounts = {SENDER: Account(nonce=7, balance=balance)}
    check(trace_of(b"", accounts=accounts, gas_limit=21_000, value=2**100))


@pytest.mark.parametrize("slots", [1, 10])
def test_refund_is_capped(slots):
    items = [item for key in range(slots) for item in (0, key, Op.SSTORE)]
    storage = dict.fromkeys(range(slots), 1)
    for fork in FORKS:
        check(trace_of(program(*items), storage=storage, fork=fork))


def test_a_sender_may_be_delegated():
    accounts = {SENDER: Account(7, 1000 * ETHER, delegation_to(0xDEAD))}
    check(trace_of(b"", accounts=accounts, fork="Prague"))


@pytest.mark.parametrize(("to", "known"), fork_named("Osaka").precompiles.items())
@pytest.mark.parametrize("gas_limit", [21_005, 10**6])
def test_precompiles_are_refused_by_name(to, known, gas_limit):
    """Whether they succeed or fail, for lack of gas or because of their input."""
    trace = trace_of(b"", to=to, gas_limit=gas_limit, fork="Osaka")
    if known.name == "IDENTITY":
        check(trace)
        return
    fails = "" if trace.receipt.success else ", which fails"
    with pytest.raises(NotProvableError, match=f"a transaction to precompile {known.name}{fails}$"):
        fill(trace)


# Lies of the interpreter: the whole transaction by a wrong rule.


@pytest.mark.parametrize("name", ["TRANSACTION", "DATA_TOKEN", "DATA_TOKENS_PER_NONZERO_BYTE"])
@pytest.mark.parametrize("change", [-1, 1])
def test_other_intrinsic_gas(monkeypatch, name, change):
    monkeypatch.setattr(gas, name, getattr(gas, name) + change)
    trace = trace_of(b"", data=b"\0\1\2" * 33)
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("change", [-1, 1])
def test_other_floor(monkeypatch, change):
    monkeypatch.setattr(gas, "DATA_TOKEN_FLOOR", gas.DATA_TOKEN_FLOOR + change)
    trace = trace_of(b"", data=b"\1" * 100, fork="Prague")
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("name", ["ACCESS_LIST_ADDRESS", "ACCESS_LIST_KEY"])
def test_access_list_for_nothing(monkeypatch, name):
    monkeypatch.setattr(gas, name, 0)
    trace = trace_of(b"", access_list=[AccessListEntry(0xDEAD, (1, 2))])
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize("quotient", [2, 4, 6])
def test_other_refund_cap(monkeypatch, quotient):
    items = [item for key in range(10) for item in (0, key, Op.SSTORE)]
    monkeypatch.setattr(transition, "REFUND_QUOTIENT", quotient)
    trace = trace_of(program(*items), storage=dict.fromkeys(range(10), 1))
    monkeypatch.undo()
    rejected(trace)


def test_coinbase_is_cold(monkeypatch):
    honest = State.is_warm
    cold = lambda self, address: address != COINBASE and honest(self, address)  # noqa: E731
    monkeypatch.setattr(State, "is_warm", cold)
    trace = trace_of(program(COINBASE, Op.BALANCE))
    monkeypatch.undo()
    rejected(trace)


@pytest.mark.parametrize(
    "price", [lambda t, base: t.max_fee_per_gas, lambda t, base: base, lambda t, base: base + 1]
)
def test_other_price(monkeypatch, price):
    monkeypatch.setattr(transition.Transaction, "effective_gas_price", price)
    rejected(trace_of(b"", fees=(30, 2)))


# Lies of the prover: cells of an honest transaction.

PLAIN = trace_of(
    program(1, 0, Op.SSTORE, 0xDEAD, Op.BALANCE),
    data=b"\0\1" * 20,
    value=5,
    access_list=[AccessListEntry(0xDEAD, (1,))],
    fork="Prague",
)
CHEATS = [
    ("begin_transaction", "payer.nonce.nonce", 1),
    ("begin_transaction", "zeros", 1),
    ("begin_transaction", "others", -1),
    ("begin_transaction", "addresses", -1),
    ("begin_transaction", "storage_keys", -1),
    ("begin_transaction", "list_end", 1),
    ("begin_transaction", "price.tip[0]", 1),
    ("begin_transaction", "price.capped", 1),
    ("begin_transaction", "available[0]", 1),
    ("begin_transaction", "payer.fee[0]", -1),
    ("begin_transaction", "moves", -1),
    ("begin_transaction", "success", -1),
    ("begin_transaction", "clock", 1),
    ("end_transaction", "success", -1),
    ("end_transaction", "used", 1),
    ("end_transaction", "gas_left", 1),
    ("end_transaction", "refund[0]", 1),
    ("end_transaction", "logs", 1),
    ("end_transaction", "floor", -10),
    ("end_transaction", "reward[0]", 1),
    ("end_transaction", "last", -1),
    ("transaction_data", "missing", 1),
    ("transaction_data", "nonzero[0]", 1),
    ("transaction_data", "zeros", 1),
    ("access_entry", "is_key", 1),
    ("frames", "depth", 1),
    ("frames", "static_call", 1),
    ("frames", "success", -1),
    ("frames", "eor", 1),
    ("frames", "is_root", -1),
    ("frames", "store", 2),
    ("public_values", "value.lo", 1),
    ("public_values", "field", 1),
]


@pytest.mark.parametrize(("table", "column", "change"), CHEATS)
def test_a_changed_cell_is_noticed(table, column, change):
    tables, public = tables_of(PLAIN)
    names = [c.name for t in tables if t.table.name == table for c in t.table.columns]
    if column not in names:
        pytest.fail(f"{column} is none of {names}")
    value = cell(tables, table, 0, column) + change
    assert faults(altered(tables, table, {(0, column): value}), public)


def test_the_data_ends_early():
    """The last word is left out, and its bytes are counted as zeros of the first."""
    tables, public = tables_of(trace_of(b"", data=b"\1" * 33))
    lie = altered(tables, "begin_transaction", {(0, "data_words"): 1})
    assert faults(lie, public)


# The statement.


def test_statement_is_read_as_written():
    said = statement(fill(PLAIN))
    assert Statement.from_json(said.to_json()) == said
    assert len(said.digest()) == 32
    text = "\n".join(said.describe())
    assert f"{SENDER:#042x}" in text
    assert "success" in text


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Statement)])
def test_every_field_is_bound(field):
    said = statement(fill(PLAIN))
    value = getattr(said, field)
    other = {
        "fork": "Cancun",
        "block": dataclasses.replace(said.block, timestamp=1),
        "transactions": saying(said, nonce=8).transactions,
        "codes": (),
    }.get(field, value[1:] if isinstance(value, tuple) else value ^ 1 if value in (0, 1) else 5)
    if other == value:
        other = (dataclasses.replace(said.accounts[0]),)
    changed = dataclasses.replace(said, **{field: other})
    assert changed.digest() != said.digest()
    # A level says how codes are known, and here is none.
    if field not in ("fork", "level", "hashed_blocks"):
        tables, _ = tables_of(PLAIN)
        assert faults(tables, changed.messages())


@pytest.mark.parametrize("change", [{"success": False}, {"gas_used": 5}, {"logs": ()}])
def test_every_field_of_a_receipt_is_bound(change):
    trace = trace_of(program(1, 0, Op.LOG0))
    tables, public = tables_of(trace)
    assert faults(tables, public) == []
    said = statement(fill(trace))
    assert saying(said, **change).digest() != said.digest()
    assert faults(tables, saying(said, **change).messages())


def test_malformed_statements_are_refused():
    said = statement(fill(PLAIN)).to_json()
    (executed,) = said["transactions"]
    transaction, receipt = executed["transaction"], executed["receipt"]
    for change in (
        {"fork": "Frontier"},
        {"fork": 5},
        {"chain_id": "0x01"},
        {"chain_id": 1},
        {"chain_id": "1"},
        {"transactions": []},
        {"transactions": "0x1"},
        {"transactions": [executed | {"receipt": receipt | {"success": "0x1"}}]},
        {"transactions": [executed | {"receipt": receipt | {"gas_used": hex(2**64)}}]},
        {"transactions": [executed | {"receipt": {}}]},
        {"transactions": [executed | {"transaction": transaction | {"type": "0x3"}}]},
        {"transactions": [executed | {"transaction": transaction | {"type": "0x9"}}]},
        {"transactions": [executed | {"transaction": transaction | {"sender": hex(2**160)}}]},
        {"transactions": [{}]},
        {"index": hex(2**64)},
        {"gas_before": hex(2**64)},
        {"blob_gas_before": hex(2**64)},
        {"codes": ["0x"]},
        {"codes": said["codes"] * 2},
        {"accounts": said["accounts"][::-1]},
        {"accounts": said["accounts"][1:]},
        {"slots": said["slots"] * 2},
        {"more": 1},
    ):
        with pytest.raises(StatementError):
            Statement.from_json(said | change)
    with pytest.raises(StatementError):
        Statement.from_json([])
    for name in said:
        with pytest.raises(StatementError):
            Statement.from_json({k: v for k, v in said.items() if k != name})


def test_storage_of_an_account_without_any_is_refused():
    said = statement(fill(trace_of(program(1, Op.SLOAD), storage={1: 5})))
    accounts = tuple(dataclasses.replace(a, had_storage=False) for a in said.accounts)
    with pytest.raises(StatementError, match="has storage"):
        dataclasses.replace(said, accounts=accounts).check()


def test_bounds_of_amounts():
    """A product of gas and price stays far below the field."""
    assert 64 + money.PRICE_BITS + 2 < 253
    assert Code(b"").hash
