"""PUSH0 to PUSH32, POP, DUP, SWAP.

Relation.  PUSHn puts the n bytes after it on the stack and skips them; POP drops the top word; DUPn
           puts a copy of the n-th word on top; SWAPn exchanges the top word with the one n below.
Argument.  A word read inside the stack is the token of its cell, which is sent again at this clock.
           The number n comes from four bits, so the opcode cannot be another family's.
Assumes.   `push` states what the code has at a place; words on the stack are canonical.
"""

from circuits.buses import PUSH, STACK
from circuits.language import (
    Bits,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Next,
    Peeked,
    Popped,
    StepGadget,
    Steps,
    Witness,
    recompose,
    word,
)
from zkevm.evm import gas
from zkevm.evm.opcodes import Op


class Push0(StepGadget):
    """PUSH0."""

    name = "push0"
    opcodes = (Op.PUSH0,)

    def constrain(self, c: Builder) -> Next:
        return Next(opcode=Op.PUSH0, gas=gas.BASE, push=word(0))


class Push(StepGadget):
    """PUSH1 to PUSH32: one lookup instead of a fetch of each byte."""

    name = "push"
    opcodes = tuple(range(Op.PUSH1, Op.PUSH32 + 1))

    size = Cell(ColumnType.U8)
    value = Halves()

    def constrain(self, c: Builder) -> Next:
        c.request(PUSH, self.real, self.code, self.pc, self.size, *self.value)
        pc = self.pc + self.size + 1
        return Next(opcode=None, gas=gas.VERY_LOW, pc=pc, push=self.value)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.size] = s.opcode - Op.PUSH0
        w[self.value] = s.written()


class Pop(StepGadget):
    """POP."""

    name = "pop"
    opcodes = (Op.POP,)

    dropped = Popped()

    def constrain(self, c: Builder) -> Next:
        return Next(opcode=Op.POP, gas=gas.BASE)


class Dup(StepGadget):
    """DUP1 to DUP16."""

    name = "dup"
    opcodes = tuple(range(Op.DUP1, Op.DUP16 + 1))

    depth = Bits(4)  # n - 1
    value = Peeked()

    def constrain(self, c: Builder) -> Next:
        depth = recompose(self.depth, 1)
        index = self.sp - 1 - depth
        self.value.receive(c, self.real, self.frame, index, self.clock)
        copy = (self.value.lo, self.value.hi, self.clock)
        c.send(STACK, self.real, self.frame, index, *copy, label="put it back")
        return Next(opcode=Op.DUP1 + depth, gas=gas.VERY_LOW, push=self.value.expr)

    def fill(self, w: Witness, s: Steps) -> None:
        depth = s.opcode - Op.DUP1
        w[self.depth] = depth[:, None] >> range(4) & 1


class Swap(StepGadget):
    """SWAP1 to SWAP16."""

    name = "swap"
    opcodes = tuple(range(Op.SWAP1, Op.SWAP16 + 1))

    depth = Bits(4)  # n - 1
    top = Peeked()
    deep = Peeked()

    def constrain(self, c: Builder) -> Next:
        depth = recompose(self.depth, 1)
        high, low = self.sp - 1, self.sp - 2 - depth
        self.top.receive(c, self.real, self.frame, high, self.clock)
        self.deep.receive(c, self.real, self.frame, low, self.clock)
        for index, put in ((high, self.deep), (low, self.top)):
            c.send(
                STACK, self.real, self.frame, index, put.lo, put.hi, self.clock, label="exchange"
            )
        return Next(opcode=Op.SWAP1 + depth, gas=gas.VERY_LOW)

    def fill(self, w: Witness, s: Steps) -> None:
        depth = s.opcode - Op.SWAP1
        w[self.depth] = depth[:, None] >> range(4) & 1
