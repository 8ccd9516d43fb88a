"""The memory argument's bookkeeping: which access left the token that the next one takes.

An access of a cell at clock t receives the token written at t0 < t and sends one written at t, with
`t - t0 - 1` in sixteen bits; longer distances are bridged by refresh rows.  A cell is created once,
at the clock before its first access.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

GAP = 1 << 16

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass
class Access:
    """Accesses of one kind by the rows of one table, one entry for each row where it happens.

    `where` holds the positions of those rows in the table; `writes` tells which set the cell to
    `new`.  After `Ledger.solve`: `old` is the value received, `gap` the distance to the token
    received, `keep` whether somebody takes the token sent.
    """

    where: I64
    keys: U64
    clock: U64
    new: U64
    writes: Mask
    old: U64 = field(default_factory=lambda: np.zeros((0, 0), np.uint64))
    gap: U64 = field(default_factory=lambda: np.zeros(0, np.uint64))
    keep: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))


@dataclass(frozen=True)
class Cells:
    """The distinct cells of a solved ledger: key, clock of creation, last value and clock."""

    keys: U64
    created: U64
    final: U64
    last: U64


@dataclass(frozen=True)
class Refreshes:
    """Rows that bridge long gaps: the token of `keys`, `values` moves from clock `old` to `new`."""

    keys: U64
    values: U64
    old: U64
    new: U64


def previous_in_cell(keys: U64, clock: U64) -> tuple[I64, I64]:
    """Order by cell and clock, and for each access the one before it in its cell (-1: none).

    `keys` is (n, k).  No two accesses of a cell may share a clock.
    """
    order = np.lexsort((clock, *keys.T[::-1]))
    same = (keys[order][1:] == keys[order][:-1]).all(axis=1)
    before = np.full(len(order), -1, np.int64)
    before[order[1:]] = np.where(same, order[:-1], -1)
    if (same & (clock[order][1:] == clock[order][:-1])).any():
        raise ValueError("two accesses of one cell at one clock")
    return order, before


class Ledger:
    """All accesses on one token bus: cells of `width` key elements, values of `size` elements."""

    def __init__(self, name: str, width: int, size: int, gap_bits: int = 16) -> None:
        self.name = name
        self.width = width
        self.size = size
        self.reach = np.uint64(1 << gap_bits)
        self.accesses: list[Access] = []
        self._initial: dict[tuple[int, ...], tuple[int, ...]] = {}
        self.cells = Cells(*(np.zeros((0, n), np.uint64) for n in (width, 1, size, 1)))
        self.refreshes = Refreshes(*(np.zeros((0, n), np.uint64) for n in (width, size, 1, 1)))

    def initial(self, key: tuple[int, ...], value: tuple[int, ...]) -> None:
        """The value a cell is created with (default: zeros)."""
        self._initial[key] = value

    def add(
        self, where: I64, keys: U64, clock: U64, new: U64 | None, writes: Mask | None = None
    ) -> Access:
        """Register accesses: at `clock` the cell `keys` (n, width) is read and set to `new`.

        No `new`: none writes.  `writes` tells which do, by default all.
        """
        count = len(where)
        keys = np.asarray(keys, np.uint64).reshape(count, self.width)
        if writes is None:
            writes = np.full(count, new is not None)
        if new is None:
            new = np.zeros((count, self.size), np.uint64)
        new = np.asarray(new, np.uint64).reshape(count, self.size)
        access = Access(where, keys, np.asarray(clock, np.uint64), new, writes)
        self.accesses.append(access)
        return access

    def solve(self) -> None:
        """Fill `old`, `gap` and `keep` of every access, and the cells and refreshes."""
        if not self.accesses:
            return
        keys = np.concatenate([a.keys for a in self.accesses])
        clock = np.concatenate([a.clock for a in self.accesses])
        writes = np.concatenate([a.writes for a in self.accesses])
        value = np.concatenate([a.new for a in self.accesses])
        order, before = previous_in_cell(keys, clock)
        first = before[order] < 0
        after = self._values_after(order, first, keys, writes, value)
        old = np.empty_like(value)
        old[order[~first]] = after[before[order[~first]]]
        old[order[first]] = self.created_with(keys[order[first]])
        old_clock = np.where(before >= 0, clock[before], clock - np.uint64(1))
        old_clock = self._refresh(keys, old, old_clock, clock)
        keep = np.zeros(len(clock), np.bool_)
        keep[before[before >= 0]] = True
        last = np.append(np.flatnonzero(first)[1:] - 1, len(order) - 1) if len(order) else order
        self.cells = Cells(
            keys[order[first]],
            clock[order[first]] - np.uint64(1),
            after[order[last]],
            clock[order[last]],
        )
        start = 0
        for access in self.accesses:
            part = slice(start, start + len(access.clock))
            access.old, access.keep = old[part], keep[part]
            access.gap = clock[part] - old_clock[part] - np.uint64(1)
            start = part.stop

    def created_with(self, keys: U64) -> U64:
        """The values that cells are created with."""
        found = np.zeros((len(keys), self.size), np.uint64)
        if self._initial and len(keys):
            known = np.array(list(self._initial), np.uint64)
            values = np.array(list(self._initial.values()), np.uint64)
            both = np.concatenate([known, keys])
            order = np.lexsort(both.T[::-1])  # stable: what is known comes first among equals
            starts = (both[order][1:] != both[order][:-1]).any(axis=1)
            group = np.concatenate([[0], np.cumsum(starts)])
            head = order[np.concatenate([[0], np.flatnonzero(starts) + 1])][group]
            given = (head < len(known)) & (order >= len(known))
            found[order[given] - len(known)] = values[head[given]]
        return found

    def _values_after(self, order: I64, first: Mask, keys: U64, writes: Mask, value: U64) -> U64:
        """The value each access leaves: its own if it writes, else the last one written before."""
        places = np.arange(len(order))
        source = np.where(writes[order], places, -1)
        start = np.maximum.accumulate(np.where(first, places, 0))
        source = np.maximum.accumulate(np.maximum(source, np.where(first, places, -1)))
        inherited = np.zeros_like(value)
        created = self.created_with(keys[order[first]])
        rank = np.cumsum(first) - 1
        fresh = (source == start) & ~writes[order][start]
        inherited[order] = np.where(fresh[:, None], created[rank], value[order][source])
        return inherited

    def _refresh(self, keys: U64, old: U64, old_clock: U64, clock: U64) -> U64:
        """Bridge what is too far: returns the clocks of the tokens received."""
        far = np.flatnonzero(clock - old_clock - np.uint64(1) >= self.reach)
        if len(far):
            moved = clock[far] - np.uint64(1)
            self.refreshes = Refreshes(keys[far], old[far], old_clock[far], moved)
            old_clock = old_clock.copy()
            old_clock[far] = moved
        return old_clock
