"""The stacking reduction: from all columns, each at its own point, to the stack polynomials at u.

sum_j eta^j v_j over all columns j equals the sum over y in {0,1}^m of sum_k q_k(y) h_k(y), where
h_k collects for each piece of column j in polynomial k, with s = min(n, m),
    eta^j eq(r[:s], y[:s]) eq(y[s:], block) eq(r[s:n], chunk).
Unlike in the other sumchecks the lowest variable is bound first: as long as it lies inside the
pieces, all columns of a table act as one, and a prover never binds the stack polynomials.
"""

from dataclasses import dataclass

from zkevm.field import MODULUS
from zkevm.proof.layout import Layout
from zkevm.proof.messages import Channel
from zkevm.proof.multilinear import BlockWeights, eq_prefixes, powers
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
    claim = sum(e * v for e, v in zip(eta, flat, strict=True)) % MODULUS
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
    eq, in_stack = eq_prefixes(r, u), BlockWeights(u)
    total, first = 0, 0
    for table in layout.tables:
        size, in_column = min(table.height, layout.m), BlockWeights(r[: table.height])
        share = 0
        for power, pieces in zip(eta[first:], table.columns, strict=False):
            for polynomial, block, chunk in pieces:
                weight = in_stack(size, block) * in_column(size, chunk) % MODULUS
                share += values[polynomial] * power % MODULUS * weight
        total += eq[size] * (share % MODULUS)
        first += len(table.columns)
    return total % MODULUS
