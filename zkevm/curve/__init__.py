"""BN254 (alt_bn128 of EIP-196 and EIP-197): its two groups and the pairing, in plain Python.

`G1Point` and `G2Point` are affine coordinates, or ``None`` for the point at infinity.
"""

from zkevm.curve import g1, g2
from zkevm.curve.base_field import BASE_MODULUS
from zkevm.curve.g1 import G1Point, msm
from zkevm.curve.g2 import G2Point
from zkevm.curve.pairing import multi_pairing_check
from zkevm.field import EncodingError

__all__ = [
    "BASE_MODULUS",
    "EncodingError",
    "G1Point",
    "G2Point",
    "g1",
    "g2",
    "msm",
    "multi_pairing_check",
]
