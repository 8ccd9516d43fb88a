"""The group G2 of BN254: ``y**2 = x**3 + 3 / (9 + i)`` over the quadratic extension, ``i**2 = -1``.

The curve has points outside the group, hence `is_in_group`.  Its order is odd: no point has y = 0.
Multiples are computed in Jacobian coordinates ``(X, Y, Z)``, as in `zkevm.curve.g1`.
"""

from functools import lru_cache
from typing import TypeAlias

from zkevm.curve import extension_field as fp2
from zkevm.curve.base_field import (
    BASE_MODULUS,
    COORDINATE_LENGTH,
    decode_coordinate,
    encode_coordinate,
    square_root,
)
from zkevm.curve.double_and_add import repeat
from zkevm.curve.extension_field import ExtensionElement
from zkevm.field import MODULUS, EncodingError

FinitePoint: TypeAlias = tuple[ExtensionElement, ExtensionElement]
G2Point: TypeAlias = FinitePoint | None
Jacobian: TypeAlias = tuple[ExtensionElement, ExtensionElement, ExtensionElement]

ENCODED_LENGTH = 4 * COORDINATE_LENGTH

B = fp2.multiply((3, 0), fp2.inverse(fp2.NON_RESIDUE))

GENERATOR: G2Point = (
    (
        0x1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED,
        0x198E9393920D483A7260BFB731FB5D25F1AA493335A9E71297E485B7AEF312C2,
    ),
    (
        0x12C85EA5DB8C6DEB4AAB71808DCB408FE3D1E7690C43D37B4CE6CC0166FA7DAA,
        0x090689D0585FF075EC9E99AD690C3395BC4B313370B38EF355ACDADCD122975B,
    ),
)
"""The generator of EIP-197, used by every ceremony this project reads."""


U = 4965661367192848881
"""The parameter of the curve: P and the order of the groups are polynomials in it."""

GAMMA = fp2.power(fp2.NON_RESIDUE, (BASE_MODULUS - 1) // 6)
"""``w**(P - 1)``, where ``w**6 = 9 + i``: a point (x, y) is (x w**2, y w**3) on the curve of G1."""


def is_on_curve(point: G2Point) -> bool:
    """Say whether `point`, with reduced coordinates, satisfies the equation or is infinity."""
    if point is None:
        return True
    x, y = point
    reduced = all(0 <= c < BASE_MODULUS for element in point for c in element)
    return reduced and fp2.multiply(y, y) == _right_side(x)


def y_at(x: ExtensionElement) -> ExtensionElement | None:
    """Return one of the two y of the points with this x, or ``None`` if there is no such point."""
    c0, c1 = _right_side(x)
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


def _right_side(x: ExtensionElement) -> ExtensionElement:
    """x**3 + B."""
    c0, c1 = fp2.multiply(fp2.multiply(x, x), x)
    return (c0 + B[0]) % BASE_MODULUS, (c1 + B[1]) % BASE_MODULUS


@lru_cache(maxsize=16)
def is_in_group(point: G2Point) -> bool:
    """Say whether `point` is on the curve and its order divides that of the group.

    Remembered, as many proofs have one setup.

    With q the Frobenius map, 6 U + 2 + q - q**2 + q**3 = 0 in the group, the relation of the
    optimal ate pairing: there q is the multiple by P.  The other way round, on the whole curve q
    is like a number of a quadratic field, as q**2 - t q + P = 0 for its trace t.  So if the left
    side of the relation makes a point zero, its norm does, an integer.  Of that and the order of
    the curve the greatest common divisor is the order of the group.
    (El Housni, Guillevic, Piellard, 2022/352; Dai et al., 2022/348.)
    """
    if point is None or not is_on_curve(point):
        return point is None
    image = frobenius(point)
    twice = frobenius(image)
    multiple = _multiply(point, 6 * U + 2)
    return add(add(multiple, image), frobenius(twice)) == twice


def frobenius(point: FinitePoint) -> FinitePoint:
    """The point for whose coordinates x w**2 and y w**3 are raised to the power P."""
    x, y = map(fp2.conjugate, point)
    square = fp2.multiply(GAMMA, GAMMA)
    return fp2.multiply(x, square), fp2.multiply(y, fp2.multiply(square, GAMMA))


def add(left: G2Point, right: G2Point) -> G2Point:
    """Return ``left + right``."""
    if left is None or right is None:
        return left or right
    if left[0] == right[0] and left[1] != right[1]:
        return None
    _, total = chord(left, right)
    return total


def chord(left: FinitePoint, right: FinitePoint) -> tuple[ExtensionElement, FinitePoint]:
    """Return the slope of the line through two points that are not opposite, and their sum.

    If they are equal, it is the tangent.
    """
    (x1, y1), (x2, y2) = left, right
    if left == right:
        rise, run = fp2.multiply((3, 0), fp2.multiply(x1, x1)), fp2.multiply((2, 0), y1)
    else:
        rise, run = fp2.subtract(y2, y1), fp2.subtract(x2, x1)
    slope = fp2.multiply(rise, fp2.inverse(run))
    x = fp2.subtract(fp2.subtract(fp2.multiply(slope, slope), x1), x2)
    return slope, (x, fp2.subtract(fp2.multiply(slope, fp2.subtract(x1, x)), y1))


def negate(point: G2Point) -> G2Point:
    """Return ``-point``."""
    return None if point is None else (point[0], fp2.subtract((0, 0), point[1]))


def multiply(point: G2Point, scalar: int) -> G2Point:
    """Return ``scalar * point`` for a point of the group; any integer is a scalar."""
    return _multiply(point, scalar % MODULUS)


def _multiply(point: G2Point, scalar: int) -> G2Point:
    if point is None or scalar == 0:
        return None
    start: Jacobian = *point, (1, 0)
    x, y, z = repeat(start, scalar, _double, lambda total, _: _add_affine(total, point))
    if z == (0, 0):
        return None
    inverse = fp2.inverse(z)
    square = fp2.multiply(inverse, inverse)
    return fp2.multiply(x, square), fp2.multiply(y, fp2.multiply(square, inverse))


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point  # infinity keeps z = 0
    y_square, yz = fp2.multiply(y, y), fp2.multiply(y, z)
    s = fp2.scale(4, fp2.multiply(x, y_square))
    m = fp2.scale(3, fp2.multiply(x, x))
    x_sum = fp2.subtract(fp2.multiply(m, m), fp2.scale(2, s))
    y_sum = fp2.multiply(m, fp2.subtract(s, x_sum))
    y_fourth = fp2.multiply(y_square, y_square)
    return x_sum, fp2.subtract(y_sum, fp2.scale(8, y_fourth)), fp2.scale(2, yz)


def _add_affine(left: Jacobian, right: FinitePoint) -> Jacobian:
    (x1, y1, z1), (x2, y2) = left, right
    if z1 == (0, 0):
        return x2, y2, (1, 0)
    z1_square = fp2.multiply(z1, z1)
    h = fp2.subtract(fp2.multiply(x2, z1_square), x1)
    slope = fp2.subtract(fp2.multiply(y2, fp2.multiply(z1_square, z1)), y1)
    if h == (0, 0):
        return _double(left) if slope == (0, 0) else (x1, y1, (0, 0))
    h_square = fp2.multiply(h, h)
    h_cube, v = fp2.multiply(h, h_square), fp2.multiply(x1, h_square)
    x3 = fp2.subtract(fp2.subtract(fp2.multiply(slope, slope), h_cube), fp2.scale(2, v))
    y3 = fp2.subtract(fp2.multiply(slope, fp2.subtract(v, x3)), fp2.multiply(y1, h_cube))
    return x3, y3, fp2.multiply(z1, h)


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
