"""The kernels: vectors in, vectors out.  They know neither the EVM nor gadgets.

Encodings.  A field element is 32 bytes, little endian, canonical; several are concatenated in one
`bytes`.  A word is one in big endian, as in a proof.  A G1 point is 64 bytes, x then y, little
endian canonical (all zero: infinity).
A column is an unsigned array of one of the shapes and types
    (n,) uint8, uint16, uint32, uint64;  (n, 2) uint64: 128 bits;  (n, 4) uint64: canonical field
    element
(little-endian words, C-contiguous, used without a copy), with n <= 2^height: missing rows are zero.
A point of multilinear variables lists the coordinate of the least significant bit first.
All calls release the GIL.  Anything malformed raises ValueError; nothing panics.
"""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Bases",
    "Fractions",
    "Lines",
    "Opening",
    "Program",
    "RowSum",
    "Rows",
    "StackedSum",
    "are_multiples",
    "are_on_curve",
    "block_series",
    "check_on_curve",
    "combination",
    "commit",
    "count_lookups",
    "features",
    "gather",
    "horner",
    "imbalance",
    "inverses",
    "keccak_f",
    "multiples",
    "narrow",
    "pairing_check",
    "pieces",
    "powers",
    "previous",
    "spread",
    "sum_of_fractions",
    "sumcheck",
    "summands",
    "take",
]

_Columns: TypeAlias = Sequence[NDArray[Any]]

def features() -> str:
    """The chosen kernels, 'portable' or 'avx512ifma'.

    They are those that the environment variable `ZKEVM_KERNELS` names, without it the fastest that
    run here. Importing this module raises `UsageError` where they do not exist or do not run.
    """

def powers(tau: bytes, count: int) -> NDArray[np.uint8]:
    """[tau^i]_1 for i < count: (count, 64), little-endian Montgomery x, y (the bases' format)."""

def check_on_curve(points: NDArray[np.uint8]) -> int:
    """Index of the first of (n, 64) Montgomery points that is not finite or off curve, or -1."""

@final
class Lines:
    """A point of G2 with the lines of pairings; 128 bytes: x0, x1, y0, y1 (all zero: infinity)."""

    def __new__(cls, point: bytes) -> Self: ...

def pairing_check(left: bytes, right: Sequence[Lines]) -> bool:
    """Say whether the product of the pairings e(left[i], right[i]) is one."""

def keccak_f(states: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Keccak-f[1600] of each state (n, 25), lane x + 5 y."""

def take(column: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    """The cells of a column at these places, in their type, which may also be signed or boolean.

    Places are (n,) uint32, uint64 or int64. Here, and in the four kernels that follow, cells of
    four words are any 256 bits.
    """

def gather(columns: _Columns, places: NDArray[Any]) -> list[NDArray[Any]]:
    """The cells of each column at these places, in the smallest type that holds them."""

def narrow(column: NDArray[Any]) -> NDArray[Any]:
    """The same cells in the smallest type that holds them."""

def pieces(column: NDArray[np.uint64], bits: int, count: int) -> list[NDArray[Any]]:
    """The `count` lowest pieces of 8, 16, 64 or 128 bits of each cell, the lowest first.

    A piece is a column, in the smallest type that holds its cells.
    """

def previous(keys: NDArray[np.uint32]) -> NDArray[np.int64]:
    """For each key the place of the last one before that is equal to it, or -1."""

def spread(counts: NDArray[Any]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Each i below n as often as counts[i] says, and how many times it came before.

    Counts are (n,) uint64 or int64; more items than 32 bits can number are a ValueError.
    """

def words(integers: list[int]) -> NDArray[np.uint64]:
    """Integers of 256 bits as words, (n, 4); an OverflowError for other ones."""

def inverses(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.uint64]:
    """1 / (left - right) in the field, 0 for 0, of two columns of elements: (n, 4)."""

def multiples(points: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Once, twice and three times each of the points, and the sums of blocks of them.

    772 lines of 64 bytes for each 256 points, the last of which is made from the others as a check;
    the points after the last whole block are left out.
    """

def are_multiples(lines: NDArray[np.uint8], points: NDArray[np.uint8]) -> bool:
    """Say whether `lines` begin with what `multiples` returns for the points.

    The points are compared, and a changed word anywhere else is seen by the check of its block.
    False if the points are no whole blocks.
    """

@final
class Bases:
    """The powers of tau in G1, (n, 64) uint8: little-endian Montgomery x, y.

    Kept without a copy where possible. With `multiples` of at least these, cells of 16 bits take
    fewer additions; they have to be right, see `are_multiples`.
    """

    def __new__(
        cls, points: NDArray[np.uint8], multiples: NDArray[np.uint8] | None = None
    ) -> Self: ...
    def __len__(self) -> int: ...
    def msm(self, scalars: NDArray[Any], start: int = 0) -> bytes:
        """sum scalars[i] * points[start + i]; scalars is a column."""

def commit(bases: Bases, polynomials: Sequence[Sequence[tuple[int, NDArray[Any]]]]) -> list[bytes]:
    """One point for each polynomial, given as pieces (offset, column), none over another.

    Coefficients offset, offset + 1, ...
    """

@final
class Program:
    """A table's flat program, see zkevm.plonkish.program.

    Nodes (n, 3) uint32, constants, the nodes of the constraints, and interactions as (bus number,
    numerator node, message nodes).
    """

    def __new__(
        cls,
        width: int,
        fixed: int,
        nodes: NDArray[np.uint32],
        constants: bytes,
        constraints: Sequence[int],
        interactions: Sequence[tuple[int, int, Sequence[int]]],
    ) -> Self: ...

@final
class Rows:
    """A program with its cells: witness columns, then fixed ones; 2^height rows."""

    def __new__(cls, program: Program, columns: _Columns, height: int) -> Self: ...
    def evaluate(self, nodes: Sequence[int], rows: int) -> list[NDArray[np.uint64]]:
        """Values of these nodes on the first `rows` rows: (rows, 4) each."""
    def violations(self, limit: int) -> list[tuple[int, int]]:
        """(constraint, row) of at most `limit` broken constraints over all 2^height rows."""

def count_lookups(
    tables: Sequence[Rows], providers: Sequence[tuple[int, int]]
) -> tuple[list[NDArray[np.uint32]], list[tuple[int, int, int]]]:
    """How often each provider row is asked for.

    `providers` lists (table, interaction) of the providing interactions; a row of theirs whose
    numerator is zero provides nothing. Every other interaction on the same buses with a non-zero
    numerator is a request. Returns a count for each row of each
    provider, and the first hundred requests (table, interaction, row) that no provider answers. Of
    equal provider rows the first is counted.
    """

def imbalance(
    tables: Sequence[Rows], public: Sequence[tuple[int, int, bytes]], limit: int
) -> list[tuple[int, int, int, int]]:
    """Messages whose numerators do not sum to zero, at most `limit`.

    Each as (table, interaction, row, bus) of one of its occurrences.  Public messages are (bus,
    signed multiplicity, elements); a public one has table = -1, interaction = its index.
    """

@final
class Fractions:
    """LogUp-GKR over the leaves of the tables, in the order given.

    Interaction j of a table is an aligned block of 2^height leaves, blocks one after another;
    leaves beyond the last are (0, 1).
    """

    def __new__(cls, tables: Sequence[Rows], alpha: bytes, beta: bytes) -> Self: ...
    @property
    def layers(self) -> int:
        """n: log2 of the number of leaves, at least 1."""
    def root(self) -> bytes:
        """p_1[0], p_1[1], q_1[0], q_1[1]."""
    def begin_layer(self, layer: int, xi: bytes, challenge: bytes) -> None:
        """Start the sumcheck of layer k, 1 <= k < n, at `xi` (k coordinates) with this lambda."""
    def round(self) -> bytes:
        """s(0), s(2), s(3) of the present round (top variable first)."""
    def bind(self, challenge: bytes) -> None: ...
    def children(self) -> bytes:
        """p(rho,0), p(rho,1), q(rho,0), q(rho,1) after the last round of a layer."""

@final
class RowSum:
    """The batched sumcheck over rows.

    `xi` has max(n, N) coordinates; `omega` holds the weight of each interaction, table after table;
    `degree` is D.
    """

    def __new__(
        cls,
        tables: Sequence[Rows],
        alpha: bytes,
        beta: bytes,
        xi: bytes,
        omega: bytes,
        degree: int,
    ) -> Self: ...
    def table_sums(self) -> bytes:
        """P_t, Q_t, table after table."""
    def begin(self, theta: bytes, delta: Sequence[bytes]) -> None:
        """Batch constraints by powers of theta; `delta`: a table's weights (constraints, p, q)."""
    def round(self) -> bytes:
        """s(0), s(2), ..., s(D)."""
    def bind(self, challenge: bytes) -> None: ...
    def column_values(self) -> list[bytes]:
        """After the last round, the values of each table's witness columns."""

@final
class StackedSum:
    """The stacking reduction.

    Unlike the other sumchecks it binds the LEAST significant variable first, so that one combined
    vector per table serves the rounds of its rows. `columns` lists (column, height, weight eta^j,
    pieces), where pieces are (polynomial, block, chunk) as in the layout; `m` is log2 of the
    polynomial size, `r` the row point.
    """

    def __new__(
        cls,
        columns: Sequence[tuple[NDArray[Any], int, bytes, Sequence[tuple[int, int, int]]]],
        polynomials: int,
        m: int,
        r: bytes,
    ) -> Self: ...
    def round(self) -> bytes:
        """s(0), s(2)."""
    def bind(self, challenge: bytes) -> None: ...
    def values(self) -> bytes:
        """e_k, the polynomials' values at the point."""

@final
class Opening:
    """Gemini and Shplonk of sum gamma^k q_k at u."""

    def __new__(
        cls,
        bases: Bases,
        polynomials: Sequence[Sequence[tuple[int, NDArray[Any]]]],
        m: int,
        gamma: bytes,
        u: bytes,
    ) -> Self: ...
    def folds(self) -> list[bytes]:
        """[A_1] ... [A_(m-1)]."""
    def negative_values(self, r: bytes) -> bytes:
        """A_i(-r^(2^i)), i < m."""
    def quotient(self, nu: bytes) -> bytes:
        """[Q]."""
    def witness(self, z: bytes) -> bytes:
        """[W]."""

def block_series(point: bytes, start: int, stop: int, ratio: bytes) -> bytes:
    """The sum over blocks i of ratio^(i - start) eq(point, bits of i), start <= i < stop."""

def summands(
    tables: Sequence[tuple[Program, int, int]],
    cells: bytes,
    fixed: bytes,
    theta: bytes,
    fingerprints: tuple[bytes, bytes],
    xi: bytes,
) -> bytes:
    """For each table, sum theta^i C_i, sum omega_j p_j, sum omega_j q_j.

    C_i are the constraints, p_j / q_j the interactions' fractions under (alpha, beta), and omega_j
    is eq(xi[height:], the bits of block + j). A table is (program, height, block); `cells` are the
    values of the witness columns, in words, table after table, `fixed` those of the fixed ones.
    """

def horner(coefficients: bytes, x: bytes) -> bytes:
    """The value at x of the polynomial with these coefficients, words, the constant one first."""

def sumcheck(
    prefixes: tuple[bytes, bytes, bytes],
    absorbed: bytes,
    headers: tuple[bytes, bytes],
    messages: bytes,
    degree: int,
    claim: bytes,
) -> tuple[bytes, bytes, bytes]:
    """The challenges of a sumcheck, the value claimed at them, and the transcript's last state.

    `messages` are the words of all rounds, at least one, of `degree` words each, see
    `zkevm.proof.sumcheck`. The rest is of `zkevm.transcript`: the prefixes of what is absorbed and
    of a challenge's halves, what the first challenge hashes before the message, and the headers of
    a message and of a challenge.
    """

def are_on_curve(points: bytes) -> bool:
    """Say whether words x and y of each point are reduced and on the curve, or zero: infinity."""

def combination(points: bytes, scalars: bytes) -> bytes:
    """sum scalars[i] * points[i]: points as `are_on_curve` accepts them, a word for each scalar."""

def sum_of_fractions(
    messages: Sequence[tuple[bytes, bytes | None]], alpha: bytes, beta: bytes
) -> bytes | None:
    """The sum of multiplicities over fingerprints under (alpha, beta); None if one of these is 0.

    A message is its bus, its multiplicity modulo 2^256 and its values, in words; with data there is
    one for each 32 bytes: after these values come its number and the lower and upper half.
    """
