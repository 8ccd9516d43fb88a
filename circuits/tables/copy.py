"""Copies of bytes, a row for each word of the destination.

A copy is a chain on the `copy` bus: each row moves the bytes that go to one destination word and
leaves the rest of the request.  With `start` = at mod 32 and u = (index - at) mod 32 for the next
destination and source bytes:

Relation.  `copy_aligned`, u = 0: the destination word is a source word.  Also all rows that begin
           where the source has ended, whatever u is: the word is 0.
           `copy_shift`, u > 0: it is the last 32 - u bytes of one source word, the carry, followed
           by the first u bytes of the next, which is read; what is left of this is carried on.  If
           the first bytes come from two words, a row before moves nothing and reads the first; it
           has the u and the `start` of the next, so that what it reads is what that one takes.
           Whole words go to memory, or as four lanes to a sponge.  A word of which only the bytes
           from `start` to `stop` are moved, or whose source ends at `valid`, goes to `copy_patch`:
           from start to valid are the word's bytes, from there to stop 0, and the others stay as
           they are.  A stream of lanes gets those that begin before `stop`.
Argument.  The id of a copy is a clock that no other copy has, and the rows of its chain move on by
           one byte or more, but for the one that primes: a chain is one path from the request to
           the row that leaves nothing.  All its reads have that clock, so no word is read twice.
           Word numbers are (at - start) / 32 and the like; they need no range, as only a
           word that exists can be received.
Assumes.   Indexes and lengths are below 2^34, and end <= index + left, by the request's sender.
Ensures.   Words written are canonical: received as they are, or made of bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from circuits.buses import ABSORB, CODE_WORD, COPY, PATCH, CopyKind
from circuits.execution.copies import WORD_BYTES, Moves, moves, words_left, words_of_code
from circuits.execution.tokens import I64
from circuits.language import (
    Bit,
    Builder,
    Cell,
    Cells,
    ColumnType,
    MemoryAccess,
    MemoryBytesAccess,
    OneHot,
    Plan,
    TableGadget,
    Uint,
    Witness,
    keys,
    recompose,
)
from circuits.language.alignment import big_endian, bytes_from
from circuits.language.arrays import from_octets, high, low, octets
from zkevm.field import MODULUS
from zkevm.plonkish.expression import ZERO, Expr
from zkevm.trace.words import Words

LANE_BYTES = 8
LANES = WORD_BYTES // LANE_BYTES
THIRTY_SECOND = pow(WORD_BYTES, -1, MODULUS)
PRIMED = 16  # times u is added to the source kind of a chain that carries
STARTED = 1024  # times `start` is added where a row has primed, for the row that moves next


@dataclass(frozen=True)
class Copies:
    """The rows of all copies, the words they leave in memory, and the words they take it from.

    `taken` is filled with the tables `copy_aligned` and `copy_shift`, for `copy_patch`.
    """

    moves: Moves
    left: Words
    taken: Words = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "taken", np.zeros((len(self.moves), 4), np.uint64))


def copies(plan: Plan) -> Copies:
    """All copies that were asked for."""
    found = [column.astype(np.int64) for column in plan.requests(COPY)[:9]]
    rows = moves(*found)
    return Copies(rows, words_left(plan.execution, rows))


class CopyRow(TableGadget[I64]):
    """What rows that move words share.  The record are places in `Copies.moves`."""

    real = Bit()
    id = Cell(ColumnType.U64)
    source = Cell(ColumnType.U64)
    index = Cell(ColumnType.U32)
    end = Cell(ColumnType.U32)
    dest_kind = Cell(ColumnType.U8)
    dest = Cell(ColumnType.U64)
    at = Cell(ColumnType.U32)
    left = Cell(ColumnType.U32)
    start = Cell(ColumnType.U8)
    valid = Cell(ColumnType.U8)
    moved = Cell(ColumnType.U8)
    inner = Bit()  # the source does not end in this word
    slack = Uint(32)  # how far it ends beyond, or ended before
    ends = Bit()
    to_memory = Bit()
    to_sponge = Bit()
    to_patch = Bit()
    target = MemoryAccess()
    lanes = Cells(LANES, ColumnType.U64)

    def move(self, c: Builder, moves: Expr, is_zero: Expr, lo: Expr, hi: Expr) -> None:
        """Where `moves` is 1, put (lo, hi) at the destination; `is_zero`: past the source's end."""
        whole = self.to_memory + self.to_sponge
        stop = self.start + self.moved
        c.require_equal("one way to go", whole + self.to_patch, moves)
        c.require_zero("to memory", self.to_memory * (self.dest_kind - CopyKind.MEMORY))
        c.require_zero("to a sponge", self.to_sponge * (self.dest_kind - CopyKind.ABSORB))
        c.require_zero("a whole word begins at 0", whole * self.start)
        c.require_zero("a whole word is moved", whole * (self.moved - WORD_BYTES))
        c.require_zero("a whole word is all there or all zero", whole * (1 - self.inner - is_zero))
        c.require_zero("nothing is left at the end", self.ends * (self.left - self.moved))
        c.require_zero("the word is filled before", (moves - self.ends) * (stop - WORD_BYTES))
        # All numbers are below 2^36.  Inner: the source ends at byte 32 or later, and all is valid.
        # Zero: it ended at byte `start` or before; that is below 32, so not both.  Else it ends
        # exactly at `valid`.
        limit = self.end - self.index + self.start
        c.require_zero(
            "where the source ends",
            moves * (limit - self.valid) - (self.inner - is_zero) * self.slack.value,
        )
        c.require_zero("inner: all is valid", self.inner * (self.valid - WORD_BYTES))
        c.require_zero("what does not move moves nothing", self.moved * (1 - moves))
        c.require_zero("only what moves is inner", self.inner * (1 - moves))
        c.require_zero("only what moves ends", self.ends * (1 - moves))

        word = (self.at - self.start) * THIRTY_SECOND
        self.target.use(c, self.to_memory, (self.dest, word), self.id + 1, (lo, hi))
        c.require_zero(
            "lanes of the high half", self.to_sponge * (hi - recompose(self.lanes.cells[1::-1], 64))
        )
        c.require_zero(
            "lanes of the low half", self.to_sponge * (lo - recompose(self.lanes.cells[3:1:-1], 64))
        )
        for j, lane in enumerate(self.lanes):
            c.request(ABSORB, self.to_sponge, self.dest, LANES * word + j, lane)
        bounds = (self.start, self.valid, stop)
        c.send(PATCH, self.to_patch, self.id, self.dest_kind, self.dest, word, *bounds, lo, hi)

    def chain(
        self,
        c: Builder,
        kind: tuple[Expr, Expr],
        carry: tuple[tuple[Expr | int, Expr | int], tuple[Expr | int, Expr | int]],
    ) -> None:
        """Take the request, leave the rest of it; `kind` and `carry` are those before and after."""
        to = (self.dest_kind, self.dest)
        c.receive(
            COPY,
            self.real,
            *(self.id, kind[0], self.source, self.index, self.end),
            *(*to, self.at, self.left, *carry[0]),
        )
        c.send(
            COPY,
            self.real - self.ends,
            *(self.id, kind[1], self.source, self.index + self.moved, self.end),
            *(*to, self.at + self.moved, self.left - self.moved, *carry[1]),
        )

    def register(self, plan: Plan, record: I64) -> None:
        """Register the accesses of the destination, and the patches."""
        found = plan.shared(copies)
        rows = found.moves
        where = (rows.is_whole & (rows.dest_kind == CopyKind.MEMORY))[record]
        cells = keys(rows.dest[record], rows.at[record] // WORD_BYTES)
        clock = (rows.id[record] + 1).astype(np.uint64)
        plan.access(self, self.target, plan.memory, cells, clock, found.left[record], where)

    def fill_moves(self, w: Witness, record: I64, rows: Moves, word: Words) -> None:
        """Fill the columns of this class."""
        w[self.real] = 1
        for cell, column in (
            (self.id, rows.id),
            (self.source, rows.source),
            (self.index, rows.index),
            (self.end, rows.end),
            (self.dest_kind, rows.dest_kind),
            (self.dest, rows.dest),
            (self.at, rows.at),
            (self.left, rows.left),
            (self.start, rows.start),
            (self.valid, np.where(rows.primes, 0, rows.valid)),
            (self.moved, rows.moved),
            (self.inner, rows.inner),
            (self.ends, rows.ends),
            (self.to_memory, rows.is_whole & (rows.dest_kind == CopyKind.MEMORY)),
            (self.to_sponge, rows.is_whole & (rows.dest_kind == CopyKind.ABSORB)),
            (self.to_patch, rows.is_patch),
        ):
            w[cell] = column[record]
        beyond = np.where(rows.inner | rows.is_zero, np.abs(rows.limit - rows.valid), 0)
        w[self.slack] = beyond[record].astype(np.uint64)
        sponge = (rows.is_whole & (rows.dest_kind == CopyKind.ABSORB))[record]
        w[self.lanes] = np.where(sponge[:, None], word[:, ::-1], np.uint64(0))


class CopyAligned(CopyRow):
    """Words as they are, and zeros."""

    name = "copy_aligned"

    source_kind = Cell(ColumnType.U16)
    from_memory = Bit()
    from_code = Bit()
    is_zero = Bit()
    word = MemoryAccess()

    def constrain(self, c: Builder) -> None:
        lo, hi = self.word.received
        kind = self.source_kind
        c.require_equal(
            "one way to come", self.from_memory + self.from_code + self.is_zero, self.real
        )
        c.require_zero("from memory", self.from_memory * (kind - CopyKind.MEMORY))
        c.require_zero("from code", self.from_code * (kind - CopyKind.CODE))
        c.require_zero("low half past the end", self.is_zero * lo)
        c.require_zero("high half past the end", self.is_zero * hi)
        c.require_zero("past the end: nothing is valid", self.is_zero * (self.valid - self.start))
        at = (self.source, (self.index - self.start) * THIRTY_SECOND)
        self.word.use(c, self.from_memory, at, self.id)
        c.request(CODE_WORD, self.from_code, *at, lo, hi)
        self.move(c, self.real, self.is_zero, lo, hi)
        self.chain(c, (kind, kind), ((0, 0), (0, 0)))

    def collect(self, plan: Plan) -> I64:
        rows = plan.shared(copies).moves
        record = np.flatnonzero(~rows.is_shift)
        self.register(plan, record)
        where = (rows.reads & ~rows.from_code)[record]
        cells = keys(rows.source[record], np.maximum(rows.source_word[record], 0))
        clock = rows.id[record].astype(np.uint64)
        plan.access(self, self.word, plan.memory, cells, clock, where=where)
        return record

    def fill(self, w: Witness, record: I64, plan: Plan) -> None:
        found = plan.shared(copies)
        rows = found.moves
        word = words_read(plan, self, self.word, record)
        found.taken[record] = word
        self.fill_moves(w, record, rows, word)
        w[self.word.old[0]], w[self.word.old[1]] = low(word), high(word)
        kind = rows.source_kind + PRIMED * rows.u * rows.primed
        w[self.source_kind] = kind[record]
        w[self.from_memory] = (~rows.is_zero & ~rows.from_code)[record]
        w[self.from_code] = (~rows.is_zero & rows.from_code)[record]
        w[self.is_zero] = rows.is_zero[record]


class CopyShift(CopyRow):
    """Words put together from the carry and the next source word."""

    name = "copy_shift"

    from_code = Bit()
    primes = Bit()
    primed = Bit()
    reads = Bit()
    shift = OneHot(WORD_BYTES - 1)  # u from 1 on
    carry = Cells(2, ColumnType.U128)
    word = MemoryBytesAccess()

    def constrain(self, c: Builder) -> None:
        moves = self.real - self.primes
        rests = self.real - self.reads
        u = self.shift.select(range(1, WORD_BYTES))
        c.require_zero("a chain is primed once", self.primes * self.primed)
        c.require_zero("only a real row primes", self.primes * (1 - self.real))
        c.require_zero("only a real row is primed", self.primed * (1 - self.real))
        c.require_zero("only a real row reads", self.reads * (1 - self.real))
        c.require_zero("what is not primed reads", rests * (1 - self.primed))
        c.require_zero("inner rows read", rests * self.inner)
        # The word read begins at index - start - u, or at 32 more in a row that moves.  Before the
        # chain is primed it is the one that byte `index` lies in, at start + u or start + u - 32.
        first = self.primes * (31 - self.start - u)
        first = first + (moves - self.primed) * (self.start + u - WORD_BYTES)
        # `start` is an integer: in a row that moves, by its destination; else, by the word it reads
        c.require_range("the first word read has the first byte", self.real, first, 5)
        # A row may go without where the source ends before the next word does: at byte 32 - u
        c.require_range("the carry is enough", rests, WORD_BYTES - u - self.valid, 5)
        at = (self.source, (self.index - self.start - u) * THIRTY_SECOND + moves)
        lo, hi = self.word.received
        for name, half in (("low", lo), ("high", hi)):
            c.require_zero(f"{name} half of nothing read", rests * half)
        self.word.use(c, self.reads * (1 - self.from_code), at, self.id)
        c.request(CODE_WORD, self.reads * self.from_code, *at, lo, hi)

        octets = big_endian(self.word.word)
        zeros: list[Expr] = [ZERO] * WORD_BYTES
        low, high = bytes_from(zeros + octets, self.shift.cells, 1)
        self.move(c, moves, ZERO, self.carry[0] + low, self.carry[1] + high)
        # A row in which the source ends carries nothing on: what follows is zero.
        carries = self.inner + self.primes
        low, high = bytes_from(octets + zeros, self.shift.cells, 1)
        base = self.real * CopyKind.MEMORY + self.from_code * (CopyKind.CODE - CopyKind.MEMORY)
        # A row that primes puts nothing anywhere, so it takes the `start` of the next one, which
        # does: else u could be any if that one reads no word.  In later rows `start` is 0.
        before, after = self.primed * self.start, self.primes * self.start
        kind = (
            base + PRIMED * self.primed * u + STARTED * before,
            base + PRIMED * u + STARTED * after,
        )
        carried = (carries * low, carries * high)
        self.chain(c, kind, ((self.carry[0], self.carry[1]), carried))
        for half in self.carry:
            c.require_zero(f"no {half.name} before the first word", (1 - self.primed) * half)

    def collect(self, plan: Plan) -> I64:
        rows = plan.shared(copies).moves
        record = np.flatnonzero(rows.is_shift)
        self.register(plan, record)
        where = (rows.reads & ~rows.from_code)[record]
        cells = keys(rows.source[record], rows.source_word[record])
        clock = rows.id[record].astype(np.uint64)
        plan.access(self, self.word, plan.memory, cells, clock, where=where)
        return record

    def fill(self, w: Witness, record: I64, plan: Plan) -> None:
        found = plan.shared(copies)
        rows = found.moves
        read = words_read(plan, self, self.word, record)
        u = rows.u[record]
        carried = shifted(read, u, up=True)
        carry = np.zeros_like(carried)
        carry[1:] = carried[:-1]
        carry[~rows.primed[record]] = 0
        word = carry | shifted(read, u, up=False)
        found.taken[record] = word
        self.fill_moves(w, record, rows, word)
        w[self.from_code] = rows.from_code[record]
        w[self.primes] = rows.primes[record]
        w[self.primed] = rows.primed[record]
        w[self.reads] = rows.reads[record]
        w[self.shift] = u - 1
        w[self.carry[0]], w[self.carry[1]] = low(carry), high(carry)
        w[self.word.word] = read


def words_read(plan: Plan, owner: CopyRow, part: MemoryAccess, record: I64) -> Words:
    """The source words that rows read, 0 for those that read none."""
    rows = plan.shared(copies).moves
    found = np.zeros((len(record), 4), np.uint64)
    if (access := plan.accessed(owner, part)) is not None and len(access.where):
        found[access.where] = access.old
    at = np.flatnonzero((rows.reads & rows.from_code)[record])
    code = record[at]
    found[at] = words_of_code(plan.execution, rows.source[code], rows.source_word[code])
    return found


def shifted(words: Words, u: I64, up: bool) -> Words:
    """The bytes of words from byte u on, at the top (`up`), or those before it, at the bottom."""
    source = np.concatenate(
        [octets(words)[:, ::-1], np.zeros((len(words), WORD_BYTES), np.uint8)], 1
    )
    place = np.arange(WORD_BYTES) + (u[:, None] if up else u[:, None] - WORD_BYTES)
    taken = np.take_along_axis(source, np.where(place < 0, WORD_BYTES, place), axis=1)
    return from_octets(np.ascontiguousarray(taken[:, ::-1]))
