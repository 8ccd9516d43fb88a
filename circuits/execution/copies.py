"""Copies of bytes as rows: a row for each word of the destination.

Each copy is asked for with the fields of the `copy` bus.  The next source byte is `index`, the next
destination byte `at`; `start` = at mod 32, and `u` = (index - at) mod 32 is the same throughout.
Byte 0 of the destination word comes from source byte index - start, wherever that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from circuits.buses import CopyKind
from circuits.execution.execution import Execution
from circuits.execution.tokens import I64, Mask
from zkevm.trace.words import Words, words_from_big_endian

WORD_BYTES = 32


@dataclass(frozen=True)
class Moves:
    """Rows of copies, chain after chain; one entry a row.

    `nth` counts the words of the destination.  A row that `primes` moves nothing: it reads the
    first of two source words of which the first destination word is made.  `primed` rows come after
    one that has read a word and had bytes of it left.
    """

    id: I64
    source_kind: I64
    source: I64
    index: I64
    end: I64
    dest_kind: I64
    dest: I64
    at: I64
    left: I64
    u: I64
    nth: I64
    primes: Mask
    primed: Mask

    def __len__(self) -> int:
        return len(self.id)

    @cached_property
    def start(self) -> I64:
        """The first byte of the destination word that is moved."""
        return self.at % WORD_BYTES

    @cached_property
    def moved(self) -> I64:
        """How many bytes the row moves."""
        return np.where(self.primes, 0, np.minimum(self.left, WORD_BYTES - self.start))

    @cached_property
    def ends(self) -> Mask:
        """Which rows are the last of their copies."""
        return np.asarray(~self.primes & (self.left == self.moved))

    @cached_property
    def is_zero(self) -> Mask:
        """Which rows begin where the source has ended."""
        return ~self.primes & (self.index >= self.end)

    @cached_property
    def is_shift(self) -> Mask:
        """Which rows put a word together from parts of two."""
        return (self.u > 0) & ~self.is_zero

    @cached_property
    def limit(self) -> I64:
        """The byte of the destination word at which the source ends, if it is one."""
        return self.end - self.index + self.start

    @cached_property
    def inner(self) -> Mask:
        """Which rows the source does not end in.

        If it ends with a shifted word that is not the copy's last, the carry is to be dropped: that
        row counts as one in which the source ends.
        """
        exact = (self.limit == WORD_BYTES) & (~self.is_shift | self.ends)
        beyond = (self.limit > WORD_BYTES) | exact
        return np.asarray(~self.primes & ~self.is_zero & beyond)

    @cached_property
    def valid(self) -> I64:
        """Where in the destination word zeros begin."""
        return np.where(self.is_zero, self.start, np.minimum(self.limit, WORD_BYTES))

    @cached_property
    def is_whole(self) -> Mask:
        """Which rows fill a whole word at once."""
        whole = (self.moved == WORD_BYTES) & (self.inner | self.is_zero)
        return np.asarray(whole & (self.dest_kind != CopyKind.LANES))

    @cached_property
    def is_patch(self) -> Mask:
        """Which rows fill a part of a word, or lanes of a stream."""
        return ~self.primes & ~self.is_whole

    @cached_property
    def source_word(self) -> I64:
        """The word of the source that the row would read."""
        shifted = (self.u > 0) & ~self.primes
        return (self.index - self.start - self.u) // WORD_BYTES + shifted

    @cached_property
    def reads(self) -> Mask:
        """Which rows read it."""
        has_bytes = self.end > WORD_BYTES * self.source_word
        return np.asarray(self.primes | (~self.is_zero & has_bytes))

    @cached_property
    def from_code(self) -> Mask:
        """Which rows copy from code."""
        return np.asarray(self.source_kind == CopyKind.CODE)


def moves(
    id_: I64,
    source_kind: I64,
    source: I64,
    index: I64,
    end: I64,
    dest_kind: I64,
    dest: I64,
    at: I64,
    size: I64,
) -> Moves:
    """The rows of copies of `size` > 0 bytes."""
    start, u = at % WORD_BYTES, (index - at) % WORD_BYTES
    has_shift = (u > 0) & (index < end)
    has_prime = has_shift & (start + u < WORD_BYTES)
    count = (start + size + WORD_BYTES - 1) // WORD_BYTES + has_prime
    of = np.repeat(np.arange(len(id_)), count)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count) - has_prime[of]
    moved_before = np.where(nth > 0, WORD_BYTES * nth - start[of], 0)
    return Moves(
        id=id_[of],
        source_kind=source_kind[of],
        source=source[of],
        index=index[of] + moved_before,
        end=end[of],
        dest_kind=dest_kind[of],
        dest=dest[of],
        at=at[of] + moved_before,
        left=size[of] - moved_before,
        u=u[of],
        nth=np.maximum(nth, 0),
        primes=nth < 0,
        primed=has_shift[of] & ((nth > 0) | ((nth == 0) & has_prime[of])),
    )


def words_left(execution: Execution, rows: Moves) -> Words:
    """The words that copies to memory leave, 0 for other rows.

    A data frame has the id of the copy that fills it: with the output of a precompile.
    """
    out = np.zeros((len(rows), 4), np.uint64)
    to_memory = (rows.dest_kind == CopyKind.MEMORY) & ~rows.primes
    to_data = np.flatnonzero(to_memory & (rows.dest == rows.id))
    to_memory = np.flatnonzero(to_memory & (rows.dest != rows.id))
    clock, calls = execution.schedule.clock, execution.trace.calls
    for at, id_, nth in zip(to_data, rows.id[to_data], rows.nth[to_data], strict=True):
        call = np.searchsorted(calls.row, np.searchsorted(clock, np.uint64(id_)))
        data = calls.output[call][WORD_BYTES * nth :][:WORD_BYTES]
        out[at] = words_from_big_endian(data.ljust(WORD_BYTES, b"\0"))[0]
    row = np.searchsorted(clock, rows.id[to_memory].astype(np.uint64), side="right") - 1
    place = execution.memory_start(row) + rows.nth[to_memory]
    out[to_memory] = execution.trace.memory.words[place]
    return out


def words_of_code(execution: Execution, code: I64, index: I64) -> Words:
    """Words of codes by code id, zero-padded."""
    codes = execution.trace.codes
    padded = b"".join(c.ljust(-(-len(c) // WORD_BYTES) * WORD_BYTES, b"\0") for c in codes)
    ids = execution.code_ids.astype(np.int64)
    which = np.searchsorted(ids, code)
    # a header stands before the words of each code
    return np.asarray(words_from_big_endian(padded)[code - 1 - which + index])
