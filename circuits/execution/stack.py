"""Operands: which written word each row reads, and how long ago it was written.

The trace holds only the words that rows put on the stack.  The rest follows: the k-th pop of a cell
takes what was last put there.  DUP and SWAP read words and put them back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.execution.tokens import GAP, I64, U64, Mask
from zkevm.evm.opcodes import ARITY, STACK_LIMIT, Op
from zkevm.trace.trace import RESUME, Halt, Trace
from zkevm.trace.words import Words
from zkevm.vectors import previous, spread, take


def _popped() -> NDArray[np.int64]:
    """How many operands each opcode takes off; DUP and SWAP reach one and two words."""
    table = np.zeros(RESUME + 1, np.int64)
    for op, arity in ARITY.items():
        table[op] = arity.inputs
    table[Op.DUP1 : Op.DUP16 + 1] = 1
    table[Op.SWAP1 : Op.SWAP16 + 1] = 2
    return table


POPPED = _popped()


def _depths() -> NDArray[np.uint32]:
    """How far below the height before it an opcode's reads are, then the words that it sends."""
    table = np.tile(np.arange(1, POPPED.max() + 3, dtype=np.uint32), (RESUME + 1, 1))
    table[np.arange(RESUME + 1), POPPED] = POPPED
    for n in range(1, 17):
        table[Op.DUP1 + n - 1, :3] = n, 0, n
        table[Op.SWAP1 + n - 1, :4] = 1, n + 1, 1, n + 1
    return table


DEPTH = _depths()

READS_OF_HALTS: dict[Halt, dict[int, int]] = {
    Halt.INVALID_JUMP: {Op.JUMP: 1, Op.JUMPI: 2},
    Halt.OUT_OF_GAS: {
        Op.SLOAD: 1,
        Op.SSTORE: 2,
        Op.EXP: 2,
        Op.BALANCE: 1,
        Op.EXTCODESIZE: 1,
        Op.EXTCODEHASH: 1,
        **dict.fromkeys((Op.MLOAD, Op.MSTORE, Op.MSTORE8), 1),
        **dict.fromkeys((Op.RETURN, Op.REVERT, Op.KECCAK256), 2),
        **dict.fromkeys((Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4), 2),
        **dict.fromkeys((Op.CALLDATACOPY, Op.CODECOPY, Op.RETURNDATACOPY, Op.MCOPY), 3),
        Op.EXTCODECOPY: 4,
        Op.CREATE: 3,
        Op.CREATE2: 3,
        Op.SELFDESTRUCT: 1,
        **dict.fromkeys((Op.CALL, Op.CALLCODE), 7),
        **dict.fromkeys((Op.DELEGATECALL, Op.STATICCALL), 6),
    },
    Halt.STATIC_VIOLATION: {Op.CALL: 3},
    Halt.RETURNDATA_OUT_OF_BOUNDS: {Op.RETURNDATACOPY: 3},
    Halt.INITCODE_TOO_LARGE: {Op.CREATE: 3, Op.CREATE2: 3},
    Halt.INVALID_CODE: {Op.RETURN: 2},
    Halt.CODE_TOO_LARGE: {Op.RETURN: 2},
}
"""Operands that a failing row has to show to prove its failure; the others stay where they are."""


def is_dup(op: NDArray[np.uint16]) -> Mask:
    """Which opcodes are DUP1 to DUP16."""
    return (op >= Op.DUP1) & (op <= Op.DUP16)


@dataclass(frozen=True)
class StackTokens:
    """Tokens of the stack: (frame index, index), the word, and the row that sent them."""

    frame: NDArray[np.uint32]
    index: NDArray[np.uint32]
    word: Words
    row: I64


@dataclass(frozen=True)
class Operands:
    """Reads of the stack, flat: those of row i start at `start[i]`, `count[i]` of them, top first.

    `index` counts the words below, `sender` is the row that put the word there.  `left` are the
    tokens that nobody takes.  `first_written` is for each row the place of its first written word
    (valid where it writes one).
    """

    start: I64
    count: I64
    index: NDArray[np.uint32]
    word: Words
    sender: I64
    left: StackTokens
    first_written: I64


def operands(trace: Trace, reads: I64) -> Operands:
    """Match reads with what was written.  `reads` says how many operands each row takes."""
    rows, written = trace.rows, trace.written
    op, dup = rows.op, is_dup(rows.op)
    writes = np.bincount(written.row, minlength=len(op))
    first_word = np.cumsum(writes) - writes
    # In the order of time: a row's reads, the words that it writes, the one that DUP puts back.
    row, nth = spread(reads + writes + (dup & (writes > 0)))
    depth = take(DEPTH.ravel(), take(op, row) * np.uint32(DEPTH.shape[1]) + nth)
    cell = take(rows.frame, row) * np.uint32(STACK_LIMIT) + take(rows.sp, row) - depth
    before = previous(cell)

    is_read = nth < take(reads, row)
    read = np.flatnonzero(is_read)
    source = take(before, read)
    if (source < 0).any() or take(is_read, source).any():
        raise ValueError("the trace reads a stack word that no row wrote")
    is_left = ~is_read
    is_left[source] = False
    left = np.flatnonzero(is_left)

    def word_of(event: I64) -> Words:
        sender = take(row, event)
        which = np.where(take(dup, sender), 0, take(nth, event) - take(reads, sender))
        return take(written.words, take(first_word, sender) + which)

    tokens = StackTokens(
        frame=take(rows.frame, take(row, left)),
        index=take(cell, left) % STACK_LIMIT,
        word=word_of(left),
        row=take(row, left),
    )
    start, index = np.cumsum(reads) - reads, take(cell, read) % STACK_LIMIT
    return Operands(start, reads, index, word_of(source), take(row, source), tokens, first_word)


@dataclass(frozen=True)
class StackRefreshes:
    """Bridges of long gaps, as in `circuits.execution.tokens.Refreshes`."""

    frame: U64
    index: NDArray[np.uint32]
    word: Words
    old: U64
    new: U64


def gaps(trace: Trace, found: Operands, clock: U64, frame_id: U64) -> tuple[U64, StackRefreshes]:
    """The gap of each read, with refresh rows where it would not fit sixteen bits."""
    reader, _ = spread(found.count)
    gap = take(clock, reader) - np.uint64(1) - take(clock, found.sender)
    far = np.flatnonzero(gap >= GAP)
    refreshes = StackRefreshes(
        frame_id[trace.rows.frame[reader[far]]],
        found.index[far],
        found.word[far],
        clock[found.sender[far]],
        clock[reader[far]] - np.uint64(1),
    )
    gap[far] = 0
    return gap, refreshes
