"""Exceptional halts that any opcode may meet: honest ones balance, others are rejected."""

import pytest

from circuits.gadgets.halts import FixedGas
from tests.support.transactions import altered, faults, program, tables_of, trace_of
from zkevm.evm.code import Code
from zkevm.evm.events import Halt
from zkevm.evm.frame import Frame
from zkevm.evm.halt import ExceptionalHalt
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account

CALLEE = 0xBEEF
FULL = b"".join(program(n) for n in range(1024))
PUSHED_JUMPDEST = bytes([Op.PUSH2, Op.JUMPDEST, Op.JUMPDEST])

HALTS = {
    "invalid": program(1, Op.INVALID),
    "undefined": program(1) + b"\x0c",
    "clz": program(1, Op.CLZ),
    "underflow": program(1, Op.ADD),
    "underflow of a swap": program(1, 2, 3, Op.SWAP3),
    "underflow of a dup": program(1, 2, 3, Op.DUP4),
    "underflow at once": program(Op.SSTORE),
    "overflow": FULL + program(1),
    "overflow of a dup": FULL + program(Op.DUP16),
    "jump past the end": program(5, Op.JUMP),
    "jump far": program(2**200, Op.JUMP),
    "jump into data": PUSHED_JUMPDEST + program(1, Op.JUMP),
    "jump to another instruction": program(0, Op.JUMP),
    "conditional jump past the end": program(2**128, 50, Op.JUMPI),
    "conditional jump into data": PUSHED_JUMPDEST + program(7, 2, Op.JUMPI),
}


def check(trace):
    assert faults(*tables_of(trace)) == []


@pytest.mark.parametrize("name", HALTS)
def test_halts_of_the_root_and_of_a_call(name):
    code = HALTS[name]
    trace = trace_of(code)
    assert not trace.receipt.success
    check(trace)
    call = program(0, 0, 0, 0, 0, CALLEE, 100_000, Op.CALL, 3, Op.SLOAD)
    check(trace_of(call, accounts={CALLEE: Account(nonce=1, code=Code(code))}))


@pytest.mark.parametrize(
    ("code", "left"),
    [
        (program(1, 2, Op.ADD), 2),
        (program(1), 0),
        (program(Op.JUMPDEST), 0),
        (program(1, 1, Op.TSTORE), 99),
        (program(1, 1, Op.EXP), 9),
    ],
)
def test_less_gas_than_the_fixed_cost(code, left):
    rows = trace_of(code).rows
    limit = 1_000_000 - int(rows.gas[-2]) + left
    trace = trace_of(code, gas_limit=limit)
    assert not trace.receipt.success
    check(trace)


@pytest.mark.parametrize(
    ("halt", "hint"),
    [
        (Halt.INVALID_OPCODE, "opcode"),
        (Halt.STACK_UNDERFLOW, "range16"),
        (Halt.STACK_OVERFLOW, "range16"),
        (Halt.OUT_OF_GAS, "range16"),
        (Halt.STATIC_VIOLATION, "frame_context"),
    ],
)
def test_audit_A14_halts_that_are_not_due(monkeypatch, halt, hint):
    """An instruction that has all it needs halts."""

    def lie(self):
        raise ExceptionalHalt(halt)

    monkeypatch.setattr(Frame, "require_not_static", lie)
    monkeypatch.setattr(FixedGas, "accepts", lambda self, s: s.gas >= 0)
    trace = trace_of(program(1, 1, Op.TSTORE), gas_limit=21_000 + 6 + 100)
    assert not trace.receipt.success
    found = faults(*tables_of(trace))
    assert any(hint in fault for fault in found), found


@pytest.mark.parametrize("code", [program(3, Op.JUMP), program(1, 5, Op.JUMPI)])
def test_jump_that_halts_although_it_need_not(monkeypatch, code):
    monkeypatch.setattr(Code, "jump_destinations", frozenset())
    trace = trace_of(code + program(Op.JUMPDEST))
    assert not trace.receipt.success
    found = faults(*tables_of(trace))
    assert any("no JUMPDEST" in fault for fault in found), found


def test_halt_of_a_jump_that_is_not_taken():
    """The condition is said not to be zero."""
    tables, public = tables_of(trace_of(program(1, 50, Op.JUMPI)))
    lie = altered(tables, "invalid_jumpi", {(0, "condition.lo"): 0})
    assert any("a half differs" in fault for fault in faults(lie, public))
    lie = altered(tables, "invalid_jumpi", {(0, "refused"): 1, (0, "condition.lo"): 0})
    assert any("condition is met" in fault for fault in faults(lie, public))
