"""Rows of an execution, as gadgets are filled from them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from circuits.execution.tokens import I64, U64, Mask
from zkevm.trace.trace import Trace
from zkevm.trace.words import Words
from zkevm.vectors import gather, take

if TYPE_CHECKING:
    from circuits.execution.execution import Execution


class Steps:
    """Some rows of an execution, one entry each: what a gadget is filled from.

    `rows` are numbers of trace rows.  Words are (n, 4) arrays, numbers (n,) arrays.
    """

    def __init__(self, execution: Execution, rows: I64) -> None:
        self.execution = execution
        self.rows = rows
        self.accesses: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def trace(self) -> Trace:
        """The trace that the rows belong to."""
        return self.execution.trace

    def take(self, column: NDArray[Any]) -> NDArray[Any]:
        """The entries of a column over all trace rows."""
        return take(column, self.rows)

    @property
    def state(self) -> list[NDArray[Any]]:
        """The machine's state before each row, in the smallest types: the fields of its bus."""
        return gather(self.execution.states, self.rows)

    @cached_property
    def opcode(self) -> NDArray[np.uint16]:
        """The opcodes (RESUME for the resumption of a caller)."""
        return self.take(self.trace.rows.op)

    @cached_property
    def frame_index(self) -> NDArray[np.uint32]:
        """The place of the row's frame in `trace.frames`."""
        return self.take(self.trace.rows.frame)

    @cached_property
    def clock(self) -> U64:
        """The row's first tick."""
        return self.take(self.execution.schedule.clock)

    @cached_property
    def frame(self) -> U64:
        """The id of the row's frame."""
        return take(self.execution.schedule.frame_id, self.frame_index)

    @cached_property
    def code(self) -> U64:
        """The id of the frame's code."""
        return take(self.execution.frame_codes, self.frame_index)

    @cached_property
    def pc(self) -> NDArray[np.uint32]:
        """The program counter."""
        return self.take(self.trace.rows.pc)

    @cached_property
    def sp(self) -> NDArray[np.uint16]:
        """The height of the stack before the row."""
        return self.take(self.trace.rows.sp)

    @cached_property
    def gas(self) -> U64:
        """Gas left before the row."""
        return self.take(self.trace.rows.gas)

    @cached_property
    def msize(self) -> NDArray[np.uint32]:
        """Active words of memory before the row."""
        return self.take(self.trace.rows.msize)

    @cached_property
    def undo(self) -> U64:
        """Reversible writes before the row."""
        return self.take(self.execution.schedule.undo)

    @cached_property
    def journal(self) -> U64:
        """The journal entry before the row."""
        return self.take(self.execution.schedule.journal)

    @cached_property
    def undone(self) -> Mask:
        """Whether the row's frame is undone."""
        return self.execution.schedule.undone[self.frame_index]

    @cached_property
    def eor(self) -> U64:
        """The end of reversion of the row's frame, 0 if it is never undone."""
        return self.execution.schedule.eor[self.frame_index]

    def pop(self, k: int) -> Words:
        """The k-th operand from the top, 0 where a row has fewer."""
        return self._read(self.execution.operands.word, k)

    def pop_gap(self, k: int) -> U64:
        """The distance in clock ticks, less one, to the token of the k-th operand."""
        return self._read(self.execution.gap, k)

    @cached_property
    def _operands(self) -> tuple[I64, I64]:
        """Where the row's operands start, and how many there are."""
        operands = self.execution.operands
        return self.take(operands.start), self.take(operands.count)

    def _read(self, column: NDArray[Any], k: int) -> NDArray[Any]:
        start, count = self._operands
        has = count > k
        if has.all():
            return take(column, start + k)
        out: NDArray[Any] = np.zeros((len(self.rows), *column.shape[1:]), column.dtype)
        out[has] = column[start[has] + k]
        return out

    def written(self, k: int = 0) -> Words:
        """The k-th word that the row puts on the stack (every row must write so many)."""
        places = self.take(self.execution.operands.first_written) + k
        return take(self.trace.written.words, places)

    def memory_left(self, k: int, where: Mask) -> Words:
        """The k-th memory word that the row leaves, 0 where `where` is not set."""
        out = np.zeros((len(self.rows), 4), np.uint64)
        out[where] = self.trace.memory.words[self.execution.memory_start(self.rows[where]) + k]
        return out

    @cached_property
    def next_gas(self) -> U64:
        """Gas left before the row that follows: what a step that stays in its frame leaves."""
        return self.trace.rows.gas[np.minimum(self.rows + 1, len(self.trace.rows) - 1)]
