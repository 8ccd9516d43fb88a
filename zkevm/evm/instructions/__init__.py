"""Instructions, one opcode family a module.

An instruction is a function of the frame. Before it runs, the interpreter has checked the stack
height against `zkevm.evm.opcodes.ARITY`, charged the fixed gas and moved the program counter past
the opcode. What is left is up to four parts, in this order: STACK (take the operands), GAS (what
depends on them), OPERATION (do it and push the result), PROGRAM COUNTER (for jumps and pushes).
A result replaces the last operand in place. No instruction mentions tracing. Those that
`zkevm.evm.runs.STRAIGHT` lists find gas and program counter as they are after their run, and use
neither.
"""

from collections.abc import Callable
from typing import TypeAlias

from zkevm.evm.frame import Frame

Instruction: TypeAlias = Callable[[Frame], None]
