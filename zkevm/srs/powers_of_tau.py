"""The structured reference string: powers of a secret tau in G1, and ``[1]_2``, ``[tau]_2``.

The prover needs all of it (`Srs`), the verifier its two points of G2 (`VerifierSrs`).
"""

import secrets
from dataclasses import dataclass
from functools import cache, cached_property

from zkevm.curve import G2Point, g1, g2
from zkevm.errors import SrsError, TooLargeError
from zkevm.field import MODULUS
from zkevm.keccak import keccak256
from zkevm.srs import points as g1_points
from zkevm.srs.ceremonies import CEREMONIES, Kind, ceremony_of
from zkevm.srs.points import Points

IDENTIFIER_DOMAIN = b"zkevm/srs/v1"


@dataclass(frozen=True)
class VerifierSrs:
    """What a verifier needs: ``[tau]_2``, beside the standard generator ``[1]_2``.

    Raises ``SrsError`` if `tau_g2` betrays its tau.  Whoever reads it has decoded it, so that it
    is in the group.
    """

    tau_g2: G2Point
    is_development: bool = False
    provenance: str = ""

    def __post_init__(self) -> None:
        if self.tau_g2 is None:
            raise SrsError("[tau]_2 is the point at infinity, so tau = 0: not a trusted setup")
        if self.tau_g2 == g2.GENERATOR:
            raise SrsError("tau = 1, which is where a ceremony begins: not a trusted setup")
        if self.tau_g2 == g2.negate(g2.GENERATOR):
            raise SrsError("tau = -1, known to everyone: not a trusted setup")

    @property
    def g2(self) -> G2Point:
        """``[1]_2``, the standard generator."""
        return g2.GENERATOR

    @property
    def kind(self) -> Kind:
        """Where tau comes from: a ceremony known by its ``[tau]_2``, or what the file says."""
        known = ceremony_of(self.tau_g2)
        return known or (Kind.DEVELOPMENT if self.is_development else Kind.UNKNOWN)

    @cached_property
    def identifier(self) -> bytes:
        """32 bytes that name the SRS in transcripts: a hash of the generators and ``[tau]_2``."""
        generators = g1.encode(g1.GENERATOR) + g2.encode(self.g2)
        return keccak256(IDENTIFIER_DOMAIN + generators + g2.encode(self.tau_g2))


@dataclass(frozen=True, eq=False)
class Srs:
    """What a prover needs: the powers ``[tau**i]_1`` in the layout of `zkevm.srs.points`.

    multiples  of powers, which only save time, see `zkevm.srs.multiples`
    """

    points: Points
    verifier: VerifierSrs
    multiples: Points | None = None

    def __len__(self) -> int:
        """The number of powers."""
        return len(self.points)

    @property
    def degree(self) -> int:
        """The largest k such that all of the first ``2**k`` powers are here."""
        return len(self).bit_length() - 1

    @property
    def kind(self) -> Kind:
        """Where tau comes from."""
        return self.verifier.kind

    @property
    def identifier(self) -> bytes:
        """32 bytes that name the SRS in transcripts."""
        return self.verifier.identifier

    def require(self, degree: int) -> None:
        """Raise ``TooLargeError`` unless the first ``2**degree`` powers are here."""
        if degree > self.degree:
            raise TooLargeError(
                f"the circuit needs an SRS of degree {degree} (2^{degree} powers of tau) and this "
                f"one has degree {self.degree}: pass a larger one, or make one with "
                f"`zkevm setup new --degree {degree} -o FILE`"
            )

    def truncated(self, degree: int) -> "Srs":
        """Return the SRS of the first ``2**degree`` powers; ``SrsError`` if there are fewer."""
        if degree > self.degree:
            raise SrsError(
                f"holds {len(self)} powers of tau, fewer than the 2^{degree} asked for: "
                f"choose a degree of at most {self.degree}"
            )
        return Srs(self.points[: 1 << degree], self.verifier)


def known_verifier(identifier: bytes) -> VerifierSrs | None:
    """Return the verifier's part of the known ceremony of this identifier, or ``None``."""
    return _known_verifiers().get(identifier)


@cache
def _known_verifiers() -> dict[bytes, VerifierSrs]:
    known = (VerifierSrs(tau_g2) for tau_g2 in CEREMONIES.values())
    return {srs.identifier: srs for srs in known}


def generate(degree: int) -> Srs:
    """Make a development SRS of ``2**degree`` powers, whose tau is random and forgotten."""
    tau = 2 + secrets.randbelow(MODULUS - 3)
    return of_tau(tau, 1 << degree)


def of_tau(tau: int, count: int) -> Srs:
    """Return the development SRS of a tau that the caller knows, and could cheat with."""
    verifier = VerifierSrs(
        g2.multiply(g2.GENERATOR, tau),
        is_development=True,
        provenance="made on one machine for development: whoever made it could forge proofs",
    )
    return Srs(g1_points.powers(tau, count), verifier)
