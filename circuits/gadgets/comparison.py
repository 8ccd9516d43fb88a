"""LT, GT, SLT, SGT, EQ, ISZERO.

Relation.  The word pushed is 1 if the comparison of the words popped holds, else 0; SLT and SGT
           read them as two's complement.
Argument.  left < right exactly if `left - right` borrows out of 256 bits.  Signed words are
           compared after adding 2**255 modulo 2**256, which turns their order into the unsigned
           one.
Assumes.   Words popped are canonical.
"""

import numpy as np
from numpy.typing import NDArray

from circuits.language import (
    Bit,
    Builder,
    Next,
    Popped,
    StepGadget,
    Steps,
    Witness,
    select,
    word,
)
from circuits.language.arrays import Words, fits
from circuits.language.compare import IsEqualWord, IsZeroWord, LessWord
from circuits.language.sign import SIGN, Sign
from zkevm.evm import gas
from zkevm.evm.opcodes import Op


class LessThan(StepGadget):
    """LT and GT."""

    name = "less_than"
    opcodes = (Op.LT, Op.GT)

    is_gt = Bit()
    first = Popped()
    second = Popped()
    less = LessWord()

    def constrain(self, c: Builder) -> Next:
        left = select(self.is_gt, self.second.expr, self.first.expr)
        right = select(self.is_gt, self.first.expr, self.second.expr)
        self.less.use(c, left, right)
        opcode = Op.LT + self.is_gt * (Op.GT - Op.LT)
        return Next(opcode=opcode, gas=gas.VERY_LOW, push=word(self.less.bit))

    def fill(self, w: Witness, s: Steps) -> None:
        is_gt = s.opcode == Op.GT
        w[self.is_gt] = is_gt
        left, right = swapped(is_gt, s.pop(0), s.pop(1))
        self.less.fill(w, left, right)


class SignedLessThan(StepGadget):
    """SLT and SGT."""

    name = "signed_less_than"
    opcodes = (Op.SLT, Op.SGT)

    is_gt = Bit()
    first = Popped()
    second = Popped()
    first_sign = Sign(first)
    second_sign = Sign(second)
    less = LessWord()

    def constrain(self, c: Builder) -> Next:
        first, second = self.first_sign.shifted, self.second_sign.shifted
        left, right = select(self.is_gt, second, first), select(self.is_gt, first, second)
        self.less.use(c, left, right)
        opcode = Op.SLT + self.is_gt * (Op.SGT - Op.SLT)
        return Next(opcode=opcode, gas=gas.VERY_LOW, push=word(self.less.bit))

    def fill(self, w: Witness, s: Steps) -> None:
        is_gt = s.opcode == Op.SGT
        w[self.is_gt] = is_gt
        w[self.first_sign], w[self.second_sign] = s.pop(0), s.pop(1)
        left, right = swapped(is_gt, s.pop(0), s.pop(1))
        left[:, 3] ^= SIGN
        right[:, 3] ^= SIGN
        self.less.fill(w, left, right)


class Equal(StepGadget):
    """EQ."""

    name = "equal"
    opcodes = (Op.EQ,)

    first = Popped()
    second = Popped()
    equal = IsEqualWord()

    def constrain(self, c: Builder) -> Next:
        self.equal.use(c, self.first.expr, self.second.expr)
        return Next(opcode=Op.EQ, gas=gas.VERY_LOW, push=word(self.equal.bit))

    def fill(self, w: Witness, s: Steps) -> None:
        self.equal.fill(w, s.pop(0), s.pop(1))


class IsZeroBool(StepGadget):
    """ISZERO of 0 or 1."""

    name = "is_zero_bool"
    opcodes = (Op.ISZERO,)

    operand = Popped()

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return fits(s.pop(0), 16) & (s.pop(0)[:, 0] < 2)

    def constrain(self, c: Builder) -> Next:
        value = self.operand.lo
        c.require_zero("the operand is 0 or 1", value * (value - 1))
        c.require_zero("the operand has no high half", self.operand.hi)
        return Next(opcode=Op.ISZERO, gas=gas.VERY_LOW, push=word(self.real - value))


class IsZero(StepGadget):
    """ISZERO of any word."""

    name = "is_zero"
    opcodes = (Op.ISZERO,)

    operand = Popped()
    zero = IsZeroWord()

    def constrain(self, c: Builder) -> Next:
        self.zero.test(c, self.operand.expr)
        return Next(opcode=Op.ISZERO, gas=gas.VERY_LOW, push=word(self.zero.bit))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.zero] = s.pop(0)


def swapped(swap: NDArray[np.bool_], first: Words, second: Words) -> tuple[Words, Words]:
    """The two words, exchanged where `swap` says so."""
    chosen = swap[:, None]
    return np.where(chosen, second, first), np.where(chosen, first, second)
