"""KECCAK256.

Relation.  Charges 30 and 6 a word, grows memory to the end of the data, and asks for a copy of
           them to a sponge that the prover names, whose digest for this length is looked up.  The
           digest of no bytes is a constant.
Argument.  The sponge is the one whose lanes the copy looks up, each of them; lanes and length
           determine the input.
"""

import numpy as np

from circuits.buses import COPY, KECCAK, CopyKind
from circuits.execution.tokens import U64
from circuits.language import (
    Builder,
    Cell,
    ColumnType,
    Growth,
    Halves,
    MemoryRange,
    Next,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Witness,
    WordCount,
    range_end,
)
from circuits.language.copying import request_copy
from zkevm.evm import gas
from zkevm.evm.keccak import EMPTY_HASH
from zkevm.evm.opcodes import Op


class Keccak256(StepGadget):
    """KECCAK256."""

    name = "keccak256"
    opcodes = (Op.KECCAK256,)

    offset = Popped()
    size = Popped()
    data = MemoryRange(offset, size)
    growth = Growth(data.end)
    words = WordCount(data.size)
    sponge = Cell(ColumnType.U32)
    digest = Halves()

    def constrain(self, c: Builder) -> Next:
        some = self.data.some(c)
        c.send(
            COPY,
            some,
            *(self.clock, CopyKind.MEMORY, self.frame, self.data.start, self.data.end),
            *(CopyKind.ABSORB, self.sponge, 0, self.size.lo, 0, 0),
        )
        c.request(KECCAK, some, self.sponge, self.size.lo, *self.digest)
        for name, half, value in (
            ("low", self.digest.lo, EMPTY_HASH % 2**128),
            ("high", self.digest.hi, EMPTY_HASH >> 128),
        ):
            c.require_zero(f"the digest of nothing, {name} half", self.data.empty * (half - value))
        return Next(
            opcode=Op.KECCAK256,
            gas=gas.KECCAK256 + gas.KECCAK256_WORD * self.words.count + self.growth.cost,
            msize=self.growth.msize,
            push=self.digest.expr,
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        size, index = s.pop(1)[:, 0], s.pop(0)[:, 0]
        source = (CopyKind.MEMORY, s.frame, index, index + size)
        zero = np.zeros(len(s), np.uint64)
        request_copy(plan, s, source, (CopyKind.ABSORB, sponges(s, plan), zero), size)
        self.growth.plan(s, plan, range_end(s.pop(0), s.pop(1)))

    def assign(self, s: Steps, plan: Plan) -> Witness:
        w = super().assign(s, plan)
        w[self.sponge] = sponges(s, plan)
        return w

    def fill(self, w: Witness, s: Steps) -> None:
        self.data.fill(w, s.pop(0), s.pop(1))
        self.growth.fill(w, s, range_end(s.pop(0), s.pop(1)))
        w[self.words] = s.pop(1)[:, 0]
        w[self.digest] = s.written()


def sponges(s: Steps, plan: Plan) -> U64:
    """The sponges of KECCAK256 steps, 0 for empty inputs."""
    trace = s.trace
    hashing = (trace.rows.op == Op.KECCAK256) & ~s.execution.schedule.halted
    inputs = (trace.hashes[i] for i in np.searchsorted(np.flatnonzero(hashing), s.rows))
    return np.array([plan.sponges.identify(data) if data else 0 for data in inputs], np.uint64)
