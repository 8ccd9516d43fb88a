"""Provers that lie.

`Liar(lies=n)` bends its messages so that the first n checks of `CHECKS` pass on any witness, and is
honest afterwards: the next check has to catch it.  Where a proof has several segments each has a
liar, and the first one takes on the debt of all.
"""

import numpy as np

from zkevm.field import MODULUS, inner_product, inverse
from zkevm.proof.logup_gkr import Fingerprints
from zkevm.proof.multilinear import eq_prefixes, horner, interpolate, line, powers
from zkevm.proof.prover import KernelProver, assemble, write_segment
from zkevm.proof.stacking import weighted_sum
from zkevm.proof.zerocheck import ColumnClaims, FinalRow
from zkevm.transcript import words_of

BALANCE = "the buses balance"
LAYER = "a layer of the fraction tree is the sum of the next"
SPLIT = "the tables' shares add up to the leaves"
ROWS = "the constraints and the leaves agree with the columns"
STACKING = "the columns lie in the stack polynomials"
PAIRING = "the commitments open to the values"

CHECKS = (BALANCE, LAYER, SPLIT, ROWS, STACKING, PAIRING)


class Liar(KernelProver):
    """The honest prover, but for as many lies as it is told; it follows the verifier's claims."""

    def __init__(self, *args, public=(), lies=0):
        super().__init__(*args)
        self.public, self.lies, self.peers = public, lies, [self]

    # ---- the claim of the present sumcheck

    def follow(self, claim):
        self.claim, self.point = claim % MODULUS, []

    def round(self):
        self.said = super().round()
        return self.said

    def bind(self, challenge):
        at_zero, *others = self.said
        values = [at_zero, (self.claim - at_zero) % MODULUS, *others]
        self.claim = interpolate(values, challenge)
        self.point.insert(0, challenge)
        super().bind(challenge)

    # ---- messages

    def plant(self, alpha, beta):
        super().plant(alpha, beta)
        self.fingerprints = Fingerprints(alpha, beta)

    def root(self):
        p0, p1, q0, q1 = super().root()
        if self.lies > 0 and self is self.peers[0]:
            p0 = (p0 - self.debt() * q0) % MODULUS
        self.family = [p0, p1, q0, q1]
        return self.family

    def debt(self):
        """What all segments and the public messages add up to."""
        debt = 0
        for message in self.public:
            denominator = self.fingerprints.of(message.bus.number, message.values)
            debt += message.multiplicity * inverse(denominator)
        for peer in self.peers:
            tree = self.kernels.Fractions(peer.tables, *self.challenges)
            p0, p1, q0, q1 = self.kernels.numbers(tree.root())
            debt += (p0 * q1 + p1 * q0) * inverse(q0 * q1)
        return debt

    def begin_layer(self, layer, xi, lambda_):
        super().begin_layer(layer, xi, lambda_)
        p0, p1, q0, q1 = self.family
        self.xi, self.lambda_ = xi, lambda_
        self.follow(line(p0, p1, xi[-1]) + lambda_ * line(q0, q1, xi[-1]))

    def children(self):
        p0, p1, q0, q1 = super().children()
        if self.lies > 1:
            value = self.claim * inverse(eq_prefixes(self.xi, self.point)[len(self.xi)])
            p0 = (value - p1 * q0 - self.lambda_ * q0 * q1) * inverse(q1) % MODULUS
        self.family = [p0, p1, q0, q1]
        return self.family

    def table_sums(self, xi, omega):
        self.shares = list(super().table_sums(xi, omega))
        self.xi = xi
        if self.lies > 2:
            top = xi[self.layout.layers - 1]
            P, Q = line(*self.family[:2], top), line(*self.family[2:], top)
            padding = 1 - sum(map(sum, omega))
            self.shares[0] = (self.shares[0] + P - sum(self.shares[0::2])) % MODULUS
            self.shares[1] = (self.shares[1] + Q - padding - sum(self.shares[1::2])) % MODULUS
        return self.shares

    def begin_rows(self, theta, delta):
        super().begin_rows(theta, delta)
        self.theta, self.delta = theta, delta
        shares = zip(delta, self.shares[0::2], self.shares[1::2], strict=True)
        self.follow(sum(d[1] * P + d[2] * Q for d, P, Q in shares))

    def column_values(self):
        flat = list(super().column_values())
        if self.lies > 3:
            self.bend_a_column(flat)
        self.values = flat
        return flat

    def bend_a_column(self, flat):
        """Change a value on which the final sum depends linearly, so that it fits the claim."""
        final = FinalRow(self.layout, self.xi, self.point, self.theta, self.fingerprints)

        def gap():
            columns = ColumnClaims(self.point, words_of(flat))
            return final.value(columns, self.delta) - self.claim

        for column, honest in enumerate(flat):
            gaps = []
            for flat[column] in range(honest, honest + 3):
                gaps.append(gap())
            slope, flat[column] = (gaps[1] - gaps[0]) % MODULUS, honest
            if slope and (gaps[2] - gaps[1] - slope) % MODULUS == 0:
                flat[column] = (honest - gaps[0] * inverse(slope)) % MODULUS
                return
        raise AssertionError("no column enters linearly")

    def begin_stacking(self, eta, r):
        super().begin_stacking(eta, r)
        self.eta, self.r = eta, r
        self.follow(horner(self.values, eta))

    def stack_values(self):
        values = list(super().stack_values())
        if self.lies > 4:
            u = self.point[::-1]  # the stacking sum binds the lowest variable first
            first = [1] + [0] * (len(values) - 1)
            weight = weighted_sum(self.layout, self.eta, self.r, u, first)
            total = weighted_sum(self.layout, self.eta, self.r, u, values)
            values[0] = (values[0] + (self.claim - total) * inverse(weight)) % MODULUS
        self.stacks = values
        return values

    def folds(self, gamma, u):
        self.u = u
        self.value = inner_product(powers(gamma, len(self.stacks)), self.stacks)
        return super().folds(gamma, u)

    def negative_values(self, r):
        """With six lies, the positive values derived from the last fold downwards are true."""
        values = list(super().negative_values(r))
        if self.lies > 5:
            r_i, x = pow(r, 1 << (len(values) - 1), MODULUS), self.u[-1]
            even, odd = r_i * (1 - x), x
            last = self.opening.chain[-1]  # A_(m-1), which the reference kernels keep
            true = inner_product(last, powers(r_i, len(last)))
            values[-1] = (
                (2 * r_i * self.value - true * (even + odd)) * inverse(even - odd) % MODULUS
            )
        return values


def write_proof(statement, layouts, provers):
    """Run the protocol with these provers, one a segment, and keep their messages."""
    commitments = [prover.commitments() for prover in provers]

    def parts(start):
        for number, (prover, layout) in enumerate(zip(provers, layouts, strict=True)):
            yield write_segment(prover, number, layout, commitments[number], start)

    return assemble(statement, layouts, commitments, parts)


class MovedShares(Liar):
    """P_t moved from one table to another: the total is right."""

    def table_sums(self, xi, omega):
        shares = list(super().table_sums(xi, omega))
        shares[0] = (shares[0] + 5) % MODULUS
        shares[2] = (shares[2] - 5) % MODULUS
        self.shares = shares
        return shares


class FalseRoots(Liar):
    """Of two segments each says a false sum, and the total is right."""

    def root(self):
        p0, p1, q0, q1 = super().root()
        moved = 5 if self is self.peers[0] else -5
        self.family = [(p0 + moved * q0) % MODULUS, p1, q0, q1]
        return self.family


class ZeroDenominators(Liar):
    """Claims 0/0 at the root, which would balance with anything."""

    def root(self):
        _, p1, _, q1 = super().root()
        self.family = [0, p1, 0, q1]
        return self.family


class LongPolynomials(Liar):
    """Commits to polynomials with coefficients beyond 2^m."""

    def __init__(self, kernels, layout, witness, points, progress, **more):
        super().__init__(kernels, layout, witness, points, progress, **more)
        self.bases = kernels.Bases(points)
        tail = (1 << layout.m, np.full(1 << layout.m, 77, dtype=np.uint8))
        self.polynomials = [[*pieces, tail] for pieces in self.polynomials]


class SharedSlots(Liar):
    """Commits to polynomials whose upper half repeats the lower one."""

    def __init__(self, kernels, layout, witness, points, progress, **more):
        super().__init__(kernels, layout, witness, points, progress, **more)
        half = 1 << layout.m - 1
        for k, pieces in enumerate(self.polynomials):
            values = kernels.coefficients(pieces, 2 * half)[:half]
            self.polynomials[k] = [(0, kernels.words(values * 2))]
