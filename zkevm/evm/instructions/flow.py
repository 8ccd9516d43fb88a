"""Jumps, the program counter, gas, and the ends of a frame."""

from zkevm.evm.events import Halt
from zkevm.evm.frame import Frame
from zkevm.evm.halt import ExceptionalHalt


def jump(frame: Frame) -> None:
    """Go on at a jump destination."""
    # STACK
    destination = frame.stack.pop()

    # PROGRAM COUNTER
    if destination not in frame.code.jump_destinations:
        raise ExceptionalHalt(Halt.INVALID_JUMP)
    frame.pc = destination


def jumpi(frame: Frame) -> None:
    """Go on at a jump destination if the second word is not zero."""
    # STACK
    stack = frame.stack
    destination = stack.pop()
    condition = stack.pop()

    # PROGRAM COUNTER
    if condition:
        if destination not in frame.code.jump_destinations:
            raise ExceptionalHalt(Halt.INVALID_JUMP)
        frame.pc = destination


def pc(frame: Frame) -> None:
    """Push the position of this instruction."""
    frame.stack.append(frame.pc - 1)


def gas(frame: Frame) -> None:
    """Push the gas that is left, this instruction paid."""
    frame.stack.append(frame.gas)


def jumpdest(_: Frame) -> None:
    """Do nothing: a place to jump to."""


def stop(frame: Frame) -> None:
    """End the frame successfully, without output."""
    frame.stop(Halt.STOP)


def return_(frame: Frame) -> None:
    """End the frame successfully, with a range of memory as output."""
    # STACK
    stack = frame.stack
    offset, length = stack.pop(), stack.pop()

    # GAS
    frame.grow_memory(offset, length)

    # OPERATION
    frame.stop(Halt.RETURN, offset, length)


def revert(frame: Frame) -> None:
    """End the frame undoing its effects, with a range of memory as output; keep the gas."""
    # STACK
    stack = frame.stack
    offset, length = stack.pop(), stack.pop()

    # GAS
    frame.grow_memory(offset, length)

    # OPERATION
    frame.stop(Halt.REVERT, offset, length)


def invalid(_: Frame) -> None:
    """Halt: an opcode that is not one, or INVALID."""
    raise ExceptionalHalt(Halt.INVALID_OPCODE)
