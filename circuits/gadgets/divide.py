"""DIV, MOD, SDIV, SMOD.

Relation.  For b != 0, a = q * b + r over the integers with r < b; DIV pushes q, MOD pushes r.
           For b = 0 both push 0.  SDIV and SMOD do so with the magnitudes of two's complement
           words: the quotient is negative if the signs differ, the remainder if the dividend is.
Argument.  In limbs of 64 bits: positions 0 to 3 of q * b, with r, make the two halves of a; nothing
           is carried out of the second half, and the positions above, all sums of products that
           are not negative, vanish.  Carries are below 2**80 and both sides of each equation below
           2**210: they hold over the integers.  `r < b` fails for b = 0 alone: there q * b + r = a
           still holds, with r = a.
           A magnitude is the word or, if the sign bit is set, what it lacks to 2**256.  So the
           least word has itself for its magnitude, and divided by -1 gives itself.
Assumes.   Words popped are canonical.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from circuits.language import (
    Bit,
    Bits,
    Builder,
    LimbWord,
    Next,
    Part,
    Popped,
    Pushed,
    StepGadget,
    Steps,
    Uint,
    Witness,
    Word,
    WordExpr,
    select,
    word,
)
from circuits.language.arrays import Words, extend, fits, integers, is_zero, words
from circuits.language.compare import IsZeroWord, LessWord, difference
from circuits.language.limbs64 import CARRY_BITS, LIMB, carries, limbs64, position
from circuits.language.sign import SIGN, Sign
from circuits.language.words import Halves
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Column, Expr, total

HALF = 1 << 128


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
        c.require_equal("quotient * divisor + remainder", product + remainder, self.dividend.lo)
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


class Division(Part):
    """Quotient and remainder of two words; 0 and the dividend where the divisor is zero."""

    def __init__(self) -> None:
        self.quotient = LimbWord()
        self.remainder = LimbWord()
        self.carry = Uint(CARRY_BITS)
        self.by_zero = IsZeroWord()
        self.below = LessWord()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".quotient", self.quotient
        yield ".remainder", self.remainder
        yield ".carry", self.carry
        yield ".by_zero", self.by_zero
        yield ".below", self.below

    def use(self, c: Builder, dividend: Word | WordExpr, divisor: LimbWord) -> Expr:
        """On every real row; returns whether the divisor is not zero."""
        q, b, r = limbs64(self.quotient), limbs64(divisor), self.remainder
        carry = self.carry.value
        low = position(q, b, 0) + position(q, b, 1) * LIMB + r.lo
        high = position(q, b, 2) + position(q, b, 3) * LIMB + r.hi + carry
        c.require_equal("low half", low, dividend.lo + carry * HALF)
        c.require_equal("high half, with nothing carried out", high, dividend.hi)
        c.require_zero("no product above 2**256", total(position(q, b, k) for k in (4, 5, 6)))
        self.by_zero.test(c, divisor.expr)
        self.below.use(c, r, divisor.expr)
        divides = c.real - self.by_zero.bit
        c.require_equal("the remainder is below the divisor", self.below.bit, divides)
        return divides

    def fill(self, w: Witness, dividend: Words, divisor: Words) -> None:
        """From the two words."""
        quotient, remainder = divided(dividend, divisor)
        w[self.quotient], w[self.remainder] = quotient, remainder
        w[self.carry] = carries(quotient, divisor, remainder)[0]
        w[self.by_zero] = divisor
        self.below.fill(w, remainder, divisor)


class Divide(StepGadget):
    """DIV and MOD of words of any size."""

    name = "divide"
    opcodes = (Op.DIV, Op.MOD)

    is_mod = Bit()
    divisor_limbs = LimbWord()
    dividend = Popped()
    divisor = Popped(divisor_limbs)
    division = Division()

    def constrain(self, c: Builder) -> Next:
        divides = self.division.use(c, self.dividend.expr, self.divisor_limbs)
        result = select(self.is_mod, self.division.remainder, self.division.quotient)
        return Next(
            opcode=Op.DIV + self.is_mod * (Op.MOD - Op.DIV),
            gas=gas.LOW,
            push=WordExpr(divides * result.lo, divides * result.hi),
        )

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.is_mod] = s.opcode == Op.MOD
        self.division.fill(w, s.pop(0), s.pop(1))


class Magnitude(Part):
    """The sign and the magnitude of a two's complement word."""

    def __init__(self, operand: Popped) -> None:
        self.operand = operand
        self.sign = Sign(operand)
        self.negative = self.sign.bit
        self.carry = Bit()
        self.word = LimbWord()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.sign
        yield ".carry", self.carry
        yield "", self.word

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        sign, value, operand = self.negative, self.word, self.operand
        # equal, or adding up to 2**256
        low = value.lo - operand.lo + sign * (2 * operand.lo - self.carry * HALF)
        high = value.hi - operand.hi + sign * (2 * operand.hi + self.carry - HALF)
        c.require_zero(f"{self.label}: low half", low)
        c.require_zero(f"{self.label}: high half", high)

    def assign(self, w: Witness, values: Words) -> None:
        """From the words."""
        w[self.sign] = values
        w[self.carry] = (values[:, 3] & SIGN != 0) & ~is_zero(values[:, :2])
        w[self.word] = magnitudes(values)


class SignedDivide(StepGadget):
    """SDIV and SMOD."""

    name = "signed_divide"
    opcodes = (Op.SDIV, Op.SMOD)

    is_mod = Bit()
    dividend = Popped()
    divisor = Popped()
    size = Magnitude(dividend)
    divisor_size = Magnitude(divisor)
    division = Division()
    negative = Bit()
    unsigned = Halves()  # the magnitude of the result
    result = Pushed()
    carry = Bits(2)

    def constrain(self, c: Builder) -> Next:
        divides = self.division.use(c, self.size.word, self.divisor_size.word)
        a, b = self.size.negative, self.divisor_size.negative
        differ = a + b - 2 * a * b
        c.require_equal("the sign", self.negative, differ + self.is_mod * (a - differ))
        found = select(self.is_mod, self.division.remainder, self.division.quotient)
        c.require_equal("the magnitude, low half", self.unsigned.lo, divides * found.lo)
        c.require_equal("the magnitude, high half", self.unsigned.hi, divides * found.hi)
        lo, hi = self.carry
        sign, result, value = self.negative, self.result, self.unsigned
        # equal, or adding up to 0 or 2**256
        low = result.lo - value.lo + sign * (2 * value.lo - lo * HALF)
        high = result.hi - value.hi + sign * (2 * value.hi + lo - hi * HALF)
        c.require_zero("the signed result, low half", low)
        c.require_zero("the signed result, high half", high)
        return Next(opcode=Op.SDIV + self.is_mod * (Op.SMOD - Op.SDIV), gas=gas.LOW)

    def fill(self, w: Witness, s: Steps) -> None:
        a, b = s.pop(0), s.pop(1)
        is_mod = s.opcode == Op.SMOD
        w[self.is_mod] = is_mod
        w[self.size], w[self.divisor_size] = a, b
        self.division.fill(w, magnitudes(a), magnitudes(b))
        quotient, remainder = divided(magnitudes(a), magnitudes(b))
        value = np.where(is_mod[:, None], remainder, quotient)
        value[is_zero(b)] = 0
        differ = np.where(is_mod, a[:, 3], a[:, 3] ^ b[:, 3])
        negative = differ & SIGN != 0
        w[self.negative] = negative
        w[self.unsigned] = value
        lo, hi = ~is_zero(value[:, :2]), ~is_zero(value)
        w[self.carry] = np.stack([negative & lo, negative & hi], axis=1)


def magnitudes(values: Words) -> Words:
    """The magnitudes of two's complement words."""
    negated, _ = difference(np.zeros_like(values), values)
    return np.where(values[:, 3:] & SIGN != 0, negated, values)


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
