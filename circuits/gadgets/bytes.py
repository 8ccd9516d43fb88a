"""BYTE, SIGNEXTEND, CLZ.

Relation.  BYTE pushes byte `index` of the value, counted from the most significant one, and 0 from
           32 on.  SIGNEXTEND repeats the top bit of byte `index`, counted from the least
           significant one, in all bits above it, and changes nothing from 31 on.  CLZ pushes the
           number of leading zero bits, 256 for 0 (EIP-7939).
Argument.  An index below the bound is one position of a one-hot; from the bound on, the high half
           is at least 1 or the low half at least the bound.  The top limb of CLZ is the highest one
           that is not zero; scaled by 2**j it lies in [2**15, 2**16), for one j alone.
Assumes.   Words popped are canonical.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from circuits.buses import BYTES, POW2
from circuits.language import (
    Bit,
    Bits,
    Builder,
    ByteWord,
    Cell,
    ColumnType,
    LimbWord,
    Next,
    Part,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    WordExpr,
    recompose,
    total,
    word,
)
from circuits.language.alignment import prefixes
from circuits.language.arrays import (
    Words,
    extend,
    fits,
    high,
    is_zero,
    limbs,
    low,
    octets,
    top_limbs,
)
from circuits.language.compare import difference
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ZERO, Column, Expr

WORD_BYTES = 32
LIMBS, LIMB_BITS = 16, 16


class Index(Part):
    """An operand that counts if it is below a bound: then `bits` is one-hot, else zero."""

    def __init__(self, operand: Popped, bound: int) -> None:
        self.operand = operand
        self.bound = bound
        self.bits = Bits(bound)
        self.far = Bit()  # the high half is not zero
        self.excess = Uint(128)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".bits", self.bits
        yield ".far", self.far
        yield ".excess", self.excess

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        inside = total(self.bits)
        position = total(i * bit for i, bit in enumerate(self.bits))
        name, lo, hi = self.label, self.operand.lo, self.operand.hi
        c.require_zero(f"{name}: at most one position", inside * (inside - 1))
        c.require_zero(f"{name}: on real rows only", inside * (1 - c.real))
        c.require_zero(f"{name}: inside, low half", inside * (lo - position))
        c.require_zero(f"{name}: inside, high half", inside * hi)
        # halves are below 2**128: the excess does not wrap
        near = lo - self.bound
        beyond = (c.real - inside) * (near + self.far * (hi - 1 - near))
        c.require_equal(f"{name}: from the bound on", self.excess.value, beyond)

    def assign(self, w: Witness, values: Words) -> None:
        """From the operands."""
        inside = fits(values, 16) & (values[:, 0] < self.bound)
        far = ~is_zero(high(values))
        one = np.where(far, np.uint64(1), np.uint64(self.bound))
        above = np.where(far[:, None], high(values), low(values))
        excess, _ = difference(extend(above), extend(one))
        excess[inside] = 0
        w[self.bits] = (values[:, :1] == np.arange(self.bound)) & inside[:, None]
        w[self.far] = far
        w[self.excess] = low(excess)


class Byte(StepGadget):
    """BYTE."""

    name = "byte"
    opcodes = (Op.BYTE,)

    index = Popped()
    value_bytes = ByteWord()
    value = Popped(value_bytes)
    place = Index(index, WORD_BYTES)

    def constrain(self, c: Builder) -> Next:
        big_endian = reversed(self.value_bytes.bytes.cells)
        chosen = total(bit * b for bit, b in zip(self.place.bits, big_endian, strict=True))
        return Next(opcode=Op.BYTE, gas=gas.VERY_LOW, push=word(chosen))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.place] = s.pop(0)


class SignExtend(StepGadget):
    """SIGNEXTEND."""

    name = "sign_extend"
    opcodes = (Op.SIGNEXTEND,)

    index = Popped()
    value_bytes = ByteWord()
    value = Popped(value_bytes)
    place = Index(index, WORD_BYTES - 1)
    sign = Bit()
    rest = Cell(ColumnType.U8)  # of the byte with the sign, below 2**7

    def constrain(self, c: Builder) -> Next:
        cells = self.value_bytes.bytes.cells
        bits = self.place.bits
        top = total(bit * b for bit, b in zip(bits, cells, strict=False))
        c.require_equal("the sign is the top bit", top, 128 * self.sign + self.rest)
        c.request(BYTES, self.real, self.rest, 2 * self.rest, label="seven bits")
        above: list[Expr] = [ZERO, *prefixes(bits.cells)]
        extended = [b + x * (255 * self.sign - b) for b, x in zip(cells, above, strict=True)]
        result = WordExpr(recompose(extended[:16], 8), recompose(extended[16:], 8))
        return Next(opcode=Op.SIGNEXTEND, gas=gas.LOW, push=result)

    def fill(self, w: Witness, s: Steps) -> None:
        index, value = s.pop(0), octets(s.pop(1))
        w[self.place] = index
        inside = fits(index, 16) & (index[:, 0] < WORD_BYTES - 1)
        place = np.where(inside, index[:, 0], 0).astype(np.int64)
        top = np.where(inside, value[np.arange(len(s)), place], 0).astype(np.uint8)
        w[self.sign], w[self.rest] = top >> 7, top & 0x7F


class CountLeadingZeros(StepGadget):
    """CLZ."""

    name = "count_leading_zeros"
    opcodes = (Op.CLZ,)

    value_limbs = LimbWord()
    value = Popped(value_limbs)
    top = Bits(LIMBS)  # one-hot; no bit for 0
    limb = Cell(ColumnType.U16)
    shift = Cell(ColumnType.U8)
    power = Cell(ColumnType.U16)

    def constrain(self, c: Builder) -> Next:
        cells, bits = self.value_limbs.limbs.cells, self.top.cells
        some = total(bits)
        c.require_zero("at most one top limb", some * (some - 1))
        c.require_zero("a top limb on real rows only", some * (1 - self.real))
        c.require_zero("no top limb: the value is 0", (self.real - some) * total(cells))
        for i, below in enumerate(prefixes(bits)[:-1]):
            c.require_zero(f"limb {i + 1} is zero above the top", below * cells[i + 1])
        chosen = total(bit * limb for bit, limb in zip(bits, cells, strict=True))
        c.require_equal("the top limb", self.limb, chosen)
        c.request(POW2, self.real, self.shift, self.power)
        # below 2**144: no wrap
        scaled = self.limb * self.power - 2 ** (LIMB_BITS - 1)
        c.require_range("the top limb, scaled, has sixteen bits", some, scaled, LIMB_BITS - 1)
        position = total(i * bit for i, bit in enumerate(bits))
        none = self.real - some
        zeros: Expr = 256 * none + LIMB_BITS * ((LIMBS - 1) * some - position) + some * self.shift
        return Next(opcode=Op.CLZ, gas=gas.LOW, push=word(zeros))

    def fill(self, w: Witness, s: Steps) -> None:
        value = s.pop(0)
        top = top_limbs(value)
        limb = limbs(value)[np.arange(len(s)), np.maximum(top, 0)]
        shift = LIMB_BITS - bit_lengths(limb)
        shift[top < 0] = 0
        w[self.top] = top[:, None] == np.arange(LIMBS)
        w[self.limb] = limb
        w[self.shift] = shift
        w[self.power] = 1 << shift


def bit_lengths(values: NDArray[np.uint16]) -> NDArray[np.int64]:
    """The bit length of each 16-bit number."""
    return np.asarray((values[:, None] >> np.arange(LIMB_BITS) > 0).sum(axis=1), np.int64)
