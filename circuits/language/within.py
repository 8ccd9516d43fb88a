"""Whether a word lies below a bound that is known only to the row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.execution.tokens import U64, Mask
from circuits.language.arrays import Array, extend, fits, high, is_zero, low
from circuits.language.builder import Builder
from circuits.language.columns import Bit, Uint
from circuits.language.compare import difference
from circuits.language.part import Part
from circuits.language.step import Popped
from circuits.language.witness import Witness
from zkevm.plonkish.expression import Column, Expr
from zkevm.trace.words import Words


class Within(Part):
    """Tells an operand below a bound from one that is not: `outside`.

    Inside, the high half is zero and the low one less than the bound. Outside, the high half is at
    least 1 or the low one not below the bound. Assumes that the bound is below 2^32.
    """

    def __init__(self, operand: Popped) -> None:
        self.operand = operand
        self.outside = Bit()
        self.far = Bit()  # outside because of the high half
        self.distance = Uint(128)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".outside", self.outside
        yield ".far", self.far
        yield ".distance", self.distance

    def use(self, c: Builder, bound: Expr) -> Expr:
        """Tell on every real row; returns whether the operand lies inside."""
        lo, hi = self.operand.lo, self.operand.hi
        inside = c.real - self.outside
        left = bound - lo - 1
        beyond = self.far * (hi - 1) - (1 - self.far) * (left + 1)
        c.require_zero(f"{self.label}: outside is real", self.outside * (1 - c.real))
        c.require_zero(f"{self.label}: inside, no high half", inside * hi)
        # bounds are below 2^32 and halves below 2^128: no difference wraps
        distance = inside * left + self.outside * beyond
        c.require_equal(f"{self.label}: inside or outside", self.distance.value, distance)
        return inside

    def fill(self, w: Witness, operand: Words, bound: U64) -> None:
        """From the operands and the bounds."""
        inside = lies_within(operand, bound)
        far = ~is_zero(high(operand))
        near = bound - np.uint64(1) - np.where(inside, operand[:, 0], np.uint64(0))
        above = np.where(far[:, None], high(operand), low(operand))
        least: Array = np.where(far, np.uint64(1), bound)
        beyond, _ = difference(extend(above), extend(least))
        w[self.outside] = ~inside
        w[self.far] = far
        w[self.distance] = low(np.where(inside[:, None], extend(near), beyond))


def lies_within(operand: Words, bound: U64) -> Mask:
    """Which operands are below their bounds."""
    return np.asarray(fits(operand, 32) & (operand[:, 0] < bound), np.bool_)
