"""The kinds of rows: an opcode, and how it halts."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from circuits.execution.tokens import I64, Mask
from zkevm.trace.trace import RESUME, Halt

OPCODES = 2 * RESUME
"""How many numbers opcodes have, RESUME among them."""

ByKind: TypeAlias = Mapping[int, I64]
"""The rows of each kind that there is, in order."""


def kind(op: int, halt: Halt) -> int:
    """The number of a kind; the opcode's if the row does not halt exceptionally."""
    return op + OPCODES * halt


def halt_of(kind: int) -> Halt:
    """The halt of a kind."""
    return Halt(kind // OPCODES)


def by_kind(kinds: NDArray[np.uint16]) -> dict[int, I64]:
    """The places of each kind that occurs."""
    counts = np.bincount(kinds)
    present = np.flatnonzero(counts)
    order, ends = np.argsort(kinds, kind="stable"), np.cumsum(counts[present])
    return {
        int(kind): order[end - counts[kind] : end] for kind, end in zip(present, ends, strict=True)
    }


def of_rows(kinds: NDArray[np.uint16], rows: I64) -> dict[int, I64]:
    """Some rows by their kinds; `kinds` are those of all rows."""
    return {kind: rows[places] for kind, places in by_kind(kinds[rows]).items()}


def with_halts(of_opcodes: ByKind, kinds: NDArray[np.uint16], halted: Mask) -> dict[int, I64]:
    """All rows by their kinds, of which opcodes are known."""
    halting = np.flatnonzero(halted)
    found = dict(of_opcodes)
    for op in set((kinds[halting] % OPCODES).tolist()):
        found[op] = found[op][~halted[found[op]]]
    found |= of_rows(kinds, halting)
    return {kind: rows for kind, rows in found.items() if len(rows)}


def rows_of(of_opcodes: ByKind, opcodes: Iterable[int]) -> I64:
    """The rows of some opcodes, those of one after those of another."""
    found = [of_opcodes[op] for op in opcodes if op in of_opcodes]
    return np.concatenate([np.zeros(0, np.int64), *found])
