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


def _popped() -> NDArray[np.int64]:
    """How many operands each opcode takes off; DUP and SWAP reach one and two words."""
    table = np.zeros(RESUME + 1, np.int64)
    for op, arity in ARITY.items():
        table[op] = arity.inputs
    table[Op.DUP1 : Op.DUP16 + 1] = 1
    table[Op.SWAP1 : Op.SWAP16 + 1] = 2
    return table


POPPED = _popped()

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


def is_swap(op: NDArray[np.uint16]) -> Mask:
    """Which opcodes are SWAP1 to SWAP16."""
    return (op >= Op.SWAP1) & (op <= Op.SWAP16)


@dataclass(frozen=True)
class StackTokens:
    """Tokens of the stack: (frame index, index), the word, and the row that sent them."""

    frame: NDArray[np.uint32]
    index: I64
    word: Words
    row: I64


@dataclass(frozen=True)
class Operands:
    """Reads of the stack, flat: those of row i start at `start[i]`, `count[i]` of them, top first.

    `sender` is the row that put the word there.  `left` are the tokens that nobody takes.
    """

    start: I64
    count: I64
    word: Words
    sender: I64
    left: StackTokens


def operands(trace: Trace, reads: I64) -> Operands:
    """Match reads with what was written.  `reads` says how many operands each row takes."""
    rows = trace.rows
    op, sp = rows.op, rows.sp.astype(np.int64)
    start = np.concatenate([[0], np.cumsum(reads)])
    reader = np.repeat(np.arange(len(op)), reads)
    nth = np.arange(start[-1]) - start[reader]
    index = sp[reader] - 1 - nth
    dup, swap = is_dup(op), is_swap(op)
    deep = np.where(dup[reader] | (swap[reader] & (nth == 1)))[0]
    depth = np.where(dup, op.astype(np.int64) - (Op.DUP1 - 1), op.astype(np.int64) - (Op.SWAP1 - 2))
    index[deep] = sp[reader[deep]] - depth[reader[deep]]

    sent = _sent(trace, depth)
    frame = np.concatenate([rows.frame[reader], sent.frame]).astype(np.int64)
    cell = frame * STACK_LIMIT + np.concatenate([index, sent.index])
    time = np.concatenate([2 * reader, 2 * sent.row + 1])
    # One number of both sorts fastest.  It is below 2^63 where there are fewer than 2^26 rows.
    order = np.argsort(cell * (2 * len(op)) + time)
    read_at = np.flatnonzero(order < len(reader))
    before = np.concatenate([[-1], order[:-1]])[read_at]
    source = before - len(reader)
    if not ((source >= 0) & (cell[order[read_at]] == cell[before])).all():
        raise ValueError("the trace reads a stack word that no row wrote")
    sender = np.empty(len(reader), np.int64)
    sender[order[read_at]] = source
    taken = np.zeros(len(sent.row), np.bool_)
    taken[source] = True
    left = StackTokens(sent.frame[~taken], sent.index[~taken], sent.word[~taken], sent.row[~taken])
    word = sent.word.take(sender, axis=0)
    return Operands(start[:-1], reads, word, sent.row[sender], left)


def _sent(trace: Trace, depth: I64) -> StackTokens:
    """Every token put on the stack: words written, and words that DUP puts back."""
    rows, written = trace.rows, trace.written
    row = written.row.astype(np.int64)
    op, sp = rows.op[row], rows.sp[row].astype(np.int64)
    dup, swap = is_dup(op), is_swap(op)
    second = np.concatenate([[False], row[1:] == row[:-1]])
    index = sp - POPPED[op]
    index[dup] = sp[dup]
    index[swap] = np.where(second, sp - depth[row], sp - 1)[swap]
    back = row[dup]
    return StackTokens(
        np.concatenate([rows.frame[row], rows.frame[back]]),
        np.concatenate([index, rows.sp[back].astype(np.int64) - depth[back]]),
        np.concatenate([written.words, written.words[dup]]),
        np.concatenate([row, back]),
    )


@dataclass(frozen=True)
class StackRefreshes:
    """Bridges of long gaps, as in `circuits.execution.tokens.Refreshes`."""

    frame: U64
    index: I64
    word: Words
    old: U64
    new: U64


def gaps(trace: Trace, found: Operands, clock: U64, frame_id: U64) -> tuple[U64, StackRefreshes]:
    """The gap of each read, with refresh rows where it would not fit sixteen bits."""
    reader = np.repeat(np.arange(len(found.count)), found.count)
    gap = clock[reader] - np.uint64(1) - clock[found.sender]
    far = np.flatnonzero(gap >= GAP)
    rows = trace.rows
    sp = rows.sp.astype(np.int64)
    nth = np.arange(len(reader)) - found.start[reader]
    op = rows.op[reader[far]]
    index = sp[reader[far]] - 1 - nth[far]
    dup, swap = is_dup(op), is_swap(op) & (nth[far] == 1)
    index[dup] = (sp[reader[far]] - op + (Op.DUP1 - 1))[dup]
    index[swap] = (sp[reader[far]] - op + (Op.SWAP1 - 2))[swap]
    refreshes = StackRefreshes(
        frame_id[rows.frame[reader[far]]],
        index,
        found.word[far],
        clock[found.sender[far]],
        clock[reader[far]] - np.uint64(1),
    )
    gap[far] = 0
    return gap, refreshes
