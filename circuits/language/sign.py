"""Words read as two's complement."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.language.builder import Builder
from circuits.language.columns import Bit, Uint
from circuits.language.part import Part
from circuits.language.step import Popped, StepGadget
from circuits.language.witness import Witness
from circuits.language.words import WordExpr
from zkevm.plonkish.expression import Column
from zkevm.trace.words import Words

SIGN = np.uint64(1 << 63)
"""The sign bit in the top 64 bits of a word."""


class Sign(Part):
    """The sign of a word: hi = 2**127 * sign + rest, rest below 2**127."""

    def __init__(self, operand: Popped) -> None:
        self.operand = operand
        self.bit = Bit()
        self.rest = Uint(127)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".bit", self.bit
        yield ".rest", self.rest

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        split = self.bit * 2**127 + self.rest.value
        c.require_equal(f"{self.label} of the high half", split, self.operand.hi)

    @property
    def shifted(self) -> WordExpr:
        """The word plus 2**255 modulo 2**256."""
        c = StepGadget.real
        return WordExpr(self.operand.lo, self.rest.value + (c - self.bit) * 2**127)

    def assign(self, w: Witness, values: Words) -> None:
        rest = values.copy()
        rest[:, 3] &= ~SIGN
        w[self.bit] = values[:, 3] >> np.uint64(63)
        w[self.rest] = rest[:, 2:]
