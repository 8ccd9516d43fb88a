"""Several transactions of a block in one proof: what each leaves to the next, and what not."""

from dataclasses import replace

import pytest

from circuits.check import failures
from circuits.execution.level import Level
from circuits.machine import cells, fill
from circuits.statement import Statement, StatementError, statement
from tests.support.authorizations import authority, authorization
from tests.support.creations import ANSWER, creating, deploying, salted_address
from tests.support.transactions import (
    COINBASE,
    ETHER,
    SENDER,
    TARGET,
    program,
    sent,
    traces_of,
)
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.forks import fork_named
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.evm.transaction import AccessListEntry, TransactionType

FORKS = ["Cancun", "Prague", "Osaka"]
OTHER, DEAD, HEIR = 0xC0DE01, 0xDEAD, 0x07E4
REVERT = program(0, 0, Op.REVERT)


def blob_hash(number):
    return 1 << 248 | number


def proven(traces, level=Level.S1):
    """The statement of traces whose tables hold."""
    filled = fill(traces, level)
    said = statement(filled)
    said.check()
    assert Statement.from_json(said.to_json()) == said
    assert said.describe()
    found = failures(filled, cells(filled), said.messages())
    assert found == [], "\n".join(found[0].lines())
    return said


def having(code, **fields):
    """An account with this code."""
    return Account(nonce=1, code=Code(code), **fields)


def calls(*addresses, value=0):
    """Code that calls each with all its gas."""
    items = ((0, 0, 0, 0, value, a, Op.GAS, Op.CALL, Op.POP) for a in addresses)
    return b"".join(program(*each) for each in items)


def slots(said):
    """The values before and after of the slots stated, by address and key."""
    return {(s.address, s.key): (s.before, s.after) for s in said.slots}


def in_turn(codes, storage=None):
    """A transaction calls each of these codes, all in the name of TARGET."""
    places = [0x11111 + n for n in range(len(codes))]
    runner = program(
        *(0, 0, 0, 0, 0, Op.CALLDATALOAD, Op.GAS, Op.DELEGATECALL, Op.PUSH0),
        *(Op.MSTORE, 32, Op.PUSH0, Op.RETURN),
    )
    accounts = {TARGET: having(runner, storage=dict(storage or {}))}
    accounts |= {place: having(code) for place, code in zip(places, codes, strict=True)}
    data = (place.to_bytes(32, "big") for place in places)
    return traces_of((sent(n, data=each) for n, each in enumerate(data)), accounts)


@pytest.mark.parametrize("fork", FORKS)
def test_transfers_follow_one_another(fork):
    said = proven(traces_of([sent(n, DEAD, value=n) for n in range(3)], fork=fork))
    balances = {a.address: (a.before.balance, a.after.balance) for a in said.accounts}
    assert balances[DEAD] == (0, 3)
    assert balances[COINBASE] == (0, 3 * 21_000 * 2)
    assert balances[SENDER] == (1000 * ETHER, 1000 * ETHER - 3 - 3 * 21_000 * 12)
    assert [each.receipt.gas_used for each in said.transactions] == [21_000] * 3


def test_the_first_need_not_be_the_block_s_first():
    traces = traces_of([sent(n, DEAD, value=1) for n in range(4)])
    said = proven(traces[2:])
    assert (said.index, said.gas_before, len(said.transactions)) == (2, 42_000, 2)
    assert {a.address: a.before.balance for a in said.accounts}[DEAD] == 2
    assert proven(traces[3]).index == 3


VALUES = [(1, 2, 1), (0, 5, 0), (5, 0, 5), (5, 7, 7), (0, 0, 5), (5, 5, 0)]


@pytest.mark.parametrize("undone", [b"", REVERT], ids=["kept", "undone"])
@pytest.mark.parametrize(("before", "middle", "last"), VALUES)
def test_originals_are_of_each_transaction(before, middle, last, undone):
    """What SSTORE costs and gives back follows from what a slot held when its transaction began."""
    write = program(middle, 1, Op.SSTORE, 9, 1, Op.SSTORE)
    codes = [write + undone, program(last, 1, Op.SSTORE), program(1, Op.SLOAD, 2, Op.SSTORE)]
    traces = in_turn(codes, {1: before})
    found = slots(proven(traces))
    assert found[TARGET, 1] == (before, last)
    assert traces[1].pre.storage[TARGET, 1] == (before if undone else 9)


def test_warm_marks_are_of_each_transaction():
    look = program(DEAD, Op.BALANCE, 1, Op.SLOAD)
    traces = in_turn([look, look, look + REVERT, look])
    used = [trace.receipt.gas_used for trace in traces]
    assert len({*used[:2], used[3]}) == 1
    proven(traces)
    listed = (AccessListEntry(DEAD, (1,)), AccessListEntry(TARGET, (1,)))
    several = [sent(0), sent(1, access_list=listed), sent(2), sent(3, access_list=listed)]
    proven(traces_of(several, {TARGET: having(look)}))


def test_transient_storage_ends_with_its_transaction():
    write, read = program(7, 1, Op.TSTORE), program(1, Op.TLOAD, Op.DUP1, 2, Op.SSTORE)
    found = slots(proven(in_turn([write + read, read, write + REVERT, read + write, read])))
    assert found[TARGET, 2] == (0, 0)
    assert slots(proven(in_turn([read, write + read])))[TARGET, 2] == (0, 7)


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("level", list(Level))
def test_a_contract_is_created_and_called_later(fork, level):
    new = contract_address(SENDER, 0)
    born = sent(0, None, data=deploying(ANSWER, program(3, 1, Op.SSTORE)), value=1)
    caller = {TARGET: having(calls(new, DEAD) + program(new, Op.EXTCODEHASH))}
    said = proven(traces_of([born, sent(1), sent(2, new)], caller, fork), level)
    assert slots(said)[new, 1] == (0, 3)
    assert [each.receipt.success for each in said.transactions] == [True] * 3


DYING = program(1, Op.SLOAD, 1, Op.ADD, 1, Op.SSTORE, HEIR, Op.SELFDESTRUCT)
INIT = deploying(DYING, program(4, 1, Op.SSTORE))
FACTORY = creating(INIT, 1, 5) + program(Op.POP)
NEW = salted_address(TARGET, 5, INIT)


def lives(*codes):
    """Transactions of a factory: `+` creates, `-` calls what was created, `!` undoes all."""
    parts = {"+": FACTORY, "-": calls(NEW), "!": REVERT}
    programs = [b"".join(parts[letter] for letter in code) for code in codes]
    accounts = {0x20000 + n: having(code) for n, code in enumerate(programs)}
    return in_turn_of(accounts)


def in_turn_of(accounts):
    """A transaction to TARGET runs each of these codes in its name."""
    runner = program(0, 0, 0, 0, 0, Op.CALLDATALOAD, Op.GAS, Op.DELEGATECALL)
    of = {TARGET: having(runner, balance=100), **accounts}
    data = (address.to_bytes(32, "big") for address in accounts)
    return traces_of((sent(n, data=each) for n, each in enumerate(data)), of)


@pytest.mark.parametrize(
    ("codes", "after"),
    [
        (("+", "-"), 5),  # created before: SELFDESTRUCT gives the balance away, no more
        (("+", "-", "-"), 6),
        (("+-", "+"), 4),  # destroyed, and created again with another store
        (("+-", "+-"), None),
        (("+-", "+", "-"), 5),
        (("+-", "+!", "+"), 4),  # born again, undone, and born again
        (("+-", "+-!", "+-", "+", "-!", "-"), 5),
        (("+!", "+"), 4),
        (("+", "-!", "-"), 5),
        (("+-", "-"), None),  # a call of nobody
        (("+", "+"), 4),  # a collision
        (("+--", "+--", "+--"), None),
    ],
    ids=lambda x: ",".join(x) if isinstance(x, tuple) else "",
)
def test_lives_of_an_account(codes, after):
    """EIP-6780: only who was created in the same transaction is destroyed."""
    said = proven(lives(*codes))
    assert slots(said).get((NEW, 1)) == (None if after is None else (0, after))
    assert next(a for a in said.accounts if a.address == NEW).had_storage is False


def test_a_store_that_is_destroyed_is_not_the_new_one():
    """An access list touches a slot of an account that comes and goes."""
    listed = (AccessListEntry(NEW, (1, 2)),)
    traces = lives("+-", "+", "-")
    accounts = {
        TARGET: having(FACTORY + calls(NEW), balance=9),
        OTHER: having(calls(TARGET), balance=9),
    }
    several = [sent(0, access_list=listed), sent(1, OTHER, access_list=listed), sent(2)]
    proven(traces_of(several, accounts))
    proven(traces[:1] + traces[1:2])


@pytest.mark.parametrize("fork", FORKS[1:])
def test_delegations_are_set_in_one_and_followed_in_another(fork):
    store = {OTHER: having(program(1, Op.SLOAD, 1, Op.ADD, 1, Op.SSTORE, Op.CALLER, 2, Op.SSTORE))}
    who = authority(7)

    def delegates(nonce, number, address):
        entry = authorization(7, address, number)
        return sent(nonce, who, type=TransactionType.SET_CODE, authorizations=(entry,))

    several = [delegates(0, 0, OTHER), sent(1, who), delegates(2, 1, 0), sent(3, who, value=1)]
    said = proven(traces_of(several, store, fork))
    assert slots(said)[who, 1] == (0, 2)
    (account,) = (a for a in said.accounts if a.address == who)
    assert (account.before.nonce, account.after.nonce) == (0, 2)
    assert account.after.code_hash == Code(b"").hash
    said = proven(traces_of(several[:2], store, fork))
    (account,) = (a for a in said.accounts if a.address == who)
    assert account.after.code_hash == delegation_to(OTHER).hash


@pytest.mark.parametrize("fork", FORKS)
def test_blobs_add_up(fork):
    look = {TARGET: having(program(0, Op.BLOBHASH, 0, Op.SSTORE, 1, Op.BLOBHASH, 1, Op.SSTORE))}
    blobs = {"type": TransactionType.BLOB, "max_fee_per_blob_gas": 5}
    several = [
        sent(0, blob_versioned_hashes=(blob_hash(1), blob_hash(2)), **blobs),
        sent(1),
        sent(2, blob_versioned_hashes=(blob_hash(3),), **blobs),
    ]
    traces = traces_of(several, look, fork)
    said = proven(traces)
    assert slots(said) == {(TARGET, 0): (0, blob_hash(3)), (TARGET, 1): (0, 0)}
    said = proven(traces[1:])
    assert said.blob_gas_before == 2 * 2**17
    most = fork_named(fork).blobs.maximum
    replace(said, blob_gas_before=(most - 1) * 2**17).check()
    with pytest.raises(StatementError, match="more blobs"):
        replace(said, blob_gas_before=most * 2**17).check()


def test_logs_are_of_each_transaction():
    emit = program(5, 0, Op.MSTORE, 7, 32, 0, Op.LOG1, 9, 8, 3, 30, Op.LOG2)
    said = proven(in_turn([emit, b"", emit + emit, emit + REVERT, emit]))
    assert [len(each.receipt.logs) for each in said.transactions] == [2, 0, 4, 0, 2]


def test_ancestors_are_those_that_any_asks_for():
    number = 19_000_000
    hashes = {number - k: 2**250 + k for k in range(1, 5)}
    asks = [program(number - k, Op.BLOCKHASH, 1, Op.SSTORE) for k in (1, 3)]
    accounts = {0x500 + n: having(code) for n, code in enumerate(asks)}
    traces = traces_of([sent(0, 0x500), sent(1, 0x501)], accounts, block_hashes=hashes)
    said = proven(traces)
    assert dict(said.block.block_hashes) == {number - k: hashes[number - k] for k in (1, 3)}


def test_parties_may_be_the_same():
    """The sender is the coinbase, and pays another sender whose balance would not suffice."""
    poor = 0xB0B
    several = [sent(0, poor, value=ETHER), replace(sent(0, SENDER, value=3), sender=poor), sent(1)]
    proven(traces_of(several, {TARGET: having(b"")}, coinbase=SENDER))
    proven(traces_of(several, {TARGET: having(b"")}, coinbase=poor))


def test_what_serves_many_steps_is_shared():
    """The same code, powers, hashes and copies in every transaction."""
    code = program(
        *(3, 5, Op.EXP, 2**200, Op.EXP, 1, Op.MSTORE, 33, 0, Op.KECCAK256, 1, Op.SSTORE),
        *(40, 3, 2, Op.MCOPY, 70, 1, 0, Op.CALLDATACOPY, 20, 0, 90, Op.CODECOPY),
        *(0, 0, 0, 0, 0, 4, Op.GAS, Op.CALL, Op.POP),
    )
    accounts = {TARGET: having(code), OTHER: having(calls(TARGET) + code)}
    several = [sent(0, data=b"\1" * 50), sent(1, OTHER, data=b"\1" * 70), sent(2)]
    for level in Level:
        proven(traces_of(several, accounts), level)


def test_a_failure_is_between_others():
    code = program(1, 1, Op.SSTORE, Op.INVALID)
    careful = program(0, 0, 0, 0, 0, TARGET, 50_000, Op.CALL, 5, Op.SSTORE)
    accounts = {TARGET: having(code), OTHER: having(careful)}
    several = [sent(0, OTHER), sent(1), sent(2, None, data=b"\xfe"), sent(3, OTHER)]
    said = proven(traces_of(several, accounts, gas_limit=10_000_000))
    assert [e.receipt.success for e in said.transactions] == [True, False, False, True]
