"""Stacks and memories of a trace, recomputed from what its rows wrote."""

from collections.abc import Iterator

from zkevm.evm.opcodes import ARITY, Op
from zkevm.trace.trace import RESUME, Trace
from zkevm.trace.words import ints_from_words


def _popped(byte: int) -> int:
    """Return how many words leave the stack before the row's own are put on it."""
    if byte not in ARITY or Op.DUP1 <= byte <= Op.DUP16:
        return 0
    if Op.SWAP1 <= byte <= Op.SWAP16:
        return 1
    return ARITY[Op(byte)].inputs


_POPPED = [_popped(byte) for byte in range(256)] + [0]


def stacks(trace: Trace) -> Iterator[list[int]]:
    """Yield the stack before each row, bottom first.

    It is the same list from row to row of a frame: copy it to keep it. On a RESUME row the
    operands of the call have left it.
    """
    by_frame: list[list[int]] = [[] for _ in range(len(trace.frames))]
    rows = trace.rows
    words = ints_from_words(trace.written.words)
    writers = trace.written.row.tolist()
    cursor = 0
    for row, (frame, op) in enumerate(zip(rows.frame.tolist(), rows.op.tolist(), strict=True)):
        stack = by_frame[frame]
        yield stack
        if op != RESUME:
            popped = _POPPED[op]
            del stack[max(len(stack) - popped, 0) :]
        while cursor < len(writers) and writers[cursor] == row:
            if Op.SWAP1 <= op <= Op.SWAP16 and writers[cursor - 1] == row:
                stack[Op.SWAP1 - op - 2] = words[cursor]
            else:
                stack.append(words[cursor])
            cursor += 1


def memory(trace: Trace, frame: int) -> bytes:
    """Return the memory of a frame as it was in the end, up to the last word written."""
    writes = trace.memory
    data = bytearray()
    start = 0
    for writer, first, count in zip(
        writes.frame.tolist(), writes.first.tolist(), writes.count.tolist(), strict=True
    ):
        if writer == frame:
            end = (first + count) << 5
            data.extend(bytes(max(end - len(data), 0)))
            words = ints_from_words(writes.words[start : start + count])
            data[first << 5 : end] = b"".join(word.to_bytes(32, "big") for word in words)
        start += count
    return bytes(data)


def output(trace: Trace, frame: int) -> bytes:
    """Return what a frame returned, or reverted with."""
    offset = int(trace.frames.output_offset[frame])
    length = int(trace.frames.output_length[frame])
    return memory(trace, frame)[offset : offset + length].ljust(length, b"\0")
