"""Transactions with blobs, with authorizations, and to the identity precompile."""

import dataclasses

import pytest

from circuits.language import callee
from circuits.machine import fill
from circuits.statement import StatementError, statement
from tests.support.authorizations import authority, authorization
from tests.support.transactions import (
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
from zkevm.evm.precompiles import Precompile
from zkevm.evm.state import Account
from zkevm.evm.transaction import TransactionType
from zkevm.plonkish.cells import Cells
from zkevm.trace.trace import CallOutcome, Halt

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
    lie = saying(said, blob_versioned_hashes=(blob(1), blob(2)))
    tables, _ = tables_of(trace)
    assert faults(tables, lie.messages())


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
    with pytest.raises(StatementError):
        saying(said, **change).check()


# Authorizations.

SECRETS = (7, 8, 9)


AUTHORITIES = [authority(secret) for secret in SECRETS]
FIRST, SECOND, THIRD = AUTHORITIES
CALLEE = {0xCA11EE: Account(code=Code(program(1, 1, Op.SSTORE, Op.ADDRESS)))}


def authorized(entries, code=b"", accounts=(), fork="Prague", **kwargs):
    return trace_of(
        code,
        kind=TransactionType.SET_CODE,
        fork=fork,
        accounts={**CALLEE, **dict(accounts)},
        fields={"authorizations": tuple(entries)},
        **kwargs,
    )


def calls(*addresses):
    return program(*(x for a in addresses for x in (0, 0, 0, 0, 0, a, 50_000, Op.CALL)))


CODE = Code(program(1))
LISTS = {
    "applied": ([authorization(7)], {}),
    "of any chain": ([authorization(7, chain=0)], {}),
    "cleared": ([authorization(7, 0, 3)], {FIRST: Account(nonce=3, code=delegation_to(0xBEEF))}),
    "cleared though there was none": ([authorization(7, 0)], {}),
    "replaced": ([authorization(7, nonce=1)], {FIRST: Account(nonce=1, code=delegation_to(5))}),
    "twice": ([authorization(7), authorization(7, 0xBEEF, 1)], {}),
    "the same twice": ([authorization(7), authorization(7)], {}),
    "with a balance": ([authorization(7)], {FIRST: Account(balance=2**200)}),
    "another chain": ([authorization(7, chain=2), authorization(7, chain=2**255)], {}),
    "the greatest nonce": ([authorization(7, nonce=2**64 - 1)], {FIRST: Account(nonce=2**64 - 1)}),
    "the last nonce but one": (
        [authorization(7, nonce=2**64 - 2)],
        {FIRST: Account(nonce=2**64 - 2)},
    ),
    "no signature": (
        [authorization(7, s=0), authorization(7, r=2**256 - 1), authorization(7, y_parity=2)],
        {},
    ),
    "a high signature": ([authorization(7, s=2**255)], {}),
    "nonce too low": ([authorization(7)], {FIRST: Account(nonce=5)}),
    "nonce too high": ([authorization(7, nonce=9)], {FIRST: Account(nonce=5)}),
    "occupied": ([authorization(7, nonce=1)], {FIRST: Account(nonce=1, code=CODE)}),
    "many": (
        [
            *(authorization(7), authorization(8, chain=3), authorization(9, 0xBEEF, 4)),
            *(authorization(8, FIRST), authorization(7, SECOND, 1), authorization(7, 0, 7)),
        ],
        {THIRD: Account(nonce=4, balance=1), SECOND: Account(balance=1)},
    ),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("end", [b"", REVERT])
@pytest.mark.parametrize("fork", FORKS[1:])
def test_authorizations(name, end, fork):
    """The program calls the authorities; whether it fails or not, they stay delegated."""
    entries, accounts = LISTS[name]
    check(authorized(entries, calls(*AUTHORITIES) + end, accounts, fork))


def test_the_sender_and_the_recipient_may_be_authorities():
    me = authorization(7, nonce=8)
    accounts = {FIRST: Account(nonce=7, balance=1000 * ETHER)}
    trace = authorized([me], b"", accounts)
    fields = {"authorizations": (me,), "sender": FIRST}
    kind = TransactionType.SET_CODE
    for to in (FIRST, 0xCA11EE, IDENTITY):
        trace = trace_of(b"", to=to, kind=kind, fork="Prague", fields=fields, accounts={
            **CALLEE, **accounts
        })  # fmt: skip
        assert trace.post.accounts[FIRST].code_hash == delegation_to(0xCA11EE).hash
        check(trace)


def lie_about(monkeypatch, name, change):
    """Execute a list of authorizations with one rule of theirs changed."""
    change(monkeypatch)
    entries, accounts = LISTS[name]
    trace = authorized(entries, calls(FIRST), accounts)
    monkeypatch.undo()
    return trace


@pytest.mark.parametrize("cost", ["AUTHORIZATION", "AUTHORIZATION_NEW_ACCOUNT"])
@pytest.mark.parametrize("name", ["applied", "with a balance", "occupied"])
def test_authorizations_cost_something_else(monkeypatch, cost, name):
    change = lambda m: m.setattr(gas, cost, getattr(gas, cost) - 100)  # noqa: E731
    if cost == "AUTHORIZATION" and name != "with a balance":
        pytest.skip("nothing is refunded")
    rejected(lie_about(monkeypatch, name, change))


AUTHORIZATION_CHEATS = [
    (0, "fate[0]", -1),
    (0, "fate[2]", 1),
    (0, "account.dead", -1),
    (0, "next_nonce[0]", 1),
    (0, "new_hash.lo", 1),
    (0, "new_code", 1),
    (0, "clears", 1),
    (0, "signed", -1),
    (0, "chain.lo", -1),
    (0, "authority.lo", 1),
    (0, "touch.same", 1),
    (0, "clock", 1),
    (0, "existing", 1),
    (1, "any_chain", 1),
    (1, "same_chain", 1),
    (1, "own_chain.lo", 2),
    (2, "account.dead", 1),
    (2, "target.lo", 1),
    (5, "above", -1),
    (5, "distance[0]", 1),
    (5, "nonce", -5),
]


@pytest.fixture(scope="module")
def many():
    entries, accounts = LISTS["many"]
    tables, public = tables_of(authorized(entries, calls(*AUTHORITIES), accounts))
    assert faults(tables, public) == []
    return tables, public


@pytest.mark.parametrize(("row", "column", "change"), AUTHORIZATION_CHEATS)
def test_a_changed_cell_of_an_authorization_is_noticed(many, row, column, change):
    tables, public = many
    lie = {(row, column): cell(tables, "authorizations", row, column) + change}
    assert faults(altered(tables, "authorizations", lie), public)


@pytest.mark.parametrize("row", range(6))
@pytest.mark.parametrize("fate", range(6))
def test_another_fate(many, row, fate):
    tables, public = many
    bits = [cell(tables, "authorizations", row, f"fate[{k}]") for k in range(6)]
    if bits[fate]:
        pytest.skip("it is that")
    lie = {(row, f"fate[{k}]"): int(k == fate) for k in range(6)}
    assert faults(altered(tables, "authorizations", lie), public)


@pytest.mark.parametrize("column", ["authorizations", "existing", "authorized"])
def test_authorizations_are_counted(many, column):
    tables, public = many
    for change in (-1, 1):
        lie = {(0, column): cell(tables, "begin_set_code", 0, column) + change}
        assert faults(altered(tables, "begin_set_code", lie), public)


def test_an_authorization_is_left_out(many):
    tables, public = many
    found = next(t for t in tables if t.table.name == "authorizations")
    short = [c[:-1] for c in found.columns]
    less = Cells(found.table, found.program, short, found.rows - 1, found.height)
    assert faults([less if t is found else t for t in tables], public)


def test_another_signature_is_stated(many):
    """The verifier recovers the signers by itself."""
    tables, _ = many
    entries, accounts = LISTS["many"]
    said = statement(fill(authorized(entries, calls(*AUTHORITIES), accounts)))
    for change in ({"r": entries[0].s}, {"y_parity": 1 - entries[0].y_parity}, {"s": 1}):
        lie = (dataclasses.replace(entries[0], **change), *entries[1:])
        assert faults(tables, saying(said, authorizations=lie).messages())


@pytest.mark.parametrize(
    "change",
    [
        {"authorizations": ()},
        {"authorizations": (authorization(7, nonce=2**64),)},
        {"authorizations": (authorization(7, y_parity=256),)},
        {"to": None},
        {"type": TransactionType.DYNAMIC_FEE},
    ],
)
def test_statements_of_authorizations_that_are_wrong(change):
    said = statement(fill(authorized([authorization(7)])))
    said.check()
    assert type(said).from_json(said.to_json()) == said
    with pytest.raises(StatementError):
        saying(said, **change).check()


def test_the_statement_says_all_of_it_in_words():
    entries, accounts = LISTS["many"]
    text = "\n".join(statement(fill(authorized(entries, b"", accounts))).describe())
    for entry, signer in zip(entries, (FIRST, SECOND, THIRD, SECOND, FIRST, FIRST), strict=True):
        assert f"by {signer:#042x}" in text
        assert f"to run {entry.address:#042x}" in text
    text = "\n".join(statement(fill(with_blobs(count=2))).describe())
    assert all(f"{blob(2**200 + n):#066x}" in text for n in range(2))
    assert "blob fee 50 wei" in text


# The identity as the recipient.


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(100))])
@pytest.mark.parametrize("value", [0, 3])
def test_a_transaction_to_the_identity(fork, data, value):
    check(trace_of(b"", to=IDENTITY, data=data, value=value, fork=fork))


def test_the_identity_costs_something_else():
    for price in (14, 15):
        rejected(trace_of(b"", to=IDENTITY, data=bytes(40), rules=identity_for(price)))


def test_the_identity_runs_no_code(monkeypatch):
    accounts = {IDENTITY: Account(code=Code(program(7, 0, Op.SSTORE)))}
    trace = trace_of(b"", to=IDENTITY, accounts=accounts)
    assert not trace.post.storage
    check(trace)

    def runs_code(machine, frame, precompile):
        given = frame.gas
        output, frame.gas = precompile.run(frame.call_data, given)
        machine.recorder.no_frame(CallOutcome.PRECOMPILE, True, given, frame.gas, output)
        machine.run(frame)

    monkeypatch.setattr(transition, "_run_root_precompile", runs_code)
    trace = trace_of(b"", to=IDENTITY, accounts=accounts)
    monkeypatch.undo()
    assert trace.post.storage == {(IDENTITY, 0): 7}
    rejected(trace)


@pytest.mark.parametrize("nested", [False, True])
def test_a_delegation_to_a_precompile_runs_no_code(monkeypatch, nested):
    """The precompile's account has some, which an interpreter runs that does not know better."""
    accounts = {
        FIRST: Account(code=delegation_to(IDENTITY)),
        IDENTITY: Account(code=Code(program(7, 0, Op.SSTORE))),
    }
    code = program(0, 0, 0, 0, 0, FIRST, 50_000, Op.CALL) if nested else b""
    about = {"accounts": accounts, "to": TARGET if nested else FIRST, "fork": "Prague"}
    with pytest.raises(NotProvableError, match="a precompile that has code"):
        fill(trace_of(code, **about))
    known = fork_named("Prague")
    others = {address: p for address, p in known.precompiles.items() if address != IDENTITY}
    wrong = trace_of(code, rules=dataclasses.replace(known, precompiles=others), **about)
    assert wrong.post.storage == {(FIRST, 0): 7}
    monkeypatch.setattr(callee, "refuse_precompiles", lambda *_: None)
    broken = faults(*tables_of(wrong))
    table = "enter_call" if nested else "begin_transaction"
    part = "code_run" if nested else "callee"
    assert f"{table} row 0: {part} of a precompile is empty" in broken


@pytest.mark.parametrize(("to", "limit"), [(1, 10**6), (2, 10**6), (2, 21_000)])
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


def unpaid(left, data=b"", value=3, **about):
    """A transaction to the identity that has only so much gas left for it."""
    zeros, entries = data.count(0), len(about.get("fields", {}).get("authorizations", ()))
    cost = gas.TRANSACTION + gas.DATA_TOKEN * (4 * len(data) - 3 * zeros)
    limit = cost + gas.AUTHORIZATION_NEW_ACCOUNT * entries + left
    trace = trace_of(b"", to=IDENTITY, data=data, value=value, gas_limit=limit, **about)
    assert not trace.receipt.success
    return trace


@pytest.mark.parametrize(
    ("data", "left"), [(b"", 0), (b"", 14), (b"\0", 17), (bytes(64), 0), (b"\1" * 65, 23)]
)
@pytest.mark.parametrize("value", [0, 3])
def test_the_identity_is_not_paid(data, left, value):
    for coinbase in (SENDER, IDENTITY):
        check(unpaid(left, data, value, coinbase=coinbase, fork="Cancun"))
    exact = gas.TRANSACTION + gas.DATA_TOKEN * sum(4 if byte else 1 for byte in data)
    paid = trace_of(b"", to=IDENTITY, data=data, value=value, gas_limit=exact + left + 1)
    assert paid.receipt.success == (left + 1 >= 15 + 3 * (-(-len(data) // 32)))


def test_the_identity_is_not_paid_whatever_is_there():
    """Neither the code of its account, nor blobs or authorizations, which stay applied."""
    check(unpaid(14, accounts={IDENTITY: Account(code=Code(program(7, 0, Op.SSTORE)))}))
    blobs = {"blob_versioned_hashes": (blob(1),), "max_fee_per_blob_gas": 50}
    block = {"blob_base_fee": 7}
    check(unpaid(14, kind=TransactionType.BLOB, fields=blobs, block=block, fork="Osaka"))
    entries = {"authorizations": (authorization(7, nonce=7),)}
    accounts = {FIRST: Account(nonce=7, balance=5)}
    trace = unpaid(
        14, kind=TransactionType.SET_CODE, fields=entries, accounts=accounts, fork="Prague"
    )
    assert trace.post.accounts[FIRST].code_hash == delegation_to(0xCA11EE).hash
    check(trace)


def identity_for(price):
    """Rules by which the identity costs something else."""
    known = fork_named("Cancun")
    changed = Precompile("", lambda data: price, lambda data: data)
    return dataclasses.replace(known, precompiles=dict(known.precompiles) | {IDENTITY: changed})


@pytest.mark.parametrize(("price", "left"), [(15, 17), (18, 17), (19, 18), (100, 18)])
def test_the_identity_fails_or_succeeds_by_another_price(price, left):
    """Of a word of data, for which it costs 18."""
    limit = gas.TRANSACTION + gas.DATA_TOKEN + left
    about = {"to": IDENTITY, "data": b"\0", "value": 3, "gas_limit": limit}
    trace = trace_of(b"", **about, rules=identity_for(price))
    assert trace.receipt.success == (price <= left)
    honest = trace_of(b"", **about, fork="Cancun")
    check(honest)
    if trace.receipt.success != honest.receipt.success:
        rejected(trace)


def test_the_value_moves_to_an_identity_that_is_not_paid(monkeypatch):
    def moves(machine, frame, precompile):
        machine.state.transfer(frame.caller, frame.address, frame.value)
        machine.fail_at_once(frame, Halt.PRECOMPILE_FAILURE)

    monkeypatch.setattr(transition, "_run_root_precompile", moves)
    trace = unpaid(14)
    monkeypatch.undo()
    assert trace.post.accounts[IDENTITY].balance == 3
    rejected(trace)


def test_gas_is_left_of_an_identity_that_is_not_paid(monkeypatch):
    def keeps(machine, frame, precompile):
        given = frame.gas
        machine.fail_at_once(frame, Halt.PRECOMPILE_FAILURE)
        frame.gas = given

    monkeypatch.setattr(transition, "_run_root_precompile", keeps)
    trace = unpaid(14)
    monkeypatch.undo()
    rejected(trace)


UNPAID_CHEATS = [
    {"is_unpaid": 0},
    {"is_unpaid": 0, "is_identity": 1},
    {"is_identity": 1},
    {"success": 1},
    {"success": 1, "undone": 0, "eor": 0},
    {"moves": 1},
    {"undone": 0, "eor": 0},
    {"available[0]": 15},
    {"missing[0]": 5},
    {"eor": 5},
]


@pytest.mark.parametrize("lie", UNPAID_CHEATS)
def test_a_changed_cell_of_an_identity_that_is_not_paid_is_noticed(lie):
    tables, public = tables_of(unpaid(14))
    assert faults(tables, public) == []
    cells = {(0, column): value for column, value in lie.items()}
    assert faults(altered(tables, "begin_transaction", cells), public)


@pytest.mark.parametrize(("to", "left"), [(IDENTITY, 15), (0xDEAD, 14), (TARGET, 14)])
def test_what_is_no_unpaid_identity_does_not_fail_at_once(to, left):
    """Paid, or no precompile: the row itself is broken, whatever the others say."""
    limit = gas.TRANSACTION + left
    tables, public = tables_of(trace_of(b"", to=to, gas_limit=limit, fork="Cancun"))
    lie = {"is_unpaid": 1, "is_identity": 0, "success": 0, "undone": 1, "moves": 0}
    missing = 14 - left + 15 * (to == IDENTITY)
    lie |= {"available[0]": left, "missing[0]": max(missing, 0)}
    cells = {(0, column): value for column, value in lie.items()}
    broken = faults(altered(tables, "begin_transaction", cells), public)
    assert any(fault.startswith("begin_transaction row 0") for fault in broken)
