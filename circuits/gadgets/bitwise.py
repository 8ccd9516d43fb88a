"""AND, OR, XOR, NOT.

Relation.  AND, OR and XOR act on each bit of the words popped; NOT is 2**256 - 1 less the operand.
Argument.  `and8` states the AND of two bytes, and that they are bytes.  Byte by byte,
           a or b = a + b - (a and b) and a xor b = a + b - 2 (a and b), which are bytes again.
Assumes.   Words popped are canonical; so their bytes are unique.
Ensures.   The result is canonical: linear in bytes that are proven.
"""

import numpy as np

from circuits.buses import AND8
from circuits.language import (
    Builder,
    Next,
    Octets,
    OneHot,
    Popped,
    StepGadget,
    Steps,
    Witness,
    WordExpr,
    word,
)
from zkevm.evm import gas
from zkevm.evm.opcodes import Op

MAX_HALF = 2**128 - 1


class Bitwise(StepGadget):
    """AND, OR and XOR."""

    name = "bitwise"
    opcodes = (Op.AND, Op.OR, Op.XOR)

    operation = OneHot(3)
    first_bytes = Octets()
    second_bytes = Octets()
    first = Popped(first_bytes)
    second = Popped(second_bytes)
    both = Octets()

    def constrain(self, c: Builder) -> Next:
        is_and, is_or, is_xor = self.operation
        octets = (self.first_bytes.bytes, self.second_bytes.bytes, self.both.bytes)
        for a, b, x in zip(*octets, strict=True):
            c.request(AND8, self.real, a, b, x)
        halves = []
        for half in ("lo", "hi"):
            a, b, x = (getattr(v, half) for v in (self.first, self.second, self.both))
            # AND: x.  OR: a + b - x.  XOR: a + b - 2x.
            halves.append(x * (is_and - is_or - 2 * is_xor) + (a + b) * (is_or + is_xor))
        opcode = is_and * Op.AND + is_or * Op.OR + is_xor * Op.XOR
        return Next(opcode=opcode, gas=gas.VERY_LOW, push=WordExpr(*halves))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.operation] = s.opcode.astype(np.int64) - Op.AND
        w[self.both] = s.pop(0) & s.pop(1)


class Not(StepGadget):
    """NOT."""

    name = "not"
    opcodes = (Op.NOT,)

    operand = Popped()

    def constrain(self, c: Builder) -> Next:
        result = word(MAX_HALF - self.operand.lo, MAX_HALF - self.operand.hi)
        return Next(opcode=Op.NOT, gas=gas.VERY_LOW, push=result)
