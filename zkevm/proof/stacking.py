"""The stacking reduction: from all columns, each at its own point, to the stack polynomials at u.

sum_j eta^j v_j over all columns j equals the sum over y in {0,1}^m of sum_k q_k(y) h_k(y), where
h_k collects for each piece of column j in polynomial k, with s = min(n, m),
    eta^j eq(r[:s], y[:s]) eq(y[s:], block) eq(r[s:n], chunk).
Unlike in the other sumchecks the lowest variable is bound first: as long as it lies inside the
pieces, all columns of a table act as one, and a prover never binds the stack polynomials.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

from zkevm.field import ENCODED_LENGTH, MODULUS, decode, encode, encode_all, inner_product
from zkevm.proof.layout import Layout, TableLayout
from zkevm.proof.messages import Channel
from zkevm.proof.multilinear import block_series, block_weights, eq_prefixes, horner
from zkevm.proof.sumcheck import sumcheck
from zkevm.proof.zerocheck import ColumnClaims

STACKING_DEGREE = 2


@dataclass(frozen=True)
class StackClaims:
    """Stack polynomial k has the value values[k] at u."""

    u: list[int]
    values: list[int]


def stacked_sum(channel: Channel, layout: Layout, columns: ColumnClaims) -> StackClaims:
    """Reduce the claims on columns to claims on stack polynomials."""
    kernels, eta = channel.kernels, channel.challenge("eta")
    claim = columns.combined(eta, kernels)
    channel.tell(lambda prover: prover.begin_stacking(eta, columns.r))
    reversed_u, claim = sumcheck(channel, "stacking", claim, layout.m, STACKING_DEGREE)
    u = reversed_u[::-1]  # the variable bound last is the top one
    values = channel.scalars("stack values", layout.stacks, lambda prover: prover.stack_values())
    channel.check(
        "the columns lie in the stack polynomials",
        lambda: (weighted_sum(layout, eta, columns.r, u, values, kernels) - claim) % MODULUS == 0,
    )
    return StackClaims(u, values)


Series = Callable[[int, range], int]
"""From a size and blocks of it, the sum over i of eta^i times eq(u[size:], bits of blocks[i])."""


def block_sums(u: list[int], eta: int, kernels: ModuleType | None = None) -> Series:
    """`block_series` of one point and ratio, by the kernels if given."""
    if kernels is None:
        return lambda size, blocks: block_series(u, size, blocks, eta)
    point, ratio = encode_all(u), encode(eta)

    def native(size: int, blocks: range) -> int:
        above = point[ENCODED_LENGTH * size :]
        return decode(kernels.block_series(above, blocks.start, blocks.stop, ratio))

    return native


def weighted_sum(
    layout: Layout,
    eta: int,
    r: list[int],
    u: list[int],
    values: list[int],
    kernels: ModuleType | None = None,
) -> int:
    """The sum over k of e_k h_k(u)."""
    eq, series = eq_prefixes(r, u), block_sums(u, eta, kernels)
    total, power = 0, 1
    for table in layout.tables:
        total += eq[table.size] * power * _weighted_pieces(table, eta, r, values, series)
        power = power * pow(eta, table.program.width, MODULUS) % MODULUS
    return total % MODULUS


def _weighted_pieces(
    table: TableLayout, eta: int, r: list[int], values: list[int], series: Series
) -> int:
    """The part of a table, but for eq(r[:s], u[:s]) and the columns before its own."""
    bits = table.m - table.size
    start, stop = table.pieces.start, table.pieces.stop
    if bits == 0:  # a chunk is a polynomial
        chunks = table.chunks
        weights = block_weights(r[: table.height], table.size, range(chunks))
        starts = range(start, stop, chunks)
        return horner([inner_product(weights, values[i : i + chunks]) for i in starts], eta)

    def piece(polynomial: int) -> int:
        """The part of one polynomial."""
        origin = polynomial << bits
        blocks = range(max(start - origin, 0), min(stop - origin, 1 << bits))
        weight = values[polynomial] * pow(eta, origin + blocks.start - start, MODULUS)
        return weight % MODULUS * series(table.size, blocks)

    first, last = start >> bits, stop - 1 >> bits
    total = piece(first)
    if first < last:
        total += piece(last)
    if whole := values[first + 1 : last]:  # all of the same blocks
        before = pow(eta, (first + 1 << bits) - start, MODULUS)
        inner = horner(whole, pow(eta, 1 << bits, MODULUS))
        total += before * inner % MODULUS * series(table.size, range(1 << bits))
    return total % MODULUS
