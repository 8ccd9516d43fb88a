"""DIV and MOD.

Relation.  For b != 0, a = q * b + r over the integers with r < b; DIV pushes q, MOD pushes r.
           For b = 0 both push 0.
Argument.  In limbs of 64 bits: positions 0 to 3 of q * b, with r, make the two halves of a; nothing
           is carried out of the second half, and the positions above, all sums of products that
           are not negative, vanish.  Carries are below 2**80 and both sides of each equation below
           2**210: they hold over the integers.  `r < b` fails for b = 0 alone: there q * b + r = a
           still holds, with r = a.
Assumes.   Words popped are canonical.
"""

import numpy as np
from numpy.typing import NDArray

from circuits.language import (
    Bit,
    Builder,
    LimbWord,
    Next,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordExpr,
    select,
    word,
)
from circuits.language.arrays import Words, extend, fits, integers, is_zero, words
from circuits.language.compare import IsZeroWord, LessWord
from circuits.language.limbs64 import CARRY_BITS, LIMB, carries, limbs64, position
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import total


class DivideSmall(StepGadget):
    """DIV and MOD of numbers below 2**64 by a divisor that is not zero."""

    name = "divide_small"
    opcodes = (Op.DIV, Op.MOD)

    is_mod = Bit()
    dividend = Popped()
    divisor = Popped()
    dividend_limbs = Uint(64)
    divisor_limbs = Uint(64)
    quotient = Uint(64)
    remainder = Uint(64)
    distance = Uint(64)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return fits(s.pop(0), 64) & fits(s.pop(1), 64) & ~is_zero(s.pop(1))

    def constrain(self, c: Builder) -> Next:
        operands = ((self.dividend, self.dividend_limbs), (self.divisor, self.divisor_limbs))
        for operand, small in operands:
            c.require_equal(f"{operand.label} is below 2**64", operand.lo, small.value)
            c.require_zero(f"{operand.label} has no high half", operand.hi)
        quotient, remainder = self.quotient.value, self.remainder.value
        product = quotient * self.divisor.lo
        c.require_equal(
            "dividend = quotient * divisor + remainder", self.dividend.lo, product + remainder
        )
        above = self.divisor.lo - remainder - self.real
        c.require_equal("the remainder is below the divisor", above, self.distance.value)
        return Next(
            opcode=Op.DIV + self.is_mod * (Op.MOD - Op.DIV),
            gas=gas.LOW,
            push=word(quotient + self.is_mod * (remainder - quotient)),
        )

    def fill(self, w: Witness, s: Steps) -> None:
        a, b = s.pop(0)[:, 0], s.pop(1)[:, 0]
        w[self.is_mod] = s.opcode == Op.MOD
        w[self.dividend_limbs], w[self.divisor_limbs] = a, b
        w[self.quotient], w[self.remainder] = a // b, a % b
        w[self.distance] = b - a % b - np.uint64(1)


class Divide(StepGadget):
    """DIV and MOD of words of any size."""

    name = "divide"
    opcodes = (Op.DIV, Op.MOD)

    is_mod = Bit()
    divisor_limbs = LimbWord()
    dividend = Popped()
    divisor = Popped(divisor_limbs)
    quotient = LimbWord()
    remainder = LimbWord()
    carry = Uint(CARRY_BITS)
    by_zero = IsZeroWord()
    below = LessWord()

    def constrain(self, c: Builder) -> Next:
        q, b, r = limbs64(self.quotient), limbs64(self.divisor_limbs), self.remainder
        carry = self.carry.value
        low = position(q, b, 0) + position(q, b, 1) * LIMB + r.lo
        high = position(q, b, 2) + position(q, b, 3) * LIMB + r.hi + carry
        c.require_equal("low half", low, self.dividend.lo + carry * 2**128)
        c.require_equal("high half, with nothing carried out", high, self.dividend.hi)
        c.require_zero("no product above 2**256", total(position(q, b, k) for k in (4, 5, 6)))
        self.by_zero.test(c, self.divisor.expr)
        self.below.use(c, r, self.divisor.expr)
        divides = self.real - self.by_zero.bit
        c.require_equal(
            "the remainder is below a divisor that is not zero", self.below.bit, divides
        )
        result = select(self.is_mod, r, self.quotient)
        return Next(
            opcode=Op.DIV + self.is_mod * (Op.MOD - Op.DIV),
            gas=gas.LOW,
            push=WordExpr(divides * result.lo, divides * result.hi),
        )

    def fill(self, w: Witness, s: Steps) -> None:
        dividend, divisor = s.pop(0), s.pop(1)
        quotient, remainder = divided(dividend, divisor)
        w[self.is_mod] = s.opcode == Op.MOD
        w[self.quotient], w[self.remainder] = quotient, remainder
        w[self.carry] = carries(quotient, divisor, remainder)[0]
        w[self.by_zero] = divisor
        self.below.fill(w, remainder, divisor)


def divided(dividend: Words, divisor: Words) -> tuple[Words, Words]:
    """Quotients and remainders; (0, dividend) where the divisor is zero."""
    quotient, remainder = np.zeros_like(dividend), dividend.copy()
    small = fits(dividend, 64) & fits(divisor, 64) & ~is_zero(divisor)
    a, b = dividend[small, 0], divisor[small, 0]
    quotient[small], remainder[small] = extend(a // b), extend(a % b)
    wide = np.flatnonzero(~small & ~is_zero(divisor))
    pairs = [
        divmod(x, y) for x, y in zip(integers(dividend[wide]), integers(divisor[wide]), strict=True)
    ]
    if pairs:
        quotient[wide] = words(q for q, _ in pairs)
        remainder[wide] = words(r for _, r in pairs)
    return quotient, remainder
