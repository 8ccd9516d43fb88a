"""Creations and SELFDESTRUCT: what a lying interpreter or a lying prover says is rejected.

A lying interpreter executes the whole transaction by its wrong rule; the tables are then filled as
for an honest one.
"""

import dataclasses

import numpy as np
import pytest

from circuits.buses import RANGE16
from circuits.execution.execution import Execution
from circuits.execution.schedule import CREATES
from circuits.gadgets.ends import Return
from circuits.language.creating_frame import CreatingFrame
from circuits.machine import fill
from circuits.statement import SlotChange, statement
from tests.support.creations import ANSWER, creating, deploying
from tests.support.transactions import (
    ETHER,
    SENDER,
    TARGET,
    altered,
    cell,
    end_lies_with_the_transaction,
    faults,
    is_refused,
    program,
    tables_of,
    trace_of,
)
from zkevm.evm import gas, interpreter, transition
from zkevm.evm.code import Code
from zkevm.evm.forks import fork_named
from zkevm.evm.frame import Frame
from zkevm.evm.instructions import system
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.interpreter import Machine
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.field import MODULUS
from zkevm.plonkish import kernels
from zkevm.trace.trace import FrameKind

INIT = deploying(ANSWER)
NEW = contract_address(TARGET, 0)
RUNNER, DEAD = 0xCA11EE, 0xDEAD
SALTS = (None, 7)
FAILING = program(1, 1, Op.SSTORE, 0, 0, Op.REVERT)
LOOKING = program(Op.DUP1, Op.EXTCODEHASH, Op.RETURNDATASIZE, Op.ADD, Op.SWAP1, Op.BALANCE)
EVERY = pytest.mark.parametrize("salt", SALTS, ids=["create", "create2"])


def rejected(trace):
    assert is_refused(*tables_of(trace))


def lie(monkeypatch, target, name, wrong, *arguments, **options):
    """The trace of an interpreter that has something wrong, which is undone then."""
    monkeypatch.setattr(target, name, wrong)
    trace = trace_of(*arguments, **options)
    monkeypatch.undo()
    return trace


def creation(init=INIT, value=3, salt=None, more=b""):
    return creating(init, value, salt) + LOOKING + more


# The address.


@pytest.mark.parametrize(
    "wrong",
    [
        lambda creator, nonce: contract_address(creator, nonce + 1),
        lambda creator, nonce: contract_address(creator + 1, nonce),
        lambda creator, nonce: contract_address(creator, nonce) ^ 1,
    ],
    ids=["nonce", "creator", "hash"],
)
def test_the_address_of_another_creator_or_nonce(monkeypatch, wrong):
    rejected(lie(monkeypatch, system, "contract_address", wrong, creation()))
    rejected(lie(monkeypatch, transition, "contract_address", wrong, b"", to=None, data=INIT))


@pytest.mark.parametrize("place", [0, 1, 20, 21, 52, 53, 84])
def test_the_address_of_another_salt_creator_or_code(monkeypatch, place):
    honest = system.keccak256

    def wrong(data):
        if len(data) == 85:
            data = data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]
        return honest(data)

    rejected(lie(monkeypatch, system, "keccak256", wrong, creation(salt=7)))


@EVERY
def test_audit_A25_another_nonce(monkeypatch, salt):
    """The creator's rises by two, or not at all; the contract's is 0."""
    honest = State.set_nonce
    lies = (
        lambda self, address, nonce: honest(self, address, nonce + (address == TARGET)),
        lambda self, address, nonce: honest(self, address, nonce - (address == TARGET)),
        lambda self, address, nonce: honest(self, address, nonce if address == TARGET else 0),
    )
    for wrong in lies:
        rejected(lie(monkeypatch, State, "set_nonce", wrong, creation(salt=salt)))


@EVERY
def test_the_nonce_comes_back_with_a_failure(monkeypatch, salt):
    honest = Machine._resume

    def wrong(self, frame, child):
        if child.is_create and not child.success:
            self.state._nonces[frame.address] -= 1
        honest(self, frame, child)

    rejected(lie(monkeypatch, Machine, "_resume", wrong, creation(FAILING, salt=salt)))


@EVERY
@pytest.mark.parametrize("taken", [True, False])
def test_a_collision_that_is_none_or_is_entered(monkeypatch, salt, taken):
    wrong = lambda self, address: not taken  # noqa: E731
    code = creation(value=1, salt=salt, more=creation(value=1, salt=salt) if taken else b"")
    there = {NEW: Account(nonce=1)} if taken and salt is None else {}
    rejected(lie(monkeypatch, Machine, "is_occupied", wrong, code, accounts=there))


@pytest.mark.parametrize("taken", [True, False])
def test_a_transaction_collides_that_does_not_or_the_reverse(monkeypatch, taken):
    wrong = lambda self, address: not taken  # noqa: E731
    there = {contract_address(SENDER, 7): Account(nonce=1)} if taken else {}
    options = {"to": None, "data": INIT, "accounts": there, "value": 1}
    rejected(lie(monkeypatch, Machine, "is_occupied", wrong, b"", **options))


# Gas.


@pytest.mark.parametrize("name", ["INIT_CODE_WORD", "KECCAK256_WORD", "CODE_DEPOSIT_BYTE"])
@pytest.mark.parametrize("change", [-1, 1])
@EVERY
def test_another_cost(monkeypatch, name, change, salt):
    if name == "KECCAK256_WORD" and salt is None:
        pytest.skip("CREATE does not hash")
    rejected(lie(monkeypatch, gas, name, getattr(gas, name) + change, creation(salt=salt)))


@pytest.mark.parametrize("name", ["TRANSACTION_CREATE", "INIT_CODE_WORD"])
def test_another_cost_of_a_transaction(monkeypatch, name):
    options = {"to": None, "data": INIT}
    trace = lie(monkeypatch, gas, name, getattr(gas, name) - 1, b"", **options)
    rejected(trace)


@EVERY
@pytest.mark.parametrize("kept", [0, 1 / 64, 1 / 32])
def test_more_or_less_than_all_but_one_64th_is_given(monkeypatch, kept, salt):
    wrong = lambda left: left - int(left * kept) - (kept == 1 / 64)  # noqa: E731
    rejected(lie(monkeypatch, gas, "all_but_one_64th", wrong, creation(salt=salt)))
    code = creation(salt=salt, more=creation(salt=salt))  # a collision burns it
    rejected(lie(monkeypatch, gas, "all_but_one_64th", wrong, code))


# What runs, and what becomes of it.


@EVERY
def test_another_init_code_than_that_in_memory(monkeypatch, salt):
    wrong = lambda data: Code(data[:1] + b"\0" + data[2:])  # noqa: E731
    rejected(lie(monkeypatch, system, "Code", wrong, creation(salt=salt)))


def test_another_init_code_than_the_data(monkeypatch):
    wrong = lambda data: Code(data + b"\0")  # noqa: E731
    rejected(lie(monkeypatch, transition, "Code", wrong, b"", to=None, data=INIT))


@EVERY
@pytest.mark.parametrize(
    "wrong",
    [lambda d: Code(d + b"\0"), lambda d: Code(d[:-1]), lambda d: Code(b""), lambda d: Code(b"1")],
    ids=["longer", "shorter", "empty", "other"],
)
def test_another_code_than_was_returned(monkeypatch, wrong, salt):
    rejected(lie(monkeypatch, interpreter, "Code", wrong, creation(salt=salt)))
    trace = lie(monkeypatch, interpreter, "Code", wrong, b"", to=None, data=INIT)
    rejected(trace)


@pytest.mark.parametrize("first", [0xEF, 0xEE, 0])
@pytest.mark.parametrize("size", [1, 9])
def test_audit_A24_the_prefix_of_a_code(monkeypatch, first, size):
    """0xef accepted; another byte refused in its place."""
    code = creation(deploying(bytes((first,)) + bytes(size - 1)))
    refused = bytes((first ^ 1,)) if first == 0xEF else bytes((first,))
    rejected(lie(monkeypatch, interpreter, "INVALID_CODE_PREFIX", refused, code))


def test_audit_A24_a_prefix_hidden_in_the_rest_of_its_lane(monkeypatch):
    """Of 0xef and seven zeros: one more in the rest, and 0xef less a fraction in front."""
    code = creation(deploying(b"\xef" + bytes(7)))
    trace = lie(monkeypatch, interpreter, "INVALID_CODE_PREFIX", b"\xee", code)
    tables, public = tables_of(trace)
    first = (0xEF * 2**56 - 1) * pow(2**56, -1, MODULUS) % MODULUS
    inverse = pow(first - 0xEF, -1, MODULUS)
    hidden = {(0, "first"): first, (0, "rest[0]"): 1, (0, "inverse"): inverse}
    found = faults(altered(tables, "return_code", hidden), public)
    assert any("return_code row 0 request range16" in fault for fault in found)
    assert all(fault.startswith("range16") for fault in found)


@pytest.mark.parametrize(("limit", "size"), [(24_577, 24_577), (100, 101), (24_575, 24_576)])
def test_another_limit_of_code(limit, size):
    rules = dataclasses.replace(fork_named("Cancun"), max_code_size=limit)
    code = creation(program(size, 0, Op.RETURN))
    rejected(trace_of(code, rules=rules, gas_limit=9_000_000))


@EVERY
@pytest.mark.parametrize(("limit", "size"), [(49_153, 49_153), (100, 101)])
def test_another_limit_of_init_code(limit, size, salt):
    rules = dataclasses.replace(fork_named("Cancun"), max_init_code_size=limit)
    operands = (size, 0, 0, Op.CREATE) if salt is None else (salt, size, 0, 0, Op.CREATE2)
    rejected(trace_of(program(*operands), rules=rules, gas_limit=9_000_000))


@EVERY
@pytest.mark.parametrize("factor", [0, 2])
def test_another_value_moves(monkeypatch, factor, salt):
    honest = State.transfer
    wrong = lambda self, a, b, v: honest(self, a, b, v * factor if b != TARGET else v)  # noqa: E731
    rejected(lie(monkeypatch, State, "transfer", wrong, creation(salt=salt), value=ETHER))


@EVERY
def test_a_balance_that_is_not_too_little(monkeypatch, salt):
    honest = State.balance
    wrong = lambda self, a: 0 if a == TARGET else honest(self, a)  # noqa: E731
    end_lies_with_the_transaction(monkeypatch)
    rejected(lie(monkeypatch, State, "balance", wrong, creation(value=1, salt=salt)))


@EVERY
def test_the_depth(monkeypatch, salt):
    rejected(lie(monkeypatch, system, "MAX_DEPTH", 0, creation(salt=salt)))


@pytest.mark.parametrize(
    "op", [Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT], ids=["create", "create2", "selfdestruct"]
)
def test_audit_A17_in_a_static_frame(monkeypatch, op):
    inner = {
        Op.CREATE: program(0, 0, 0, Op.CREATE),
        Op.CREATE2: program(0, 0, 0, 0, Op.CREATE2),
        Op.SELFDESTRUCT: program(DEAD, Op.SELFDESTRUCT),
    }[op]
    accounts = {RUNNER: Account(balance=3, code=Code(inner))}
    code = program(0, 0, 0, 0, RUNNER, 300_000, Op.STATICCALL)
    trace = lie(
        monkeypatch, Frame, "require_not_static", lambda self: None, code, accounts=accounts
    )
    assert trace.frames.success.all()
    rejected(trace)


# The resumption.


@EVERY
@pytest.mark.parametrize("init", [INIT, FAILING, program(7, 0, Op.MSTORE, 9, 0, Op.REVERT)])
@pytest.mark.parametrize("what", ["result", "data", "no data", "gas"])
def test_another_result_or_output(monkeypatch, init, what, salt):
    honest = Machine._resume

    def wrong(self, frame, child):
        if what == "gas":
            child.gas += 1
        if what == "result":
            child.success = not child.success
        honest(self, frame, child)
        if what == "data":
            frame.return_data = child.output + b"1"
        if what == "no data":
            frame.return_data = b"" if frame.return_data else b"2"

    code = creation(init, salt=salt, more=program(Op.RETURNDATASIZE, 0, 0, Op.RETURNDATACOPY))
    rejected(lie(monkeypatch, Machine, "_resume", wrong, code))


def undeposited(self, frame):
    """No code is set and nothing is charged."""


@pytest.mark.parametrize("root", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_a_creation_that_ends_like_a_call(monkeypatch, root, told):
    """`return` in place of `return_code`, with the output told to the resumption, or not."""
    options = {"to": None, "data": INIT} if root else {}
    code = b"" if root else creation()
    trace = lie(monkeypatch, Machine, "_deposit", undeposited, code, **options)
    monkeypatch.setattr(Return, "accepts", lambda self, s: np.ones(len(s), np.bool_))
    if told:
        frames = trace.frames
        kind = np.where(np.isin(frames.kind, CREATES), frames.kind - 1, frames.kind)
        honest = Execution.outputs

        def outputs(self, found):
            pretended = dataclasses.replace(frames, kind=kind.astype(np.uint8))
            changed = dataclasses.replace(trace, frames=pretended)
            return honest(dataclasses.replace(self, trace=changed), found)

        monkeypatch.setattr(Execution, "outputs", outputs)
    rejected(trace)


def test_a_call_that_ends_like_a_creation(monkeypatch):
    """`return_code` in a frame of a call would set the code of the account."""
    accounts = {RUNNER: Account(code=Code(ANSWER))}
    trace = trace_of(program(0, 0, 0, 0, 0, RUNNER, 99_999, Op.CALL), accounts=accounts)
    monkeypatch.setattr(Return, "accepts", lambda self, s: np.zeros(len(s), np.bool_))
    monkeypatch.setattr(CreatingFrame, "accepts", lambda self, s: np.ones(len(s), np.bool_))
    rejected(trace)


@pytest.mark.parametrize("kind", [FrameKind.CALL, FrameKind.ROOT_CREATE])
def test_a_deposit_names_another_kind(kind):
    tables, public = tables_of(trace_of(creation()))
    assert cell(tables, "return_code", 0, "is_root") == 0
    changed = altered(tables, "return_code", {(0, "is_root"): (kind - 1) // 2})
    assert is_refused(changed, public)


# Cells of an honest creation.

CELLS = [
    *(("enter_create", column, by) for column, by in (
        ("success", -1), ("moves", -1), ("saved_undo", 1), ("share[0]", 1), ("available[0]", 1),
        ("next_nonce[0]", 1), ("nonce.nonce", 1), ("code_run.id", 1), ("init.sponge", 1),
        ("name_hash.hash.sponge", 1), ("name_hash.hash.low", 1), ("name_hash.form[0]", -1),
        ("name_hash.nonce[0]", 1), ("name_hash.creator[0]", 1), ("birth.code.store", 2),
        ("birth.life.had_storage", 1), ("birth.nonce.nonce", 1), ("this.undone", 1),
    )),
    *(("return_code", column, by) for column, by in (
        ("first", 1), ("rest[0]", 1), ("hash.sponge", 1), ("hash.lo", 1), ("account.store", 2),
        ("left[0]", 1), ("inverse", 1), ("small[0]", 1),
    )),
    *(("resume_create", column, by) for column, by in (
        ("success", -1), ("handed_back", 1), ("address.lo", 1), ("length", 1), ("callee", 1),
    )),
]  # fmt: skip


@pytest.fixture(scope="module")
def honest():
    return tables_of(trace_of(creation()))


@pytest.mark.parametrize(("table", "column", "by"), CELLS)
def test_another_cell(honest, table, column, by):
    tables, public = honest
    changed = {(0, column): cell(tables, table, 0, column) + by}
    assert is_refused(altered(tables, table, changed), public)


@pytest.mark.parametrize("nonce", [0, 1, 127, 128, 2**16])
def test_a_nonce_has_one_form(nonce):
    """With any other form the row has a broken constraint, or a number out of range."""
    accounts = {TARGET: Account(nonce=nonce, code=Code(creating(b"\0")))}
    tables, public = tables_of(trace_of(b"", accounts=accounts))
    forms = [f"name_hash.form[{k}]" for k in range(10)]
    (true,) = (f for f in forms if cell(tables, "enter_create", 0, f))
    for other in forms:
        if other != true:
            changed = altered(tables, "enter_create", {(0, true): 0, (0, other): 1})
            buses = {found.bus for found in kernels.imbalances(changed, public)}
            assert kernels.violations(changed) or RANGE16 in buses, other


# SELFDESTRUCT.


def dying(heir=DEAD):
    return program(heir, Op.SELFDESTRUCT)


def call(to, value=0):
    return program(0, 0, 0, 0, value, to, 200_000, Op.CALL, Op.POP)


def new_and_old(heir=DEAD):
    """A new account and an old one that destroy themselves, each called twice."""
    code = creating(deploying(dying(heir)), 2) + program(Op.POP)
    code += (call(NEW) + call(RUNNER, 1)) * 2 + program(heir, Op.BALANCE, NEW, Op.EXTCODEHASH)
    return code, {"accounts": {RUNNER: Account(balance=5, code=Code(dying(heir)))}, "value": 9}


@pytest.mark.parametrize("created", [True, False])
def test_destroyed_though_old_or_kept_though_new(monkeypatch, created):
    code, options = new_and_old()
    wrong = lambda self, address: created  # noqa: E731
    rejected(lie(monkeypatch, State, "is_created", wrong, code, **options))


@pytest.mark.parametrize("factor", [0, 2])
def test_audit_A23_selfdestruct_to_itself(monkeypatch, factor):
    """An old account doubles or loses its balance."""
    code, options = new_and_old(RUNNER)
    honest = State.transfer

    def wrong(self, sender, recipient, value):
        honest(self, sender, recipient, value)
        if sender == recipient:
            self.set_balance(recipient, self.balance(recipient) * factor)

    rejected(lie(monkeypatch, State, "transfer", wrong, code, **options))


def test_audit_A23_a_new_account_keeps_its_balance(monkeypatch):
    code, options = new_and_old(NEW)
    honest = State.set_balance
    wrong = lambda self, a, v: None if a == NEW and not v else honest(self, a, v)  # noqa: E731
    rejected(lie(monkeypatch, State, "set_balance", wrong, code, **options))


@pytest.mark.parametrize("factor", [0, 2])
def test_another_balance_is_given(monkeypatch, factor):
    code, options = new_and_old()
    honest = State.transfer

    def wrong(self, sender, recipient, value):
        if recipient == DEAD and value:
            self.set_balance(sender, 0)
            self.set_balance(recipient, self.balance(recipient) + value * factor)
        else:
            honest(self, sender, recipient, value)

    rejected(lie(monkeypatch, State, "transfer", wrong, code, **options))


@pytest.mark.parametrize("empty", [True, False])
def test_a_new_heir_or_an_old_one(monkeypatch, empty):
    heir = TARGET if empty else DEAD
    code, options = new_and_old(heir)
    honest = State.is_empty
    wrong = lambda self, a: empty if a == heir else honest(self, a)  # noqa: E731
    rejected(lie(monkeypatch, State, "is_empty", wrong, code, **options))


@pytest.mark.parametrize("change", [-1, 1])
def test_another_cost_of_a_cold_heir(monkeypatch, change):
    code, options = new_and_old(0xC01D)
    rejected(lie(monkeypatch, gas, "NEW_ACCOUNT", gas.NEW_ACCOUNT + change, code, **options))


def test_a_destroyed_account_is_left(monkeypatch):
    code, options = new_and_old()
    wrong = lambda self, address: None  # noqa: E731
    rejected(lie(monkeypatch, State, "mark_destroyed", wrong, code, **options))


def test_cells_of_the_end_and_of_the_destroyed():
    code, options = new_and_old()
    tables, public = tables_of(trace_of(code, **options))
    for table, changes in (
        ("destroy", {(0, "real"): 0}),
        ("destroy", {(0, "code.store"): 2}),
        ("destroy", {(0, "life.destroyed"): 0}),
        ("destroy", {(0, "address"): RUNNER}),
        ("end_transaction", {(0, "destroyed"): 0}),
        ("end_transaction", {(0, "list_end"): cell(tables, "end_transaction", 0, "list_end") - 1}),
        ("selfdestruct", {(0, "newly"): 0}),
        ("selfdestruct", {(0, "created.same"): 0}),
        ("selfdestruct", {(0, "to_itself"): 1}),
        ("selfdestruct", {(0, "gives"): 0}),
        ("selfdestruct", {(0, "stays"): 1}),
        ("selfdestruct", {(0, "touch.same"): 1}),
    ):
        row = changes.keys()
        assert all(cell(tables, table, r, c) != v for (r, c), v in changes.items()), row
        assert is_refused(altered(tables, table, changes), public), (table, changes)


def test_storage_of_a_destroyed_account_is_stated():
    """As kept, or at all: its slots are nobody's."""
    runtime = program(5, 1, Op.SSTORE) + dying()
    code = creating(deploying(runtime)) + program(Op.POP) + call(NEW)
    trace = trace_of(code)
    tables, _ = tables_of(trace)
    said = statement(fill(trace))
    for after in (0, 5):
        kept = dataclasses.replace(said, slots=(SlotChange(NEW, 1, 0, after),))
        assert is_refused(tables, kept.messages())
    changed = altered(tables, "slots", {(0, "alive"): 1})
    assert is_refused(changed, said.messages())


def test_audit_A14_halts_are_bound_to_their_opcodes():
    """The other opcode of a table of two."""
    code = program(0, 0, 0, 0, 0, RUNNER, 200_000, Op.CALL)
    inner = program(49_153, 0, 0, Op.CREATE)
    trace = trace_of(code, accounts={RUNNER: Account(code=Code(inner))})
    tables, public = tables_of(trace)
    assert is_refused(altered(tables, "init_code_too_large", {(0, "is_salted"): 1}), public)
