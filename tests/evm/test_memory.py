"""Memory while nobody listens: as much as the live state needs, however many steps there are."""

import tracemalloc

import pytest

from tests.support.cases import case_of
from tests.support.programs import CONTRACTS
from tests.support.transactions import program
from zkevm.evm.execute import execute
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.opcodes import Op

FEW, MANY = 2_000_000, 10_000_000
"""Of gas: with the less every run is compiled."""
SLACK = 20_000
"""Bytes."""

CALLEE = program(1, 0, Op.SSTORE, 2, 0, Op.TSTORE, Op.STOP)
REVERTING_CALLEE = program(1, 0, Op.SSTORE, 0, 0, Op.REVERT)
BODIES = {
    "arithmetic and memory": program(3, 5, Op.MUL, 64, Op.MSTORE),
    "storage": program(Op.GAS, 0, Op.SSTORE, Op.GAS, 0, Op.TSTORE),
    "calls": program(0, 0, 0, 0, 1, CONTRACTS[1], Op.GAS, Op.CALL, Op.POP),
    "calls that revert": program(0, 0, 0, 0, 1, CONTRACTS[2], Op.GAS, Op.CALL, Op.POP),
    "hashes": program(32, 0, Op.KECCAK256, 0, Op.MSTORE),
}


def peak(body: bytes, gas_limit: int) -> int:
    """The most memory that is in use while the body runs in a loop until its gas ends."""
    code = bytes((Op.JUMPDEST,)) + body + program(0, Op.JUMP)
    case = case_of(CANCUN, (code, CALLEE, REVERTING_CALLEE), gas_limit=gas_limit)
    tracemalloc.start()
    execution = execute(case)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert execution.receipt.gas_used == gas_limit
    return most


@pytest.mark.parametrize("name", BODIES)
def test_memory_does_not_grow_with_the_steps(name):
    peak(BODIES[name], FEW)
    assert peak(BODIES[name], MANY) < peak(BODIES[name], FEW) + SLACK
