"""A trace says everything: what it leaves out follows from it."""

import dataclasses
import json
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evm.test_state_tests import TRANSACTIONS
from tests.support.cases import case_of
from tests.support.programs import CONTRACTS, programs, push
from zkevm.evm.execute import execute
from zkevm.evm.forks import FORKS
from zkevm.evm.frame import Frame
from zkevm.evm.keccak import EMPTY_HASH
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.statetest import TestCase, load_cases
from zkevm.evm.transaction import Log
from zkevm.trace.eip3155 import lines
from zkevm.trace.recorder import TraceRecorder, record
from zkevm.trace.replay import memory, stacks
from zkevm.trace.trace import (
    BEGIN,
    RESUME,
    AccountState,
    FrameKind,
    Halt,
    StateEventKind,
    Trace,
)
from zkevm.trace.words import ints_from_words

SMALL = [name for name in TRANSACTIONS if not name.startswith(("heavy", "eip7702_batch"))]


class Witness(TraceRecorder):
    """Keeps the stack before each row and the memory after each frame, to compare with."""

    every_step = True

    def __init__(self) -> None:
        super().__init__()
        self.stacks: list[list[int]] = []
        self.memories: dict[int, bytes] = {}

    def step(self, frame: Frame, pc: int, op: int) -> None:
        self.stacks.append(list(frame.stack))
        super().step(frame, pc, op)

    def frame_ended(self, frame: Frame) -> None:
        self.memories[frame.index] = bytes(frame.memory)
        super().frame_ended(frame)


def check(case: TestCase) -> Trace:
    """Check all invariants on the trace of a case."""
    witness = Witness()
    execute(case, witness)
    trace = witness.trace
    check_recorded_in_runs(case, trace)
    assert [list(stack) for stack in stacks(trace)] == witness.stacks
    check_memory(trace, witness.memories)
    check_shape(trace)
    check_gas(trace)
    check_state(trace)
    logs = tuple(Log(log.address, log.topics, log.data) for log in trace.logs)
    assert logs == trace.receipt.logs
    return trace


def check_recorded_in_runs(case: TestCase, stepped: Trace) -> None:
    """The trace is the same if instructions are not run one by one."""
    _, trace = record(case)
    for part in ("rows", "written", "memory", "state", "frames", "refunds"):
        expected = getattr(stepped, part)
        for column in dataclasses.fields(expected):
            ours, theirs = (getattr(p, column.name) for p in (getattr(trace, part), expected))
            assert ours.dtype == theirs.dtype
            assert np.array_equal(ours, theirs), f"{part}.{column.name}"
    assert trace.post == stepped.post
    assert trace.receipt == stepped.receipt


def check_memory(trace: Trace, memories: dict[int, bytes]) -> None:
    for frame, expected in memories.items():
        written = memory(trace, frame)
        assert expected.startswith(written)
        assert not any(expected[len(written) :])


def check_shape(trace: Trace) -> None:
    rows, frames = trace.rows, trace.frames
    count = len(rows)
    assert all(
        len(column) == count for column in (rows.frame, rows.pc, rows.gas, rows.sp, rows.msize)
    )
    assert np.all(np.diff(trace.written.row.astype(np.int64)) >= 0)
    assert np.all(np.diff(trace.state.row) >= 0)
    assert int(trace.memory.count.sum()) == len(trace.memory.words)
    assert len(trace.hashes) == sum(
        int(op == Op.KECCAK256 and not failed)
        for op, failed in zip(rows.op, failing_rows(trace), strict=True)
    )
    for frame in range(len(frames)):
        first, end = int(frames.first_row[frame]), int(frames.end_row[frame])
        if end < 0:  # a root that could not start
            continue
        assert rows.frame[first] == rows.frame[end] == frame
        assert rows.gas[first] == frames.gas_start[frame]
        assert (rows.pc[first], rows.sp[first], rows.msize[first]) == (0, 0, 0)
        if frames.parent[frame] >= 0:
            assert rows.frame[frames.call_row[frame]] == frames.parent[frame]
            assert rows.op[end + 1] == RESUME
            assert rows.frame[end + 1] == frames.parent[frame]
            assert rows.pc[end + 1] == rows.pc[frames.call_row[frame]]
        if frames.code[frame] < 0:
            assert first == end
            assert rows.op[first] == Op.STOP


def failing_rows(trace: Trace) -> np.ndarray:
    """Which rows halt exceptionally."""
    failing = np.zeros(len(trace.rows), bool)
    frames = trace.frames
    deposit = (Halt.INVALID_CODE, Halt.CODE_TOO_LARGE, Halt.OUT_OF_GAS)
    for end, halt in zip(frames.end_row, frames.halt, strict=True):
        if end >= 0 and halt >= Halt.OUT_OF_GAS:
            failing[end] = trace.rows.op[end] != Op.RETURN or halt not in deposit
    return failing


def check_gas(trace: Trace) -> None:
    """Gas falls by the fixed cost at least, and rises only by what a child hands back."""
    rows, frames = trace.rows, trace.frames
    child_ended = {int(end) + 1: frame for frame, end in enumerate(frames.end_row)}
    last: dict[int, int] = {}
    for row, (frame, op, gas) in enumerate(
        zip(rows.frame.tolist(), rows.op.tolist(), rows.gas.tolist(), strict=True)
    ):
        if frame in last:
            before = last[frame]
            previous = int(rows.op[before])
            paid = int(rows.gas[before]) - gas
            if previous == RESUME:
                assert paid == -int(frames.gas_end[child_ended[before]])
            elif op == RESUME:
                child = child_ended[row]
                stipend = 2300 if frames.value[child].any() else 0
                keeps_value = frames.call_op[child] in (Op.CALL, Op.CALLCODE)
                given = int(frames.gas_start[child]) - (stipend if keeps_value else 0)
                assert paid >= given + ARITY[Op(previous)].fixed_gas
            elif previous in GAS_FIXED:
                assert paid == ARITY[Op(previous)].fixed_gas
        last[frame] = row


GAS_FIXED = frozenset(
    op
    for op in ARITY
    if ARITY[op].fixed_gas
    and op
    not in {
        *(Op.EXP, Op.KECCAK256, Op.CALLDATACOPY, Op.CODECOPY, Op.RETURNDATACOPY, Op.MCOPY),
        *(Op.MLOAD, Op.MSTORE, Op.MSTORE8, Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT),
        *(Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4),
    }
)


def check_state(trace: Trace) -> None:
    """Each event starts from what the one before left, failed frames undone; it ends in `post`."""
    values = initial_values(trace)
    undo: list[tuple[tuple, int]] = []
    marks: dict[int, int] = {}
    frames = trace.frames
    opened = {int(row): frame for frame, row in enumerate(frames.call_row)}
    ended = {int(row): frame for frame, row in enumerate(frames.end_row)}
    events = by_row(trace)
    for row in range(BEGIN, len(trace.rows) + 1):
        for kind, address, key, old, new in events.get(row, ()):
            cell = (kind, address, key)
            assert values.get(cell, 0) == old, (row, StateEventKind(kind), hex(address))
            undo.append((cell, old))
            values[cell] = new
        if row in opened:
            frame = opened[row]
            marks[frame] = len(undo) - events_of_opening(trace, frame)
        if row in ended and not frames.success[ended[row]]:
            while len(undo) > marks[ended[row]]:
                cell, old = undo.pop()
                values[cell] = old
    for address, account in trace.post.accounts.items():
        assert fields(values, address) == (account.nonce, account.balance, account.code_hash)
    for (address, key), value in trace.post.storage.items():
        destroyed = values.get((StateEventKind.DESTROYED, address, 0), 0)
        assert value == (0 if destroyed else values[(StateEventKind.STORAGE, address, key)])


def initial_values(trace: Trace) -> dict[tuple, int]:
    values = {}
    for address, account in trace.pre.accounts.items():
        values[(StateEventKind.NONCE, address, 0)] = account.nonce
        values[(StateEventKind.BALANCE, address, 0)] = account.balance
        values[(StateEventKind.CODE, address, 0)] = account.code_hash
        if address in always_warm(trace):
            values[(StateEventKind.WARM_ACCOUNT, address, 0)] = 1
    for (address, key), value in trace.pre.storage.items():
        values[(StateEventKind.STORAGE, address, key)] = value
    return values


def always_warm(trace: Trace) -> Sequence[int]:
    return FORKS[trace.fork].precompiles


def fields(values: dict[tuple, int], address: int) -> tuple[int, int, int]:
    kinds = (StateEventKind.NONCE, StateEventKind.BALANCE, StateEventKind.CODE)
    return tuple(values[(kind, address, 0)] for kind in kinds)


def by_row(trace: Trace) -> dict[int, list[tuple[int, int, int, int, int]]]:
    state = trace.state
    columns = (state.address, state.key, state.old, state.new)
    grouped: dict[int, list] = {}
    for row, kind, *words in zip(
        state.row.tolist(), state.kind.tolist(), *map(ints_from_words, columns), strict=True
    ):
        grouped.setdefault(row, []).append((kind, *words))
    return grouped


def events_of_opening(trace: Trace, frame: int) -> int:
    """How many of the last events of the row that opens a frame belong to the frame itself."""
    frames = trace.frames
    creates = frames.kind[frame] in (FrameKind.CREATE, FrameKind.ROOT_CREATE)
    is_root = frames.parent[frame] < 0
    moves = is_root or frames.call_op[frame] in (Op.CALL, Op.CREATE, Op.CREATE2)
    if frames.end_row[frame] < 0:
        return 0
    return 2 * int(creates) + 2 * int(moves and bool(frames.value[frame].any()))


@pytest.mark.parametrize("name", SMALL)
def test_real_transactions(shared, name):
    (case,) = load_cases(shared(f"fixtures/transactions/{name}.json"))
    trace = check(case)
    executed = int((trace.rows.op != RESUME).sum()) if trace.codes else 0
    assert executed == case.info["evm-steps"]


@given(
    fork=st.sampled_from(list(FORKS)),
    codes=st.tuples(programs, programs, programs),
    gas_limit=st.sampled_from([60_000, 200_000, 1_000_000]),
    value=st.sampled_from([0, 1]),
)
def test_random_programs(fork, codes, gas_limit, value):
    check(case_of(FORKS[fork], codes, gas_limit=gas_limit, value=value, data=b"\1\2\3"))


@given(fork=st.sampled_from(list(FORKS)), code=programs, value=st.sampled_from([0, 1]))
def test_random_creations(fork, code, value):
    check(case_of(FORKS[fork], [code], to=None, value=value, data=code, gas_limit=500_000))


def test_words_of_a_program():
    """PUSH1 2, PUSH1 5, SWAP1, SUB: 5 - 2 left on the stack, then the implicit STOP."""
    code = bytes((Op.PUSH1, 2, Op.PUSH1, 5, Op.SWAP1, Op.SWAP1, Op.SUB))
    trace = check(case_of(FORKS["Cancun"], [code]))
    assert trace.rows.op.tolist() == [Op.PUSH1, Op.PUSH1, Op.SWAP1, Op.SWAP1, Op.SUB, Op.STOP]
    assert trace.rows.pc.tolist() == [0, 2, 4, 5, 6, 7]
    assert ints_from_words(trace.written.words) == [2, 5, 2, 5, 5, 2, 3]
    assert trace.written.row.tolist() == [0, 1, 2, 2, 3, 3, 4]
    assert np.diff(trace.rows.gas.astype(np.int64)).tolist() == [-3] * 5


def test_only_touched_accounts_are_kept():
    trace = check(case_of(FORKS["Osaka"], [b"", bytes((Op.STOP,))]))
    empty = AccountState(0, 0, EMPTY_HASH, has_storage=False)
    assert trace.pre.accounts[trace.environment.coinbase] == empty
    assert CONTRACTS[0] in trace.pre.accounts
    assert CONTRACTS[1] not in trace.pre.accounts


def test_memory_of_a_copy():
    """Every writer of memory tells which words it changed."""
    store = push(2**256 - 1) + push(1) + bytes((Op.MSTORE,))
    copy = push(40) + push(3) + push(70) + bytes((Op.MCOPY,))
    trace = check(case_of(FORKS["Cancun"], [store + copy]))
    assert trace.memory.first.tolist() == [0, 2]
    assert trace.memory.count.tolist() == [2, 2]
    assert ints_from_words(trace.memory.words)[:2] == [2**248 - 1, 0xFF << 248]


@pytest.mark.parametrize(("end", "kept"), [(Op.STOP, [1, 2, 3]), (Op.INVALID, [1, 3])])
def test_logs_of_a_failing_child_are_dropped(end, kept):
    def log(topic: int) -> bytes:
        return push(topic) + bytes((Op.PUSH0, Op.PUSH0, Op.LOG1))

    call = bytes((Op.PUSH0,) * 5) + push(CONTRACTS[1]) + push(10_000) + bytes((Op.CALL,))
    trace = check(case_of(FORKS["Prague"], [log(1) + call + log(3), log(2) + bytes((end,))]))
    assert [log.topics for log in trace.logs] == [(topic,) for topic in kept]
    assert all(trace.rows.op[log.row] == Op.LOG1 for log in trace.logs)


def creating(deployed: bytes) -> bytes:
    """Return a program that creates a contract with at most 32 bytes of code."""
    init = push(int.from_bytes(deployed, "big")) + bytes((Op.PUSH0, Op.MSTORE))
    init += push(len(deployed)) + push(32 - len(deployed)) + bytes((Op.RETURN,))
    store = push(int.from_bytes(init.rjust(32, b"\0"), "big")) + bytes((Op.PUSH0, Op.MSTORE))
    return store + push(len(init)) + push(32 - len(init)) + push(7) + bytes((Op.CREATE,))


@pytest.mark.parametrize(
    ("deployed", "halt"), [(b"\x01\x02", Halt.RETURN), (b"\xef\x01", Halt.INVALID_CODE)]
)
def test_creation(deployed, halt):
    trace = check(case_of(FORKS["Cancun"], [creating(deployed)]))
    assert trace.frames.kind.tolist() == [FrameKind.ROOT_CALL, FrameKind.CREATE]
    assert trace.frames.halt[1] == halt
    created = ints_from_words(trace.frames.address)[1]
    made = halt == Halt.RETURN
    assert trace.post.accounts[created].balance == (7 if made else 0)
    assert trace.post.accounts[created].nonce == (1 if made else 0)
    assert (trace.state.kind == StateEventKind.CODE).sum() == int(made)
    result = ints_from_words(trace.written.words)[-1]
    assert result == (created if made else 0)


def test_lines_of_a_call_that_fails():
    """The caller's refund is restored, the exceptional halt is named."""
    callee = bytes((Op.PUSH0, Op.PUSH1, 1, Op.SSTORE, Op.PC, Op.INVALID))
    call = bytes((*(Op.PUSH0,) * 5, Op.PUSH3, 0xC0, 0xDE, 0x01, Op.PUSH2, 0xFF, 0xFF, Op.CALL))
    case = case_of(FORKS["Prague"], [call, callee])
    case.pre[CONTRACTS[1]].storage[1] = 1
    _, trace = record(case)
    steps = [json.loads(line) for line in lines(trace, 1)]
    summary = steps.pop()
    assert summary["pass"] is True
    assert summary["stateRoot"] == "0x" + "0" * 63 + "1"
    assert [step["depth"] for step in steps] == [1] * 8 + [2] * 5 + [1]
    assert [step["refund"] for step in steps] == [0] * 11 + [4800] * 2 + [0]
    assert steps[12]["error"] == "invalid opcode"
    assert steps[12]["opName"] == "INVALID"
    assert int(steps[7]["gasCost"], 16) == 2600 + 0xFFFF
    assert steps[13]["stack"] == ["0x0"]
