"""POP, PUSH, DUP and SWAP."""

from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction


def pop(frame: Frame) -> None:
    """Drop the top word."""
    frame.stack.pop()


def push0(frame: Frame) -> None:
    """Push zero (EIP-3855)."""
    frame.stack.append(0)


def push(size: int) -> Instruction:
    """Return the instruction that pushes the next `size` bytes of code."""

    def push_bytes(frame: Frame) -> None:
        # OPERATION
        start = frame.pc
        end = start + size
        frame.stack.append(int.from_bytes(frame.code_bytes[start:end], "big"))

        # PROGRAM COUNTER
        frame.pc = end

    return push_bytes


def push_word(word: int) -> Instruction:
    """Return what `push` does where the bytes of code are known."""

    def push_known(frame: Frame) -> None:
        frame.stack.append(word)

    return push_known


def dup(depth: int) -> Instruction:
    """Return the instruction that pushes a copy of the word at `depth`, the top being 1."""

    def copy_word(frame: Frame) -> None:
        stack = frame.stack
        stack.append(stack[-depth])

    return copy_word


def swap(depth: int) -> Instruction:
    """Return the instruction that exchanges the top word with the one `depth` words below it."""
    below = -depth - 1

    def exchange(frame: Frame) -> None:
        stack = frame.stack
        stack[-1], stack[below] = stack[below], stack[-1]

    return exchange
