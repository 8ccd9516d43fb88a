"""Runs of instructions: what follows one another in code whatever the operands are.

Gas and stack height are checked once for a whole run, and a recorder hears of it once: several
times faster than one instruction after the other.
"""

from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from zkevm.evm.fork import Dispatch
from zkevm.evm.instructions import Instruction
from zkevm.evm.instructions.flow import invalid
from zkevm.evm.instructions.stack import push_word
from zkevm.evm.opcodes import ARITY, PUSH_DATA, Op, stack_change

LONGEST: Final = 64
"""Instructions in a run: code may be entered anywhere, and has a run for each of these places."""

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


class Runs(dict[int, Run]):
    """The runs of a code by program counter, each made when it is first entered."""

    def __init__(self, code: bytes, dispatch: Dispatch) -> None:
        super().__init__()
        self._code = code
        """With zeros after it, as in `Code.padded`."""
        self._dispatch = dispatch

    def __missing__(self, start: int) -> Run:
        _, bounds, costs = self._dispatch
        pcs = self._follow(start)
        ops = tuple(self._code[pc] for pc in pcs)
        heights = tuple(accumulate((stack_change(Op(op)) for op in ops[:-1]), initial=0))
        run = Run(
            pcs=pcs,
            ops=ops,
            end=pcs[-1] + 1 + PUSH_DATA[ops[-1]],
            heights=range(
                max(bounds[op].start - height for op, height in zip(ops, heights, strict=True)),
                min(bounds[op].stop - height for op, height in zip(ops, heights, strict=True)),
            ),
            gas=sum(costs[op] for op in ops),
            instructions=tuple((self._instruction(pc), WRITTEN[self._code[pc]]) for pc in pcs),
        )
        self[start] = run
        return run

    def _follow(self, start: int) -> tuple[int, ...]:
        pcs = [start]
        while len(pcs) < LONGEST and self._is_straight(self._code[pcs[-1]]):
            pcs.append(pcs[-1] + 1 + PUSH_DATA[self._code[pcs[-1]]])
        return tuple(pcs)

    def _is_straight(self, op: int) -> bool:
        return op in STRAIGHT and self._dispatch.instructions[op] is not invalid

    def _instruction(self, pc: int) -> Instruction:
        op = self._code[pc]
        size = PUSH_DATA[op]
        if size == 0:
            return self._dispatch.instructions[op]
        return push_word(int.from_bytes(self._code[pc + 1 : pc + 1 + size], "big"))
