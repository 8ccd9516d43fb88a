"""CREATE, CREATE2 and what becomes of created accounts: honest executions are provable."""

import pytest

from circuits.execution.level import Level
from circuits.machine import cells, fill
from circuits.statement import Statement, statement
from tests.support.creations import ANSWER, creating, deploying, salted_address, storing
from tests.support.transactions import (
    ETHER,
    SENDER,
    TARGET,
    is_refused,
    program,
    saying,
    tables_of,
    trace_of,
)
from zkevm.evm.code import Code
from zkevm.evm.forks import FORKS
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.evm.transaction import AccessListEntry
from zkevm.trace.trace import Halt

INIT = deploying(ANSWER)
RUNNER = 0xCA11EE
SALT = 2**255 + 0x77
REVERTING = program(7, 0, Op.MSTORE, 5, 3, Op.REVERT)
OBSERVING = program(
    Op.ADDRESS, Op.CALLER, Op.CALLVALUE, Op.CALLDATASIZE, Op.CODESIZE, Op.SELFBALANCE,
    Op.ADDRESS, Op.EXTCODESIZE, Op.ADDRESS, Op.EXTCODEHASH, 0, Op.CALLDATALOAD,
)  # fmt: skip
LOOKING = (
    Op.DUP1, Op.EXTCODESIZE, Op.POP, Op.DUP1, Op.EXTCODEHASH, Op.POP, Op.DUP1, Op.BALANCE, Op.POP,
    9, 1, 0, Op.DUP4, Op.EXTCODECOPY, 32, 0, 0, 0, 0, Op.DUP6, Op.GAS, Op.CALL, Op.POP,
    Op.RETURNDATASIZE, Op.POP,
)  # fmt: skip


def proven(trace):
    assert not is_refused(*tables_of(trace))
    return trace


@pytest.mark.parametrize("salt", [None, SALT, 0])
@pytest.mark.parametrize("value", [0, 3])
def test_a_contract_is_created_inspected_and_called(salt, value):
    code = creating(INIT, value, salt) + program(*LOOKING)
    address = contract_address(TARGET, 0) if salt is None else salted_address(TARGET, salt, INIT)
    trace = proven(trace_of(code))
    found = statement(fill(trace))
    (account,) = (a for a in found.accounts if a.address == address)
    assert (account.after.nonce, account.after.balance) == (1, value)
    assert account.after.code_hash == Code(ANSWER).hash
    assert ANSWER in found.codes


@pytest.mark.parametrize("others", [0, 1, 2, 3])
def test_creations_of_nothing_among_codes(others):
    called = {RUNNER + i: Account(code=Code(program(i, Op.POP))) for i in range(others)}
    calls = [item for a in called for item in (0, 0, 0, 0, 0, a, Op.GAS, Op.CALL, Op.POP)]
    trace = proven(trace_of(program(0, 0, 0, Op.CREATE, *calls), accounts=called))
    assert len(trace.codes) == 1 + others


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 255, 256, 2**16 - 1, 2**32, 2**63, 2**64 - 2])
def test_nonces_of_every_length(nonce):
    accounts = {TARGET: Account(nonce=nonce, balance=9, code=Code(creating(b"\0")))}
    trace = proven(trace_of(b"", accounts=accounts))
    assert contract_address(TARGET, nonce) in trace.post.accounts


@pytest.mark.parametrize("salt", [None, 5])
def test_the_last_nonce_and_too_much_value(salt):
    code = creating(INIT, 10, salt) + creating(INIT, 0, salt) + program(Op.RETURNDATASIZE)
    poor = {TARGET: Account(nonce=3, balance=9, code=Code(code))}
    last = {TARGET: Account(nonce=2**64 - 1, balance=99, code=Code(code))}
    for accounts in (poor, last):
        proven(trace_of(b"", accounts=accounts))


@pytest.mark.parametrize("salt", [None, 5])
@pytest.mark.parametrize(
    "there", [Account(nonce=1), Account(code=Code(b"\0")), Account(storage={1: 1})]
)
def test_collisions(salt, there):
    address = contract_address(TARGET, 0) if salt is None else salted_address(TARGET, salt, INIT)
    code = creating(INIT, 2, salt) + program(Op.DUP1, Op.BALANCE)
    proven(trace_of(code, accounts={address: there}))


@pytest.mark.parametrize("salt", [None, 5])
def test_twice_with_one_salt_and_to_an_address_with_a_balance(salt):
    address = contract_address(TARGET, 0) if salt is None else salted_address(TARGET, salt, INIT)
    code = creating(INIT, 2, salt) + creating(INIT, 1, salt)
    proven(trace_of(code, accounts={address: Account(balance=7)}))


@pytest.mark.parametrize(
    "init",
    [
        b"",
        program(Op.STOP),
        program(1, 0, Op.SSTORE),
        OBSERVING,
        program(0, 0, Op.RETURN),
        deploying(bytes(1)),
        deploying(bytes(140)),
        REVERTING,
        program(Op.INVALID),
        program(1, 1, Op.SSTORE, 0, 0, Op.REVERT),
    ],
    ids=range(10),
)
@pytest.mark.parametrize("end", [(), (0, 0, Op.REVERT)], ids=["kept", "undone"])
def test_init_codes(init, end):
    after = (Op.RETURNDATASIZE, Op.DUP1, 0, 0, Op.RETURNDATACOPY)
    nested = program(0, 0, Op.CREATE) if not init else b""
    proven(trace_of(nested + creating(init, 1) + program(*after, *end), value=5))


@pytest.mark.parametrize("end", [(0, 0, Op.RETURN), (0, 0, Op.REVERT)], ids=["kept", "undone"])
def test_creations_inside_creations(end):
    inner = creating(INIT, 1) + program(*LOOKING) + creating(REVERTING, 0, 9) + program(*end)
    code = creating(inner, 3) + program(*LOOKING) + creating(inner, 2, 1)
    proven(trace_of(code, gas_limit=3_000_000, value=ETHER))


def test_the_same_address_after_a_failure():
    fails = program(3, 3, Op.SSTORE, Op.INVALID)
    code = creating(fails, 1, 7) + creating(fails, 1, 7) + program(*LOOKING)
    proven(trace_of(code, gas_limit=3_000_000))


def test_the_hash_of_a_code_that_is_undone():
    inner = creating(INIT) + program(*LOOKING, 0, Op.MSTORE, 32, 0, Op.REVERT)
    outer = creating(inner) + program(Op.POP, 0, 0, 0, 0) + program(Op.RETURNDATASIZE)
    peek = program(32, 0, 0, Op.RETURNDATACOPY, 0, Op.MLOAD, *LOOKING)
    proven(trace_of(outer + peek, gas_limit=3_000_000))


def test_unaligned_init_code_and_memory_growth():
    code = storing(INIT) + program(len(INIT) - 7, 7, 0, Op.CREATE, 200, 333, 0, Op.CREATE)
    proven(trace_of(code))


def test_gas_runs_out_in_the_init_code():
    trace = proven(trace_of(creating(program(Op.JUMPDEST, 0, Op.JUMP)), gas_limit=90_000))
    assert Halt.OUT_OF_GAS in trace.frames.halt


# Halts.


def halts(code, halt, **options):
    """A frame inside halts so."""
    trace = proven(trace_of(code, gas_limit=9_000_000, **options))
    assert halt in trace.frames.halt
    assert trace.frames.success[0]


@pytest.mark.parametrize("size", [49_153, 2**20, 2**130, 2**200])
@pytest.mark.parametrize("op", [Op.CREATE, Op.CREATE2])
def test_too_much_init_code(op, size):
    runner = Account(code=Code(program(*(5,) * (op == Op.CREATE2), size, 0, 0, op)))
    code = program(0, 0, 0, 0, 0, RUNNER, 500_000, Op.CALL)
    unpaid = op == Op.CREATE2 and size > 2**20  # hashing is charged first
    halt = Halt.OUT_OF_GAS if unpaid else Halt.INITCODE_TOO_LARGE
    halts(code, halt, accounts={RUNNER: runner})


DEPOSITS = [
    (deploying(b"\xef"), Halt.INVALID_CODE),
    (deploying(b"\xef" + bytes(50)), Halt.INVALID_CODE),
    (program(0xEF, 0, Op.MSTORE, 9, 31, Op.RETURN), Halt.INVALID_CODE),
    (program(0xEF, 5, Op.MSTORE, 2**13, 36, Op.RETURN), Halt.INVALID_CODE),
    (program(24_577, 0, Op.RETURN), Halt.CODE_TOO_LARGE),
    (program(40_000, 5, Op.RETURN), Halt.CODE_TOO_LARGE),
]


@pytest.mark.parametrize("salt", [None, 5])
@pytest.mark.parametrize(("init", "halt"), DEPOSITS, ids=range(len(DEPOSITS)))
def test_deposits_that_fail(init, halt, salt):
    halts(creating(init, 1, salt) + program(Op.RETURNDATASIZE), halt, value=2)


@pytest.mark.parametrize(("init", "halt"), DEPOSITS, ids=range(len(DEPOSITS)))
def test_deposits_of_a_transaction_that_fail(init, halt):
    trace = proven(creation(init, value=1, gas_limit=9_000_000))
    assert trace.frames.halt[0] == halt


@pytest.mark.parametrize("short", [0, 1, 200 * 30])
@pytest.mark.parametrize("grown", [True, False])
def test_a_deposit_that_is_just_paid_for_and_just_not(short, grown):
    init = (program(7, 0, Op.MSTORE) if grown else b"") + program(32, 0, Op.RETURN)
    words = 2 * ((len(init) + 31) // 32)
    spent = 21_000 + 32_000 + words + sum(16 if b else 4 for b in init)
    spent += sum(3 - (b == Op.PUSH0) for b in init if b in (Op.PUSH0, Op.PUSH1, Op.MSTORE))
    trace = proven(creation(init, gas_limit=spent + 3 + 200 * 32 - short))
    assert trace.frames.halt[0] == (Halt.OUT_OF_GAS if short else Halt.RETURN)


@pytest.mark.parametrize("size", [24_576, pytest.param(49_152, marks=pytest.mark.slow)])
def test_the_largest_sizes(size):
    if size == 24_576:
        trace = creation(program(size, 0, Op.RETURN), gas_limit=9_000_000)
    else:
        trace = trace_of(program(size, 0, 0, Op.CREATE), gas_limit=9_000_000)
    assert trace.frames.success.all()
    proven(trace)


# Transactions.


def creation(init, **options):
    return trace_of(b"", to=None, data=init, **options)


@pytest.mark.parametrize("value", [0, 7])
@pytest.mark.parametrize(
    "init",
    [b"", b"\0", INIT, OBSERVING, REVERTING, program(Op.INVALID), creating(INIT, 1)],
    ids=range(7),
)
@pytest.mark.parametrize("fork", FORKS)
def test_a_transaction_creates(init, value, fork):
    trace = proven(creation(init, value=value, fork=fork))
    found = statement(fill(trace))
    assert found.transactions[0].transaction.to is None
    assert Statement.from_json(found.to_json()) == found
    assert any("a new contract" in line for line in found.describe())


@pytest.mark.parametrize("length", [31, 32, 33, 400])
def test_init_codes_of_a_transaction_of_every_length(length):
    listed = (AccessListEntry(3, (1,)),)
    trace = creation(INIT + bytes(length - 20), access_list=listed)
    assert trace.frames.success[0]
    proven(trace)


@pytest.mark.parametrize("to", [None, TARGET])
def test_a_creation_is_not_a_call(to):
    trace = trace_of(INIT, to=to, data=b"" if to else INIT)
    tables, _ = tables_of(trace)
    said = saying(statement(fill(trace)), to=None if to else 5)
    assert is_refused(tables, said.messages())


@pytest.mark.parametrize(
    "there", [Account(nonce=1), Account(code=Code(b"\0")), Account(storage={1: 1})]
)
@pytest.mark.parametrize("fork", FORKS)
def test_a_transaction_collides(there, fork):
    address = contract_address(SENDER, 7)
    trace = proven(creation(INIT, value=5, accounts={address: there}, fork=fork))
    assert trace.frames.halt[0] == Halt.CREATE_COLLISION
    found = statement(fill(trace))
    (each,) = found.transactions
    assert not each.receipt.success
    assert each.receipt.gas_used == trace.transaction.gas_limit


@pytest.mark.parametrize("root", [True, False])
def test_creations_at_level_s2(root):
    """Init codes and created codes are known by their hashes: the listed bytes are not stated."""
    code = creating(INIT, 1) + program(*LOOKING) + creating(INIT, 0, SALT)
    filled = fill(creation(code, value=3) if root else trace_of(code), Level.S2)
    said = statement(filled)
    assert not said.codes
    assert not is_refused(cells(filled), said.messages())
