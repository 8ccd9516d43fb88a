"""The prover: drives the kernels through the protocol.

Numbers pass to and from the kernels as 32 little-endian bytes; see `zkevm/_native.pyi`.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from importlib import import_module
from itertools import count
from math import log2
from types import ModuleType
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from zkevm.curve import G1Point, g1
from zkevm.errors import TooLargeError, UsageError
from zkevm.field import decode_all, encode, encode_all
from zkevm.phases import advance
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.kernels import rows_of
from zkevm.proof.circuit import PROTOCOL, ROUND_DEGREE, SEGMENT, Circuit
from zkevm.proof.layout import Layout, TableLayout, cell_count, stack_count
from zkevm.proof.messages import Commitments, Heights, Proof, Prover
from zkevm.proof.multilinear import powers
from zkevm.proof.protocol import Start, Statement, commit, run_segment
from zkevm.proof.witness import Witness
from zkevm.srs.points import Points
from zkevm.transcript import ProofWriter

if TYPE_CHECKING:
    from zkevm import _native

Progress = Callable[[str], None]
Kernels = ModuleType

USUAL_STACKS = range(15, 21)
"""log2 of the sizes of stack polynomials that balance the phases of proving."""

FEW_STACKS = 1024
"""More stack polynomials than this make a proof slow to verify."""


def assemble(
    statement: Statement,
    layouts: Sequence[Layout],
    commitments: Commitments,
    parts: Callable[[Start], Iterable[bytes]],
) -> Proof:
    """The proof, from all commitments and `parts`: the messages of each segment."""
    head = ProofWriter(PROTOCOL, commitments)
    _, start = commit(head, statement, layouts)
    messages = bytes(head.messages) + b"".join(parts(start))
    return Proof(statement.circuit_digest, statement.heights, layouts[0].m, messages)


def write_segment(
    prover: Prover, number: int, layout: Layout, commitments: Sequence[G1Point], start: Start
) -> bytes:
    """The messages of one segment."""
    writer = ProofWriter(SEGMENT, prover)
    run_segment(writer, number, layout, commitments, start)
    return bytes(writer.messages)


def native_kernels() -> Kernels:
    """The Rust kernels; `UsageError` where they are not installed."""
    try:
        return import_module("zkevm._native")
    except ImportError as error:
        raise UsageError(
            "proving needs the native kernels: install a Rust toolchain, then `pip install .`"
        ) from error


def choose_stack_size(circuit: Circuit, heights: Heights, wide_cells: int, available: int) -> int:
    """m: log2 of the size of a stack polynomial, for an SRS of this many powers.

    (10 + log2 C) / 2, C being the cells that are not bits, balances the cost of the opening with
    that of the commitments. It is more where `FEW_STACKS` would not hold all cells, as far as the
    SRS goes.
    """
    bounds = circuit.bounds
    cells = cell_count(circuit, heights)
    least, enough = (
        next(m for m in count(bounds.smallest_stack) if stack_count(cells, m) <= most)
        for most in (bounds.stacks, FEW_STACKS)
    )
    if least > bounds.largest_stack:
        raise TooLargeError(f"{cells} cells are more than any SRS serves; prove less at once")
    degree = available.bit_length() - 1
    if degree < least:
        raise TooLargeError(
            f"the SRS has {available} powers of tau; this proof needs 2^{least} (--degree {least})"
        )
    best = -(-(10 + log2(max(1, wide_cells))) // 2)
    usual = min(max(int(best), USUAL_STACKS[0]), USUAL_STACKS[-1])
    return min(max(usual, enough), degree, bounds.largest_stack)


class KernelProver:
    """The honest prover of a segment, as `zkevm.proof.messages.Prover` describes it."""

    def __init__(
        self,
        kernels: Kernels,
        layout: Layout,
        witness: Witness,
        points: Points,
        progress: Progress,
        multiples: Points | None = None,
    ) -> None:
        self.kernels = kernels
        self.layout = layout
        self.columns = [witness.tables[t.table.name].columns for t in layout.tables]
        self.polynomials = _polynomials(layout, self.columns)
        self.bases = kernels.Bases(points[: 1 << layout.m], multiples)
        self.progress = progress
        self.sumcheck: _native.Fractions | _native.RowSum | _native.StackedSum

    @cached_property
    def tables(self) -> "list[_native.Rows]":
        """The kernels' view of the tables."""
        return [
            _rows(self.kernels, table, columns)
            for table, columns in zip(self.layout.tables, self.columns, strict=True)
        ]

    def commitments(self) -> Sequence[G1Point]:
        """C_k: the stack polynomials."""
        self.progress("commitments")
        return _points(self.kernels.commit(self.bases, self.polynomials))

    def plant(self, alpha: int, beta: int) -> None:
        self.progress("fractions")
        self.challenges = encode(alpha), encode(beta)
        self.fractions = self.kernels.Fractions(self.tables, *self.challenges)
        self.sumcheck = self.fractions

    def root(self) -> Sequence[int]:
        return decode_all(self.fractions.root())

    def begin_layer(self, layer: int, xi: Sequence[int], lambda_: int) -> None:
        # Growing the tree takes about as long as all layers, and each of these twice the one above.
        leaves = 1 << self.layout.layers
        advance(leaves + (1 << layer), 2 * leaves)
        self.fractions.begin_layer(layer, encode_all(xi), encode(lambda_))

    def round(self) -> Sequence[int]:
        return decode_all(self.sumcheck.round())

    def bind(self, challenge: int) -> None:
        self.sumcheck.bind(encode(challenge))

    def children(self) -> Sequence[int]:
        return decode_all(self.fractions.children())

    def table_sums(self, xi: Sequence[int], omega: Sequence[Sequence[int]]) -> Sequence[int]:
        self.progress("rows")
        del self.fractions, self.sumcheck  # their memory is needed
        flat = [weight for weights in omega for weight in weights]
        self.rows = self.kernels.RowSum(
            self.tables, *self.challenges, encode_all(xi), encode_all(flat), ROUND_DEGREE
        )
        return decode_all(self.rows.table_sums())

    def begin_rows(self, theta: int, delta: Sequence[Sequence[int]]) -> None:
        self.rows.begin(encode(theta), [encode_all(weights) for weights in delta])
        self.sumcheck = self.rows

    def column_values(self) -> Sequence[int]:
        return decode_all(b"".join(self.rows.column_values()))

    def begin_stacking(self, eta: int, r: Sequence[int]) -> None:
        self.progress("stacking")
        del self.rows, self.sumcheck
        placed = [
            (cells, table.height, pieces)
            for table, columns in zip(self.layout.tables, self.columns, strict=True)
            for cells, pieces in zip(columns, table.columns, strict=True)
        ]
        weights = powers(eta, len(placed))
        columns = [
            (cells, height, encode(weight), pieces)
            for weight, (cells, height, pieces) in zip(weights, placed, strict=True)
        ]
        self.stacked = self.kernels.StackedSum(
            columns, self.layout.stacks, self.layout.m, encode_all(r)
        )
        self.sumcheck = self.stacked

    def stack_values(self) -> Sequence[int]:
        return decode_all(self.stacked.values())

    def folds(self, gamma: int, u: Sequence[int]) -> Sequence[G1Point]:
        self.progress("opening")
        del self.stacked, self.sumcheck
        self.opening = self.kernels.Opening(
            self.bases, self.polynomials, self.layout.m, encode(gamma), encode_all(u)
        )
        return _points(self.opening.folds())

    def negative_values(self, r: int) -> Sequence[int]:
        return decode_all(self.opening.negative_values(encode(r)))

    def quotient(self, nu: int) -> G1Point:
        return g1.decode(self.opening.quotient(encode(nu)))

    def witness(self, z: int) -> G1Point:
        return g1.decode(self.opening.witness(encode(z)))


def _rows(kernels: Kernels, layout: TableLayout, columns: Sequence[NDArray[Any]]) -> "_native.Rows":
    cells = Cells(layout.table, layout.program, columns, 1 << layout.height, layout.height)
    rows: _native.Rows = rows_of(kernels, cells)
    return rows


def _polynomials(
    layout: Layout, columns: Sequence[Sequence[NDArray[Any]]]
) -> list[list[tuple[int, NDArray[Any]]]]:
    """The stack polynomials as pieces (offset, cells)."""
    polynomials: list[list[tuple[int, NDArray[Any]]]] = [[] for _ in range(layout.stacks)]
    for table, own in zip(layout.tables, columns, strict=True):
        size = min(table.height, layout.m)
        for cells, pieces in zip(own, table.columns, strict=True):
            for polynomial, block, chunk in pieces:
                part = cells[chunk << size : (chunk + 1) << size]
                if len(part):
                    polynomials[polynomial].append((block << size, part))
    return polynomials


def _points(encoded: Iterable[bytes]) -> list[G1Point]:
    return [g1.decode(point) for point in encoded]
