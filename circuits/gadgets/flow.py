"""JUMP, JUMPI, JUMPDEST, PC, MSIZE, GAS.

Relation.  JUMP goes to a JUMPDEST that is an instruction; JUMPI does so if its condition is not
           zero. PC, MSIZE and GAS push what the state says (GAS after it was charged).
Argument.  `fetch` has one entry for each byte of a code, so a destination is a JUMPDEST or is none.
           GAS is a point where the running gas is proven to be in range (CIRCUITS.md section 7).
"""

import numpy as np
from numpy.typing import NDArray

from circuits.buses import FETCH
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Next,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    select,
    word,
)
from circuits.language.arrays import fits, high, inverses, is_zero, low
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr

WORD_BYTES = 32


def land(c: Builder, when: Expr, code: Expr, destination: Popped) -> None:
    """Where `when` is 1, the destination is a JUMPDEST of the code."""
    c.require_zero("the destination has no high half", when * destination.hi)
    c.request(FETCH, when, code, destination.lo, Op.JUMPDEST, 1, 1, label="a JUMPDEST there")


class Jump(StepGadget):
    """JUMP."""

    name = "jump"
    opcodes = (Op.JUMP,)

    destination = Popped()

    def constrain(self, c: Builder) -> Next:
        land(c, self.real, self.code, self.destination)
        return Next(opcode=Op.JUMP, gas=gas.MID, pc=self.destination.lo)


class JumpiBool(StepGadget):
    """JUMPI whose condition is 0 or 1."""

    name = "jumpi_bool"
    opcodes = (Op.JUMPI,)

    destination = Popped()
    condition = Popped()

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        condition = s.pop(1)
        return fits(condition, 16) & (condition[:, 0] < 2)

    def constrain(self, c: Builder) -> Next:
        taken = self.condition.lo
        c.require_zero("the condition is 0 or 1", taken * (taken - 1))
        c.require_zero("the condition has no high half", self.condition.hi)
        land(c, taken, self.code, self.destination)
        pc = self.pc + 1 + taken * (self.destination.lo - self.pc - 1)
        return Next(opcode=Op.JUMPI, gas=gas.HIGH, pc=pc)


class Jumpi(StepGadget):
    """JUMPI on any condition.

    `inverse` is of the half that `by_high` names: if it exists, the condition is not zero.
    """

    name = "jumpi"
    opcodes = (Op.JUMPI,)

    destination = Popped()
    condition = Popped()
    taken = Bit()
    by_high = Bit()
    inverse = Cell(ColumnType.FIELD)

    def constrain(self, c: Builder) -> Next:
        taken, condition = self.taken, self.condition
        not_taken = self.real - taken
        c.require_zero("not taken: low half is zero", not_taken * condition.lo)
        c.require_zero("not taken: high half is zero", not_taken * condition.hi)
        half = select(self.by_high, word(condition.hi), word(condition.lo)).lo
        c.require_equal("taken: a half is not zero", half * self.inverse, taken)
        land(c, taken, self.code, self.destination)
        pc = self.pc + 1 + taken * (self.destination.lo - self.pc - 1)
        return Next(opcode=Op.JUMPI, gas=gas.HIGH, pc=pc)

    def fill(self, w: Witness, s: Steps) -> None:
        condition = s.pop(1)
        by_high = is_zero(low(condition))
        w[self.taken] = ~is_zero(condition)
        w[self.by_high] = by_high
        half = np.where(by_high[:, None], high(condition), low(condition))
        w[self.inverse] = inverses(half, np.zeros_like(half))


class Jumpdest(StepGadget):
    """JUMPDEST."""

    name = "jumpdest"
    opcodes = (Op.JUMPDEST,)

    def constrain(self, c: Builder) -> Next:
        return Next(opcode=Op.JUMPDEST, gas=gas.JUMPDEST, jumpdest=1)


class ProgramCounter(StepGadget):
    """PC."""

    name = "pc"
    opcodes = (Op.PC,)

    def constrain(self, c: Builder) -> Next:
        return Next(opcode=Op.PC, gas=gas.BASE, push=word(self.pc))


class MemorySize(StepGadget):
    """MSIZE."""

    name = "msize"
    opcodes = (Op.MSIZE,)

    def constrain(self, c: Builder) -> Next:
        return Next(opcode=Op.MSIZE, gas=gas.BASE, push=word(self.msize * WORD_BYTES))


class Gas(StepGadget):
    """GAS."""

    name = "gas"
    opcodes = (Op.GAS,)

    left = Uint(64)

    def constrain(self, c: Builder) -> Next:
        c.require_equal(
            "what is left after the charge", self.left.value, self.gas - self.real * gas.BASE
        )
        return Next(opcode=Op.GAS, gas=gas.BASE, push=word(self.left.value))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.left] = s.gas - np.uint64(gas.BASE)
