"""Instructions that replace their operands by a function of them."""

from collections.abc import Callable
from inspect import signature
from typing import TypeAlias

from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction

Operation: TypeAlias = Callable[..., int]
"""From the operands, the top word first, to the result."""

OPERATIONS: dict[Instruction, tuple[Operation, int]] = {}
"""What `pure` instructions do, and the number of their operands."""


def pure(operation: Operation) -> Instruction:
    """Return the instruction that does this with the one to three top words."""

    def unary(frame: Frame) -> None:
        stack = frame.stack
        stack[-1] = operation(stack[-1])

    def binary(frame: Frame) -> None:
        stack = frame.stack
        top = stack.pop()
        stack[-1] = operation(top, stack[-1])

    def ternary(frame: Frame) -> None:
        stack = frame.stack
        top, second = stack.pop(), stack.pop()
        stack[-1] = operation(top, second, stack[-1])

    operands = len(signature(operation).parameters)
    instruction = (unary, binary, ternary)[operands - 1]
    OPERATIONS[instruction] = operation, operands
    return instruction
