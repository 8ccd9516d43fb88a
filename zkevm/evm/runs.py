"""Runs of instructions: what follows one another in code whatever the operands are.

Gas and stack height are checked once for a whole run, and a recorder hears of it once: several
times faster than one instruction after the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from zkevm.evm.compiled_run import Execute, Step, Translation, Value
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
    """Instructions that are all `STRAIGHT` but perhaps the last: only that one may halt or jump.

    A compiled run may go on where a JUMP or JUMPI went the last time before. Where it goes another
    way, `execute` returns the run up to there, all of it done but for that last instruction.
    """

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
        self._blocks: dict[int, Run] = {}
        """The runs as they were before any of them was compiled."""
        self._times: dict[Run, int] = {}
        self._went: dict[Run, int] = {}
        """Where it went on after a run."""
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
        self[start] = self._blocks[start] = run
        return run

    def _word(self, pc: int) -> int:
        """Return what PUSH pushes there, 0 for another instruction."""
        return int.from_bytes(self._code[pc + 1 : pc + 1 + PUSH_DATA[self._code[pc]]], "big")

    def execute_each(self, run: Run, frame: Frame, words: list[int]) -> None:
        """Call the instructions of a run that is not compiled: compile it, if that would pay."""
        stack, keep = frame.stack, words.append
        for instruction, written in run.instructions:
            instruction(frame)
            for place in written if self._keeps else ():
                keep(stack[place])
        self._went[run] = frame.pc
        times = self._times[run] = self._times.get(run, 0) + 1
        if times == COMPILED_AFTER:
            self._compile(run)

    def _compile(self, block: Run) -> None:
        """Compile a run, together with what follows it."""
        run, translation = block, Translation(self._keeps)
        last = self._translate(block, translation)
        while (following := self._following(run, block, translation)) is not None:
            if block.ops[-1] == Op.JUMPI:
                so_far = replace(run, written=tuple(translation.written))
                translation.leave(following.pcs[0] != block.end, so_far)
            else:
                translation.pop()
            last = self._translate(following, translation)
            run, block = _joined(run, following), following
        self[run.pcs[0]] = replace(
            run, execute=translation.function(last), written=translation.written
        )

    def _translate(self, block: Run, translation: Translation) -> Step | None:
        """Add the instructions that do not halt; return the other one."""
        *steps, last = map(self._step, block.pcs)
        for step in steps:
            translation.translate(step)
        if not self._straight[last.op]:
            return last
        translation.translate(last)
        return None

    def _following(self, run: Run, block: Run, translation: Translation) -> Run | None:
        """What is to follow the last block of a run: what did the last time, if that is known."""
        if block.ops[-1] not in {Op.JUMP, Op.JUMPI}:
            return None
        went = self._went.get(block, -1)
        following = self._blocks.get(went)
        if following is None or len(run.ops) + len(following.ops) > LONGEST:
            return None
        falls = block.ops[-1] == Op.JUMPI and went == block.end
        return following if falls or translation.reach(1) == went else None

    def _step(self, pc: int) -> Step:
        op = self._code[pc]
        return Step(op, self._word(pc), self._dispatch.instructions[op], WRITTEN[op])


def _joined(run: Run, following: Run) -> Run:
    """One run after the other."""
    change = sum(STACK_CHANGE[op] for op in run.ops)
    return Run(
        pcs=run.pcs + following.pcs,
        ops=run.ops + following.ops,
        end=following.end,
        heights=range(
            max(run.heights.start, following.heights.start - change),
            min(run.heights.stop, following.heights.stop - change),
        ),
        gas=run.gas + following.gas,
        instructions=run.instructions + following.instructions,
    )
