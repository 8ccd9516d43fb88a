"""Runs do what their instructions do one by one, and leave the same trace, compiled or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cases import case_of
from tests.support.transactions import SteppingRecorder, program
from tests.trace.test_trace import check_recorded_in_runs
from zkevm.evm import runs
from zkevm.evm.execute import execute
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.opcodes import ARITY, PUSH_DATA, Op
from zkevm.evm.runs import STRAIGHT

OTHERS = [Op.MLOAD, Op.MSTORE, Op.SLOAD, Op.GAS, Op.PC, Op.JUMPI, Op.EXP, Op.KECCAK256, Op.CALL]
WORDS = (0, 1, 2, 31, 255, 2**128 - 1, 2**255, 2**256 - 1)


@st.composite
def loops(draw):
    """Code that runs in a circle until its gas or the room on the stack ends."""
    straight = st.sampled_from(sorted(STRAIGHT))
    code = bytearray((Op.JUMPDEST,))
    for op in draw(st.lists(straight | st.sampled_from(OTHERS), min_size=1, max_size=90)):
        need = ARITY[op].inputs if draw(st.integers(0, 9)) else 0
        code += program(*draw(st.lists(st.sampled_from(WORDS), min_size=need, max_size=need)), op)
        code += draw(st.binary(min_size=PUSH_DATA[op], max_size=PUSH_DATA[op]))
    return bytes(code) + program(0, Op.JUMP)


@pytest.fixture(params=[1, 2, 5], ids="compiled after {}".format, autouse=True)
def compiled_early(request, monkeypatch):
    monkeypatch.setattr(runs, "COMPILED_AFTER", request.param)


@given(loops(), st.integers(21_000, 60_000))
def test_the_same_trace(code, gas_limit):
    case = case_of(OSAKA, (code,), gas_limit=gas_limit)
    stepped = SteppingRecorder()
    recorded = execute(case, stepped)
    check_recorded_in_runs(case, stepped.trace)
    assert execute(case).state_root == recorded.state_root
    assert execute(case).receipt == recorded.receipt
