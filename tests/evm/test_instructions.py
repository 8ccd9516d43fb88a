"""Instructions on edge words, and rules that random programs seldom reach."""

from dataclasses import replace

import pytest

from tests.support.cases import ETHER, case_of
from tests.support.programs import CONTRACTS, push
from zkevm.evm.code import Code
from zkevm.evm.execute import execute
from zkevm.evm.forks import FORKS
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.forks.prague import PRAGUE
from zkevm.evm.opcodes import ARITY, STACK_LIMIT, Op
from zkevm.evm.state import Account
from zkevm.trace.recorder import record
from zkevm.trace.trace import CallOutcome, Halt
from zkevm.trace.words import ints_from_words

EDGES = [0, 1, 2, 3, 255, 256, 2**64, 2**128 - 1, 2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1]
MODULUS = 2**256


def result(op: Op, *operands: int) -> int:
    """Return what the opcode pushes, the first operand being on top."""
    program = b"".join(push(word) for word in reversed(operands)) + bytes((op,))
    _, trace = record(case_of(OSAKA, [program]))
    assert trace.receipt.success
    return ints_from_words(trace.written.words)[-1]


@pytest.mark.parametrize("word", EDGES)
def test_of_one_word(word):
    assert result(Op.NOT, word) == MODULUS - 1 - word
    assert result(Op.ISZERO, word) == int(word == 0)
    assert result(Op.CLZ, word) == len(f"{word:0256b}".split("1", maxsplit=1)[0])


@pytest.mark.parametrize("modulus", EDGES)
def test_of_three_words(modulus):
    for lhs in (0, 2, 2**255, MODULUS - 1):
        for rhs in (1, 3, MODULUS - 1):
            total = (lhs + rhs) % modulus if modulus else 0
            product = (lhs * rhs) % modulus if modulus else 0
            assert result(Op.ADDMOD, lhs, rhs, modulus) == total
            assert result(Op.MULMOD, lhs, rhs, modulus) == product


@pytest.mark.parametrize("op", [op for op in ARITY if op is not Op.INVALID])
def test_stack_bounds(op):
    """One word too few underflows; a full stack overflows where the stack would grow."""
    inputs, outputs, _ = ARITY[op]
    if inputs:
        _, trace = record(case_of(OSAKA, [push(0) * (inputs - 1) + bytes((op,))]))
        assert trace.frames.halt[0] == Halt.STACK_UNDERFLOW
    _, trace = record(case_of(OSAKA, [push(0) * STACK_LIMIT + bytes((op,))]))
    assert (trace.frames.halt[0] == Halt.STACK_OVERFLOW) == (outputs > inputs)


def test_opcodes_of_a_fork():
    """CLZ is Osaka's; bytes that are no opcode halt in every fork."""
    for fork in FORKS.values():
        _, trace = record(case_of(fork, [push(1) + bytes((Op.CLZ,))]))
        assert trace.receipt.success == (fork is OSAKA)
        for byte in set(range(256)) - set(ARITY):
            _, trace = record(case_of(fork, [bytes((byte,))]))
            assert trace.frames.halt[0] == Halt.INVALID_OPCODE


@pytest.mark.parametrize(("left", "success"), [(2_300, False), (2_301, True)])
def test_storage_needs_more_than_a_stipend(left, success):
    """SSTORE of an unchanged warm value costs 100, but must have more than 2,300."""
    program = push(1) + bytes((Op.SLOAD, Op.POP)) + push(0) + push(1) + bytes((Op.SSTORE,))
    before = 21_000 + 3 + 2_100 + 2 + 2 + 3
    assert execute(case_of(PRAGUE, [program], gas_limit=before + left)).receipt.success == success


@pytest.mark.parametrize("new", [False, True])
def test_destroying_to_oneself(new):
    """Balance given to oneself is burnt only by an account made in this transaction."""
    program = bytes((Op.ADDRESS, Op.SELFDESTRUCT))
    case = case_of(PRAGUE, [program], value=5)
    if new:
        case = case_of(PRAGUE, [], to=None, data=program, value=5)
    execution, trace = record(case)
    assert execution.receipt.success
    address = ints_from_words(trace.frames.address)[0]
    account = trace.post.accounts[address]
    assert account.balance == (0 if new else ETHER + 5)
    assert account.nonce == (0 if new else 1)


def test_balance_given_to_oneself_is_burnt_at_once():
    """The creator sees it gone before the transaction ends."""
    init = bytes((Op.ADDRESS, Op.SELFDESTRUCT))
    create = push(int.from_bytes(init, "big")) + bytes((Op.PUSH0, Op.MSTORE))
    create += push(len(init)) + push(32 - len(init)) + push(5) + bytes((Op.CREATE, Op.BALANCE))
    _, trace = record(case_of(PRAGUE, [create]))
    assert trace.frames.halt.tolist() == [Halt.STOP, Halt.SELFDESTRUCT]
    assert ints_from_words(trace.written.words)[-1] == 0


def test_calls_stop_at_the_greatest_depth():
    """A contract that calls itself gets 1,024 frames below the root; the last call pushes 0."""
    program = bytes((*(Op.PUSH0,) * 5, Op.ADDRESS, Op.GAS, Op.CALL))
    case = case_of(PRAGUE, [program], gas_limit=2**50)
    environment = replace(case.environment, gas_limit=2**50)
    _, trace = record(replace(case, environment=environment))
    assert len(trace.frames) == 1025
    assert trace.frames.depth.max() == 1024
    assert trace.calls.outcome.tolist() == [CallOutcome.DEPTH_OR_BALANCE_FAIL]
    assert trace.frames.success.all()


def test_delegation_is_followed_once():
    """A call to a delegated account runs the other's code on the account itself."""
    address_of = bytes((Op.ADDRESS, Op.PUSH0, Op.SSTORE))
    call = bytes((Op.PUSH0,) * 5) + push(CONTRACTS[1]) + bytes((Op.GAS, Op.CALL))
    delegation = Code(bytes.fromhex("ef0100") + CONTRACTS[2].to_bytes(20, "big"))
    case = case_of(PRAGUE, [call, b"", address_of])
    case = replace(case, pre={**case.pre, CONTRACTS[1]: Account(1, 0, delegation)})
    execution, trace = record(case)
    assert execution.state.storage(CONTRACTS[1], 0) == CONTRACTS[1]
    assert ints_from_words(trace.frames.code_address)[1] == CONTRACTS[2]
    chained = Code(bytes.fromhex("ef0100") + CONTRACTS[1].to_bytes(20, "big"))
    case = replace(case, pre={**case.pre, CONTRACTS[2]: Account(1, 0, chained)})
    _, trace = record(case)
    assert trace.frames.halt[1] == Halt.INVALID_OPCODE
