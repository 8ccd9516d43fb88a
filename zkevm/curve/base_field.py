"""The field of the coordinates of BN254: integers modulo `BASE_MODULUS`, as plain ints."""

from zkevm.field import EncodingError

BASE_MODULUS = 21888242871839275222246405745257275088696311157297823662689037894645226208583
"""The prime of the coordinates (EIP-196); congruent to 3 modulo 4, below 2**254."""

MONTGOMERY_RADIX = 2**256
"""Native code and ceremony files store ``a * MONTGOMERY_RADIX mod BASE_MODULUS`` for `a`."""

COORDINATE_LENGTH = 32
"""Bytes of an encoded coordinate."""


def encode_coordinate(coordinate: int) -> bytes:
    """Encode a reduced coordinate as 32 bytes, little-endian; ``EncodingError`` if not reduced."""
    if not 0 <= coordinate < BASE_MODULUS:
        raise EncodingError("coordinate is not reduced")
    return coordinate.to_bytes(COORDINATE_LENGTH, "little")


def decode_coordinate(data: bytes) -> int:
    """Decode 32 little-endian bytes; raise ``EncodingError`` if the value is not reduced."""
    coordinate = int.from_bytes(data, "little")
    if coordinate >= BASE_MODULUS:
        raise EncodingError("coordinate is not reduced")
    return coordinate


def square_root(square: int) -> int | None:
    """Return a root of `square`, any integer, or ``None`` if it has none modulo the prime."""
    root = pow(square, (BASE_MODULUS + 1) // 4, BASE_MODULUS)
    return root if root * root % BASE_MODULUS == square % BASE_MODULUS else None
