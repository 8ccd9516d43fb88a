"""The protocol from the statement to the pairing equation, written once for both sides.

What a proof consists of, in order; every challenge depends on all that comes before it.  Sizes are
those of the layout: K stack polynomials of 2^m cells, 2^n leaves, N variables over rows, T present
tables, w columns.  G stands for a point, F for a field element; D is 4.

    commitments    K G                      then alpha, beta
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
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zkevm.proof.circuit import Circuit
from zkevm.proof.layout import Layout
from zkevm.proof.logup_gkr import Fingerprints, fraction_tree
from zkevm.proof.messages import Channel, PublicMessage
from zkevm.proof.opening import PairingClaim, opening
from zkevm.proof.stacking import stacked_sum
from zkevm.proof.zerocheck import row_sum

SEGMENTS = 1
"""A proof has one segment; the count is absorbed so that longer proofs can share the protocol."""


@dataclass(frozen=True)
class Statement:
    """What is proven: the public messages balance the circuit's buses.

    digest          bytes that say what the messages mean; bound to the proof, not interpreted
    srs_identifier  names the trusted setup
    """

    circuit: Circuit
    heights: tuple[int | None, ...]
    public: Sequence[PublicMessage]
    digest: bytes
    srs_identifier: bytes

    def absorb(self, channel: Channel, m: int) -> None:
        """Bind everything both sides know before the first commitment.

        Heights are encoded with 0 for an absent table and 1 + height for a present one.
        """
        channel.absorb_bytes("circuit", self.circuit.digest)
        channel.absorb_bytes("srs", self.srs_identifier)
        channel.absorb_numbers("stack size and segments", [m, SEGMENTS])
        channel.absorb_numbers("heights", [0 if n is None else n + 1 for n in self.heights])
        channel.absorb_numbers("public messages", [len(self.public)])
        for message in self.public:
            sign_extended = message.multiplicity % (1 << 256)
            channel.absorb_numbers(
                "public message", [message.bus.number, sign_extended, *message.values]
            )
        channel.absorb_bytes("statement", self.digest)


def run(channel: Channel, statement: Statement, layout: Layout) -> PairingClaim:
    """Run all rounds; what remains to be checked is the pairing equation that is returned."""
    statement.absorb(channel, layout.m)
    commitments = channel.points("commitments", layout.stacks, lambda prover: prover.commitments())
    fingerprints = Fingerprints(channel.challenge("alpha"), channel.challenge("beta"))
    leaves = fraction_tree(channel, layout.layers, fingerprints, statement.public)
    columns = row_sum(channel, layout, fingerprints, leaves)
    stacks = stacked_sum(channel, layout, columns)
    return opening(channel, commitments, stacks)
