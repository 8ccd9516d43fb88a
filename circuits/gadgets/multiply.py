"""MUL.

Relation.  result = lhs * rhs modulo 2**256.
Argument.  In limbs of 64 bits, the products at positions 0 and 1 make the low half and a carry,
           those at 2 and 3 with that carry the high half and a carry that is dropped; higher ones
           are multiples of 2**256.  Carries are below 2**80, so both sides of each equation stay
           below 2**210: they hold over the integers.
Assumes.   Words popped are canonical, so that their limbs are unique.
"""

import numpy as np
from numpy.typing import NDArray

from circuits.language import (
    Builder,
    LimbWord,
    Next,
    Popped,
    Pushed,
    StepGadget,
    Steps,
    Uint,
    Witness,
    word,
)
from circuits.language.arrays import fits
from circuits.language.limbs64 import CARRY_BITS, LIMB, carries, limbs64, position
from zkevm.evm import gas
from zkevm.evm.opcodes import Op


class MultiplySmall(StepGadget):
    """MUL of numbers below 2**64: the product is one half."""

    name = "multiply_small"
    opcodes = (Op.MUL,)

    lhs_limbs = Uint(64)
    rhs_limbs = Uint(64)
    lhs = Popped()
    rhs = Popped()

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return fits(s.pop(0), 64) & fits(s.pop(1), 64)

    def constrain(self, c: Builder) -> Next:
        for operand, small in ((self.lhs, self.lhs_limbs), (self.rhs, self.rhs_limbs)):
            c.require_equal(f"{operand.label} is below 2**64", operand.lo, small.value)
            c.require_zero(f"{operand.label} has no high half", operand.hi)
        return Next(opcode=Op.MUL, gas=gas.LOW, push=word(self.lhs.lo * self.rhs.lo))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.lhs_limbs], w[self.rhs_limbs] = s.pop(0), s.pop(1)


class Multiply(StepGadget):
    """MUL of words of any size."""

    name = "multiply"
    opcodes = (Op.MUL,)

    lhs_limbs = LimbWord()
    rhs_limbs = LimbWord()
    lhs = Popped(lhs_limbs)
    rhs = Popped(rhs_limbs)
    result = Pushed()
    carry_low = Uint(CARRY_BITS)
    carry_high = Uint(CARRY_BITS)

    def constrain(self, c: Builder) -> Next:
        a, b = limbs64(self.lhs_limbs), limbs64(self.rhs_limbs)
        low = position(a, b, 0) + position(a, b, 1) * LIMB
        high = position(a, b, 2) + position(a, b, 3) * LIMB + self.carry_low.value
        c.require_equal("low half", low, self.result.lo + self.carry_low.value * 2**128)
        c.require_equal("high half", high, self.result.hi + self.carry_high.value * 2**128)
        return Next(opcode=Op.MUL, gas=gas.LOW)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.carry_low], w[self.carry_high] = carries(s.pop(0), s.pop(1))
