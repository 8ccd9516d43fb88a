"""CREATE, CREATE2 and the deposit of code halting exceptionally.

Relation.  `init_code_too_large`: more than 49152 bytes of init code (EIP-3860).
           In a frame that creates, RETURN of code that begins with 0xef (EIP-3541), that has more
           than 24576 bytes (EIP-170), or that is not paid for:
               memory + 200 a byte > gas.
Argument.  Success proves the opposite of each: `creates` and `deposits`.  The frame of a deposit is
           looked up to be one that creates; the first byte is read where the data begin.
Limits.    What gas and memory cost for CREATE and CREATE2 is `memory_out_of_gas`.
"""

from __future__ import annotations

import numpy as np

from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    MemoryBytesAccess,
    Next,
    OneHot,
    Plan,
    Popped,
    Steps,
    Uint,
    Witness,
    keys,
    total,
)
from circuits.language.alignment import WORD_BYTES, PoppedAddress, big_endian
from circuits.language.arrays import integers, words
from circuits.language.compare import IsZeroWord
from circuits.language.creating_frame import CreatingFrame
from circuits.language.halt import ExceptionalHalt
from circuits.language.range_cost import RangeCost
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.interpreter import INVALID_CODE_PREFIX
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import Halt
from zkevm.trace.words import words_from_ints

HALF = 2**128
DEPOSIT_BITS = 144


class TooLarge(ExceptionalHalt):
    """A size above a bound."""

    by = OneHot(2)  # which half of the size
    excess = Uint(128)

    def declare_excess(self, c: Builder, size: Popped, most: int) -> None:
        """The size is above `most`."""
        excess = self.by[0] * (size.lo - most - 1) + self.by[1] * (size.hi - 1)
        c.require_equal("the size is above the bound", excess, self.excess.value)

    def fill_excess(self, w: Witness, size: list[int], most: int) -> None:
        """From the sizes."""
        high = [n >= HALF for n in size]
        w[self.by] = np.array(high, np.int64)
        w[self.excess] = words_from_ints(
            (n >> 128) - 1 if h else (n - most - 1) % HALF for n, h in zip(size, high, strict=True)
        )


class InitCodeTooLarge(TooLarge):
    """CREATE or CREATE2 with too much init code."""

    name = "init_code_too_large"
    opcodes = (Op.CREATE, Op.CREATE2)
    halts = (Halt.INITCODE_TOO_LARGE,)

    is_salted = Bit()
    value = Popped()
    offset = Popped()
    size = Popped()

    def __init__(self, fork: Fork) -> None:
        self.most = fork.max_init_code_size

    def constrain(self, c: Builder) -> Next:
        self.declare_excess(c, self.size, self.most)
        return self.halt(c, Op.CREATE * self.real + (Op.CREATE2 - Op.CREATE) * self.is_salted)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.is_salted] = s.opcode == Op.CREATE2
        self.fill_excess(w, integers(s.pop(2)), self.most)


class FailedDeposit(CreatingFrame, ExceptionalHalt):
    """RETURN whose data do not become code."""

    eor = Cell(ColumnType.U64)

    def fail(self, c: Builder) -> Next:
        """The frame, which creates, fails."""
        self.look(c, 0, self.eor)
        return self.halt(c, Op.RETURN)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.eor] = s.eor


class CodePrefix(FailedDeposit):
    """RETURN of code that begins with 0xef."""

    name = "code_prefix"
    halts = (Halt.INVALID_CODE,)

    offset = PoppedAddress()
    size = Popped()
    no_size = IsZeroWord()
    word = MemoryBytesAccess()

    def constrain(self, c: Builder) -> Next:
        address = self.offset.address
        self.no_size.test(c, self.size.expr)
        c.require_zero("there are data", self.no_size.bit)
        self.word.use(c, self.real, (self.frame, address.index.value), self.clock)
        pairs = zip(address.shift, big_endian(self.word.word), strict=True)
        first = total(bit * byte for bit, byte in pairs)
        c.require_equal("the first byte", first, INVALID_CODE_PREFIX[0] * self.real)
        return self.fail(c)

    def plan(self, s: Steps, plan: Plan) -> None:
        index = s.pop(0)[:, 0] // np.uint64(WORD_BYTES)
        plan.access(self, self.word, plan.memory, keys(s.frame, index), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.no_size] = s.pop(1)


class CodeTooLarge(FailedDeposit, TooLarge):
    """RETURN of too much code."""

    name = "code_too_large"
    halts = (Halt.CODE_TOO_LARGE,)

    offset = Popped()
    size = Popped()

    def __init__(self, fork: Fork) -> None:
        self.most = fork.max_code_size

    def constrain(self, c: Builder) -> Next:
        self.declare_excess(c, self.size, self.most)
        return self.fail(c)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.fill_excess(w, integers(s.pop(1)), self.most)


class DepositOutOfGas(FailedDeposit):
    """RETURN of code that is not paid for."""

    name = "deposit_out_of_gas"
    halts = (Halt.OUT_OF_GAS,)

    offset = Popped()
    size = Popped()
    range = RangeCost()
    shortfall = Uint(DEPOSIT_BITS)

    def constrain(self, c: Builder) -> Next:
        memory: Expr = self.range.use(c, self.offset.expr, self.size.expr)
        c.require_zero("the size is below 2^128", self.size.hi)
        missing = memory + gas.CODE_DEPOSIT_BYTE * self.size.lo - self.gas - self.real
        # below 2^137: the shortfall is an integer
        c.require_equal("gas is short of the cost", missing, self.shortfall.value)
        return self.fail(c)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        offset, size = integers(s.pop(0)), integers(s.pop(1))
        memory = self.range.fill(w, offset, size, s.msize.tolist())
        w[self.shortfall] = words(
            cost + gas.CODE_DEPOSIT_BYTE * n - have - 1
            for cost, n, have in zip(memory, size, s.gas.tolist(), strict=True)
        )
