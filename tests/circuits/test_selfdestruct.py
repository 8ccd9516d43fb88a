"""SELFDESTRUCT: honest executions are provable, lies about them are refused."""

import pytest

from circuits.machine import fill
from circuits.statement import statement
from tests.support.creations import ANSWER, creating, deploying
from tests.support.transactions import (
    COINBASE,
    ETHER,
    SENDER,
    TARGET,
    is_refused,
    program,
    tables_of,
    trace_of,
)
from zkevm.evm.code import Code
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account

OLD, OTHER, DEAD = 0x01D, 0x07E4, 0xDEAD
HEIRS = (OTHER, DEAD, OLD, TARGET, SENDER, COINBASE, 3)


def proven(trace):
    assert not is_refused(*tables_of(trace))
    return trace


def call(to, value=0, gas=200_000, op=Op.CALL):
    return program(0, 0, 0, 0, *((value,) if op is Op.CALL else ()), to, gas, op, Op.POP)


def dying(heir):
    return program(heir, Op.SELFDESTRUCT)


def old(heir, balance=5):
    return {OLD: Account(balance=balance, code=Code(dying(heir))), OTHER: Account(balance=1)}


ENDS = [(), (0, 0, Op.REVERT)]


@pytest.mark.parametrize("end", ENDS, ids=["kept", "undone"])
@pytest.mark.parametrize("heir", HEIRS)
@pytest.mark.parametrize("balance", [0, 5])
def test_an_old_account_gives_its_balance_away(heir, balance, end):
    code = call(OLD) + call(OLD) + program(OLD, Op.BALANCE, heir, Op.BALANCE, *end)
    trace = proven(trace_of(code, accounts=old(heir, balance), value=3))
    assert trace.post.accounts[OLD].code_hash == Code(dying(heir)).hash


def test_the_root_destroys_itself():
    for heir in (TARGET, DEAD):
        proven(trace_of(dying(heir), value=7))


@pytest.mark.parametrize("op", [Op.DELEGATECALL, Op.STATICCALL])
def test_in_the_name_of_another_and_in_a_static_frame(op):
    proven(trace_of(call(OLD, op=op) + program(Op.SELFBALANCE), accounts=old(DEAD)))


@pytest.mark.parametrize("end", ENDS, ids=["kept", "undone"])
@pytest.mark.parametrize("value", [0, 3])
@pytest.mark.parametrize("heir", [OTHER, DEAD, TARGET, None, COINBASE])
def test_a_new_account_is_destroyed(heir, value, end):
    """In its own creation, or in two calls later."""
    new = contract_address(TARGET, 0)
    own = new if heir is None else heir
    code = creating(deploying(dying(own)), value) + program(Op.POP)
    code += call(new, 1) + call(new, 2) + program(new, Op.EXTCODEHASH, new, Op.BALANCE)
    code += creating(dying(own), value) + program(*end)
    trace = trace_of(code, value=ETHER, accounts={OTHER: Account(balance=1)}, gas_limit=3_000_000)
    proven(trace)
    found = statement(fill(trace))
    for address in (new, contract_address(TARGET, 1)):
        (account,) = (a for a in found.accounts if a.address == address)
        assert account.after == account.before


def test_storage_goes_with_the_account():
    new = contract_address(TARGET, 0)
    runtime = program(5, 1, Op.SSTORE, 2, Op.SLOAD, 3, 1, Op.TSTORE) + dying(DEAD)
    code = creating(deploying(runtime, program(7, 3, Op.SSTORE)), 2) + program(Op.POP)
    trace = proven(trace_of(code + call(new) + call(new), value=9))
    assert not statement(fill(trace)).slots


def test_marks_are_undone_with_a_frame():
    new = contract_address(TARGET, 0)
    runner = Account(code=Code(call(new) + call(new) + program(0, 0, Op.REVERT)))
    code = creating(deploying(dying(DEAD)), 2) + program(Op.POP) + call(OTHER) + call(new, 1)
    proven(trace_of(code, value=9, accounts={OTHER: runner}))
    code = creating(deploying(dying(DEAD)), 2) + program(Op.POP) + call(OTHER)
    trace = proven(trace_of(code, value=9, accounts={OTHER: runner}))
    assert trace.post.accounts[new].code_hash != 0
    assert new in {a.address for a in statement(fill(trace)).accounts}


def test_the_coinbase_is_destroyed_after_it_is_paid():
    new = contract_address(TARGET, 0)
    for fees in ((30, 2), (10, 0)):
        code = creating(deploying(dying(new)), 2) + program(Op.POP) + call(new, 1)
        trace = proven(trace_of(code, value=9, coinbase=new, fees=fees))
        assert trace.post.accounts[new].balance == 0


def test_a_creation_transaction_destroys_what_it_creates():
    proven(trace_of(b"", to=None, data=dying(DEAD), value=4))
    proven(trace_of(b"", to=None, data=creating(deploying(ANSWER), 1) + dying(SENDER), value=4))
