"""Memory."""

from zkevm.evm import gas
from zkevm.evm.frame import Frame


def mload(frame: Frame) -> None:
    """Push the word of memory at an offset."""
    # STACK
    stack = frame.stack
    offset = stack[-1]

    # GAS
    frame.grow_memory(offset, 32)

    # OPERATION
    stack[-1] = int.from_bytes(frame.memory[offset : offset + 32], "big")


def mstore(frame: Frame) -> None:
    """Write a word to memory."""
    # STACK
    stack = frame.stack
    offset = stack.pop()
    word = stack.pop()

    # GAS
    frame.grow_memory(offset, 32)

    # OPERATION
    frame.write_memory(offset, word.to_bytes(32, "big"))


def mstore8(frame: Frame) -> None:
    """Write the least significant byte of a word to memory."""
    # STACK
    stack = frame.stack
    offset = stack.pop()
    word = stack.pop()

    # GAS
    frame.grow_memory(offset, 1)

    # OPERATION
    frame.write_memory(offset, bytes((word & 0xFF,)))


def mcopy(frame: Frame) -> None:
    """Copy a range of memory to another, which it may overlap (EIP-5656)."""
    # STACK
    stack = frame.stack
    destination, source, length = stack.pop(), stack.pop(), stack.pop()

    # GAS
    frame.charge(gas.COPY_WORD * gas.words(length))
    frame.grow_memory(max(destination, source), length)

    # OPERATION
    frame.write_memory(destination, frame.read_memory(source, length))


def msize(frame: Frame) -> None:
    """Push the size of active memory in bytes."""
    frame.stack.append(len(frame.memory))
