"""The group G2 of BN254: ``y**2 = x**3 + 3 / (9 + i)`` over the quadratic extension, ``i**2 = -1``.

An extension element ``c0 + c1 * i`` is the pair ``(c0, c1)``.  The curve has points outside the
group, hence `is_in_group`.  Arithmetic is py_ecc's.
"""

from typing import TypeAlias

from py_ecc import optimized_bn128 as bn128

from zkevm.curve.base_field import (
    BASE_MODULUS,
    COORDINATE_LENGTH,
    decode_coordinate,
    encode_coordinate,
    square_root,
)
from zkevm.field import MODULUS, EncodingError

ExtensionElement: TypeAlias = tuple[int, int]
G2Point: TypeAlias = tuple[ExtensionElement, ExtensionElement] | None
Projective: TypeAlias = tuple[bn128.FQ2, bn128.FQ2, bn128.FQ2]

ENCODED_LENGTH = 4 * COORDINATE_LENGTH


def to_projective(point: G2Point) -> Projective:
    """Return py_ecc's form of `point`."""
    if point is None:
        return bn128.FQ2.one(), bn128.FQ2.one(), bn128.FQ2.zero()
    return bn128.FQ2(point[0]), bn128.FQ2(point[1]), bn128.FQ2.one()


def from_projective(point: Projective) -> G2Point:
    """Return the affine form of py_ecc's `point`."""
    if bn128.is_inf(point):
        return None
    (x0, x1), (y0, y1) = (
        tuple(int(c) % BASE_MODULUS for c in e.coeffs) for e in bn128.normalize(point)
    )
    return (x0, x1), (y0, y1)


GENERATOR: G2Point = from_projective(bn128.G2)
"""The generator of EIP-197, used by every ceremony this project reads."""


def is_on_curve(point: G2Point) -> bool:
    """Say whether `point`, with reduced coordinates, satisfies the equation or is infinity."""
    if point is None:
        return True
    reduced = all(0 <= c < BASE_MODULUS for element in point for c in element)
    return reduced and bool(bn128.is_on_curve(to_projective(point), bn128.b2))


def y_at(x: ExtensionElement) -> ExtensionElement | None:
    """Return one of the two y of the points with this x, or ``None`` if there is no such point."""
    element = bn128.FQ2(x)
    c0, c1 = (int(c) % BASE_MODULUS for c in (element * element * element + bn128.b2).coeffs)
    norm_root = square_root(c0 * c0 + c1 * c1)
    if norm_root is None:
        return None
    # (a + b i)**2 = c0 + c1 i asks for a**2 = (c0 + root of the norm) / 2, with the root's sign
    # to be chosen, and b = c1 / 2 a; if a = 0, then b**2 = -c0.
    half = (BASE_MODULUS + 1) // 2
    a = square_root((c0 + norm_root) * half)
    if a is None:
        a = square_root((c0 - norm_root) * half)
    if a:
        return a, c1 * half * pow(a, -1, BASE_MODULUS) % BASE_MODULUS
    b = square_root(-c0)
    return None if b is None else (0, b)


def is_in_group(point: G2Point) -> bool:
    """Say whether `point` is on the curve and its order divides that of the group."""
    return is_on_curve(point) and bn128.is_inf(bn128.multiply(to_projective(point), MODULUS))


def add(left: G2Point, right: G2Point) -> G2Point:
    """Return ``left + right``."""
    return from_projective(bn128.add(to_projective(left), to_projective(right)))


def negate(point: G2Point) -> G2Point:
    """Return ``-point``."""
    return from_projective(bn128.neg(to_projective(point)))


def multiply(point: G2Point, scalar: int) -> G2Point:
    """Return ``scalar * point`` for a point of the group; any integer is a scalar."""
    return from_projective(bn128.multiply(to_projective(point), scalar % MODULUS))


def encode(point: G2Point) -> bytes:
    """Encode a point as 128 bytes: ``x.c0, x.c1, y.c0, y.c1``, little-endian; infinity is zero."""
    if point is None:
        return bytes(ENCODED_LENGTH)
    return b"".join(encode_coordinate(c) for element in point for c in element)


def decode(data: bytes) -> G2Point:
    """Decode what `encode` wrote; the inverse of `encode`, so one point has one encoding.

    Raises ``EncodingError`` for another length, a coordinate that is not reduced, or a point
    that is off the curve or outside the group.
    """
    if len(data) != ENCODED_LENGTH:
        raise EncodingError(f"G2 point of {len(data)} bytes, not {ENCODED_LENGTH}")
    if not any(data):
        return None
    x0, x1, y0, y1 = (
        decode_coordinate(data[start : start + COORDINATE_LENGTH])
        for start in range(0, ENCODED_LENGTH, COORDINATE_LENGTH)
    )
    point = (x0, x1), (y0, y1)
    if not is_on_curve(point):
        raise EncodingError("G2 point is not on the curve")
    if not is_in_group(point):
        raise EncodingError("G2 point is on the curve but not in the group")
    return point
