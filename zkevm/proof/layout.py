"""Where every column lies in the stack polynomials and every interaction among the leaves.

Both sides derive the layout from the circuit, the heights and m; it is never sent.  Tables go by
falling height, so each block starts at a multiple of its own size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from zkevm.errors import VerificationError
from zkevm.plonkish.program import Program
from zkevm.plonkish.table import Table
from zkevm.proof.circuit import ROUND_DEGREE, Circuit
from zkevm.proof.messages import Heights
from zkevm.transcript import POINT, WORD


class Piece(NamedTuple):
    """2^s cells of a column of 2^n rows, s = min(n, m): rows [chunk * 2^s, (chunk + 1) * 2^s).

    They are coefficients [block * 2^s, (block + 1) * 2^s) of stack polynomial `polynomial`.
    """

    polynomial: int
    block: int
    chunk: int


@dataclass(frozen=True)
class TableLayout:
    """A present table: its number in the circuit, its height, and where its parts lie.

    m        log2 of the size of a stack polynomial
    pieces   the numbers of the pieces of all witness columns, counted over all stack polynomials
    blocks   for each interaction, the number of its block of 2^height leaves
    """

    number: int
    table: Table
    program: Program
    height: int
    m: int
    pieces: range
    blocks: range

    @property
    def size(self) -> int:
        """log2 of the cells of a piece."""
        return min(self.height, self.m)

    @property
    def chunks(self) -> int:
        """How many pieces a column has: one, or 2^(height - m) if height > m."""
        return 1 << self.height - self.size

    @cached_property
    def columns(self) -> tuple[tuple[Piece, ...], ...]:
        """The pieces of each witness column."""
        bits, chunks = self.m - self.size, self.chunks
        mask = (1 << bits) - 1
        pieces = [Piece(n >> bits, n & mask, i % chunks) for i, n in enumerate(self.pieces)]
        return tuple(zip(*(pieces[chunk::chunks] for chunk in range(chunks)), strict=True))


@dataclass(frozen=True)
class Layout:
    """The shape of one segment.

    tables  the present ones, by falling height, then by number
    m       log2 of the size of a stack polynomial
    stacks  K: how many stack polynomials
    layers  n: log2 of the number of leaves, at least 1
    rounds  N: the largest height
    """

    tables: tuple[TableLayout, ...]
    m: int
    stacks: int
    layers: int
    rounds: int

    @property
    def columns(self) -> int:
        """How many witness columns there are."""
        return sum(table.program.width for table in self.tables)

    @property
    def leaves(self) -> int:
        """How many leaves the interactions have."""
        last = self.tables[-1]
        return last.blocks.stop << last.height

    @property
    def commitments_length(self) -> int:
        """Bytes of the commitments."""
        return POINT * self.stacks

    @property
    def messages_length(self) -> int:
        """Bytes of the other messages."""
        m, n = self.m, self.layers
        points = (m - 1) + 2
        layer_scalars = sum(3 * k + 4 for k in range(n))
        row_scalars = 2 * len(self.tables) + ROUND_DEGREE * self.rounds + self.columns
        stacking_scalars = 2 * m + self.stacks
        return POINT * points + WORD * (layer_scalars + row_scalars + stacking_scalars + m)


def lay_out(circuit: Circuit, heights: Sequence[int | None], m: int) -> Layout:
    """Lay out the present tables; raise `VerificationError` for a shape the circuit forbids."""
    _check_shape(circuit, heights, m)
    by_height = sorted(
        ((number, n) for number, n in enumerate(heights) if n is not None),
        key=lambda entry: (-entry[1], entry[0]),
    )
    tables = []
    cells = leaves = 0
    for number, n in by_height:
        compiled = circuit.compiled(number)
        program, size = compiled.program, min(n, m)
        next_cells = cells + (program.width << n)
        next_leaves = leaves + (len(program.interactions) << n)
        pieces = range(cells >> size, next_cells >> size)
        blocks = range(leaves >> n, next_leaves >> n)
        tables.append(TableLayout(number, compiled.table, program, n, m, pieces, blocks))
        cells, leaves = next_cells, next_leaves
    return Layout(
        tables=tuple(tables),
        m=m,
        stacks=stack_count(cells, m),
        layers=max(1, (leaves - 1).bit_length()),
        rounds=tables[0].height,
    )


def lay_out_segments(circuit: Circuit, heights: Sequence[Heights], m: int) -> tuple[Layout, ...]:
    """Lay out every segment of a proof; raise `VerificationError` as `lay_out` does."""
    if not 1 <= len(heights) <= circuit.bounds.segments:
        raise VerificationError(f"{len(heights)} segments: out of bounds")
    return tuple(lay_out(circuit, of_segment, m) for of_segment in heights)


def stack_count(cells: int, m: int) -> int:
    """How many polynomials of size 2^m hold this many cells."""
    return -(-cells >> m)


def cell_count(circuit: Circuit, heights: Sequence[int | None]) -> int:
    """How many cells the present tables have."""
    return sum(
        circuit.compiled(number).program.width << n
        for number, n in enumerate(heights)
        if n is not None
    )


def _check_shape(circuit: Circuit, heights: Sequence[int | None], m: int) -> None:
    bounds = circuit.bounds
    if len(heights) != len(circuit.tables):
        raise VerificationError(f"{len(heights)} heights for {len(circuit.tables)} tables")
    present = [(circuit.compiled(i).table, n) for i, n in enumerate(heights) if n is not None]
    for table, n in present:
        if not 0 <= n <= bounds.height:
            raise VerificationError(f"table {table.name}: height {n} is out of bounds")
        if table.height not in (None, n):
            raise VerificationError(f"table {table.name}: height {n}, not {table.height}")
    if not present:
        raise VerificationError("no table is present")
    if not bounds.smallest_stack <= m <= bounds.largest_stack:
        raise VerificationError(f"stack polynomials of 2^{m} cells are out of bounds")
    if stack_count(cell_count(circuit, heights), m) > bounds.stacks:
        raise VerificationError("too many stack polynomials")
