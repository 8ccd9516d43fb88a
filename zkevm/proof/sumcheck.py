"""The sumcheck protocol, and what all its uses here share.

A claim on the sum of a polynomial over {0,1}^n becomes a claim on its value at one point.  The top
variable is bound first; a caller that binds the lowest one first reverses the point.  s(1) is
implied by the claim and never sent, so no round can be wrong by itself: only the check of the last
claim, which every caller makes, protects.
"""

from zkevm.field import MODULUS
from zkevm.proof.messages import Channel
from zkevm.proof.multilinear import interpolate
from zkevm.transcript import ProofReader


def sumcheck(
    channel: Channel, label: str, claim: int, rounds: int, degree: int
) -> tuple[list[int], int]:
    """Reduce `claim`; return the point and the value claimed there.

    A message has exactly `degree` elements, s(0), s(2), ..., s(degree): that is the degree bound.
    """
    if isinstance(channel, ProofReader) and channel.kernels is not None and rounds:
        point, claim = channel.sumcheck(channel.kernels, label, claim, rounds, degree)
        return point[::-1], claim
    point = []
    for _ in range(rounds):
        at_zero, *others = channel.scalars(label, degree, lambda prover: prover.round())
        x = channel.challenge(label)
        claim = interpolate([at_zero, (claim - at_zero) % MODULUS, *others], x)
        _bind(channel, x)
        point.append(x)
    return point[::-1], claim


def _bind(channel: Channel, x: int) -> None:
    channel.tell(lambda prover: prover.bind(x))
