"""ADD and SUB.

Relation.  For the words `lhs`, `rhs` popped and `result` pushed, modulo 2**256,
    ADD:  result = lhs + rhs          SUB:  result = lhs - rhs
Argument.  Both are one addition, `addend + rhs = total`; SUB swaps its two ends.  Every half stays
           below 2**130, far under the field, so residues are integers.
Assumes.   `lhs`, `rhs` are canonical words: whoever pushed them proved it.
Ensures.   `result` is canonical, and the opcode is one of the two.
"""

import numpy as np

from circuits.language import (
    Bit,
    Bits,
    Builder,
    Next,
    Popped,
    Pushed,
    StepGadget,
    Steps,
    Witness,
    select,
)
from circuits.language.arrays import Array, limbs
from zkevm.evm import gas
from zkevm.evm.opcodes import Op


class AddSub(StepGadget):
    """ADD and SUB on words of any size."""

    name = "add_sub"
    opcodes = (Op.ADD, Op.SUB)

    is_sub = Bit()
    lhs = Popped()
    rhs = Popped()
    result = Pushed()
    carry = Bits(2)  # out of the low and the high 128 bits

    def constrain(self, c: Builder) -> Next:
        addend = select(self.is_sub, self.result.expr, self.lhs.expr)
        total = select(self.is_sub, self.lhs.expr, self.result.expr)
        lo, hi = self.carry
        c.require_equal("low half", addend.lo + self.rhs.lo, total.lo + lo * 2**128)
        c.require_equal("high half", addend.hi + self.rhs.hi + lo, total.hi + hi * 2**128)
        return Next(opcode=self.real * Op.ADD + self.is_sub * (Op.SUB - Op.ADD), gas=gas.VERY_LOW)

    def fill(self, w: Witness, s: Steps) -> None:
        is_sub = s.opcode == Op.SUB
        w[self.is_sub] = is_sub
        addend = np.where(is_sub[:, None], s.written(), s.pop(0))
        w[self.carry] = carries(addend, s.pop(1))


def carries(left: Array, right: Array) -> Array:
    """Carries out of the low and high halves of `left + right`, shape (n, 2)."""
    carry = np.zeros(len(left), np.uint32)
    found = []
    for i, (a, b) in enumerate(zip(limbs(left).T, limbs(right).T, strict=True)):
        carry = (carry + a + b) >> np.uint32(16)
        if i % 8 == 7:
            found.append(carry.astype(np.uint8))
    return np.stack(found, axis=1)
