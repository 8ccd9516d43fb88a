"""Cutting the tables of a trace by rows into segments that each fit into memory.

A row is complete in itself, so any rows may lie in any segment.  A segment takes of each table, the
heaviest first, as large a power of two of rows as there is room for: so most tables occur in few
segments, and few rows are padding.

What proving a segment takes is a model fitted to measurements of the kernels: the fraction tree and
the sum over rows do not live at the same time, and nothing else comes near them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zkevm.errors import UsageError
from zkevm.plonkish.cells import Cells
from zkevm.proof.circuit import Bounds

NODE_BYTES = 64
"""Of a fraction.  The tree has all leaves, padding rows included, and above them layers that are
filled up to powers of two."""

CELL_BYTES = 34
"""Of the sum over rows and of the cells themselves: for each cell, padding rows included."""

WORTH = 16
"""A table has a part of its rows in one more segment if they are at least this share of it."""


@dataclass(frozen=True)
class Limits:
    """What a segment may have.

    memory  bytes that proving it takes; None for any
    cells   how many fit the stack polynomials
    height  log2 of the rows of a table
    """

    memory: int | None
    cells: int
    height: int

    def allow(self, load: "Load", height: int) -> bool:
        """Whether a segment may have this load, and a table 2^height rows."""
        small = self.memory is None or load.memory <= self.memory
        return small and load.cells <= self.cells and height <= self.height

    def are_worth(self, piece: "Load") -> bool:
        """Whether rows are enough for a place in one more segment."""
        large = self.memory is not None and piece.memory * WORTH >= self.memory
        return large or piece.cells * WORTH >= self.cells


@dataclass(frozen=True)
class Load:
    """Leaves and cells of some tables."""

    leaves: int = 0
    cells: int = 0

    @property
    def memory(self) -> int:
        """Bytes that proving them takes."""
        above = 1 << (self.leaves - 1).bit_length() if self.leaves else 0
        return max(NODE_BYTES * (self.leaves + above), CELL_BYTES * self.cells)

    def plus(self, each: Cells, height: int) -> "Load":
        """With 2^height rows of a table."""
        return Load(
            self.leaves + (len(each.table.interactions) << height),
            self.cells + (len(each.table.columns) << height),
        )


def limits(bounds: Bounds, memory: int | None, powers: int) -> Limits:
    """The limits of a circuit, for an SRS with so many powers."""
    largest = max(bounds.smallest_stack, min(powers.bit_length() - 1, bounds.largest_stack))
    return Limits(memory, bounds.stacks << largest, bounds.height)


def cut(tables: Sequence[Cells], most: Limits, parts: int = 1) -> list[list[Cells]]:
    """The tables in segments within the limits, `parts` or more if there is enough to part.

    Raises `UsageError` if the memory is too little for a table that cannot be cut.
    """
    if parts > 1:
        smallest = (Load().plus(each, each.table.height or 0).memory for each in tables)
        share = max([_weight(tables) // parts + 1, *smallest])
        most = Limits(min(share, most.memory or share), most.cells, most.height)
    rest = sorted(tables, key=lambda t: (t.table.height is None, -_weight([t]), t.table.name))
    segments = []
    while rest:
        segment, rest = _fill(rest, most)
        if not segment:
            raise UsageError(
                f"too little memory for table {rest[0].table.name}: it takes"
                f" {_weight(rest[:1]) >> 20} MiB more"
            )
        segments.append(segment)
    return segments


def _weight(tables: Sequence[Cells]) -> int:
    load = Load()
    for each in tables:
        load = load.plus(each, each.height)
    return load.memory


def _fill(tables: Sequence[Cells], most: Limits) -> tuple[list[Cells], list[Cells]]:
    """One segment, with one piece of each table that has room there; and the rest."""
    segment, rest, load = [], [], Load()
    for each in tables:
        height = _largest(each, load, most)
        if height is None:
            rest.append(each)
            continue
        load = load.plus(each, height)
        stop = min(each.rows, 1 << height)
        segment.append(_rows(each, 0, stop, height))
        if stop < each.rows:
            rest.append(_rows(each, stop, each.rows, (each.rows - stop - 1).bit_length()))
    return segment, rest


def _largest(each: Cells, load: Load, most: Limits) -> int | None:
    """log2 of the most rows of a table for which there is room; None if they are not worth it."""
    lowest = 0 if each.table.height is None else each.height
    for height in range(each.height, lowest - 1, -1):
        with_it = load.plus(each, height)
        if not most.allow(with_it, height):
            continue
        is_whole = height == each.height
        worth = is_whole or not load.cells or most.are_worth(Load().plus(each, height))
        return height if worth else None
    return None


def _rows(each: Cells, start: int, stop: int, height: int) -> Cells:
    columns = [column[start:stop] for column in each.columns]
    return Cells(each.table, each.program, columns, stop - start, height)
