"""Runs of instructions: what follows one another in code whatever the operands are.

Gas and stack height are checked once for a whole run, and a recorder hears of it once: several
times faster than one instruction after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from zkevm.evm.compiled_run import Execute, Step, Value, compiled
from zkevm.evm.fork import Dispatch
from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction
from zkevm.evm.instructions.flow import invalid
from zkevm.evm.instructions.stack import push_word
from zkevm.evm.opcodes import ARITY, PUSH_DATA, STACK_LIMIT, Op, stack_change

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
    instructions: tuple[tuple[Instruction, tuple[int, ...]], ...]
    """Each with its `WRITTEN`."""
    execute: Execute | None = None
    """Does what they do, where it is compiled."""
    written: Sequence[Value] | None = None
    """Then what it writes, except by a last instruction that is not `STRAIGHT`.

    Of the words that it keeps, those of the variables here come first.
    """


class Runs(dict[int, Run]):
    """The runs of a code by program counter, each made when it is first entered."""

    def __init__(self, code: bytes, dispatch: Dispatch, keeps: bool) -> None:
        """Of a code with zeros after it, see `Code.padded`; `keeps` those that keep words."""
        super().__init__()
        self._code = code
        self._dispatch = dispatch
        self._keeps = keeps
        self._times: dict[Run, int] = {}
        self._straight = [
            op in STRAIGHT and instruction is not invalid
            for op, instruction in enumerate(dispatch.instructions)
        ]

    def __missing__(self, start: int) -> Run:
        code, straight, (known, bounds, costs) = self._code, self._straight, self._dispatch
        op, pc, pcs, ops = code[start], start, [start], [code[start]]
        height, gas, least, most = 0, 0, 0, STACK_LIMIT + 1
        while True:
            allowed = bounds[op]
            least = max(least, allowed.start - height)
            most = min(most, allowed.stop - height)
            gas += costs[op]
            pc += 1 + PUSH_DATA[op]
            if not straight[op] or len(pcs) == LONGEST:
                break
            height += STACK_CHANGE[op]
            op = code[pc]
            pcs.append(pc)
            ops.append(op)
        run = Run(
            pcs=tuple(pcs),
            ops=tuple(ops),
            end=pc,
            heights=range(least, most),
            gas=gas,
            instructions=tuple(
                (push_word(self._word(at)) if PUSH_DATA[op] else known[op], WRITTEN[op])
                for at, op in zip(pcs, ops, strict=True)
            ),
        )
        self[start] = run
        return run

    def _word(self, pc: int) -> int:
        """Return what PUSH pushes there, 0 for another instruction."""
        return int.from_bytes(self._code[pc + 1 : pc + 1 + PUSH_DATA[self._code[pc]]], "big")

    def execute_each(self, run: Run, frame: Frame, words: list[int]) -> None:
        """Call the instructions of a run that is not compiled: compile it, if that would pay."""
        times = self._times[run] = self._times.get(run, 0) + 1
        if times == COMPILED_AFTER:
            self._compile(run)
        if not self._keeps:
            for instruction, _ in run.instructions:
                instruction(frame)
            return
        stack, keep = frame.stack, words.append
        for instruction, written in run.instructions:
            instruction(frame)
            for place in written:
                keep(stack[place])

    def _compile(self, run: Run) -> None:
        steps = [self._step(pc) for pc in run.pcs]
        last = None if self._straight[steps[-1].op] else steps.pop()
        execute, written = compiled(steps, last, self._keeps)
        self[run.pcs[0]] = replace(run, execute=execute, written=written)

    def _step(self, pc: int) -> Step:
        op = self._code[pc]
        return Step(op, self._word(pc), self._dispatch.instructions[op], WRITTEN[op])
