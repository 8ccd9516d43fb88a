"""BLOCKHASH, BLOBHASH.

Relation.  BLOCKHASH pushes the hash of an ancestor by its number, of the last 256 only, else 0.
           BLOBHASH pushes the versioned hash of a blob of the transaction by its index, 0 from
           their count on (EIP-4844).
Argument.  Inside, the distance to the present block is in [1, 256], and the index below the count.
           Outside, one of the reasons holds: a high half, a number that is not smaller than the
           bound, or one that is too old.
Assumes.   The statement has the hash of each ancestor that is asked for; words are canonical.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import ANCESTOR, BLOB_HASH, ENV, TX, TransactionField
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Next,
    Popped,
    StepGadget,
    Steps,
    Uint,
    Witness,
    total,
)
from circuits.language.arrays import high, is_zero, low, words
from circuits.language.compare import difference, less_than
from circuits.language.state import FrameStore
from circuits.language.within import Within
from zkevm.evm import gas
from zkevm.evm.instructions.block import BLOCK_HASH_WINDOW
from zkevm.evm.opcodes import Op

WINDOW_BITS = 8


class BlockHash(StepGadget):
    """BLOCKHASH."""

    name = "block_hash"
    opcodes = (Op.BLOCKHASH,)

    number = Popped()
    present = Cell(ColumnType.U64)
    inside = Bit()
    far = Bit()
    late = Bit()
    early = Bit()
    distance = Uint(128)
    hash = Halves()

    def constrain(self, c: Builder) -> Next:
        lo, hi, present = self.number.lo, self.number.hi, self.present
        c.request(ENV, self.real, 0, Op.NUMBER, present, 0, label="the present block")
        reasons = total((self.inside, self.far, self.late, self.early))
        c.require_equal("inside, or one reason", reasons, self.real)
        # the number of a block is below 2^64, halves are below 2^128: no difference wraps
        age = present - 1 - lo
        distance = (
            self.inside * age
            + self.far * (hi - 1)
            + self.late * (lo - present)
            + self.early * (age - BLOCK_HASH_WINDOW)
        )
        c.require_equal("how far from the bound", self.distance.value, distance)
        c.require_zero("inside: no high half", self.inside * hi)
        c.require_range("inside: of the last 256", self.inside, age, WINDOW_BITS)
        c.request(ANCESTOR, self.inside, lo, *self.hash)
        outside = self.real - self.inside
        c.require_zero("outside: 0, low half", outside * self.hash.lo)
        c.require_zero("outside: 0, high half", outside * self.hash.hi)
        return Next(opcode=Op.BLOCKHASH, gas=gas.BLOCKHASH, push=self.hash)

    def fill(self, w: Witness, s: Steps) -> None:
        number, block = s.pop(0), s.trace.environment.number
        bounds = words([block, block - 1, max(0, block - 1 - BLOCK_HASH_WINDOW), 1])
        present, last, oldest, one = (np.broadcast_to(b, number.shape).copy() for b in bounds)
        far = ~is_zero(high(number))
        late = ~far & ~less_than(number, present)
        early = ~far & ~late & ~less_than(oldest, number)
        early &= block > BLOCK_HASH_WINDOW
        inside = ~(far | late | early)
        upper = np.pad(high(number), ((0, 0), (0, 2)))
        found = np.zeros_like(number)
        for where, above, below in (
            (inside, last, number),
            (far, upper, one),
            (late, number, present),
            (early, oldest, number),
        ):
            found[where] = difference(above[where], below[where])[0]
        w[self.present] = block
        w[self.inside], w[self.far], w[self.late], w[self.early] = inside, far, late, early
        w[self.distance] = low(found)
        w[self.hash] = s.written()


class BlobHash(StepGadget):
    """BLOBHASH."""

    name = "blob_hash"
    opcodes = (Op.BLOBHASH,)

    index = Popped()
    store = FrameStore()
    count = Cell(ColumnType.U16)
    within = Within(index)
    hash = Halves()

    def constrain(self, c: Builder) -> Next:
        self.store.use(c, self.frame)
        scope, field = self.store.scope, TransactionField.BLOB_COUNT
        c.request(TX, self.real, scope, field, 0, self.count, 0, label="the count of blobs")
        inside = self.within.use(c, self.count)
        c.request(BLOB_HASH, inside, scope, self.index.lo, *self.hash)
        c.require_zero("outside: 0, low half", self.within.outside * self.hash.lo)
        c.require_zero("outside: 0, high half", self.within.outside * self.hash.hi)
        return Next(opcode=Op.BLOBHASH, gas=gas.VERY_LOW, push=self.hash)

    def fill(self, w: Witness, s: Steps) -> None:
        count = np.full(len(s), len(s.trace.transaction.blob_versioned_hashes), np.uint64)
        self.store.fill(w, s)
        w[self.count] = count
        self.within.fill(w, s.pop(0), count)
        w[self.hash] = s.written()
