"""Every opcode halts in every way that it can: some gadget proves it, whatever the shortfall.

What an opcode can do is found by executing it: on an empty and on a full stack, in a static frame,
and with every kind of gas that does not reach, on operands that make it dear.
"""

from itertools import pairwise

import pytest

from circuits.execution.execution import executions
from circuits.machine import assign
from tests.support.transactions import ETHER, faults, program, tables_of, trace_of
from zkevm.evm import gas
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import ARITY, Op, max_stack, min_stack
from zkevm.evm.state import Account
from zkevm.trace.trace import Halt

CALLEE, OTHER, DELEGATED, DEAD = 0xCA11EE, 0x07E4, 0xDE1E, 0xDEAD
PLENTY = 700_000
DATA = bytes(range(1, 70))

WRITES = {Op.SSTORE, Op.TSTORE, Op.SELFDESTRUCT, Op.CREATE, Op.CREATE2, Op.CALL}
WRITES |= {Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4}
DYNAMIC = {
    *(Op.EXP, Op.KECCAK256, Op.SLOAD, Op.SSTORE, Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH),
    *(Op.CALLDATACOPY, Op.CODECOPY, Op.RETURNDATACOPY, Op.EXTCODECOPY, Op.MCOPY),
    *(Op.MLOAD, Op.MSTORE, Op.MSTORE8, Op.RETURN, Op.REVERT),
    *(Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4),
    *(Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL),
    *(Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT),
}

DEAR = {
    Op.EXP: ((2**256 - 1, 2**256 - 1), (0, 255), *((3, 256**k) for k in (0, 1, 15, 16, 31))),
    Op.KECCAK256: ((100, 1000), (0, 2**20), (0, 2**50), (2**130, 1)),
    Op.SLOAD: ((1,), (5,)),
    Op.SSTORE: ((1, 0), (5, 7), (1, 3), (5, 0)),
    **dict.fromkeys((Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH), ((DEAD,), (CALLEE,), (3,))),
    **dict.fromkeys((Op.CALLDATACOPY, Op.CODECOPY), ((50, 3, 900), (0, 2**200, 2**21))),
    Op.RETURNDATACOPY: ((70, 0, 0),),
    Op.EXTCODECOPY: (
        *((DEAD, 50, 3, 900), (3, 50, 3, 900), (CALLEE, 0, 0, 0), (CALLEE, 0, 0, 2**21)),
        *((DEAD, 2**60, 0, 1), (DEAD, 0, 0, 2**200), (DEAD, 2**200, 0, 1)),
    ),
    Op.MCOPY: ((900, 3, 50), (3, 900, 50), (0, 0, 2**21), (2**60, 0, 1), (0, 2**200, 1)),
    Op.CREATE: ((0, 900, 50), (3, 2**60, 1), (0, 0, 49_152)),
    Op.CREATE2: ((0, 900, 50, 7), (3, 2**60, 1, 7), (0, 0, 49_152, 7)),
    Op.SELFDESTRUCT: ((DEAD,), (CALLEE,), (OTHER,), (3,), (2**200 + DEAD,)),
    Op.MLOAD: ((900,), (2**60,), (2**200,)),
    **dict.fromkeys((Op.MSTORE, Op.MSTORE8), ((900, 1), (2**60, 1), (2**200, 1))),
    **dict.fromkeys((Op.RETURN, Op.REVERT), ((900, 50), (2**60, 1), (0, 2**200))),
    **{Op.LOG0 + n: ((50, 900, *range(n)), (2**60, 1, *range(n))) for n in range(5)},
    **dict.fromkeys(
        (Op.CALL, Op.CALLCODE),
        (
            *((9, to, 0, 40, 50, 0, 900) for to in (DEAD, OTHER, DELEGATED)),
            *((9, to, 1, 40, 50, 0, 900) for to in (DEAD, OTHER, DELEGATED)),
            *((9, 3, 1, 40, 50, 2**60, 1), (2**256 - 1, DEAD, 1, 2**200, 1, 0, 0)),
        ),
    ),
    **dict.fromkeys(
        (Op.DELEGATECALL, Op.STATICCALL),
        (
            *((9, to, 900, 50, 0, 40) for to in (DEAD, OTHER, DELEGATED)),
            *((9, 3, 40, 50, 2**60, 1), (2**256 - 1, DEAD, 2**200, 1, 0, 0)),
        ),
    ),
}


def operands(op):
    """Operands to try, top first: by default ones."""
    return DEAR.get(op, ((1,) * min_stack(op),))


def run(code, fork, gas_limit=PLENTY, op=Op.CALL):
    """A transaction that calls the code with so much gas."""
    accounts = {
        CALLEE: Account(balance=5, code=Code(code), storage={1: 2}),
        OTHER: Account(code=Code(program(1, 2, Op.ADD))),
    }
    if fork != "Cancun":
        accounts[DELEGATED] = Account(code=delegation_to(OTHER))
    data = (len(DATA), 0)
    outer = program(0, 0, *data, *((0,) if op is Op.CALL else ()), CALLEE, gas_limit, op)
    return trace_of(outer, accounts=accounts, value=ETHER, fork=fork)


def claimed(trace):
    """How the inner frame halted; a gadget proves it."""
    assign(*executions([trace]))
    return Halt(int(trace.frames.halt[1]))


def short_of_gas(code, fork):
    """The most gas with which the code runs out of it, and amounts below; none if it never does."""
    low, high = 0, PLENTY
    while low < high:
        middle = (low + high) // 2
        if run(code, fork, middle).frames.halt[1] == Halt.OUT_OF_GAS:
            low = middle + 1
        else:
            high = middle
    return low - 1


def instructions(fork):
    """What is executed, by opcode; one byte that is none stands for the others."""
    known = [op for op in ARITY if op in FORKS[fork].instructions]
    return [op for op in known if not Op.PUSH3 <= op <= Op.PUSH31]


@pytest.mark.parametrize("fork", FORKS)
def test_stack(fork):
    full = program(*[0] * 1024)
    for op in instructions(fork):
        if min_stack(op):
            few = program(*[1] * (min_stack(op) - 1))
            assert claimed(run(few + bytes([op]), fork)) is Halt.STACK_UNDERFLOW, op
        if max_stack(op) < 1024:
            assert claimed(run(full + bytes([op]), fork)) is Halt.STACK_OVERFLOW, op


@pytest.mark.parametrize("fork", FORKS)
def test_opcodes_that_are_none(fork):
    for byte in range(256):
        if byte not in FORKS[fork].instructions:
            assert claimed(run(bytes([byte]), fork)) is Halt.INVALID_OPCODE, byte


@pytest.mark.parametrize("fork", FORKS)
def test_static(fork):
    for op in instructions(fork):
        for words in operands(op):
            trace = run(program(*words[::-1], op), fork, op=Op.STATICCALL)
            halt = claimed(trace)
            moves = op is not Op.CALL or words[2]
            assert (halt is Halt.STATIC_VIOLATION) == (op in WRITES and bool(moves)), op


def test_flow():
    for op, words in ((Op.JUMP, (0,)), (Op.JUMPI, (0, 1)), (Op.JUMP, (2**200,))):
        assert claimed(run(program(*words[::-1], op), "Cancun")) is Halt.INVALID_JUMP
    code = program(1, 0, 0, Op.RETURNDATACOPY)
    assert claimed(run(code, "Cancun")) is Halt.RETURNDATA_OUT_OF_BOUNDS


GAS_CASES = [
    pytest.param("Osaka", op, words, id=f"{op.name}-{number}")
    for op in instructions("Osaka")
    for number, words in enumerate(operands(op))
]


@pytest.mark.parametrize(("fork", "op", "words"), GAS_CASES)
def test_out_of_gas(fork, op, words):
    before = program(*words[::-1])
    code = before + bytes([op])
    most = short_of_gas(code, fork)
    paid = gas.VERY_LOW * len(words) - sum(1 for word in words if word == 0)
    start = paid if most >= paid else 0
    amounts = {start, start + 1, (start + most) // 2, most - 2700, most - 1, most}
    if op in DYNAMIC or ARITY[Op(op)].fixed_gas:
        assert most >= paid
    for amount in sorted(a for a in amounts if start <= a <= most):
        trace = run(code, fork, amount)
        assert claimed(trace) is Halt.OUT_OF_GAS
        if amount == most:
            assert faults(*tables_of(trace)) == []


def test_the_amounts_are_different():
    """The boundaries of an EXP are where its exponent grows by a byte."""
    dear = [short_of_gas(program(256**k, 3, Op.EXP), "Cancun") for k in (0, 1, 2, 16)]
    assert [b - a for a, b in pairwise(dear)] == [50, 50, 14 * 50]
