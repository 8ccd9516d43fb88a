"""Clocks, counts of undoing and journal ids: the order that the circuit gives to a trace.

Every row takes one tick or more; a failing frame is followed by one tick for each of its reversible
writes, on which they are undone in reverse.  A frame's id is the clock of the row that opened it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.execution.events import events_at
from circuits.execution.kinds import ByKind, rows_of
from circuits.execution.tokens import I64, U64, Mask
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import RESUME, CallOutcome, FrameKind, Frames, Halt, StateEventKind, Trace
from zkevm.vectors import take

BEGIN_CLOCK = 1
"""When the first transaction begins."""

BEGIN_TICKS = 6
"""Sender, target, coinbase; then as a call: code, debit, credit."""

END_TICKS = 2
"""What the sender gets back, what the coinbase gets; then the accounts destroyed, one a tick."""

CALL_OPS = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
CREATE_OPS = (Op.CREATE, Op.CREATE2)
CREATES = (FrameKind.CREATE, FrameKind.ROOT_CREATE)

SELFDESTRUCT_WRITES = 3
"""The mark of the beneficiary, balance and life of the account; and once more if value moves."""

TWO_TICKS = (
    Op.CALLDATACOPY,
    Op.CODECOPY,
    Op.EXTCODECOPY,
    Op.RETURNDATACOPY,
    Op.MCOPY,
    Op.SELFDESTRUCT,
)


@dataclass(frozen=True)
class Schedule:
    """One entry a row, before the row acts, unless said otherwise.

    clock    of the row; accesses of the row happen at it and at its further ticks
    undo     reversible writes so far in the frame (on a RESUME row: after it)
    journal  the clock of the row that made the present journal entry (on RESUME: after it)
    undo_after, journal_after  the same after the row (for a row that opens a frame: what it saves)
    halted   whether the row halts exceptionally
    outcome  of a call or create that opened no frame (CallOutcome), else -1
    opened   the frame that the row opened, else -1
    ended    the frame that the row ended, else -1
    Frames: `frame_id`, `undone`, `eor` (0 if it is never undone), `undo_start` (of its first row).
    `begin`, `end`: the clocks of `begin_tx` (its first tick) and `end_tx`.
    """

    clock: U64
    undo: U64
    journal: U64
    undo_after: U64
    journal_after: U64
    halted: Mask
    outcome: I64
    opened: I64
    ended: I64
    frame_id: U64
    undone: Mask
    eor: U64
    undo_start: U64
    begin: int
    end: int

    @property
    def first(self) -> int:
        """The clock of the first row, or of the end if there is none."""
        return int(self.clock[0]) if len(self.clock) else self.end


AUTHORITY_TICKS = 2
"""Of each authorization: what it finds, and the nonce that it leaves."""


def ticks_of_list(trace: Trace) -> int:
    """Ticks of the access list, one an entry, and of the authorizations."""
    entries = sum(1 + len(e.storage_keys) for e in trace.transaction.access_list)
    return entries + AUTHORITY_TICKS * len(trace.transaction.authorizations)


def schedule(
    trace: Trace, of_opcodes: ByKind, with_value: NDArray[np.bool_], begin: int
) -> Schedule:
    """Order the trace from the clock `begin` on, which is the id of the root frame.

    `with_value` tells the rows of CALL, CREATE and CREATE2 with a value.
    """
    rows, frames = trace.rows, trace.frames
    n = len(rows)
    halted = np.zeros(n, np.bool_)
    started = frames.end_row >= 0  # all, but a root that collides
    halted[frames.end_row[started & (frames.halt >= Halt.OUT_OF_GAS)]] = True
    opened, ended, outcome = (np.full(n, -1, np.int64) for _ in range(3))
    opened[frames.call_row[1:]] = np.arange(1, len(frames))
    ended[frames.end_row[started]] = np.flatnonzero(started)
    inside = trace.calls.row >= 0
    outcome[trace.calls.row[inside]] = trace.calls.outcome[inside]
    undone = _undone(trace)
    own = _reversible(trace, of_opcodes, halted, outcome, with_value)
    counted = np.where(take(undone, rows.frame), own, 0)
    undo, undo_start = _undo(trace, counted, undone, opened, ended, with_value)

    ticks = np.ones(n, np.int64)
    ticks[rows_of(of_opcodes, (*TWO_TICKS, RESUME))] = 2
    ticks[rows_of(of_opcodes, CALL_OPS + CREATE_OPS)] = 3
    ticks[halted] = 1
    ticks[trace.calls.row[inside & (trace.calls.outcome == CallOutcome.PRECOMPILE)]] = 4
    failing = frames.end_row[started & (frames.success == 0)]
    final = undo + counted
    ticks[failing] += final[failing]
    first = begin + BEGIN_TICKS + ticks_of_list(trace)
    times = first + np.concatenate([[0], np.cumsum(ticks)])
    clock = times[:-1].astype(np.uint64)

    frame_id = np.full(len(frames), begin, np.uint64)
    frame_id[1:] = clock[frames.call_row[1:]]
    eor = np.zeros(len(frames), np.uint64)
    for f in range(len(frames)):
        if not frames.success[f]:
            eor[f] = times[frames.end_row[f] + 1] - 1
        elif undone[f]:
            eor[f] = eor[frames.parent[f]]
    journal, journal_after = _journal(trace, of_opcodes, clock, opened, ended, halted, begin)
    return Schedule(
        clock=clock,
        undo=undo.astype(np.uint64),
        journal=journal,
        undo_after=final.astype(np.uint64),
        journal_after=journal_after,
        halted=halted,
        outcome=outcome,
        opened=opened,
        ended=ended,
        frame_id=frame_id,
        undone=undone,
        eor=eor,
        undo_start=undo_start.astype(np.uint64),
        begin=begin,
        end=int(times[-1]),
    )


def _undone(trace: Trace) -> Mask:
    """Which frames are undone: those that fail, and those inside them."""
    frames = trace.frames
    undone = np.zeros(len(frames), np.bool_)
    for f in range(len(frames)):
        inherited = frames.parent[f] >= 0 and undone[frames.parent[f]]
        undone[f] = not frames.success[f] or inherited
    return undone


def _reversible(
    trace: Trace, of_opcodes: ByKind, halted: Mask, outcome: I64, with_value: Mask
) -> I64:
    """How many reversible writes each row makes in the count of its own frame."""
    n = len(trace.rows)
    events = trace.state
    inside = (events.row >= 0) & (events.row < n)
    marks = (events.kind == StateEventKind.WARM_ACCOUNT) | (events.kind == StateEventKind.WARM_SLOT)
    own = np.bincount(events.row[inside & marks], minlength=n)
    own[rows_of(of_opcodes, (Op.TSTORE,))] = 1
    # the creator's nonce, unless the creation fails softly
    creating = rows_of(of_opcodes, CREATE_OPS)
    own[creating] += np.isin(outcome[creating], (-1, CallOutcome.CREATE_COLLISION))
    calls = trace.calls
    moving = np.isin(calls.outcome, (CallOutcome.EMPTY, CallOutcome.PRECOMPILE))
    moving &= (calls.success != 0) & (calls.row >= 0)
    own[calls.row[moving]] += 2 * with_value[calls.row[moving]]
    destroying = rows_of(of_opcodes, (Op.SELFDESTRUCT,))
    own[destroying] = SELFDESTRUCT_WRITES + gives_away(trace, destroying)
    returning = rows_of(of_opcodes, (Op.RETURN,))
    of_creates = np.isin(trace.frames.kind[trace.rows.frame[returning]], CREATES)
    own[returning[of_creates]] = 1
    own[halted] = 0
    return own


def _undo(
    trace: Trace, counted: I64, undone: Mask, opened: I64, ended: I64, with_value: Mask
) -> tuple[I64, I64]:
    """The count before each row, and at each frame's first row."""
    frames = trace.frames
    undo = np.zeros(len(counted), np.int64)
    starts = np.zeros(len(frames), np.int64)
    is_create = np.isin(frames.kind, CREATES)
    if undone[0]:
        starts[0] = 2 * int(is_create[0]) + 2 * int(trace.transaction.value > 0)
    saved: list[int] = []
    count = int(starts[0])
    for first, last in _segments(frames):
        part = counted[first : last + 1]
        undo[first : last + 1] = count
        if part.any():
            undo[first : last + 1] += np.cumsum(part) - part
        count = int(undo[last] + part[-1])
        if (child := int(opened[last])) >= 0:
            saved.append(count)
            starts[child] = count if frames.success[child] else 0
            if undone[child]:
                starts[child] += 2 * int(is_create[child]) + 2 * int(with_value[last])
            count = int(starts[child])
        elif (frame := int(ended[last])) > 0:
            kept = saved.pop()
            count = count if frames.success[frame] else kept
    return undo, starts


def _journal(
    trace: Trace,
    of_opcodes: ByKind,
    clock: U64,
    opened: I64,
    ended: I64,
    halted: Mask,
    entry: int,
) -> tuple[U64, U64]:
    """The ids of the journal entries in force before each row and after it, from `entry` on."""
    frames, changes = trace.frames, np.zeros_like(halted)
    logging, refunding = rows_of(of_opcodes, range(Op.LOG0, Op.LOG4 + 1)), trace.refunds.row
    changes[logging[~halted[logging]]] = True
    changes[refunding[(refunding >= 0) & (refunding < len(changes))]] = True
    changes[newly_destroyed(trace)] = True
    journal = np.zeros(len(changes), np.uint64)
    saved: list[int] = []
    for first, last in _segments(frames):
        part = slice(first, last + 1)
        journal[part] = entry
        if changes[part].any():
            made = np.maximum.accumulate(np.where(changes[part], clock[part], np.uint64(entry)))
            journal[first + 1 : last + 1] = made[:-1]
            entry = int(made[-1])
        if int(opened[last]) >= 0:
            saved.append(entry)
        elif (frame := int(ended[last])) > 0:
            kept = saved.pop()
            entry = entry if frames.success[frame] else kept
    return journal, np.where(changes, clock, journal)


def gives_away(trace: Trace, rows: I64) -> Mask:
    """Which of these SELFDESTRUCT rows give a balance to another account."""
    marked = events_at(trace, rows, StateEventKind.WARM_ACCOUNT).address
    own = trace.frames.address[trace.rows.frame[rows]]
    moved = events_at(trace, rows, StateEventKind.BALANCE).present
    return np.asarray(moved & (marked != own).any(axis=1), np.bool_)


def newly_destroyed(trace: Trace) -> I64:
    """The rows that mark an account as destroyed which was not."""
    state = trace.state
    marks = (state.kind == StateEventKind.DESTROYED) & (state.old[:, 0] == 0)
    return np.asarray(state.row[marks], np.int64)


def _segments(frames: Frames) -> Iterator[tuple[int, int]]:
    """Runs of rows of one frame: (first, last), where the last one opens or ends a frame."""
    first = 0
    ended = frames.end_row[frames.end_row >= 0]
    for last in sorted({*frames.call_row[1:].tolist(), *ended.tolist()}):
        yield first, last
        first = last + 1
