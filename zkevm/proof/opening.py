"""The opening of all stack polynomials at u: Gemini (2022/420) and Shplonk (2020/081) over KZG.

f = sum_k gamma^k q_k is read as a univariate polynomial, A_0 = f.  Folding
    A_(i+1)[j] = (1 - u_i) A_i[2j] + u_i A_i[2j + 1]
ends in the constant f(u).  With r_i = r^(2^i) the folds are right if, for all i,
    A_(i+1)(r_i^2) = (1 - u_i) (A_i(r_i) + A_i(-r_i)) / 2 + u_i (A_i(r_i) - A_i(-r_i)) / (2 r_i).
The values at -r_i are sent, those at r_i follow from these equations, and one Shplonk proof opens
every A_i at both points: to open only one would leave the folds free.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zkevm.curve import G1Point, g1
from zkevm.field import MODULUS, batch_inverse, inner_product
from zkevm.proof.messages import Channel
from zkevm.proof.multilinear import powers
from zkevm.proof.stacking import StackClaims


@dataclass(frozen=True)
class OpeningClaim:
    """e(sum of scalars[i] * points[i], [1]_2) = e(witness, [tau]_2)."""

    points: list[G1Point]
    scalars: list[int]
    witness: G1Point


def opening(channel: Channel, commitments: Sequence[G1Point], claims: StackClaims) -> OpeningClaim:
    """Reduce the claims on the committed polynomials to one pairing equation."""
    u = claims.u
    m = len(u)
    gamma = channel.challenge("gamma")
    gammas = powers(gamma, len(commitments))
    folds = channel.points("folds", m - 1, lambda prover: prover.folds(gamma, u))

    r = channel.challenge("r")
    negatives = channel.scalars("fold values", m, lambda prover: prover.negative_values(r))
    squares = [r]
    while len(squares) < m:
        squares.append(squares[-1] * squares[-1] % MODULUS)
    sums = [(r_i * (1 - x) + x) % MODULUS for r_i, x in zip(squares, u, strict=True)]
    channel.check("no denominator of a fold is zero", lambda: r != 0 and all(sums))
    positives = _positive_values(inner_product(gammas, claims.values), squares, u, negatives, sums)

    nu = channel.challenge("nu")
    quotient = channel.points("quotient", 1, lambda prover: [prover.quotient(nu)])
    z = channel.challenge("z")
    witness = channel.points("witness", 1, lambda prover: [prover.witness(z)])
    nus = powers(nu, 2 * m)
    differences = [(z - r_i) % MODULUS for r_i in squares] + [
        (z + r_i) % MODULUS for r_i in squares
    ]
    channel.check("no denominator of the opening is zero", lambda: all(differences))
    inverses = batch_inverse(differences)
    at_positive = [n * i % MODULUS for n, i in zip(nus[::2], inverses[:m], strict=True)]
    at_negative = [n * i % MODULUS for n, i in zip(nus[1::2], inverses[m:], strict=True)]

    # [L] + z [W], where [L] = [Q] - sum_i (...) [A_i] + (...) [1] and [A_0] = sum_k gamma^k C_k.
    constant = inner_product(at_positive, positives) + inner_product(at_negative, negatives)
    fold_scalars = [-(a + b) for a, b in zip(at_positive, at_negative, strict=True)]
    commitment_scalars = [fold_scalars[0] * power % MODULUS for power in gammas]
    return OpeningClaim(
        points=[*quotient, *commitments, *folds, g1.GENERATOR, *witness],
        scalars=[1, *commitment_scalars, *fold_scalars[1:], constant, z],
        witness=witness[0],
    )


def _positive_values(
    value: int,
    squares: Sequence[int],
    u: Sequence[int],
    negatives: Sequence[int],
    sums: Sequence[int],
) -> list[int]:
    """A_i(r_i) for all i, from A_m = `value` downwards; sums[i] = r_i (1 - u_i) + u_i."""
    positives = []
    inverses = batch_inverse(sums)
    for r_i, x, a, inverse in zip(
        squares[::-1], u[::-1], negatives[::-1], inverses[::-1], strict=True
    ):
        value = (2 * r_i * value - a * (r_i * (1 - x) - x)) * inverse % MODULUS
        positives.append(value)
    return positives[::-1]
