"""LogUp over a fraction tree: all buses balance (Haboeck 2022/1530; Papini, Haboeck 2023/1930).

Interaction j of table t contributes, for each row, the fraction p/q of its signed multiplicity
over the fingerprint of its message.  The leaves are added pairwise: node x of layer k is the sum
of nodes (x, 0) and (x, 1) of layer k + 1, the new bit being the most significant.  Layer n is the
leaves; leaves beyond the last block are 0/1.  The balance says that the fractions at the roots of
all segments and the public messages add up to 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import mul

from zkevm.field import MODULUS, batch_inverse, inner_product
from zkevm.plonkish.table import singly
from zkevm.proof.messages import Channel, Children, PublicMessage
from zkevm.proof.multilinear import eq_prefixes, line, powers
from zkevm.proof.sumcheck import sumcheck

LAYER_DEGREE = 3


@dataclass(frozen=True)
class Fingerprints:
    """The map from messages to denominators: alpha + bus + sum over l >= 1 of beta^l message_l."""

    alpha: int
    beta: int

    def of(self, bus: int, message: Sequence[int]) -> int:
        """The fingerprint of a message."""
        weights = _fingerprint_weights(self.beta, len(message))
        total: int = sum(map(mul, message, weights))
        return (self.alpha + bus + total) % MODULUS


@lru_cache(maxsize=64)
def _fingerprint_weights(beta: int, length: int) -> list[int]:
    return powers(beta, length + 1)[1:]


@dataclass(frozen=True)
class LeafClaim:
    """The multilinear extensions of all numerators and all denominators at xi are P and Q.

    `root` has the children of the root, whose fraction is the sum over all leaves.
    """

    root: Children

    xi: list[int]
    P: int
    Q: int


def fraction_tree(channel: Channel, layers: int, fingerprints: Fingerprints) -> LeafClaim:
    """Reduce the sum at the root, layer by layer, to a claim on the leaves."""
    channel.tell(lambda prover: prover.plant(fingerprints.alpha, fingerprints.beta))
    root = children = Children(*channel.scalars("root", 4, lambda prover: prover.root()))
    channel.check("no denominator is zero", lambda: root.denominator != 0)
    xi = [channel.challenge("mu")]
    for layer in range(1, layers):
        xi, children = _descend(channel, layer, xi, children)
    return LeafClaim(
        root, xi, line(children.p0, children.p1, xi[-1]), line(children.q0, children.q1, xi[-1])
    )


def _descend(
    channel: Channel, layer: int, xi: list[int], above: Children
) -> tuple[list[int], Children]:
    """From the claims on p, q of `layer` at xi to the next layer's children at a new point.

    The claims are batched by lambda:
        p(xi) + lambda q(xi) = sum over x of eq(xi, x) (p0 q1 + p1 q0 + lambda q0 q1)(x).
    """
    lambda_ = channel.challenge("lambda")
    claim = line(above.p0, above.p1, xi[-1]) + lambda_ * line(above.q0, above.q1, xi[-1])
    channel.tell(lambda prover: prover.begin_layer(layer, xi, lambda_))
    rho, claim = sumcheck(channel, "layer", claim, layer, LAYER_DEGREE)
    children = Children(*channel.scalars("children", 4, lambda prover: prover.children()))

    def holds() -> bool:
        value = children.numerator + lambda_ * children.denominator
        return (claim - eq_prefixes(xi, rho)[layer] * value) % MODULUS == 0

    channel.check("a layer of the fraction tree is the sum of the next", holds)
    return [*rho, channel.challenge("mu")], children


def sum_of_fractions(fingerprints: Fingerprints, public: Sequence[PublicMessage]) -> int | None:
    """The sum of the fractions of public messages; None if a denominator is zero."""
    messages = list(singly(public))
    denominators = [fingerprints.of(message.bus.number, message.values) for message in messages]
    if not all(denominators):
        return None
    return inner_product((m.multiplicity for m in messages), batch_inverse(denominators))


def balances(roots: Sequence[Children], public: int | None) -> bool:
    """Say whether the fractions of all segments and those of the public messages add up to 0."""
    if public is None:
        return False
    p, q = public, 1
    for root in roots:
        p = (p * root.denominator + root.numerator * q) % MODULUS
        q = q * root.denominator % MODULUS
    return p == 0
