"""Several transactions in one proof: what a lying interpreter or a lying prover says is rejected.

A lying interpreter executes by a wrong rule, and the tables are then filled as for an honest one; a
lying prover fills the tables of honest traces by a wrong rule, changes their cells, or states
something else.
"""

from dataclasses import replace

import pytest

from circuits.execution import execution
from circuits.execution.execution import Execution
from circuits.machine import cells, fill
from circuits.statement import SlotChange, StatementError, statement
from tests.support.authorizations import authority, authorization
from tests.support.creations import creating, deploying, salted_address
from tests.support.transactions import (
    SENDER,
    TARGET,
    altered,
    cell,
    faults,
    is_refused,
    program,
    recounted,
    saying,
    sent,
    tables_of,
    traces_of,
)
from zkevm.evm import transition
from zkevm.evm.code import Code
from zkevm.evm.forks import fork_named
from zkevm.evm.instructions.block import blob_hash
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.evm.transaction import AccessListEntry, TransactionType

DEAD, HEIR, OTHER = 0xDEAD, 0x07E4, 0xC0DE01
WRITE = program(7, 1, Op.SSTORE)
EMIT = program(9, 1, Op.MSTORE, 5, 32, 0, Op.LOG1)


def having(code, **fields):
    return Account(nonce=1, code=Code(code), **fields)


def calls(*addresses):
    items = ((0, 0, 0, 0, 0, a, Op.GAS, Op.CALL, Op.POP) for a in addresses)
    return b"".join(program(*each) for each in items)


def in_turn(*codes, **fields):
    """The transactions and accounts in which each of these codes is called, in its own name."""
    places = [0x11111 + n for n in range(len(codes))]
    return [sent(n, place) for n, place in enumerate(places)], {
        place: having(code, **fields) for place, code in zip(places, codes, strict=True)
    }


def again(code, times=2, **fields):
    """The transactions and accounts in which one account's code is called again and again."""
    return [sent(n) for n in range(times)], {TARGET: having(code, **fields)}


def refused(traces, said=None):
    filled = fill(traces)
    messages = (said or statement(filled)).messages()
    return is_refused(cells(filled), messages)


HONEST = traces_of(
    [
        sent(0, data=b"\1\0" * 20, access_list=[AccessListEntry(DEAD, (1,))]),
        sent(1, value=1),
        sent(2, data=b"\2", access_list=[AccessListEntry(TARGET, (1, 2))]),
    ],
    {TARGET: having(WRITE + EMIT + program(DEAD, Op.BALANCE, 2, Op.SLOAD), storage={2: 3})},
)


def test_the_honest_ones_pass():
    assert not refused(HONEST)


# Lies of the interpreter.


def keeping(name):
    """The end of a transaction that forgets to clear something."""
    honest = State.finish_transaction

    def wrong(self):
        kept = dict(getattr(self, name))
        honest(self)
        getattr(self, name).update(kept)

    return wrong


def lied(monkeypatch, target, name, wrong, transactions, accounts, **options):
    """The traces of an interpreter that has something wrong, which is undone then."""
    honest = traces_of(transactions, accounts, **options)
    monkeypatch.setattr(target, name, wrong)
    traces = traces_of(transactions, accounts, **options)
    monkeypatch.undo()
    assert not refused(honest)
    assert [t.receipt for t in traces] != [t.receipt for t in honest] or (
        traces[-1].post != honest[-1].post
    )
    return traces


DYING = program(HEIR, Op.SELFDESTRUCT)
INIT = deploying(DYING, program(4, 1, Op.SSTORE))
NEW = salted_address(0x11111, 5, INIT)
FACTORY = creating(INIT, 0, 5) + program(Op.POP)
READ_TRANSIENT = program(1, Op.TLOAD, 1, Op.SSTORE, 7, 1, Op.TSTORE)


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("_warm_accounts", again(program(DEAD, Op.BALANCE))),
        ("_warm_slots", again(program(1, Op.SLOAD))),
        ("_transient", again(READ_TRANSIENT)),
        ("_originals", again(program(1, Op.SLOAD, 1, Op.ADD, 1, Op.SSTORE), storage={1: 5})),
        ("_created", in_turn(FACTORY, calls(NEW))),
        ("_destroyed", in_turn(FACTORY + calls(NEW), program(0, 0, 0, 0, 1, NEW, 0, Op.CALL))),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_what_ends_with_a_transaction_is_kept(monkeypatch, name, block):
    transactions, accounts = block
    accounts = {a: replace(account, balance=9) for a, account in accounts.items()}
    assert refused(
        lied(monkeypatch, State, "finish_transaction", keeping(name), transactions, accounts)
    )


def test_accounts_are_destroyed_a_transaction_late(monkeypatch):
    honest, late = State.finish_transaction, {}

    def wrong(self):
        now, self._destroyed = self._destroyed, dict(late)
        late.clear()
        late.update(now)
        honest(self)

    transactions, accounts = in_turn(FACTORY + calls(NEW), b"", program(NEW, Op.EXTCODESIZE))
    transactions = [transactions[0], sent(1, NEW), transactions[2]]
    assert refused(lied(monkeypatch, State, "finish_transaction", wrong, transactions, accounts))


def test_a_destroyed_account_is_born_with_its_old_storage(monkeypatch):
    """The slot's value of the first life is found again in the second."""
    honest = State.finish_transaction

    def wrong(self):
        kept = {a: dict(self._storages.get(a, {})) for a in self._destroyed}
        honest(self)
        self._storages |= kept

    monkeypatch.setattr(State, "has_storage", lambda self, address, besides=(): False)
    init = deploying(DYING, program(1, Op.SLOAD, 4, Op.ADD, 1, Op.SSTORE))
    new = salted_address(TARGET, 5, init)
    code = creating(init, 0, 5) + program(Op.POP) + calls(new)
    traces = lied(monkeypatch, State, "finish_transaction", wrong, *again(code))
    assert traces[1].pre.storage[new, 1] == 4
    assert refused(traces)


def test_the_refund_of_the_transaction_before(monkeypatch):
    counters = []
    honest = transition.Machine.__init__

    def wrong(self, *arguments):
        honest(self, *arguments)
        self.refund = counters[-1].refund if counters else 0
        counters.append(self)

    block = (
        [sent(0), sent(1, OTHER)],
        {
            TARGET: having(program(0, 1, Op.SSTORE), storage={1: 5}),
            OTHER: having(WRITE),
        },
    )
    assert refused(lied(monkeypatch, transition.Machine, "__init__", wrong, *block))


@pytest.mark.parametrize("limit", [2_000_000, 1_999_999])
def test_no_gas_is_left_in_the_block(limit):
    """Each of two transactions fits in the block, but not both if one unit of gas is missing."""
    traces = traces_of(*again(program(Op.INVALID)), gas_limit=2_000_000)
    tables, _ = tables_of(traces)
    said = statement(fill(traces))
    said = replace(said, block=replace(said.block, gas_limit=limit))
    values = next(t for t in tables if t.table.name == "public_values")
    rows = [
        n for n in range(values.rows) if cell(tables, "public_values", n, "value.lo") == 2 * 10**6
    ]
    lie = altered(tables, "public_values", {(row, "value.lo"): limit for row in rows})
    changes = {(row, "block_gas_limit"): limit for row in range(2)}
    for row in range(2):
        left = limit - (row + 1) * 10**6
        changes |= {(row, f"block_gas_left[{i}]"): left >> 16 * i & 0xFFFF for i in range(4)}
    lie = recounted(altered(lie, "begin_transaction", changes))
    assert len(rows) == 1
    found = faults(lie, said.messages())
    assert bool(found) == (limit < 2_000_000)
    assert all("begin_transaction row 1" in fault for fault in found)


def test_the_hash_of_another_transaction_s_blob():
    blobs = {"type": TransactionType.BLOB, "max_fee_per_blob_gas": 5}
    several = [sent(n, blob_versioned_hashes=(1 << 248 | n,), **blobs) for n in range(2)]
    accounts = {TARGET: having(program(0, Op.BLOBHASH, 1, Op.SSTORE))}

    def wrong(frame):
        machine = frame.machine
        real, machine.transaction = machine.transaction, several[0]
        blob_hash(frame)
        machine.transaction = real

    cancun = fork_named("Cancun")
    rules = replace(cancun, instructions={**cancun.instructions, Op.BLOBHASH: wrong})
    traces = traces_of(several, accounts, rules=rules)
    assert traces[1].post.storage[TARGET, 1] == 1 << 248
    assert refused(traces)


def test_a_delegation_of_the_transaction_before_is_ignored(monkeypatch):
    who, honest = authority(7), State.code
    entry = (authorization(7, OTHER),)
    several = [sent(0, who, type=TransactionType.SET_CODE, authorizations=entry), sent(1, who)]
    wrong = lambda self, address: (  # noqa: E731
        Code(b"") if address == who and self.nonce(SENDER) == 2 else honest(self, address)
    )
    accounts = {OTHER: having(WRITE)}
    assert refused(lied(monkeypatch, State, "code", wrong, several, accounts, fork="Prague"))


# Lies about which transactions there are, and in which order.


def test_each_runs_on_the_state_before_the_block():
    """Two senders pay the same coinbase; each is executed as if it were alone."""
    other = 0xB0B
    accounts = {other: Account(balance=10**18)}
    several = [sent(0, DEAD), replace(sent(0, DEAD), sender=other)]
    alone = [traces_of([each], accounts)[0] for each in several]
    second = replace(alone[1], index=1, used_before=traces_of(several, accounts)[1].used_before)
    assert not refused(traces_of(several, accounts))
    assert refused([alone[0], second])


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 1, 1), (0, 0, 1, 2), (1, 2), (0, 2)])
def test_audit_A39_executed_in_another_order_left_out_or_twice(order):
    """The first and the last, too.  By what is filled; then by what is stated."""
    said = statement(fill(HONEST))
    traces = [HONEST[n] for n in order]
    assert refused(traces, said)
    stated = tuple(said.transactions[n] for n in order)
    assert refused(HONEST, replace(said, transactions=stated))
    if len(order) == 3:
        assert refused(traces)


@pytest.mark.parametrize("table", ["begin_transaction", "end_transaction", "frames"])
def test_audit_A38_the_sender_of_another_transaction(table):
    """With its scope, too: then the look-up finds it, and the chain or the opener contradicts."""
    other = 0xB0B
    accounts = {other: Account(balance=10**18), TARGET: having(program(Op.ORIGIN, 1, Op.SSTORE))}
    tables, public = tables_of(traces_of([sent(0), replace(sent(0), sender=other)], accounts))
    assert not is_refused(tables, public)
    sender = "origin.lo" if table == "frames" else "sender.lo"
    for columns in ([sender], [sender, "scope"]):
        lie = {(1, column): cell(tables, table, 0, column) for column in columns}
        assert is_refused(recounted(altered(tables, table, lie)), public)


def test_no_transaction_at_all():
    said = statement(fill(HONEST))
    nothing = replace(said, transactions=())
    with pytest.raises(StatementError, match="0 transactions"):
        nothing.check()
    assert refused(HONEST, nothing)
    bare = replace(nothing, accounts=(), slots=(), codes=())
    assert is_refused([], bare.messages())


def test_more_transactions_than_scopes():
    said = statement(fill(HONEST))
    with pytest.raises(StatementError, match="65536 transactions"):
        replace(said, transactions=said.transactions[:1] * 2**16).check()


@pytest.mark.parametrize(
    "change", [{"index": 1}, {"gas_before": 1}, {"blob_gas_before": 2**17}, {"chain_id": 2}]
)
def test_the_first_begins_elsewhere(change):
    assert refused(HONEST, replace(statement(fill(HONEST)), **change))


@pytest.mark.parametrize("index", range(3))
@pytest.mark.parametrize(
    "change",
    [
        *({"success": False}, {"gas_used": 21_000}, {"logs": ()}, {"nonce": 5}, {"value": 7}),
        *(
            {"data": b"\1"},
            {"access_list": (AccessListEntry(5, ()),)},
            {"to": OTHER},
            {"sender": OTHER},
        ),
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_transaction_or_receipt(index, change):
    assert refused(HONEST, saying(statement(fill(HONEST)), index, **change))


def test_receipts_are_exchanged():
    said = statement(fill(HONEST))
    first, second, third = said.transactions
    for pair in (
        (replace(first, receipt=second.receipt), replace(second, receipt=first.receipt)),
        (
            replace(first, transaction=second.transaction),
            replace(second, transaction=first.transaction),
        ),
    ):
        assert refused(HONEST, replace(said, transactions=(*pair, third)))


def test_values_between_transactions_are_stated():
    """Those before are of the first, those after of the last."""
    said, middle = statement(fill(HONEST)), statement(fill(HONEST[:2]))
    assert refused(HONEST, replace(said, accounts=middle.accounts))
    later = statement(fill(HONEST[1:]))
    assert refused(HONEST, replace(said, accounts=later.accounts))
    assert refused(HONEST, replace(said, slots=later.slots))


def test_a_slot_of_a_destroyed_store_is_stated():
    traces = traces_of(*in_turn(FACTORY + calls(NEW), b""))
    said = statement(fill(traces))
    assert not refused(traces)
    for before, after in ((0, 4), (0, 0), (4, 4)):
        slot = SlotChange(NEW, 1, before, after)
        assert refused(traces, replace(said, slots=(*said.slots, slot)))


# Lies of the prover about time and scopes.


def test_two_transactions_have_one_scope(monkeypatch):
    """Then the marks of the first are fresh in the second, and its transient values are read."""
    for name in ("_warm_accounts", "_transient"):
        code = program(DEAD, Op.BALANCE) if name == "_warm_accounts" else READ_TRANSIENT
        block = again(code)
        for wrong in (keeping(name), State.finish_transaction):
            monkeypatch.setattr(State, "finish_transaction", wrong)
            traces = traces_of(*block)
            monkeypatch.undo()
            same = property(lambda self: 1)
            monkeypatch.setattr(Execution, "scope", same)
            assert refused(traces)
            monkeypatch.undo()


@pytest.mark.parametrize("change", [{"scope": 1}, {"logs": 0}])
def test_what_is_carried_begins_anew(monkeypatch, change):
    """Every transaction has the first one's scope, or counts its logs from none."""
    honest = execution.execution

    def wrong(trace, carried, is_last):
        return honest(trace, replace(carried, **change), is_last)

    monkeypatch.setattr(execution, "execution", wrong)
    assert refused(HONEST)


def test_time_stands_still_or_leaps(monkeypatch):
    """A transaction begins before the one before it is over, or later."""
    honest = execution.execution
    for leap in (-1, 1, 1000):

        def wrong(trace, carried, is_last, leap=leap):
            clock = carried.clock + leap * (carried.scope > 1)
            return honest(trace, replace(carried, clock=clock), is_last)

        monkeypatch.setattr(execution, "execution", wrong)
        assert refused(HONEST)


def test_stores_are_not_changed(monkeypatch):
    """What is born again has the store that was destroyed."""
    code = FACTORY + calls(NEW)
    several, accounts = in_turn(code, b"")
    traces = traces_of([several[0], sent(1, 0x11111), sent(2, 0x11111)], accounts)
    assert not refused(traces)
    honest = Execution.leaves.func
    wrong = property(lambda self: replace(honest(self), stores=self.carried.stores))
    monkeypatch.setattr(Execution, "leaves", wrong)
    assert refused(traces)


ROWS = [
    *(("begin_transaction", n, c, d) for n in range(3) for c, d in (
        ("scope", 1), ("scope", -1), ("index", 1), ("used_before", -1), ("used_before", 1),
        ("blob_gas_before", 1), ("log_base", 1), ("clock", 1), ("clock", -1), ("nonce", 1),
        ("block_gas_limit", 1), ("touch_sender.same", 1), ("touch_coinbase.same", 1),
        ("touch_sender.age", 1), ("touch_coinbase.mark.scope", -1),
    )),
    *(("end_transaction", n, c, d) for n in range(3) for c, d in (
        ("scope", 1), ("scope", -1), ("index", -1), ("used_before", 1), ("blob_gas_used", 1),
        ("log_base", -1), ("frame", 1), ("ended_journal", 1), ("logs", 1), ("list_end", 1),
        ("clock", 1), ("used", -1), ("destroyed", 1),
    )),
    *(("frames", n, "scope", d) for n in range(3) for d in (1, -1)),
    *(("transaction_data", n, "scope", d) for n in range(3) for d in (1, -1)),
    *(("access_entry", n, "scope", d) for n in range(5) for d in (1, -1)),
    *(("access_entry", n, "fresh.same", 1) for n in range(5)),
    *(("sload", n, "slot.same", 1 if n < 2 else -1) for n in range(3)),
    *(("slots", n, "scope", d) for n in range(3) for d in (1, -1)),
    *(("accounts", n, "mark", d) for n in range(4) for d in (1, -1)),
]  # fmt: skip


@pytest.fixture(scope="module")
def honest():
    return tables_of(HONEST)


@pytest.mark.parametrize(("table", "row", "column", "change"), ROWS)
def test_a_changed_cell_is_noticed(honest, table, row, column, change):
    tables, public = honest
    found = next(t for t in tables if t.table.name == table)
    names = [c.name for c in found.table.columns]
    assert column in names, names
    assert row < found.rows
    value = cell(tables, table, row, column) + change
    assert is_refused(altered(tables, table, {(row, column): value}), public)


@pytest.mark.parametrize(("row", "last"), [(0, 1), (1, 1), (2, 0)])
def test_the_chain_is_closed_early_or_not(honest, row, last):
    """Whatever the statement says of how many there are."""
    tables, _ = honest
    lie = altered(tables, "end_transaction", {(row, "last"): last})
    said = statement(fill(HONEST))
    for count in range(4):
        assert is_refused(lie, replace(said, transactions=said.transactions[:count]).messages())


def test_the_journal_of_another_transaction(honest):
    """The end takes the entry of the first, with its refund and its logs."""
    tables, public = honest
    columns = ("ended_journal", "logs", "destroyed", "refund[0]", "refund[1]")
    lie = {(2, column): cell(tables, "end_transaction", 0, column) for column in columns}
    assert is_refused(altered(tables, "end_transaction", lie), public)
