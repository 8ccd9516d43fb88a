"""The stacking reduction: from all columns, each at its own point, to the stack polynomials at u.

sum_j eta^j v_j over all columns j equals the sum over y in {0,1}^m of sum_k q_k(y) h_k(y), where
h_k collects for each piece of column j in polynomial k, with s = min(n, m),
    eta^j eq(r[:s], y[:s]) eq(y[s:], block) eq(r[s:n], chunk).
Unlike in the other sumchecks the lowest variable is bound first: as long as it lies inside the
pieces, all columns of a table act as one, and a prover never binds the stack polynomials.
"""

from dataclasses import dataclass

from zkevm.field import MODULUS, inner_product
from zkevm.proof.layout import Layout, TableLayout
from zkevm.proof.messages import Channel
from zkevm.proof.multilinear import block_weights, eq_prefixes, powers
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
    eta = powers(channel.challenge("eta"), layout.columns)
    flat = (value for values in columns.values for value in values)
    claim = inner_product(eta, flat)
    channel.tell(lambda prover: prover.begin_stacking(eta, columns.r))
    reversed_u, claim = sumcheck(channel, "stacking", claim, layout.m, STACKING_DEGREE)
    u = reversed_u[::-1]  # the variable bound last is the top one
    values = channel.scalars("stack values", layout.stacks, lambda prover: prover.stack_values())
    channel.check(
        "the columns lie in the stack polynomials",
        lambda: (_weighted_sum(layout, eta, columns.r, u, values) - claim) % MODULUS == 0,
    )
    return StackClaims(u, values)


def _weighted_sum(
    layout: Layout, eta: list[int], r: list[int], u: list[int], values: list[int]
) -> int:
    """The sum over k of e_k h_k(u)."""
    eq = eq_prefixes(r, u)
    total, first = 0, 0
    for table in layout.tables:
        width = table.program.width
        in_stacks = _piece_weights(table, u, values)
        in_column = block_weights(r[: table.height], table.size, range(table.chunks))
        total += eq[table.size] * sum(
            weight * inner_product(eta[first : first + width], in_stacks[chunk :: table.chunks])
            for chunk, weight in enumerate(in_column)
        )
        first += width
    return total % MODULUS


def _piece_weights(table: TableLayout, u: list[int], values: list[int]) -> list[int]:
    """For each piece of a table, in polynomial k, the part e_k eq(u[s:], block) of its weight."""
    bits = table.m - table.size
    weights: list[int] = []
    start, stop = table.pieces.start, table.pieces.stop
    for polynomial in range(start >> bits, (stop - 1 >> bits) + 1):
        origin = polynomial << bits
        blocks = range(max(start - origin, 0), min(stop - origin, 1 << bits))
        weights += block_weights(u, table.size, blocks, values[polynomial])
    return weights
