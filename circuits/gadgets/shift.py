"""SHL, SHR, SAR.

Relation.  SHL pushes value * 2**shift modulo 2**256, SHR floor(value / 2**shift), SAR the same of
           the value read as two's complement.  From 256 on, SHL and SHR push 0, SAR 0 or -1.
Argument.  Below 256, shift = 64 t + u with u < 64.  Each 64-bit limb is split at bit e (e = u to
           the right, 64 - u to the left): x = upper * 2**e + lower, where lower * 2**(64 - e) <
           2**64 proves lower < 2**e.  Upper parts and scaled lower parts of neighbours make the
           limbs of the result, which t moves.  Products stay below 2**128: they hold over the
           integers. SAR of a negative value is the complement of SHR of its complement.
Assumes.   Words popped are canonical.
Ensures.   Each limb of the result is an upper part below 2**(64 - e) plus a multiple of 2**(64 - e)
           below 2**64, so canonical.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuits.buses import POW2
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    LimbWord,
    Next,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordExpr,
)
from circuits.language.arrays import Array, Words, is_zero, limbs
from circuits.language.limbs64 import LIMB, limbs64
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr, total

LIMB_SIZE = 64
LIMBS = 4
WORD_SIZE = 256


class Shift(StepGadget):
    """What the three opcodes share: the shift taken apart, and limbs split and moved."""

    shift_limbs = LimbWord()
    value_limbs = LimbWord()
    shift = Popped(shift_limbs)
    value = Popped(value_limbs)
    whole = Bits(LIMBS)  # t, one-hot below 256, no bit set from there on
    part = Uint(6)  # u
    wide = Bit()  # the shift has more than sixteen bits
    excess = Uint(32)
    power = Cell(ColumnType.U128)  # 2**e, at most 2**64
    complement = Cell(ColumnType.U128)  # 2**(64 - e)
    upper_0, upper_1, upper_2, upper_3 = (Uint(LIMB_SIZE) for _ in range(LIMBS))
    lower_0, lower_1, lower_2, lower_3 = (Uint(LIMB_SIZE) for _ in range(LIMBS))
    scaled_0, scaled_1, scaled_2, scaled_3 = (Uint(LIMB_SIZE) for _ in range(LIMBS))

    @property
    def upper(self) -> list[Uint]:
        """The upper parts of the limbs."""
        return [self.upper_0, self.upper_1, self.upper_2, self.upper_3]

    @property
    def lower(self) -> list[Uint]:
        """The lower parts of the limbs."""
        return [self.lower_0, self.lower_1, self.lower_2, self.lower_3]

    @property
    def scaled(self) -> list[Uint]:
        """The lower parts times 2**(64 - e)."""
        return [self.scaled_0, self.scaled_1, self.scaled_2, self.scaled_3]

    def take_apart(self, c: Builder) -> None:
        """shift = 64 t + u where some bit of `whole` is set; else it is 256 or more."""
        first, *rest = self.shift_limbs.limbs
        above = total(rest)  # of limbs proven, below 2**20: zero exactly if they all are
        small = total(self.whole)
        amount = LIMB_SIZE * total(t * bit for t, bit in enumerate(self.whole)) + self.part.value
        c.require_zero("at most one limb shift", small * (small - 1))
        c.require_zero("a limb shift on real rows only", small * (1 - self.real))
        c.require_zero("below 256: low limb", small * (first - amount))
        c.require_zero("below 256: other limbs", small * above)
        big = self.real - small
        beyond = first - WORD_SIZE * self.real + self.wide * (above - 1 - first + WORD_SIZE)
        c.require_equal("from 256 on", big * beyond, self.excess.value)

    def split(self, c: Builder, exponent: Expr, limbs_: Sequence[Expr]) -> None:
        """Split the limbs at bit e = `exponent`."""
        c.request(POW2, self.real, exponent, self.power)
        c.request(POW2, self.real, LIMB_SIZE * self.real - exponent, self.complement)
        parts = zip(limbs_, self.upper, self.lower, self.scaled, strict=True)
        for i, (limb, upper, lower, scaled) in enumerate(parts):
            joined = upper.value * self.power + lower.value
            c.require_equal(f"limb {i} is its parts", limb, joined)
            c.require_equal(
                f"limb {i}: lower part scaled", scaled.value, lower.value * self.complement
            )

    def right(self) -> list[Expr]:
        """The limbs after a shift by u to the right."""
        scaled = [*(x.value for x in self.scaled[1:]), None]
        return [
            u.value if x is None else u.value + x for u, x in zip(self.upper, scaled, strict=True)
        ]

    def left(self) -> list[Expr]:
        """The limbs after a shift by u to the left."""
        upper = [None, *(x.value for x in self.upper[:-1])]
        return [
            x.value if u is None else x.value + u for x, u in zip(self.scaled, upper, strict=True)
        ]

    def fill_parts(self, w: Witness, shift: Words, value: Words, left: NDArray[np.bool_]) -> None:
        """Fill everything but the flags, for a value to be shifted as an unsigned one."""
        small = is_zero(shift[:, 1:]) & (shift[:, 0] < WORD_SIZE)
        amount = np.where(small, shift[:, 0], np.uint64(0))
        whole, part = amount // np.uint64(LIMB_SIZE), amount % np.uint64(LIMB_SIZE)
        above = limbs(shift)[:, 1:].sum(axis=1, dtype=np.uint64)
        wide = above > 0
        first = limbs(shift)[:, 0].astype(np.uint64)
        beyond = np.where(wide, above - np.uint64(1), first - np.uint64(WORD_SIZE))
        w[self.whole] = (whole[:, None] == np.arange(LIMBS)) & small[:, None]
        w[self.part] = part
        w[self.wide] = wide & ~small
        w[self.excess] = np.where(small, np.uint64(0), beyond)
        exponent = np.where(left, np.uint64(LIMB_SIZE) - part, part)
        w[self.power] = power_of_two(exponent)
        w[self.complement] = power_of_two(np.uint64(LIMB_SIZE) - exponent)
        parts = zip(value.T, self.upper, self.lower, self.scaled, strict=True)
        for limb, upper, lower, scaled in parts:
            top = shift_right(limb, exponent)
            rest = limb - shift_left(top, exponent)
            w[upper], w[lower] = top, rest
            w[scaled] = shift_left(rest, np.uint64(LIMB_SIZE) - exponent)


class ShiftLogical(Shift):
    """SHL and SHR."""

    name = "shift"
    opcodes = (Op.SHL, Op.SHR)

    is_left = Bit()

    def constrain(self, c: Builder) -> Next:
        self.take_apart(c)
        u = self.part.value
        exponent = u + self.is_left * (LIMB_SIZE - 2 * u)
        self.split(c, exponent, limbs64(self.value_limbs))
        left, right = moved(self.left(), self.whole, 1), moved(self.right(), self.whole, -1)
        limbs_ = [r + self.is_left * (lefts - r) for lefts, r in zip(left, right, strict=True)]
        return Next(
            opcode=Op.SHR + self.is_left * (Op.SHL - Op.SHR),
            gas=gas.VERY_LOW,
            push=from_limbs64(limbs_),
        )

    def fill(self, w: Witness, s: Steps) -> None:
        is_left = s.opcode == Op.SHL
        w[self.is_left] = is_left
        self.fill_parts(w, s.pop(0), s.pop(1), is_left)


class ShiftArithmetic(Shift):
    """SAR."""

    name = "shift_arithmetic"
    opcodes = (Op.SAR,)

    negative = Bit()
    rest = Uint(15)  # of the top sixteen bits

    def constrain(self, c: Builder) -> Next:
        top = self.value_limbs.limbs[15]
        c.require_equal("the sign is the top bit", top, self.negative * 2**15 + self.rest.value)
        self.take_apart(c)
        complemented = [self._complement(x) for x in limbs64(self.value_limbs)]
        self.split(c, self.part.value, complemented)
        limbs_ = [self._complement(x) for x in moved(self.right(), self.whole, -1)]
        return Next(opcode=Op.SAR, gas=gas.VERY_LOW, push=from_limbs64(limbs_))

    def _complement(self, limb: Expr) -> Expr:
        """The limb, complemented if the value is negative."""
        return limb + self.negative * (LIMB - 1 - 2 * limb)

    def fill(self, w: Witness, s: Steps) -> None:
        value = s.pop(1)
        top = limbs(value)[:, 15]
        negative = top >> 15 == 1
        w[self.negative] = negative
        w[self.rest] = top & 0x7FFF
        value = np.where(negative[:, None], ~value, value)
        self.fill_parts(w, s.pop(0), value, np.zeros(len(s), np.bool_))


def moved(limbs_: Sequence[Expr], whole: Bits, direction: int) -> list[Expr]:
    """The limbs moved by t places, up (direction 1) or down (-1); all 0 where no bit is set."""
    places = range(LIMBS)
    return [
        total(
            whole[t] * limbs_[i - direction * t] for t in places if 0 <= i - direction * t < LIMBS
        )
        for i in places
    ]


def from_limbs64(limbs_: Sequence[Expr]) -> WordExpr:
    """A word from four limbs."""
    return WordExpr(limbs_[0] + limbs_[1] * LIMB, limbs_[2] + limbs_[3] * LIMB)


def power_of_two(exponent: NDArray[np.uint64]) -> Array:
    """2**exponent as halves, for exponents of at most 64."""
    low = np.where(exponent < LIMB_SIZE, np.uint64(1) << (exponent % np.uint64(64)), np.uint64(0))
    return np.stack([low, (exponent == LIMB_SIZE).astype(np.uint64)], axis=1)


def shift_right(value: NDArray[np.uint64], by: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """value >> by, 0 for 64."""
    return np.where(by < LIMB_SIZE, value >> (by % np.uint64(64)), np.uint64(0))


def shift_left(value: NDArray[np.uint64], by: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """value << by modulo 2**64, 0 for 64."""
    return np.where(by < LIMB_SIZE, value << (by % np.uint64(64)), np.uint64(0))
