"""ADDMOD, MULMOD.

Relation.  For n != 0, result = (a + b) mod n or (a * b) mod n, of the whole sum or product; 0 for n
           = 0.
Argument.  `whole`, four halves of 128 bits, is the sum or the product: half by half, with carries.
           Then whole = q * n + result with a quotient of 512 bits, half by half as well; positions
           of q * n from 8 on, sums of products that are not negative, vanish, and nothing is
           carried out of the last half.  For n = 0 the whole is replaced by 0, so the result is 0.
           Carries are below 2**80 and both sides of each equation below 2**210: they hold over
           the integers.  result < n exactly if n != 0.
Assumes.   Words popped are canonical.
"""

from __future__ import annotations

from collections.abc import Sequence

from circuits.language import (
    Bit,
    Builder,
    LimbWord,
    Next,
    Popped,
    Pushed,
    StepGadget,
    Steps,
    Uint,
    Witness,
    total,
)
from circuits.language.arrays import Words, integers, words
from circuits.language.compare import IsZeroWord, LessWord
from circuits.language.limbs64 import CARRY_BITS, LIMB, limbs64
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ZERO, Expr

HALF = 1 << 128
HALVES = 4
LIMB_SIZE = 64


class Modular(StepGadget):
    """ADDMOD and MULMOD."""

    name = "modular"
    opcodes = (Op.ADDMOD, Op.MULMOD)

    is_mul = Bit()
    a_limbs = LimbWord()
    b_limbs = LimbWord()
    modulus_limbs = LimbWord()
    a = Popped(a_limbs)
    b = Popped(b_limbs)
    modulus = Popped(modulus_limbs)
    whole_low = LimbWord()
    whole_high = LimbWord()
    quotient_low = LimbWord()
    quotient_high = LimbWord()
    result_limbs = LimbWord()
    result = Pushed(result_limbs)
    made_0, made_1, made_2 = (Uint(CARRY_BITS) for _ in range(HALVES - 1))
    divided_0, divided_1, divided_2 = (Uint(CARRY_BITS) for _ in range(HALVES - 1))
    is_zero = IsZeroWord()
    below = LessWord()

    @property
    def made(self) -> list[Uint]:
        """Carries of the sum or product."""
        return [self.made_0, self.made_1, self.made_2]

    @property
    def divided(self) -> list[Uint]:
        """Carries of quotient * modulus + result."""
        return [self.divided_0, self.divided_1, self.divided_2]

    def constrain(self, c: Builder) -> Next:
        a, b, n = (limbs64(x) for x in (self.a_limbs, self.b_limbs, self.modulus_limbs))
        q = [*limbs64(self.quotient_low), *limbs64(self.quotient_high)]
        low, high = self.whole_low, self.whole_high
        whole = [low.lo, low.hi, high.lo, high.hi]
        product, multiple = half_positions(a, b), half_positions(q, n)
        summed = [self.a.lo + self.b.lo, self.a.hi + self.b.hi, ZERO, ZERO]
        self.is_zero.test(c, self.modulus.expr)
        divides = self.real - self.is_zero.bit
        remainder = [self.result.lo, self.result.hi, ZERO, ZERO]
        for k in range(HALVES):
            made = summed[k] + self.is_mul * (product[k] - summed[k])
            self._half(c, f"sum or product, half {k}", made, whole[k], self.made, k)
            found = multiple[k] + remainder[k]
            gated = divides * whole[k]
            self._half(c, f"multiple and rest, half {k}", found, gated, self.divided, k)
        c.require_zero("no multiple above 2**512", total(positions(q, n)[2 * HALVES :]))
        self.below.use(c, self.result.expr, self.modulus.expr)
        c.require_equal("the result is below the modulus", self.below.bit, divides)
        return Next(
            opcode=self.real * Op.ADDMOD + self.is_mul * (Op.MULMOD - Op.ADDMOD), gas=gas.MID
        )

    def _half(
        self, c: Builder, label: str, found: Expr, half: Expr, carried: list[Uint], k: int
    ) -> None:
        """One half of an equation, with the carry from below; the last one carries nothing."""
        before = carried[k - 1].value if k else ZERO
        after = carried[k].value if k < HALVES - 1 else ZERO
        c.require_equal(label, found + before, half + after * HALF)

    def fill(self, w: Witness, s: Steps) -> None:
        is_mul = s.opcode == Op.MULMOD
        a, b, n = (integers(s.pop(k)) for k in range(3))
        chosen = zip(is_mul.tolist(), a, b, strict=True)
        whole = [x * y if mul else x + y for mul, x, y in chosen]
        quotient = [v // m if m else 0 for v, m in zip(whole, n, strict=True)]
        result = [v % m if m else 0 for v, m in zip(whole, n, strict=True)]
        w[self.is_mul] = is_mul
        w[self.whole_low], w[self.whole_high] = split(whole)
        w[self.quotient_low], w[self.quotient_high] = split(quotient)
        multiples = zip(is_mul.tolist(), a, b, strict=True)
        made = [half_sums(x, y) if mul else sums(x, y) for mul, x, y in multiples]
        rest = [half_sums(q, m, r) for q, m, r in zip(quotient, n, result, strict=True)]
        for k, (up, down) in enumerate(zip(self.made, self.divided, strict=True)):
            w[up] = words(row[k] for row in made)[:, :2]
            w[down] = words(row[k] for row in rest)[:, :2]
        w[self.is_zero] = s.pop(2)
        self.below.fill(w, words(result), s.pop(2))


def positions(a: Sequence[Expr], b: Sequence[Expr]) -> list[Expr]:
    """The sums of products of limbs by position."""
    return [
        total(a[i] * b[k - i] for i in range(len(a)) if 0 <= k - i < len(b))
        for k in range(len(a) + len(b) - 1)
    ]


def half_positions(a: Sequence[Expr], b: Sequence[Expr]) -> list[Expr]:
    """Positions two by two: the first four halves, before carries."""
    found = [*positions(a, b), ZERO]
    return [found[2 * k] + found[2 * k + 1] * LIMB for k in range(HALVES)]


def split(values: Sequence[int]) -> tuple[Words, Words]:
    """Numbers below 2**512 as low and high words."""
    return words(v % 2**256 for v in values), words(v >> 256 for v in values)


def sums(a: int, b: int) -> list[int]:
    """The carries out of the halves of a + b."""
    low = (a % HALF + b % HALF) >> 128
    return [low, (a + b) >> 256, 0]


def half_sums(a: int, b: int, added: int = 0) -> list[int]:
    """The carries out of the first three halves of a * b + added, by positions of 64-bit limbs."""
    left = [a >> LIMB_SIZE * i & LIMB - 1 for i in range(8)]
    right = [b >> LIMB_SIZE * i & LIMB - 1 for i in range(4)]
    found, carry = [], 0
    for k in range(HALVES - 1):
        for place in (2 * k, 2 * k + 1):
            products = (left[i] * right[place - i] for i in range(8) if 0 <= place - i < 4)
            carry += sum(products) << LIMB_SIZE * (place % 2)
        carry = (carry + (added >> 128 * k) % HALF) >> 128
        found.append(carry)
    return found
