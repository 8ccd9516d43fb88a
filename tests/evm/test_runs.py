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
def instructions(draw):
    """An instruction, mostly with operands, wherever it is."""
    op = draw(st.sampled_from(sorted(STRAIGHT)) | st.sampled_from(OTHERS))
    need = ARITY[op].inputs if draw(st.integers(0, 9)) else 0
    words = draw(st.lists(st.sampled_from(WORDS), min_size=need, max_size=need))
    code = program(*words, op) + draw(st.binary(min_size=PUSH_DATA[op], max_size=PUSH_DATA[op]))
    return lambda _: code


@st.composite
def jumps(draw):
    """A jump a bit further, given where it is; some go differently from turn to turn."""
    bits = draw(st.sampled_from((0, 1, 2, 8, 255)))
    condition = program(Op.GAS, bits, Op.AND) if draw(st.booleans()) else b""
    aside = program(Op.GAS, 1, Op.AND, Op.ADD) if draw(st.booleans()) else b""
    jump = Op.JUMPI if condition else Op.JUMP
    passed = draw(st.lists(st.sampled_from((Op.PUSH0, Op.JUMPDEST)), max_size=3))
    after = bytes((jump, *passed, Op.JUMPDEST, Op.JUMPDEST))

    def code(at):
        target = at + len(condition) + 3 + len(aside) + 1 + len(passed)
        return condition + bytes((Op.PUSH2, *target.to_bytes(2, "big"))) + aside + after

    return code


@st.composite
def loops(draw, pieces):
    """Code that runs in a circle until its gas or the room on the stack ends."""
    code = bytes((Op.JUMPDEST,))
    for piece in draw(st.lists(pieces, min_size=1, max_size=90)):
        code += piece(len(code))
    return code + program(0, Op.JUMP)


@pytest.fixture(params=[1, 2, 5], ids="compiled after {}".format, autouse=True)
def compiled_early(request, monkeypatch):
    monkeypatch.setattr(runs, "COMPILED_AFTER", request.param)


@given(loops(instructions() | jumps()) | loops(jumps()), st.integers(21_000, 60_000))
def test_the_same_trace(code, gas_limit):
    case = case_of(OSAKA, (code,), gas_limit=gas_limit)
    stepped = SteppingRecorder()
    recorded = execute(case, stepped)
    check_recorded_in_runs(case, stepped.trace)
    assert execute(case).state_root == recorded.state_root
    assert execute(case).receipt == recorded.receipt
