"""The kinds of rows: an opcode, and how it halts."""

import numpy as np
from numpy.typing import NDArray

from circuits.execution.schedule import Schedule
from circuits.execution.tokens import I64
from zkevm.trace.trace import RESUME, Halt, Trace

OPCODES = 2 * RESUME
"""How many numbers opcodes have, RESUME among them."""


def kind(op: int, halt: Halt) -> int:
    """The number of a kind; that of an opcode if the row does not halt exceptionally."""
    return op + OPCODES * halt


def halt_of(kind: int) -> Halt:
    """The halt of a kind."""
    return Halt(kind // OPCODES)


def kinds_of_rows(trace: Trace, schedule: Schedule) -> NDArray[np.uint16]:
    """The kind of each row."""
    kinds = trace.rows.op.copy()
    rows = np.flatnonzero(schedule.halted)
    kinds[rows] += OPCODES * trace.frames.halt[schedule.ended[rows]].astype(np.uint16)
    return kinds


def places_of(kinds: NDArray[np.uint16], rows: I64) -> dict[int, I64]:
    """These rows by their kinds, in order."""
    of = kinds[rows]
    counts = np.bincount(of)
    present = np.flatnonzero(counts)
    parts = np.split(rows[np.argsort(of, kind="stable")], np.cumsum(counts[present])[:-1])
    return dict(zip(present.tolist(), parts, strict=False))
