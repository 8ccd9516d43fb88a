"""Out of gas for a range of memory, with what the opcode charges for its size.

Relation.  fixed + memory + per word + per byte > gas, for one of the ranges that the opcode names,
           or a range so large that no gas pays for it.
Argument.  Success leads to a negative gas, with which no frame ends but by an exceptional halt.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.execution.tokens import Mask
from circuits.language import (
    Builder,
    Halves,
    Next,
    OneHot,
    Peeked,
    Steps,
    Uint,
    Witness,
    total,
    word,
)
from circuits.language.arrays import integers, words
from circuits.language.halt import ExceptionalHalt
from circuits.language.range_cost import RangeCost, range_cost
from zkevm.evm import gas
from zkevm.evm.opcodes import ARITY, Op
from zkevm.trace.trace import Halt

OPERANDS = 7
SHORTFALL_BITS = 96
WORD_BYTES = 32


@dataclass(frozen=True)
class Touch:
    """A range of memory that an opcode names: which operands, and what its size costs.

    `size` is the operand, None where the range has `length` bytes.
    """

    op: Op
    operands: int
    offset: int = 0
    size: int | None = 1
    length: int = 0
    word_gas: int = 0
    byte_gas: int = 0

    def cost(self, operands: list[int], msize: int) -> int:
        """What the opcode costs at least."""
        size = self.length if self.size is None else operands[self.size]
        memory = range_cost(operands[self.offset], size, msize)
        return memory + self.fixed + self.word_gas * gas.words(size) + self.byte_gas * size

    @property
    def fixed(self) -> int:
        """What the opcode costs whatever its operands."""
        return ARITY[self.op].fixed_gas


def _calls() -> tuple[Touch, ...]:
    """Input and output of every call."""
    with_value = ((op, 7) for op in (Op.CALL, Op.CALLCODE))
    without = ((op, 6) for op in (Op.DELEGATECALL, Op.STATICCALL))
    return tuple(
        Touch(op, n, offset, offset + 1)
        for op, n in (*with_value, *without)
        for offset in (n - 4, n - 2)
    )


TOUCHES = (
    Touch(Op.MLOAD, 1, size=None, length=WORD_BYTES),
    Touch(Op.MSTORE, 1, size=None, length=WORD_BYTES),
    Touch(Op.MSTORE8, 1, size=None, length=1),
    Touch(Op.RETURN, 2),
    Touch(Op.REVERT, 2),
    Touch(Op.KECCAK256, 2, word_gas=gas.KECCAK256_WORD),
    *(
        Touch(op, 2, byte_gas=gas.LOG_DATA_BYTE)
        for op in (Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4)
    ),
    *(
        Touch(op, 3, size=2, word_gas=gas.COPY_WORD)
        for op in (Op.CALLDATACOPY, Op.CODECOPY, Op.RETURNDATACOPY, Op.MCOPY)
    ),
    Touch(Op.MCOPY, 3, offset=1, size=2, word_gas=gas.COPY_WORD),
    Touch(Op.EXTCODECOPY, 4, offset=1, size=3, word_gas=gas.COPY_WORD),
    Touch(Op.CREATE, 3, offset=1, size=2, word_gas=gas.INIT_CODE_WORD),
    Touch(Op.CREATE2, 3, offset=1, size=2, word_gas=gas.INIT_CODE_WORD + gas.KECCAK256_WORD),
    *_calls(),
)


class MemoryOutOfGas(ExceptionalHalt):
    """An opcode whose range of memory, or what it does with it, cannot be paid."""

    name = "memory_out_of_gas"
    opcodes = tuple({touch.op for touch in TOUCHES})
    halts = (Halt.OUT_OF_GAS,)

    touch = OneHot(len(TOUCHES))
    first = Peeked()
    second = Peeked()
    third = Peeked()
    fourth = Peeked()
    fifth = Peeked()
    sixth = Peeked()
    seventh = Peeked()
    offset = Halves()
    size = Halves()
    range = RangeCost()
    words = Uint(48)
    shortfall = Uint(SHORTFALL_BITS)

    def accepts(self, s: Steps) -> Mask:
        fixed = np.array([ARITY[Op(op)].fixed_gas for op in s.opcode.tolist()], np.uint64)
        dear = np.array([cost > have for _, cost, have in _choices(s)], np.bool_)
        return dear & (s.gas >= fixed)

    def constrain(self, c: Builder) -> Next:
        bits, operands = list(self.touch), self.peeked()
        pairs = list(zip(bits, TOUCHES, strict=True))
        for i, operand in enumerate(operands):
            has = total(bit for bit, touch in pairs if touch.operands > i)
            operand.receive(c, has, self.frame, self.sp - 1 - i, self.clock)
        for half in ("lo", "hi"):
            offset, size = getattr(self.offset, half), getattr(self.size, half)
            chosen = total(bit * getattr(operands[t.offset], half) for bit, t in pairs)
            c.require_equal(f"the offset, {half}", offset, chosen)
            sizes = [word(t.length) if t.size is None else operands[t.size].expr for _, t in pairs]
            chosen = total(bit * getattr(w, half) for bit, w in zip(bits, sizes, strict=True))
            c.require_equal(f"the size, {half}", size, chosen)
        memory = self.range.use(c, self.offset.expr, self.size.expr)
        exact = self.real - self.range.huge
        c.require_zero("a size is huge or below 2^128", exact * self.size.hi)
        rest = WORD_BYTES * self.words.value - self.size.lo
        c.require_range("words of the size", exact, rest, 5)
        fixed = self.touch.select([t.fixed for t in TOUCHES])
        words_cost = self.touch.select([t.word_gas for t in TOUCHES]) * self.words.value
        bytes_cost = self.touch.select([t.byte_gas for t in TOUCHES]) * self.size.lo
        missing = memory + fixed + words_cost + bytes_cost - self.gas - 1
        # costs are below 2^90: the shortfall is an integer
        c.require_equal("gas is short of the cost", self.shortfall.value, exact * missing)
        return self.halt(c, self.touch.select([t.op for t in TOUCHES]))

    def fill(self, w: Witness, s: Steps) -> None:
        chosen = [TOUCHES[k] for k, _, _ in _choices(s)]
        rows = [[integers(s.pop(i))[r] for i in range(OPERANDS)] for r in range(len(s))]
        offset = [row[t.offset] for row, t in zip(rows, chosen, strict=True)]
        size = [
            t.length if t.size is None else row[t.size] for row, t in zip(rows, chosen, strict=True)
        ]
        costs = self.range.fill(w, offset, size, s.msize.tolist())
        huge = w[self.range.huge] != 0
        counts = [0 if h else gas.words(n) for n, h in zip(size, huge, strict=True)]
        w[self.touch] = np.array([k for k, _, _ in _choices(s)])
        w[self.offset] = words(offset)
        w[self.size] = words(size)
        w[self.words] = words(counts)
        w[self.shortfall] = words(
            0 if h else cost + t.fixed + t.word_gas * n + t.byte_gas * length - have - 1
            for cost, t, n, length, have, h in zip(
                costs, chosen, counts, size, s.gas.tolist(), huge, strict=True
            )
        )


def _choices(s: Steps) -> list[tuple[int, int, int]]:
    """For each step the range that costs most: its place, the cost, and the gas there is."""
    found = []
    operands = [integers(s.pop(i)) for i in range(OPERANDS)]
    for r, (op, have) in enumerate(zip(s.opcode.tolist(), s.gas.tolist(), strict=True)):
        row, msize = [words_[r] for words_ in operands], int(s.msize[r])
        costs = [(t.cost(row, msize), k) for k, t in enumerate(TOUCHES) if t.op == op]
        cost, place = max(costs)
        found.append((place, cost, have))
    return found
