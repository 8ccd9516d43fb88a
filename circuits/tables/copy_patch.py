"""Words of which a copy moves a part, and lanes of a stream.

Relation.  Of the 32 bytes of a word of the destination, those from `start` to `valid` are those
           given, from there to `stop` 0, and the others stay as they are in memory.  Lanes replace
           nothing: a sponge or a stream gets those that begin before `stop`, zero-padded.
Argument.  `patch` tokens are sent by the rows of `circuits.tables.copy`, and each is taken once.
Ensures.   start <= valid <= stop; what is written is made of bytes, so lanes are below 2^64.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import ABSORB, LANE, PATCH, CopyKind
from circuits.execution.copies import WORD_BYTES
from circuits.execution.tokens import I64
from circuits.language import (
    Bit,
    Builder,
    ByteWord,
    Cell,
    ColumnType,
    MemoryBytesAccess,
    OneHot,
    Plan,
    TableGadget,
    Witness,
    keys,
    recompose,
)
from circuits.language.alignment import big_endian, prefixes
from circuits.tables.copy import LANE_BYTES, LANES, copies
from zkevm.plonkish.expression import Expr


class CopyPatch(TableGadget[I64]):
    """Words of which a part is moved, and lanes."""

    name = "copy_patch"

    real = Bit()
    id = Cell(ColumnType.U64)
    dest = Cell(ColumnType.U64)
    index = Cell(ColumnType.U32)
    to_memory = Bit()
    to_sponge = Bit()
    to_stream = Bit()
    start = OneHot(WORD_BYTES)
    valid = OneHot(WORD_BYTES + 1)
    stop = OneHot(WORD_BYTES + 1)
    moved = ByteWord()
    target = MemoryBytesAccess()

    def constrain(self, c: Builder) -> None:
        to_lanes = self.to_sponge + self.to_stream
        c.require_equal("one way to go", self.to_memory + to_lanes, self.real)
        kind = (
            self.to_memory * CopyKind.MEMORY
            + self.to_sponge * CopyKind.ABSORB
            + self.to_stream * CopyKind.LANES
        )
        start = self.start.select(range(WORD_BYTES))
        valid, stop = (x.select(range(WORD_BYTES + 1)) for x in (self.valid, self.stop))
        bounds, word = (start, valid, stop), (self.moved.lo, self.moved.hi)
        c.receive(PATCH, self.real, self.id, kind, self.dest, self.index, *bounds, *word)
        c.require_range("start <= valid", self.real, valid - start)
        c.require_range("valid <= stop", self.real, stop - valid)
        c.require_zero("lanes begin at 0", to_lanes * (1 - self.start[0]))
        for name, half in zip(("low", "high"), self.target.received, strict=True):
            c.require_zero(f"lanes replace nothing, {name} half", to_lanes * half)

        from_start, from_valid, from_stop = (
            prefixes(x.cells[:WORD_BYTES]) for x in (self.start, self.valid, self.stop)
        )
        new: list[Expr] = []
        pairs = zip(big_endian(self.moved), big_endian(self.target.word), strict=True)
        for k, (byte, old) in enumerate(pairs):
            taken = from_start[k] - from_valid[k]
            stays = self.real - from_start[k] + from_stop[k]
            new.append(taken * byte + stays * old)
        halves = (recompose(new[:15:-1], 8), recompose(new[15::-1], 8))
        self.target.use(c, self.to_memory, (self.dest, self.index), self.id + 1, halves)
        for j in range(LANES):
            lane = recompose(new[LANE_BYTES * j : LANE_BYTES * (j + 1)][::-1], 8)
            place = (self.dest, LANES * self.index + j, lane)
            begins = 1 - from_stop[LANE_BYTES * j]
            c.request(ABSORB, self.to_sponge * begins, *place)
            c.send(LANE, self.to_stream * begins, *place, label=f"send lane {j}")

    def collect(self, plan: Plan) -> I64:
        found = plan.shared(copies)
        rows = found.moves
        record = np.flatnonzero(rows.is_patch)
        where = rows.dest_kind[record] == CopyKind.MEMORY
        cells = keys(rows.dest[record], rows.at[record] // WORD_BYTES)
        clock = (rows.id[record] + 1).astype(np.uint64)
        plan.access(self, self.target, plan.memory, cells, clock, found.left[record], where)
        return record

    def fill(self, w: Witness, record: I64, plan: Plan) -> None:
        found = plan.shared(copies)
        rows = found.moves
        kind = rows.dest_kind[record]
        w[self.real] = 1
        w[self.id] = rows.id[record]
        w[self.dest] = rows.dest[record]
        w[self.index] = rows.at[record] // WORD_BYTES
        w[self.to_memory] = kind == CopyKind.MEMORY
        w[self.to_sponge] = kind == CopyKind.ABSORB
        w[self.to_stream] = kind == CopyKind.LANES
        w[self.start] = rows.start[record]
        w[self.valid] = rows.valid[record]
        w[self.stop] = (rows.start + rows.moved)[record]
        w[self.moved] = found.taken[record]
