"""MLOAD, MSTORE and MSTORE8.

Relation.  The 32 bytes of memory from `offset` on, read or written big endian (yellow paper, H.2);
           memory becomes active up to their end.
           `mload_aligned`, `mstore_aligned`: offset = 32 * index, and that word is active already.
           `mstore_grow`: the same with growth.
           `memory_word`: offset = 32 * index + shift.  Of the 64 bytes of words `index` and
           `index + 1`, those that the operand covers are replaced by the value.  For MSTORE the
           outcome is what the step leaves, for MLOAD it is what was there.  With shift 0 the second
           word is not touched.
           `mstore8`: one byte of word `index` is replaced by the lowest one of the value.
Assumes.   Popped and received words are canonical; words of memory exist once they are active.
Ensures.   What is written or pushed is canonical: made of bytes, or received.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from circuits.buses import STACK
from circuits.execution.tokens import U64
from circuits.language import (
    U16,
    Bit,
    Builder,
    Bytes,
    ByteWord,
    Cell,
    ColumnType,
    Growth,
    MemoryAccess,
    MemoryBytesAccess,
    Next,
    Part,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    Word,
    keys,
)
from circuits.language.alignment import (
    PoppedAddress,
    PoppedAlignedAddress,
    big_endian,
    bytes_from,
    masked,
    prefixes,
)
from circuits.language.arrays import Array, fits, limbs, octets
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ZERO, Column, Expr

OFFSET_BITS = 32


class LowByteWord(Word):
    """A word whose lowest byte stands alone: lo = byte + 256 * other + 2^16 * rest, below 2^128."""

    def __init__(self) -> None:
        self.low = Bytes(2)
        self.rest = Uint(112)
        self.upper = Cell(ColumnType.U128)
        self.lo = self.low.value + self.rest.value * 2**16
        self.hi = self.upper

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".low", self.low
        yield ".rest", self.rest
        yield ".hi", self.upper

    def assign(self, w: Witness, values: Array) -> None:
        w[self.low] = octets(values)[:, :2]
        w[self.rest] = limbs(values)[:, 1:8]
        w[self.upper] = values[:, 2:]


class PoppedByte(Popped):
    """An operand of which the lowest byte counts."""

    def __init__(self) -> None:
        self.parts = LowByteWord()
        super().__init__(self.parts)
        self.byte: Expr = self.parts.low[0]


def word_index(s: Steps) -> U64:
    """The word of memory in which the first operand of each step lies."""
    index: U64 = s.pop(0)[:, 0] // np.uint64(32)
    return index


def is_aligned(s: Steps) -> NDArray[np.bool_]:
    """Whether the first operand is the start of a word."""
    offset = s.pop(0)
    aligned = fits(offset, OFFSET_BITS) & (offset[:, 0] % np.uint64(32) == 0)
    return np.asarray(aligned, np.bool_)


def is_active(s: Steps) -> NDArray[np.bool_]:
    """Whether it is the start of a word that is active."""
    return np.asarray(is_aligned(s) & (word_index(s) < s.msize), np.bool_)


class MloadAligned(StepGadget):
    """MLOAD of one active word."""

    name = "mload_aligned"
    opcodes = (Op.MLOAD,)

    offset = PoppedAlignedAddress()
    memory = MemoryAccess()
    spare = Uint(32)  # active words past this one

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return is_active(s)

    def constrain(self, c: Builder) -> Next:
        index = self.offset.address.index.value
        c.require_equal("the word is active", self.msize, index + self.spare.value + self.real)
        self.memory.use(c, self.real, (self.frame, index), self.clock)
        return Next(opcode=Op.MLOAD, gas=gas.VERY_LOW, push=self.memory.expr)

    def plan(self, s: Steps, plan: Plan) -> None:
        plan.access(self, self.memory, plan.memory, keys(s.frame, word_index(s)), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.spare] = s.msize - word_index(s) - np.uint64(1)


class MstoreAligned(StepGadget):
    """MSTORE to one active word."""

    name = "mstore_aligned"
    opcodes = (Op.MSTORE,)

    offset = PoppedAlignedAddress()
    value = Popped()
    memory = MemoryAccess()
    spare = Uint(32)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return is_active(s)

    def constrain(self, c: Builder) -> Next:
        index = self.offset.address.index.value
        c.require_equal("the word is active", self.msize, index + self.spare.value + self.real)
        cell, new = (self.frame, index), (self.value.lo, self.value.hi)
        self.memory.use(c, self.real, cell, self.clock, new)
        return Next(opcode=Op.MSTORE, gas=gas.VERY_LOW)

    def plan(self, s: Steps, plan: Plan) -> None:
        cells = keys(s.frame, word_index(s))
        plan.access(self, self.memory, plan.memory, cells, s.clock, s.pop(1))

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.spare] = s.msize - word_index(s) - np.uint64(1)


class MstoreGrow(StepGadget):
    """MSTORE to one word, with growth."""

    name = "mstore_grow"
    opcodes = (Op.MSTORE,)

    offset = PoppedAlignedAddress()
    value = Popped()
    memory = MemoryAccess()
    growth = Growth(offset.lo + 32)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return is_aligned(s)

    def constrain(self, c: Builder) -> Next:
        cell = (self.frame, self.offset.address.index.value)
        self.memory.use(c, self.real, cell, self.clock, (self.value.lo, self.value.hi))
        cost = gas.VERY_LOW + self.growth.cost
        return Next(opcode=Op.MSTORE, gas=cost, msize=self.growth.msize)

    def plan(self, s: Steps, plan: Plan) -> None:
        cells = keys(s.frame, word_index(s))
        plan.access(self, self.memory, plan.memory, cells, s.clock, s.pop(1))
        self.growth.plan(s, plan, s.pop(0)[:, 0] + np.uint64(32))

    def fill(self, w: Witness, s: Steps) -> None:
        self.growth.fill(w, s, s.pop(0)[:, 0] + np.uint64(32))


class MemoryWord(StepGadget):
    """MLOAD and MSTORE at any offset, with growth."""

    name = "memory_word"
    opcodes = (Op.MLOAD, Op.MSTORE)

    is_store = Bit()
    offset = PoppedAddress()
    value = ByteWord()
    value_gap = U16()
    first = MemoryBytesAccess()
    second = MemoryBytesAccess()
    growth = Growth(offset.lo + 32)

    def constrain(self, c: Builder) -> Next:
        index, shift = self.offset.address.index.value, self.offset.address.shift
        placed = [ZERO] * 32 + big_endian(self.value) + [ZERO] * 32
        covered = prefixes(shift.cells)  # bytes of the first word, from the shift on
        spans = (
            (self.first, self.real, 0, [self.real - bit for bit in covered]),
            (self.second, self.real - shift[0], 1, covered),
        )
        for k, (access, when, place, kept) in enumerate(spans):
            # the value's byte 0 goes to byte `shift`: the window starts that much earlier
            value_lo, value_hi = bytes_from(placed, shift.cells, 32 + 32 * place, -1)
            kept_lo, kept_hi = masked(big_endian(access.word), kept)
            new = (value_lo + kept_lo, value_hi + kept_hi)
            loads = self.real - self.is_store
            for half, left, right in zip(("low", "high"), new, access.received, strict=True):
                label = f"MLOAD finds the value in word {k}, {half} half"
                c.require_zero(label, loads * (left - right))
            access.use(c, when, (self.frame, index + place), self.clock, new)
        self._use_stack(c)
        opcode = self.real * Op.MLOAD + self.is_store * (Op.MSTORE - Op.MLOAD)
        return Next(
            opcode=opcode,
            gas=gas.VERY_LOW + self.growth.cost,
            sp=self.sp - 2 * self.is_store,
            msize=self.growth.msize,
        )

    def _use_stack(self, c: Builder) -> None:
        """MSTORE pops its value from below the offset, MLOAD pushes it in the offset's place."""
        stores, loads = self.real * self.is_store, self.real * (1 - self.is_store)
        message = (self.value.lo, self.value.hi, self.clock - 1 - self.value_gap)
        c.receive(STACK, stores, self.frame, self.sp - 2, *message, label="pop value")
        message = (self.value.lo, self.value.hi, self.clock)
        c.send(STACK, loads, self.frame, self.sp - 1, *message, label="push value")

    def plan(self, s: Steps, plan: Plan) -> None:
        index, stores = word_index(s), s.opcode == Op.MSTORE
        unaligned = s.pop(0)[:, 0] % np.uint64(32) != 0
        for k, (access, where) in enumerate(
            ((self.first, np.ones(len(s), np.bool_)), (self.second, unaligned))
        ):
            cells = keys(s.frame, index + np.uint64(k))
            new = s.memory_left(k, where & stores)
            plan.access(self, access, plan.memory, cells, s.clock, new, where, stores)
        self.growth.plan(s, plan, s.pop(0)[:, 0] + np.uint64(32))

    def fill(self, w: Witness, s: Steps) -> None:
        stores = s.opcode == Op.MSTORE
        value = s.pop(1)
        value[~stores] = s.execution.steps(s.rows[~stores]).written()
        w[self.is_store] = stores
        w[self.value] = value
        w[self.value_gap] = s.pop_gap(1)
        self.growth.fill(w, s, s.pop(0)[:, 0] + np.uint64(32))


class Mstore8(StepGadget):
    """MSTORE8, with growth."""

    name = "mstore8"
    opcodes = (Op.MSTORE8,)

    offset = PoppedAddress()
    value = PoppedByte()
    memory = MemoryBytesAccess()
    growth = Growth(offset.lo + 1)

    def constrain(self, c: Builder) -> Next:
        address, old = self.offset.address, big_endian(self.memory.word)
        change_lo, change_hi = masked([self.value.byte - b for b in old], address.shift.cells)
        new = (self.memory.word.lo + change_lo, self.memory.word.hi + change_hi)
        self.memory.use(c, self.real, (self.frame, address.index.value), self.clock, new)
        return Next(opcode=Op.MSTORE8, gas=gas.VERY_LOW + self.growth.cost, msize=self.growth.msize)

    def plan(self, s: Steps, plan: Plan) -> None:
        cells, every = keys(s.frame, word_index(s)), np.ones(len(s), np.bool_)
        plan.access(self, self.memory, plan.memory, cells, s.clock, s.memory_left(0, every))
        self.growth.plan(s, plan, s.pop(0)[:, 0] + np.uint64(1))

    def fill(self, w: Witness, s: Steps) -> None:
        self.growth.fill(w, s, s.pop(0)[:, 0] + np.uint64(1))
