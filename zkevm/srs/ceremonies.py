"""Where an SRS comes from, and the ceremonies this project knows by their ``[tau]_2``.

A ceremony is recognised by its last ``[tau]_2``, which its participants published, never by what a
file says of itself.
"""

from enum import StrEnum

from zkevm.curve import G2Point


class Kind(StrEnum):
    """Where the secret tau of an SRS comes from."""

    HERMEZ = "ceremony:hermez"
    AZTEC = "ceremony:aztec"
    DEVELOPMENT = "development"
    UNKNOWN = "unknown"


CEREMONIES: dict[Kind, G2Point] = {
    # Perpetual Powers of Tau, 54 contributions and a beacon: powersOfTau28_hez_final_*.ptau.
    Kind.HERMEZ: (
        (
            0x30441FD1B5D3370482C42152A8899027716989A6996C2535BC9F7FEE8AAEF79E,
            0x26186A2D65EE4D2F9C9A5B91F86597D35F192CD120CAF7E935D8443D1938E23D,
        ),
        (
            0x054793348F12C0CF5622C340573CB277586319DE359AB9389778F689786B1E48,
            0x1970EA81DD6992ADFBC571EFFB03503ADBBB6A857F578403C6C40E22D65B3C02,
        ),
    ),
    # Aztec Ignition, 176 contributions: transcript00.dat, g2.dat.
    Kind.AZTEC: (
        (
            0x0118C4D5B837BCC2BC89B5B398B5974E9F5944073B32078B7E231FEC938883B0,
            0x260E01B251F6F1C7E7FF4E580791DEE8EA51D87A358E038B4EFE30FAC09383C1,
        ),
        (
            0x22FEBDA3C0C0632A56475B4214E5615E11E6DD3F96E6CEA2854A87D4DACC5E55,
            0x04FC6369F7110FE3D25156C1BB9A72859CF2A04641F99BA4EE413C80DA6A5FE4,
        ),
    ),
}
"""``[tau]_2`` of each known ceremony, as read from its published files."""


def ceremony_of(tau_g2: G2Point) -> Kind | None:
    """Return the ceremony that ended with `tau_g2`, or ``None``."""
    return next((kind for kind, known in CEREMONIES.items() if known == tau_g2), None)
