"""The protocol from the statement to the pairing equation, written once for both sides.

A proof has segments, one or more: each has tables of its own, and all buses run through all of
them.  A token sent in one may be taken in another, and a table may occur in every one.  What a
proof consists of, in order; every challenge depends on all that comes before it.  Sizes are those
of a segment's layout: K stack polynomials of 2^m cells, 2^n leaves, N variables over rows, T
present tables, w columns.  G stands for a point, F for a field element; D is 4.

    for each segment
        commitments    K G              after the last: alpha, beta, and the seed
    for each segment, in a transcript of its own, from the seed and its number
        root           4 F                      then mu
        for each layer k = 1, ..., n - 1        after lambda
            layer      k times 3 F, a challenge after each
            children   4 F                      then mu
        (xi            N - n challenges, if N > n)
        table sums     2 T F                    then theta, delta
        rows           N times D F, a challenge after each
        columns        w F                      then eta
        stacking       m times 2 F, a challenge after each
        stack values   K F                      then gamma
        folds          m - 1 G                  then r
        fold values    m F                      then nu
        quotient       1 G                      then z
        witness        1 G

The labels are those of the items in the transcript.  A challenge of a round has the round's label.
At last the common transcript absorbs how each segment's ended, and rho combines their pairing
equations to one.  Nothing else joins segments but the balance: so they can be proven side by side,
in any order, between the one barrier after the commitments and the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from types import ModuleType

from zkevm.curve import G1Point
from zkevm.field import MODULUS, decode, encode
from zkevm.proof.circuit import Circuit
from zkevm.proof.layout import Layout
from zkevm.proof.logup_gkr import Fingerprints, balances, fraction_tree, sum_of_fractions
from zkevm.proof.messages import Channel, Children, Commitments, Head, Heights, PublicMessage
from zkevm.proof.multilinear import powers
from zkevm.proof.opening import OpeningClaim, opening
from zkevm.proof.stacking import stacked_sum
from zkevm.proof.zerocheck import row_sum
from zkevm.transcript import words_of


@dataclass(frozen=True)
class Statement:
    """What is proven: the public messages balance the circuit's buses.

    heights         the shape of each segment
    digest          bytes that say what the messages mean; bound to the proof, not interpreted
    srs_identifier  names the trusted setup
    """

    circuit: Circuit
    heights: tuple[Heights, ...]
    public: Sequence[PublicMessage]
    digest: bytes
    srs_identifier: bytes

    def absorb(self, channel: Head, m: int) -> None:
        """Bind everything both sides know before the first commitment.

        Heights are encoded with 0 for an absent table and 1 + height for a present one.
        """
        channel.absorb_bytes("circuit", self.circuit_digest)
        channel.absorb_bytes("srs", self.srs_identifier)
        channel.absorb_numbers("stack size and segments", [m, len(self.heights)])
        for heights in self.heights:
            channel.absorb_numbers("heights", [0 if n is None else n + 1 for n in heights])
        channel.absorb_numbers("public messages", [len(self.public)])
        for words, data in self.messages:
            channel.absorb_words("public message", words)
            if data is not None:
                channel.absorb_bytes("data", data)
        channel.absorb_bytes("statement", self.digest)

    @cached_property
    def circuit_digest(self) -> bytes:
        """That of the tables that are present."""
        return self.circuit.digest(*self.heights)

    @cached_property
    def messages(self) -> list[tuple[bytes, bytes | None]]:
        """The public messages: bus, multiplicity modulo 2^256, and values in words; their data."""
        return [
            (words_of((bus.number, multiplicity % (1 << 256), *values)), data)
            for bus, multiplicity, values, data in self.public
        ]

    def sum_of_fractions(
        self, fingerprints: Fingerprints, kernels: ModuleType | None
    ) -> int | None:
        """The sum of the fractions of the public messages; None if a denominator is zero."""
        if kernels is None:
            return sum_of_fractions(fingerprints, self.public)
        challenges = encode(fingerprints.alpha), encode(fingerprints.beta)
        total = kernels.sum_of_fractions(self.messages, *challenges)
        return None if total is None else decode(total)


@dataclass(frozen=True)
class Start:
    """What all segments begin with, once everything is committed to."""

    fingerprints: Fingerprints
    seed: bytes


@dataclass(frozen=True)
class SegmentClaim:
    """What a segment leaves to be checked; `end` depends on all of its messages."""

    root: Children
    opening: OpeningClaim
    end: bytes


@dataclass(frozen=True)
class PairingClaim:
    """e(sum of scalars * points of `left`, [1]_2) = e(the same of `right`, [tau]_2)."""

    left: tuple[list[G1Point], list[int]]
    right: tuple[list[G1Point], list[int]]


def commit(
    channel: Head, statement: Statement, layouts: Sequence[Layout]
) -> tuple[Commitments, Start]:
    """Bind the statement and every commitment before any challenge is drawn."""
    statement.absorb(channel, layouts[0].m)
    commitments = [
        channel.points("commitments", layout.stacks, itemgetter(s))
        for s, layout in enumerate(layouts)
    ]
    fingerprints = Fingerprints(channel.challenge("alpha"), channel.challenge("beta"))
    return commitments, Start(fingerprints, channel.digest("seed"))


def run_segment(
    channel: Channel,
    number: int,
    layout: Layout,
    commitments: Sequence[G1Point],
    start: Start,
) -> SegmentClaim:
    """Run the rounds of segment `number` on its own transcript."""
    channel.absorb_bytes("seed", start.seed)
    channel.absorb_numbers("segment", [number])
    leaves = fraction_tree(channel, layout.layers, start.fingerprints)
    columns = row_sum(channel, layout, start.fingerprints, leaves)
    stacks = stacked_sum(channel, layout, columns)
    opened = opening(channel, commitments, stacks)
    return SegmentClaim(leaves.root, opened, channel.digest("end"))


def combine(
    channel: Head,
    statement: Statement,
    start: Start,
    claims: Sequence[SegmentClaim],
) -> PairingClaim:
    """Check the balance of all segments, and join their openings."""
    roots = [claim.root for claim in claims]
    channel.check(
        "the buses balance",
        lambda: balances(roots, statement.sum_of_fractions(start.fingerprints, channel.kernels)),
    )
    for claim in claims:
        channel.absorb_bytes("segment", claim.end)
    rhos = powers(channel.challenge("rho"), len(claims))
    openings = [claim.opening for claim in claims]
    scaled = [
        scalar * rho % MODULUS
        for opened, rho in zip(openings, rhos, strict=True)
        for scalar in opened.scalars
    ]
    points = [point for opened in openings for point in opened.points]
    return PairingClaim((points, scaled), ([opened.witness for opened in openings], rhos))
