"""The recorder that turns what the machine does into the columns of a `Trace`."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zkevm.evm.code import Code
from zkevm.evm.events import CallOutcome, Recorder, StateEventKind
from zkevm.evm.excerpt import Excerpt, execute_excerpt
from zkevm.evm.execute import Execution, execute
from zkevm.evm.frame import Frame
from zkevm.evm.interpreter import Machine
from zkevm.evm.runs import WRITTEN, Run
from zkevm.evm.statetest import TestCase
from zkevm.evm.transaction import Log, Receipt
from zkevm.evm.validity import BlockUsage, InvalidTransaction
from zkevm.trace.recorded_runs import NUMBER_BYTES, Single, rows_of_runs, state_before
from zkevm.trace.touched import touched
from zkevm.trace.trace import (
    BEGIN,
    RESUME,
    Calls,
    Frames,
    MemoryWrites,
    Refunds,
    StateEvents,
    Trace,
    TraceLog,
)
from zkevm.trace.words import words_from_big_endian, words_from_ints


def record(case: TestCase) -> tuple[Execution, Trace]:
    """Execute a case and return the outcome with its trace.

    Raises `InvalidTransaction` if the transaction cannot be executed at all.
    """
    recorder = TraceRecorder()
    execution = execute(case, recorder)
    if isinstance(execution.outcome, InvalidTransaction):
        raise execution.outcome
    return execution, recorder.trace


def record_excerpt(excerpt: Excerpt) -> tuple[Trace, ...]:
    """Execute a block and return the traces of the transactions that are meant.

    Raises `InvalidBlock` if the block is not what its header says, another `InputError` that names
    what is missing if its witness is not enough.
    """
    recorders = {index: TraceRecorder(index) for index in excerpt.transactions}
    execute_excerpt(excerpt, lambda index, _: recorders.get(index) or Recorder())
    return tuple(recorder.trace for recorder in recorders.values())


class TraceRecorder(Recorder):
    """Appends to flat columns, of which it makes `trace` when the transaction has ended.

    `index` is the transaction's in its block.
    """

    every_step = False
    trace: Trace

    def __init__(self, index: int = 0) -> None:
        self._index = index
        self._row = BEGIN
        self._runs: dict[Run | Single, int] = {}
        self._states = bytearray()
        self.words = []
        self._memory_row = array("I")
        self._memory_frame = array("I")
        self._memory_first = array("I")
        self._memory_count = array("I")
        self._memory_words = bytearray()
        self._events: list[tuple[int, StateEventKind, int, int, int, int, int]] = []
        self._examined: set[tuple[int, int | None]] = set()
        self._refunds: list[tuple[int, int]] = []
        self._hashes: list[bytes] = []
        self._init_codes: list[bytes] = []
        self._calls: list[tuple[int, CallOutcome, bool, int, int, bytes]] = []
        self._logs: list[TraceLog] = []
        self._codes: dict[bytes, int] = {}
        self._code_hashes: list[int] = []
        self._frames: list[_FrameRecord] = []

    def run(self, frame: Frame, run: Run | Single) -> None:
        self._row += len(run.ops)
        number = self._runs.setdefault(run, len(self._runs))
        height, size = len(frame.stack), len(frame.memory) >> 5
        self._states += state_before(frame.gas, len(self.words), frame.index, size, height, number)

    def cut(self, run: Run, shorter: Run) -> None:
        self._row -= len(run.ops) - len(shorter.ops)
        number = self._runs.setdefault(shorter, len(self._runs))
        self._states[-NUMBER_BYTES:] = number.to_bytes(NUMBER_BYTES, "little")

    def step(self, frame: Frame, pc: int, op: int) -> None:
        self.run(frame, Single((pc,), (op,)))

    def executed(self, op: int, stack: Sequence[int]) -> None:
        for place in WRITTEN[op]:
            self.words.append(stack[place])

    def pushed(self, word: int) -> None:
        self.words.append(word)

    def memory_written(self, frame: Frame, offset: int, length: int) -> None:
        first = offset >> 5
        end = (offset + length + 31) >> 5
        self._memory_row.append(self._row)
        self._memory_frame.append(frame.index)
        self._memory_first.append(first)
        self._memory_count.append(end - first)
        self._memory_words += frame.memory[first << 5 : end << 5]

    def state_event(
        self, kind: StateEventKind, address: int, key: int, old: int, new: int, original: int = 0
    ) -> None:
        self._events.append((self._row, kind, address, key, old, new, original))

    def examined(self, address: int, key: int | None = None) -> None:
        self._examined.add((address, key))

    def refund_changed(self, value: int) -> None:
        self._refunds.append((self._row, value))

    def hashed(self, data: bytes) -> None:
        self._hashes.append(data)

    def creating(self, init_code: bytes) -> None:
        self._init_codes.append(init_code)

    def logged(self, log: Log) -> None:
        self._logs.append(TraceLog(self._row, log.address, log.topics, log.data))

    def code_inspected(self, code: Code) -> None:
        self._code(code)

    def frame_opened(self, frame: Frame) -> None:
        self._frames.append(
            _FrameRecord(
                frame=frame,
                code=self._code(frame.code),
                call_row=self._row,
                gas_start=frame.gas,
                logs_before=len(self._logs),
            )
        )

    def frame_ended(self, frame: Frame) -> None:
        record = self._frames[frame.index]
        record.end_row = self._row
        record.gas_end = frame.gas
        record.output_length = len(frame.output)
        if not frame.success:
            del self._logs[record.logs_before :]
        # Nobody looks at the memory and the stack of a frame that has ended.
        frame.memory = bytearray()
        frame.stack = []
        if frame.parent is None:
            self._row += 1

    def resumed(self, frame: Frame) -> None:
        self.step(frame, frame.pc - 1, RESUME)

    def no_frame(
        self, outcome: CallOutcome, success: bool, given: int, returned: int, output: bytes
    ) -> None:
        self._calls.append((self._row, outcome, success, given, returned, output))

    def _code(self, code: Code) -> int:
        """Return the index of a code, -1 for the empty one."""
        if not code:
            return -1
        index = self._codes.setdefault(code.data, len(self._codes))
        if index == len(self._code_hashes):
            self._code_hashes.append(code.hash)
        return index

    def transaction_ended(self, machine: Machine, before: BlockUsage, receipt: Receipt) -> None:
        found: dict[tuple[StateEventKind, int, int], int] = {}
        for _, kind, address, key, old, _, _ in self._events:
            found.setdefault((kind, address, key), old)
        pre, post = touched(found, self._examined, machine.state)
        rows, written = rows_of_runs(self._runs, self._states, self.words)
        self.trace = Trace(
            fork=machine.fork.name,
            chain_id=machine.chain_id,
            transaction=machine.transaction,
            index=self._index,
            used_before=before,
            environment=machine.environment,
            pre=pre,
            post=post,
            receipt=receipt,
            rows=rows,
            written=written,
            memory=MemoryWrites(
                row=_column(self._memory_row, np.uint32),
                frame=_column(self._memory_frame, np.uint32),
                first=_column(self._memory_first, np.uint32),
                count=_column(self._memory_count, np.uint32),
                words=words_from_big_endian(self._memory_words),
            ),
            state=self._state_events(),
            frames=_frames(self._frames),
            refunds=Refunds(
                row=np.array([row for row, _ in self._refunds], np.int64),
                value=np.array([value for _, value in self._refunds], np.int64),
            ),
            calls=self._frameless_calls(),
            logs=tuple(self._logs),
            hashes=tuple(self._hashes),
            init_codes=tuple(self._init_codes),
            codes=tuple(self._codes),
            code_hashes=words_from_ints(self._code_hashes),
        )

    def _state_events(self) -> StateEvents:
        columns: Sequence[Sequence[int]] = tuple(zip(*self._events, strict=True))
        row, kind, address, key, old, new, original = columns
        return StateEvents(
            row=np.array(row, np.int64),
            kind=np.array(kind, np.uint8),
            address=words_from_ints(address),
            key=words_from_ints(key),
            old=words_from_ints(old),
            new=words_from_ints(new),
            original=words_from_ints(original),
        )

    def _frameless_calls(self) -> Calls:
        calls = self._calls
        return Calls(
            row=np.array([call[0] for call in calls], np.int64),
            outcome=np.array([call[1] for call in calls], np.uint8),
            success=np.array([call[2] for call in calls], np.uint8),
            gas_given=np.array([call[3] for call in calls], np.uint64),
            gas_returned=np.array([call[4] for call in calls], np.uint64),
            output=tuple(call[5] for call in calls),
        )


@dataclass(slots=True)
class _FrameRecord:
    """A frame, with what it does not say itself once it has ended."""

    frame: Frame
    code: int
    call_row: int
    gas_start: int
    logs_before: int
    end_row: int = BEGIN
    gas_end: int = 0
    output_length: int = 0


def _column(values: "array[int]", dtype: DTypeLike) -> NDArray[Any]:
    return np.frombuffer(values, dtype) if values else np.empty(0, dtype)


def _frames(records: Sequence[_FrameRecord]) -> Frames:
    frames = [record.frame for record in records]
    parents = [frame.parent for frame in frames]

    def numbers(values: Iterable[int], dtype: DTypeLike) -> NDArray[Any]:
        return np.array(list(values), dtype)

    return Frames(
        parent=numbers((-1 if p is None else p.index for p in parents), np.int32),
        depth=numbers((frame.depth for frame in frames), np.uint16),
        kind=numbers((frame.kind for frame in frames), np.uint8),
        call_op=numbers((frame.call_op for frame in frames), np.uint8),
        call_row=numbers((record.call_row for record in records), np.int64),
        first_row=numbers((record.call_row + 1 for record in records), np.int64),
        end_row=numbers((record.end_row for record in records), np.int64),
        success=numbers((frame.success for frame in frames), np.uint8),
        halt=numbers((frame.halt for frame in frames), np.uint8),
        address=words_from_ints(frame.address for frame in frames),
        code_address=words_from_ints(frame.code_address for frame in frames),
        caller=words_from_ints(frame.caller for frame in frames),
        value=words_from_ints(frame.value for frame in frames),
        static=numbers((frame.static for frame in frames), np.uint8),
        code=numbers((record.code for record in records), np.int32),
        gas_start=numbers((record.gas_start for record in records), np.uint64),
        gas_end=numbers((record.gas_end for record in records), np.uint64),
        input_offset=numbers((frame.input_range[0] for frame in frames), np.uint64),
        input_length=numbers((frame.input_range[1] for frame in frames), np.uint64),
        output_offset=numbers((frame.output_offset for frame in frames), np.uint64),
        output_length=numbers((record.output_length for record in records), np.uint64),
        out_offset=numbers((frame.out_range[0] for frame in frames), np.uint64),
        out_length=numbers((frame.out_range[1] for frame in frames), np.uint64),
    )
