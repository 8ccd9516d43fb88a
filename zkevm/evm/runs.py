"""Runs of instructions: what follows one another in code whatever the operands are.

Gas and stack height are checked once for a whole run, and a recorder hears of it once: several
times faster than one instruction after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from zkevm.evm.compiled_run import Execute, Step, Value, compiled
from zkevm.evm.fork import Dispatch
from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction
from zkevm.evm.instructions.flow import invalid
from zkevm.evm.instructions.stack import push_word
from zkevm.evm.opcodes import ARITY, PUSH_DATA, Op, stack_change

LONGEST: Final = 64
"""Instructions in a run: code may be entered anywhere, and has a run for each of these places."""

COMPILED_AFTER: Final = 64
"""Executions of a run after which it is compiled, which takes as long as about so many."""

_STRAIGHT_NAMES: Final = (
    "ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD SIGNEXTEND "
    "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR CLZ "
    "ADDRESS ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CODESIZE GASPRICE RETURNDATASIZE "
    "COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID BASEFEE BLOBHASH BLOBBASEFEE "
    "POP MSIZE JUMPDEST PUSH0"
)
STRAIGHT: Final = frozenset(Op[name] for name in _STRAIGHT_NAMES.split()) | frozenset(
    map(Op, range(Op.PUSH1, Op.SWAP16 + 1))
)
"""Opcodes that cannot halt once gas and stack height are checked, see neither gas nor program
counter, and change nothing but the stack."""

_CALL_LIKE: Final = frozenset(
    {Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL, Op.CREATE, Op.CREATE2}
)


def _written(byte: int) -> tuple[int, ...]:
    if byte not in ARITY or byte in _CALL_LIKE or not ARITY[Op(byte)].outputs:
        return ()
    return (-1, Op.SWAP1 - byte - 2) if Op.SWAP1 <= byte <= Op.SWAP16 else (-1,)


STACK_CHANGE: Final = tuple(stack_change(Op(b)) if b in ARITY else 0 for b in range(256))
"""By opcode byte, by how much an instruction makes the stack higher."""

WRITTEN: Final = tuple(map(_written, range(256)))
"""By opcode byte, where the words that an instruction has written are in the stack after it.

Those of calls and creates are not: they tell of their result when it is known.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Instructions that are all `STRAIGHT` but perhaps the last: only that one may halt or jump."""

    pcs: tuple[int, ...]
    ops: tuple[int, ...]
    end: int
    """The program counter after the last instruction, its push data included."""
    heights: range
    """The stack heights before the run at which no instruction of it under- or overflows."""
    gas: int
    """The fixed gas of all instructions."""
    execute: Execute
    """Executes it, gas and program counter apart."""
    written: Sequence[Value] | None
    """Where it is compiled: what it writes, except by a last instruction that is not `STRAIGHT`.

    Of the words that a run keeps, those of the variables here come first.
    """


class Runs(dict[int, Run]):
    """The runs of a code by program counter, each made when it is first entered."""

    def __init__(self, code: bytes, dispatch: Dispatch, keeps: bool) -> None:
        """Of a code with zeros after it, see `Code.padded`; `keeps` those that keep words."""
        super().__init__()
        self._code = code
        self._dispatch = dispatch
        self._keeps = keeps

    def __missing__(self, start: int) -> Run:
        code, (_, bounds, costs) = self._code, self._dispatch
        pcs, ops = [start], [code[start]]
        height, least, most = 0, bounds[ops[0]].start, bounds[ops[0]].stop
        while len(pcs) < LONGEST and self._is_straight(ops[-1]):
            height += STACK_CHANGE[ops[-1]]
            pcs.append(pcs[-1] + 1 + PUSH_DATA[ops[-1]])
            ops.append(code[pcs[-1]])
            reached = bounds[ops[-1]]
            least = max(least, reached.start - height)
            most = min(most, reached.stop - height)
        run = Run(
            pcs=tuple(pcs),
            ops=tuple(ops),
            end=pcs[-1] + 1 + PUSH_DATA[ops[-1]],
            heights=range(least, most),
            gas=sum([costs[op] for op in ops]),
            execute=self._one_by_one(pcs),
            written=None,
        )
        self[start] = run
        return run

    def _is_straight(self, op: int) -> bool:
        return op in STRAIGHT and self._dispatch.instructions[op] is not invalid

    def _word(self, pc: int) -> int:
        """Return what PUSH pushes there, 0 for another instruction."""
        return int.from_bytes(self._code[pc + 1 : pc + 1 + PUSH_DATA[self._code[pc]]], "big")

    def _instruction(self, pc: int) -> Instruction:
        op = self._code[pc]
        return push_word(self._word(pc)) if PUSH_DATA[op] else self._dispatch.instructions[op]

    def _one_by_one(self, pcs: Sequence[int]) -> Execute:
        """Call the instructions, until it pays to compile the run."""
        instructions = [(self._instruction(pc), WRITTEN[self._code[pc]]) for pc in pcs]
        times = count(1)

        def execute(frame: Frame, words: list[int]) -> None:
            if next(times) == COMPILED_AFTER:
                self._compile(pcs)
            stack, keep = frame.stack, words.append
            for instruction, written in instructions:
                instruction(frame)
                for place in written:
                    keep(stack[place])

        def execute_only(frame: Frame, _: list[int]) -> None:
            if next(times) == COMPILED_AFTER:
                self._compile(pcs)
            for instruction, _written in instructions:
                instruction(frame)

        return execute if self._keeps else execute_only

    def _compile(self, pcs: Sequence[int]) -> None:
        code = self._code
        steps = [
            Step(code[pc], self._word(pc), self._instruction(pc), WRITTEN[code[pc]]) for pc in pcs
        ]
        last = None if self._is_straight(steps[-1].op) else steps.pop()
        execute, written = compiled(steps, last, self._keeps)
        self[pcs[0]] = replace(self[pcs[0]], execute=execute, written=written)
