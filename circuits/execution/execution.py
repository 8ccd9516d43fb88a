"""An execution as the circuit sees it: the trace with clocks, ids, operands and codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.execution.authorizations import Verdict, refund_of, verdicts
from circuits.execution.carried import Carried, first_carried, new_stores, with_common_codes
from circuits.execution.history import History, balance_history, code_history
from circuits.execution.journal import Journal, journal
from circuits.execution.kinds import OPCODES, ByKind, by_kind, rows_of
from circuits.execution.precompiles import IDENTITY, name_of
from circuits.execution.schedule import (
    CREATE_OPS,
    CREATES,
    END_TICKS,
    Schedule,
    schedule,
)
from circuits.execution.stack import (
    POPPED,
    READS_OF_HALTS,
    Operands,
    StackRefreshes,
    gaps,
    operands,
)
from circuits.execution.steps import Steps
from circuits.execution.tokens import I64, U64, Mask
from zkevm.errors import NotProvableError
from zkevm.evm.fork import Fork
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import ARITY, Op
from zkevm.trace.trace import (
    RESUME,
    CallOutcome,
    FrameKind,
    Halt,
    StateEventKind,
    Trace,
)
from zkevm.trace.words import Words, ints_from_words
from zkevm.vectors import gather


@dataclass(frozen=True)
class Execution:
    """All that gadgets and tables are filled from, of one transaction of a statement."""

    trace: Trace
    opcodes: ByKind
    schedule: Schedule
    operands: Operands
    gap: U64
    stack_refreshes: StackRefreshes
    carried: Carried
    is_last: bool

    @property
    def fork(self) -> Fork:
        """The rules of the trace's fork."""
        return fork_named(self.trace.fork)

    @property
    def scope(self) -> int:
        """The id of the transaction in its statement, from 1."""
        return self.carried.scope

    @property
    def is_alone(self) -> bool:
        """Whether it is the only transaction of its statement."""
        return self.is_last and self.scope == 1

    @property
    def end(self) -> int:
        """The clock at which the transaction is over, and the next begins."""
        return self.schedule.end + END_TICKS + len(self.destroyed)

    @property
    def destroyed_at(self) -> U64:
        """When each of `destroyed` is cleared."""
        return np.arange(self.schedule.end + END_TICKS, self.end, dtype=np.uint64)

    @cached_property
    def leaves(self) -> Carried:
        """What is carried to the next transaction."""
        of, carried = self.trace.frames, self.carried
        kept = np.isin(of.kind, CREATES) & ~self.schedule.undone
        born = dict.fromkeys(ints_from_words(of.address[kept]), carried.scope)
        fresh = dict(zip(self.destroyed, new_stores(self.destroyed_at).tolist(), strict=True))
        return Carried(
            scope=carried.scope + 1,
            clock=self.end,
            logs=carried.logs + len(self.trace.logs),
            stores={**carried.stores, **fresh},
            created={**carried.created, **born},
            with_storage=carried.with_storage,
        )

    def created_before(self, address: Words) -> U64:
        """The scope that created each account last, of those before; 0 for none."""
        created = self.carried.created
        return np.array([created.get(a, 0) for a in ints_from_words(address)], np.uint64)

    def had_storage(self, address: Words) -> Mask:
        """Which accounts had storage before the first transaction of the statement."""
        owners = self.carried.with_storage
        return np.array([a in owners for a in ints_from_words(address)], np.bool_)

    @cached_property
    def code_ids(self) -> U64:
        """The id of each of `trace.codes`: its header's position on the code chain, from 1."""
        lengths = np.array([1 + -(-len(c) // 32) for c in self.trace.codes], np.uint64)
        return (
            1 + np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.uint64)
            if len(lengths)
            else lengths
        )

    @cached_property
    def code_places(self) -> dict[int, int]:
        """The place in `trace.codes` of each code hash."""
        return {h: i for i, h in enumerate(ints_from_words(self.trace.code_hashes))}

    @cached_property
    def code_history(self) -> History:
        """The code hashes of accounts over time."""
        return code_history(self.trace)

    @cached_property
    def balance_history(self) -> History:
        """The balances of accounts over time."""
        return balance_history(self.trace)

    @cached_property
    def destroyed(self) -> list[int]:
        """The accounts that the end of the transaction clears (EIP-6780)."""
        state = self.trace.state
        cleared = (state.row == len(self.trace.rows)) & (state.kind == StateEventKind.CODE)
        return ints_from_words(state.address[cleared])

    @cached_property
    def frame_codes(self) -> U64:
        """The code id of each frame, 0 for the empty code."""
        code = self.trace.frames.code
        ids = self.code_ids if len(self.code_ids) else np.zeros(1, np.uint64)
        return np.where(code >= 0, ids[code], np.uint64(0))

    @cached_property
    def frame_addresses(self) -> list[int]:
        """The address of each frame."""
        return ints_from_words(self.trace.frames.address)

    @cached_property
    def frame_stores(self) -> U64:
        """The store of each frame."""
        return np.array([self.carried.stores[a] for a in self.frame_addresses], np.uint64)

    def call_data(self, frames: NDArray[Any]) -> tuple[U64, U64, U64]:
        """Where the call data of each of some frames lies: data frame, offset, length."""
        of = self.trace.frames
        parent, is_create = of.parent[frames], np.isin(of.kind[frames], CREATES)
        opener = self.schedule.frame_id[parent]
        own = np.where(parent < 0, np.uint64(self.schedule.begin + 1), opener)
        found = (own, of.input_offset[frames], of.input_length[frames])
        data_frame, offset, length = (np.where(is_create, np.uint64(0), c) for c in found)
        return data_frame, offset, length

    def outputs(self, frames: I64) -> tuple[U64, U64, U64]:
        """Where the output of each of some frames lies: data frame, offset, length; zeros for none.

        A creation that succeeds has none: its output became the code.
        """
        of = self.trace.frames
        is_call = np.isin(of.kind[frames], (FrameKind.CALL, FrameKind.ROOT_CALL))
        halt = of.halt[frames]
        has = ((halt == Halt.RETURN) & is_call) | (halt == Halt.REVERT)
        found = (self.schedule.frame_id, of.output_offset, of.output_length)
        data_frame, offset, length = (np.where(has, c[frames], np.uint64(0)) for c in found)
        return data_frame, offset, length

    def returned(self, rows: I64) -> tuple[U64, U64, U64]:
        """Where the return data lies that each row finds in its frame; zeros for none."""
        trace, schedule = self.trace, self.schedule
        resumed = np.flatnonzero(trace.rows.op == RESUME)
        outputs = self.outputs(schedule.ended[resumed - 1])
        inside = trace.calls.row >= 0
        bare = trace.calls.row[inside]
        has = (trace.calls.outcome[inside] == CallOutcome.PRECOMPILE) & trace.calls.success[inside]
        lengths = [len(output) for output in trace.calls.output]
        none = np.zeros(len(bare), np.uint64)
        direct = (
            np.where(has, schedule.clock[bare], none),
            none,
            np.array(lengths, np.uint64)[inside],
        )
        makers = np.concatenate([resumed, bare])
        key = trace.rows.frame[makers].astype(np.int64) << 32 | makers
        order = np.argsort(key)
        frame = trace.rows.frame[rows].astype(np.int64)
        last = np.searchsorted(key[order], frame << 32 | rows) - 1
        known = (last >= 0) & (len(makers) > 0)
        known[known] = key[order][last[known]] >> 32 == frame[known]
        found = []
        for column, of_bare in zip(outputs, direct, strict=True):
            made = np.concatenate([column, of_bare])
            value = np.zeros(len(rows), np.uint64)
            value[known] = made[order][last[known]]
            found.append(value)
        return found[0], found[1], found[2]

    @cached_property
    def authorizations(self) -> list[Verdict]:
        """What becomes of the transaction's authorizations."""
        return verdicts(self.trace)

    @cached_property
    def journal(self) -> Journal:
        """The journal's entries."""
        return journal(self.trace, self.schedule, refund_of(self.authorizations))

    @cached_property
    def states(self) -> tuple[NDArray[Any], ...]:
        """The machine's state before each row: a column for each field of its bus."""
        rows, schedule = self.trace.rows, self.schedule
        frame, code = gather((schedule.frame_id, self.frame_codes), rows.frame)
        own = (rows.pc, rows.sp, rows.gas, rows.msize)
        return (schedule.clock, frame, code, *own, schedule.undo, schedule.journal)

    @cached_property
    def kinds(self) -> NDArray[np.uint16]:
        """The kind of each row."""
        kinds, rows = self.trace.rows.op.copy(), np.flatnonzero(self.schedule.halted)
        halts = self.trace.frames.halt[self.schedule.ended[rows]]
        kinds[rows] += OPCODES * halts.astype(np.uint16)
        return kinds

    def memory_start(self, rows: I64) -> I64:
        """The place of the first memory word that each row leaves (valid where it writes any)."""
        memory = self.trace.memory
        start = np.concatenate([[0], np.cumsum(memory.count, dtype=np.int64)])
        return start[np.searchsorted(memory.row, rows)]

    def steps(self, rows: I64) -> Steps:
        """A view of these rows."""
        return Steps(self, rows)


def executions(traces: Sequence[Trace]) -> tuple[Execution, ...]:
    """Prepare the traces of transactions that follow one another; see `execution`."""
    carried, found = first_carried(traces), list[Execution]()
    for trace in with_common_codes(traces):
        found.append(execution(trace, carried, is_last=len(found) + 1 == len(traces)))
        carried = found[-1].leaves
    return tuple(found)


def execution(trace: Trace, carried: Carried, is_last: bool) -> Execution:
    """Prepare a trace.  NotProvableError if another precompile than the identity fails as root."""
    op, target = trace.rows.op, trace.transaction.to
    if trace.frames.halt[0] == Halt.PRECOMPILE_FAILURE and target != IDENTITY:
        called = name_of(fork_named(trace.fork), target or 0)
        raise NotProvableError(f"not provable yet: a transaction to {called}, which fails")
    reads = POPPED[op]
    frames, rows_gas = trace.frames, trace.rows.gas
    for f in np.flatnonzero((frames.halt >= Halt.OUT_OF_GAS) & (frames.end_row >= 0)):
        row = int(frames.end_row[f])
        halt, code = Halt(int(frames.halt[f])), int(op[row])
        reads[row] = READS_OF_HALTS.get(halt, {}).get(code, 0)
        if halt == Halt.OUT_OF_GAS and rows_gas[row] < ARITY[Op(code)].fixed_gas:
            reads[row] = 0
    found = operands(trace, reads)
    value = np.zeros(len(op), np.bool_)
    of_opcodes = by_kind(op)
    for opcodes, place in (((Op.CALL,), 2), (CREATE_OPS, 0)):
        rows = rows_of(of_opcodes, opcodes)
        rows = rows[reads[rows] > place]
        value[rows] = found.word[found.start[rows] + place].any(axis=1)
    planned = schedule(trace, of_opcodes, value, carried.clock)
    gap, refreshes = gaps(trace, found, planned.clock, planned.frame_id)
    return Execution(trace, of_opcodes, planned, found, gap, refreshes, carried, is_last)
