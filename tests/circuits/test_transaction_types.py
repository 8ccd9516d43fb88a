"""Transactions with blobs, with authorizations, and to the identity precompile."""

import dataclasses

import pytest

from circuits.machine import fill
from circuits.statement import StatementError, statement
from tests.support.transactions import (
    ETHER,
    SENDER,
    altered,
    cell,
    faults,
    program,
    tables_of,
    trace_of,
)
from zkevm.errors import NotProvableError
from zkevm.evm import gas, transition
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import Op
from zkevm.evm.precompiles import Precompile
from zkevm.evm.state import Account
from zkevm.evm.transaction import TransactionType

FORKS = ("Cancun", "Prague", "Osaka")
IDENTITY = 4
REVERT = program(0, 0, Op.REVERT)


def check(trace):
    assert faults(*tables_of(trace)) == []


def rejected(trace):
    assert faults(*tables_of(trace))


# Blobs.


def blob(number):
    return 1 << 248 | number


def with_blobs(code=b"", count=1, most=50, price=7, **kwargs):
    fields = {
        "blob_versioned_hashes": tuple(blob(2**200 + n) for n in range(count)),
        "max_fee_per_blob_gas": most,
    }
    block = {"blob_base_fee": price}
    kind = TransactionType.BLOB
    return trace_of(code, kind=kind, fields=fields, block=block, **kwargs)


LOOKS = (0, Op.BLOBHASH, 1, Op.BLOBHASH, 5, Op.BLOBHASH, 2**200, Op.BLOBHASH, Op.BLOBBASEFEE)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("count", [1, 2, 6])
def test_blobs(fork, count):
    check(with_blobs(program(*LOOKS), count, fork=fork, value=ETHER))
    check(with_blobs(program(*LOOKS) + REVERT, count, fork=fork))


@pytest.mark.parametrize("fees", [(7, 7), (2**100, 2**90), (1, 1)])
@pytest.mark.parametrize("spare", [0, 1, 2**128])
def test_blobs_are_paid_for(fees, spare):
    most, price = fees
    need = 1_000_000 * 30 + 2 * gas.BLOB * most + 5
    accounts = {SENDER: Account(nonce=7, balance=need + spare)}
    check(with_blobs(b"", 2, most, price, accounts=accounts, value=5))


def test_carries_of_the_four_amounts():
    """Each low half is near 2^128."""
    value = 2**129 - 1
    accounts = {SENDER: Account(nonce=7, balance=2**200 - 1)}
    check(with_blobs(b"", 2, 2**110 - 1, 2**110 - 1, accounts=accounts, value=value))


@pytest.mark.parametrize("lie", [-1, 1])
def test_blobs_cost_something_else(monkeypatch, lie):
    monkeypatch.setattr(gas, "BLOB", gas.BLOB + lie)
    trace = with_blobs()
    monkeypatch.undo()
    rejected(trace)


def test_the_blob_fee_is_kept_by_the_sender(monkeypatch):
    honest = transition._pay_upfront

    def lie(machine):
        honest(machine)
        state, sender = machine.state, machine.transaction.sender
        state.set_balance(sender, state.balance(sender) + 7 * gas.BLOB)

    monkeypatch.setattr(transition, "_pay_upfront", lie)
    trace = with_blobs()
    monkeypatch.undo()
    rejected(trace)


BLOB_CHEATS = [
    ("blobs", 1),
    ("blobs", -1),
    ("blob_base_fee", -1),
    ("max_blob_fee", -1),
    ("fee_suffices[0]", 1),
    ("payer.blob_fee[0]", -1),
    ("payer.most_of_blobs[0]", -1),
    ("payer.after_blobs[0]", 1),
    ("payer.spare_carry[2]", 1),
    ("blob_gas_before", 1),
    ("is_identity", 1),
]


@pytest.mark.parametrize(("column", "change"), BLOB_CHEATS)
def test_a_changed_cell_is_noticed(column, change):
    tables, public = tables_of(with_blobs(program(*LOOKS), 2))
    assert faults(tables, public) == []
    lie = {(0, column): cell(tables, "begin_blobs", 0, column) + change}
    assert faults(altered(tables, "begin_blobs", lie), public)


def test_a_hash_is_another():
    trace = with_blobs(program(*LOOKS), 2)
    filled = fill(trace)
    said = statement(filled)
    lie = dataclasses.replace(said.transaction, blob_versioned_hashes=(blob(1), blob(2)))
    tables, _ = tables_of(trace)
    assert faults(tables, dataclasses.replace(said, transaction=lie).messages())


@pytest.mark.parametrize(
    "change",
    [
        {"blob_versioned_hashes": ()},
        {"blob_versioned_hashes": tuple(blob(n) for n in range(7))},
        {"blob_versioned_hashes": (2 << 248,)},
        {"blob_versioned_hashes": (1 << 256,)},
        {"max_fee_per_blob_gas": 2**128},
        {"to": None},
        {"type": TransactionType.DYNAMIC_FEE},
    ],
)
def test_statements_that_are_wrong(change):
    said = statement(fill(with_blobs(fork="Cancun")))
    said.check()
    lie = dataclasses.replace(said.transaction, **change)
    with pytest.raises(StatementError):
        dataclasses.replace(said, transaction=lie).check()


# The identity as the recipient.


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(100))])
@pytest.mark.parametrize("value", [0, 3])
def test_a_transaction_to_the_identity(fork, data, value):
    check(trace_of(b"", to=IDENTITY, data=data, value=value, fork=fork))


def test_the_identity_costs_something_else():
    known = fork_named("Cancun")
    for price in (lambda _: 14, lambda _: 15):
        changed = dict(known.precompiles) | {IDENTITY: Precompile("", price, lambda data: data)}
        lying = dataclasses.replace(known, precompiles=changed)
        rejected(trace_of(b"", to=IDENTITY, data=bytes(40), rules=lying))


@pytest.mark.parametrize(("to", "limit"), [(1, 10**6), (2, 10**6), (IDENTITY, 21_014)])
def test_what_is_not_provable_is_refused(to, limit):
    with pytest.raises(NotProvableError, match="precompile"):
        fill(trace_of(b"", to=to, gas_limit=limit))


@pytest.mark.parametrize("to", [IDENTITY, 0xDEAD])
def test_the_identity_is_forgotten_or_made_up(to):
    tables, public = tables_of(trace_of(b"", to=to, data=bytes(40)))
    was = cell(tables, "begin_transaction", 0, "is_identity")
    left = cell(tables, "begin_transaction", 0, "available[0]")
    lie = {(0, "is_identity"): 1 - was, (0, "available[0]"): left + (21 if was else -21)}
    assert faults(altered(tables, "begin_transaction", lie), public)
