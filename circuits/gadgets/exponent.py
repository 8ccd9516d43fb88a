"""EXP.

Relation.  result = base ** exponent modulo 2**256, with 0 ** 0 = 1; the gas is 10 and 50 for each
           byte of the exponent (EIP-160).
Argument.  The limbs of the exponent above `top`, the highest one that is not zero, vanish.  The
           `exp` chain of this step starts with the top limb and the accumulator 1, takes the limbs
           below from where this row puts them, and ends with the result
           (`circuits.tables.exponent`). The bytes of the exponent are two for each limb below the
           top, and those of the top limb, whose upper byte is not zero exactly if `long`.
Assumes.   Words popped are canonical.
Ensures.   The result is canonical: a product of the `mul` table, or 1.
"""

import numpy as np

from circuits.buses import BYTES, EXP
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    LimbWord,
    Next,
    Plan,
    Popped,
    Pushed,
    StepGadget,
    Steps,
    Witness,
    total,
)
from circuits.language.alignment import prefixes
from circuits.language.arrays import limbs, top_limbs
from circuits.language.words import Halves
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr

LIMBS, LIMB_BITS = 16, 16


class Exponentiate(StepGadget):
    """EXP."""

    name = "exponentiate"
    opcodes = (Op.EXP,)

    base = Popped()
    exponent_limbs = LimbWord()
    exponent = Popped(exponent_limbs)
    result = Pushed(Halves())
    top = Bits(LIMBS)  # one-hot; no bit for the exponent 0
    upper = Cell(ColumnType.U8)  # bytes of the top limb
    lower = Cell(ColumnType.U8)
    long = Bit()

    def constrain(self, c: Builder) -> Next:
        cells = self.exponent_limbs.limbs.cells
        some = total(self.top)
        none = self.real - some
        top_limb = total(bit * limb for bit, limb in zip(self.top, cells, strict=True))
        position = total(i * bit for i, bit in enumerate(self.top))
        c.require_zero("at most one top limb", some * (some - 1))
        c.require_zero("a top limb on real rows only", some * (1 - self.real))
        found = prefixes(self.top.cells)
        for i in range(1, LIMBS):
            c.require_zero(f"limb {i} is zero above the top", found[i - 1] * cells[i])
        c.require_range("the top limb is not zero", some, top_limb - 1)
        c.require_zero("no top limb: the exponent is 0", none * total(cells))
        c.require_zero("a power of 0 is 1, low half", none * (self.result.lo - 1))
        c.require_zero("a power of 0 is 1, high half", none * self.result.hi)
        c.require_equal("bytes of the top limb", top_limb, 256 * self.upper + self.lower)
        c.require_zero("short: no upper byte", self.upper * (1 - self.long))
        c.request(BYTES, self.real, self.upper, self.lower)
        c.request(BYTES, self.long, self.upper - self.long, 0, label="long: an upper byte")
        c.require_zero("long has a top limb", self.long * (1 - some))
        self._chain(c, some, position, top_limb)
        size = 2 * position + some + self.long
        return Next(opcode=Op.EXP, gas=gas.EXP + gas.EXP_BYTE * size)

    def _chain(self, c: Builder, some: Expr, position: Expr, top_limb: Expr) -> None:
        base = (self.base.lo, self.base.hi)
        c.send(EXP, some, self.clock, position, LIMB_BITS, top_limb, 0, *base, 1, 0, label="begin")
        end = (self.clock, 0, 0, 0, 0, *base, self.result.lo, self.result.hi)
        c.receive(EXP, some, *end, label="end")
        found = prefixes(self.top.cells)
        for i in range(LIMBS - 1):
            below = some - found[i]
            stored = (self.clock, i, LIMB_BITS, self.exponent_limbs.limbs[i], 1, 0, 0, 0, 0)
            c.send(EXP, below, *stored, label=f"limb {i}")

    def plan(self, s: Steps, plan: Plan) -> None:
        plan.request(EXP, s.clock, s.pop(0), s.pop(1))

    def fill(self, w: Witness, s: Steps) -> None:
        top = top_limbs(s.pop(1))
        w[self.top] = top[:, None] == np.arange(LIMBS)
        limb = limbs(s.pop(1))[np.arange(len(s)), np.maximum(top, 0)]
        w[self.upper], w[self.lower] = limb >> 8, limb & 0xFF
        w[self.long] = limb >= 256
