"""Out of gas by what the operands cost: EXP and EXTCODECOPY.

Relation.  EXP: 10 and 50 for each byte of the exponent (EIP-160) are more than the gas.
           EXTCODECOPY: the touch of the account (EIP-2929), three for each word and what memory
           grows by are more than the gas; the account's mark is left as it was.
Argument.  Every cost is a lower bound: an exponent is at least the power of 256 that its claimed
           size stands for, and memory is as for `range_cost`.  Success leads to a negative gas,
           with which no frame ends but by an exceptional halt.
"""

from __future__ import annotations

import numpy as np

from circuits.execution.tokens import Mask
from circuits.gadgets.copies import PoppedAddressWord
from circuits.language import (
    U16,
    Builder,
    Next,
    OneHot,
    Plan,
    Popped,
    Steps,
    Uint,
    Witness,
)
from circuits.language.arrays import integers, signed_field, words
from circuits.language.halt import ExceptionalHalt
from circuits.language.range_cost import RangeCost
from circuits.language.state import FrameStore, Freshness, MarkAccess, addresses
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import Halt

WORD_BYTES, HALF_BYTES = 32, 16


class ExpOutOfGas(ExceptionalHalt):
    """EXP with an exponent that cannot be paid."""

    name = "exp_out_of_gas"
    opcodes = (Op.EXP,)
    halts = (Halt.OUT_OF_GAS,)

    base = Popped()
    exponent = Popped()
    size = OneHot(WORD_BYTES)  # bytes of the exponent, less one
    rest = Uint(128)  # of the half with its first byte, above the least number of that size
    shortfall = U16()

    def accepts(self, s: Steps) -> Mask:
        return np.asarray(s.gas >= gas.EXP)

    def constrain(self, c: Builder) -> Next:
        halves = [self.exponent.lo] * HALF_BYTES + [self.exponent.hi] * HALF_BYTES
        least = self.size.select([256 ** (k % HALF_BYTES) for k in range(WORD_BYTES)])
        c.require_equal("it has so many bytes", self.size.select(halves) - least, self.rest.value)
        cost = self.size.select([gas.EXP + gas.EXP_BYTE * (k + 1) for k in range(WORD_BYTES)])
        c.require_equal("gas is short of the cost", self.shortfall, cost - self.gas - self.real)
        return self.halt(c, Op.EXP)

    def fill(self, w: Witness, s: Steps) -> None:
        exponents = integers(s.pop(1))
        last = [(e.bit_length() - 1) // 8 for e in exponents]
        w[self.size] = np.array(last)
        w[self.rest] = words(
            (e >> 8 * (k - k % HALF_BYTES)) - 256 ** (k % HALF_BYTES)
            for e, k in zip(exponents, last, strict=True)
        )
        cost = gas.EXP + gas.EXP_BYTE * (np.array(last) + 1)
        w[self.shortfall] = signed_field(cost - s.gas.astype(np.int64) - 1)


class ExtCodeCopyOutOfGas(ExceptionalHalt):
    """EXTCODECOPY that cannot be paid; with a range that nothing pays, see `memory_out_of_gas`."""

    name = "extcodecopy_out_of_gas"
    opcodes = (Op.EXTCODECOPY,)
    halts = (Halt.OUT_OF_GAS,)

    account = PoppedAddressWord()
    to = Popped()
    offset = Popped()
    size = Popped()
    here = FrameStore()
    mark = MarkAccess()
    fresh = Freshness()
    range = RangeCost()
    words = Uint(48)
    shortfall = Uint(96)

    def constrain(self, c: Builder) -> Next:
        self.here.use(c, self.frame)
        scope, always = self.mark.old
        self.fresh.use(c, self.real, self.here.scope, scope)
        self.mark.read(c, self.real, self.account.address, self.clock)
        memory = self.range.use(c, self.to.expr, self.size.expr)
        c.require_zero("no range is huge", self.range.huge)
        c.require_zero("the size is below 2^128", self.size.hi)
        # words < 2^48 and size < 2^128: the difference does not wrap
        rest = WORD_BYTES * self.words.value - self.size.lo
        c.require_range("words of the size", self.real, rest, 5)
        saved = (self.fresh.same + always) * (gas.COLD_ACCOUNT - gas.WARM_ACCESS)
        touch = self.real * (gas.COLD_ACCOUNT - 1) - saved
        missing = memory + touch + gas.COPY_WORD * self.words.value - self.gas
        c.require_equal("gas is short of the cost", self.shortfall.value, missing)
        return self.halt(c, Op.EXTCODECOPY)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.mark.plan_read(self, plan, addresses(s.pop(0)), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        scope, always = (w[cell].astype(np.uint64) for cell in self.mark.old)
        self.here.fill(w, s)
        self.fresh.fill(w, s.execution.scope, scope, np.ones(len(s), np.bool_))
        warm = (w[self.fresh.same] != 0) | (always != 0)
        touch = np.where(warm, gas.WARM_ACCESS, gas.COLD_ACCOUNT).tolist()
        size = integers(s.pop(3))
        memory = self.range.fill(w, integers(s.pop(1)), size, s.msize.tolist())
        counts = [gas.words(n) for n in size]
        w[self.words] = words(counts)
        w[self.shortfall] = words(
            cost + access + gas.COPY_WORD * n - have - 1
            for cost, access, n, have in zip(memory, touch, counts, s.gas.tolist(), strict=True)
        )
