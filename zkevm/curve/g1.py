"""The group G1 of BN254: ``y**2 = x**3 + 3``, of prime order `zkevm.field.MODULUS`.

Every point of the curve is in the group (cofactor 1).  Sums run in Jacobian coordinates
``(X, Y, Z)``, which stand for ``(X / Z**2, Y / Z**3)``; ``Z = 0`` is the point at infinity.
Formulas: Explicit-Formulas Database, short Weierstrass, a = 0.
"""

from collections.abc import Sequence
from typing import TypeAlias

from zkevm.curve.base_field import (
    BASE_MODULUS,
    COORDINATE_LENGTH,
    decode_coordinate,
    encode_coordinate,
    square_root,
)
from zkevm.field import MODULUS, EncodingError, batch_inverse

G1Point: TypeAlias = tuple[int, int] | None
Jacobian: TypeAlias = tuple[int, int, int]

P = BASE_MODULUS

GENERATOR: G1Point = (1, 2)
B = 3

COMPRESSED_LENGTH = COORDINATE_LENGTH
ENCODED_LENGTH = 2 * COORDINATE_LENGTH

# P < 2**254 leaves two bits free in the last byte of x.
LARGER_Y_FLAG = 1 << 255
INFINITY_FLAG = 1 << 254

INFINITY: Jacobian = (1, 1, 0)


def is_on_curve(point: G1Point) -> bool:
    """Say whether `point`, with reduced coordinates, satisfies the equation or is infinity."""
    if point is None:
        return True
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - x * x * x - B) % P == 0


def y_at(x: int) -> int | None:
    """Return one of the two y of the points with this x, or ``None`` if there is no such point."""
    return square_root(x * x * x + B)


def negate(point: G1Point) -> G1Point:
    """Return ``-point``."""
    return None if point is None else (point[0], -point[1] % P)


def add(left: G1Point, right: G1Point) -> G1Point:
    """Return ``left + right``."""
    return _to_affine(_add_affine(_to_jacobian(left), right))


def multiply(point: G1Point, scalar: int) -> G1Point:
    """Return ``scalar * point``; any integer is taken modulo the order of the group."""
    return msm([point], [scalar])


def msm(points: Sequence[G1Point], scalars: Sequence[int]) -> G1Point:
    """Return the sum of ``scalars[i] * points[i]`` by Pippenger's buckets with signed digits.

    Scalars are any integers, taken modulo the order of the group; short ones cost less.
    Raises ``ValueError`` if the two sequences differ in length.
    """
    reduced = [
        (point, scalar % MODULUS)
        for point, scalar in zip(points, scalars, strict=True)
        if point is not None and scalar % MODULUS
    ]
    if not reduced:
        return None
    bits = max(scalar.bit_length() for _, scalar in reduced)
    width = _window_width(len(reduced), bits)
    digits = [_signed_digits(scalar, width, bits // width + 1) for _, scalar in reduced]
    total = INFINITY
    for window in range(bits // width, -1, -1):
        for _ in range(width):
            total = _double(total)
        buckets = [INFINITY] * ((1 << (width - 1)) + 1)
        for (point, _), point_digits in zip(reduced, digits, strict=True):
            digit = point_digits[window]
            if digit > 0:
                buckets[digit] = _add_affine(buckets[digit], point)
            elif digit < 0:
                buckets[-digit] = _add_affine(buckets[-digit], (point[0], P - point[1]))
        total = _add(total, _weigh_buckets(buckets))
    return _to_affine(total)


def _window_width(count: int, bits: int) -> int:
    """Return the width that needs the fewest additions."""

    def additions(width: int) -> int:
        # A bucket costs two full additions, each about 1.5 times an addition of an affine point.
        return (bits // width + 1) * (count + 3 * (1 << (width - 1)))

    return min(range(2, 17), key=additions)


def _signed_digits(scalar: int, width: int, count: int) -> list[int]:
    """Write `scalar` in base ``2**width``, low digit first, each in ``(-half, half]``."""
    base, half = 1 << width, 1 << (width - 1)
    digits = []
    for _ in range(count):
        digit = scalar & (base - 1)
        scalar >>= width
        if digit > half:
            digit -= base
            scalar += 1
        digits.append(digit)
    return digits


def _weigh_buckets(buckets: list[Jacobian]) -> Jacobian:
    """Return the sum of ``i * buckets[i]``, as the sum of all suffix sums."""
    suffix = total = INFINITY
    for bucket in buckets[:0:-1]:
        suffix = _add(suffix, bucket)
        total = _add(total, suffix)
    return total


def _to_jacobian(point: G1Point) -> Jacobian:
    return INFINITY if point is None else (point[0], point[1], 1)


def _to_affine(point: Jacobian) -> G1Point:
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    # No point has y = 0: the order of the group is odd.  Infinity keeps z = 0.
    y_square = y * y % P
    s = 4 * x * y_square % P
    m = 3 * x * x
    x_sum = (m * m - 2 * s) % P
    return x_sum, (m * (s - x_sum) - 8 * y_square * y_square) % P, 2 * y * z % P


def _add_affine(left: Jacobian, right: G1Point) -> Jacobian:
    if right is None:
        return left
    x1, y1, z1 = left
    x2, y2 = right
    if z1 == 0:
        return x2, y2, 1
    z1_square = z1 * z1 % P
    h = (x2 * z1_square - x1) % P
    slope = (y2 * z1_square * z1 - y1) % P
    if h == 0:
        return INFINITY if slope else _double(left)
    h_square = h * h % P
    h_cube = h * h_square % P
    v = x1 * h_square % P
    x3 = (slope * slope - h_cube - 2 * v) % P
    return x3, (slope * (v - x3) - y1 * h_cube) % P, z1 * h % P


def _add(left: Jacobian, right: Jacobian) -> Jacobian:
    x1, y1, z1 = left
    x2, y2, z2 = right
    if z1 == 0:
        return right
    if z2 == 0:
        return left
    z1_square, z2_square = z1 * z1 % P, z2 * z2 % P
    u1 = x1 * z2_square % P
    s1 = y1 * z2_square * z2 % P
    h = (x2 * z1_square - u1) % P
    slope = (y2 * z1_square * z1 - s1) % P
    if h == 0:
        return INFINITY if slope else _double(left)
    h_square = h * h % P
    h_cube = h * h_square % P
    v = u1 * h_square % P
    x3 = (slope * slope - h_cube - 2 * v) % P
    return x3, (slope * (v - x3) - s1 * h_cube) % P, z1 * z2 * h % P


def fixed_base_multiples(scalars: Sequence[int]) -> list[G1Point]:
    """Return ``scalar * GENERATOR`` for each of many scalars.

    One table of windows serves all scalars, and each round adds to all sums at once in affine
    coordinates with a single inversion.
    """
    width = max(2, min(12, len(scalars).bit_length() - 3))
    sums: list[G1Point] = [None] * len(scalars)
    rest = [scalar % MODULUS for scalar in scalars]
    base: G1Point = GENERATOR
    while any(rest):
        table: list[G1Point] = [None]
        while len(table) < 1 << width:
            table += _add_pairwise([base] * len(table), table)
            base = add(base, base)
        sums = _add_pairwise(sums, [table[scalar & ((1 << width) - 1)] for scalar in rest])
        rest = [scalar >> width for scalar in rest]
    return sums


def _add_pairwise(left: Sequence[G1Point], right: Sequence[G1Point]) -> list[G1Point]:
    """Return ``left[i] + right[i]`` for all `i` with one inversion."""
    differences = [
        (b[0] - a[0]) % P if a is not None and b is not None else 0
        for a, b in zip(left, right, strict=True)
    ]
    inverses = batch_inverse([difference or 1 for difference in differences], P)
    sums: list[G1Point] = []
    for a, b, difference, inverse in zip(left, right, differences, inverses, strict=True):
        if a is None or b is None or difference == 0:
            sums.append(add(a, b))
            continue
        slope = (b[1] - a[1]) * inverse % P
        x = (slope * slope - a[0] - b[0]) % P
        sums.append((x, (slope * (a[0] - x) - a[1]) % P))
    return sums


def encode(point: G1Point) -> bytes:
    """Encode a point of the curve as 64 bytes: x, then y, little-endian; infinity is all zero."""
    if point is None:
        return bytes(ENCODED_LENGTH)
    return encode_coordinate(point[0]) + encode_coordinate(point[1])


def decode(data: bytes) -> G1Point:
    """Decode what `encode` wrote; the inverse of `encode`, so one point has one encoding.

    Raises ``EncodingError`` for another length, a coordinate that is not reduced, or a point
    off the curve.
    """
    if len(data) != ENCODED_LENGTH:
        raise EncodingError(f"G1 point of {len(data)} bytes, not {ENCODED_LENGTH}")
    if not any(data):
        return None
    point = decode_coordinate(data[:COORDINATE_LENGTH]), decode_coordinate(data[COORDINATE_LENGTH:])
    if not is_on_curve(point):
        raise EncodingError("G1 point is not on the curve")
    return point


def compress(point: G1Point) -> bytes:
    """Encode a point of the curve as 32 bytes: x, little-endian, with two flags on top.

    The highest bit says that y is the larger of the two roots; the next one, with nothing else
    set, is the point at infinity.
    """
    if point is None:
        return INFINITY_FLAG.to_bytes(COMPRESSED_LENGTH, "little")
    x, y = point
    encode_coordinate(x)
    flag = LARGER_Y_FLAG if y > P - y else 0
    return (x | flag).to_bytes(COMPRESSED_LENGTH, "little")


def decompress(data: bytes) -> G1Point:
    """Decode what `compress` wrote; the inverse of `compress`, so one point has one encoding.

    Raises ``EncodingError`` for another length, flags that do not fit, a coordinate that is not
    reduced, or one without a point of the curve.
    """
    if len(data) != COMPRESSED_LENGTH:
        raise EncodingError(f"compressed G1 point of {len(data)} bytes, not {COMPRESSED_LENGTH}")
    value = int.from_bytes(data, "little")
    if value == INFINITY_FLAG:
        return None
    x = value & (INFINITY_FLAG - 1)
    if value & INFINITY_FLAG:
        raise EncodingError("G1 point is not the one encoding of infinity")
    if x >= P:
        raise EncodingError("coordinate is not reduced")
    y = y_at(x)
    if y is None:
        raise EncodingError("G1 point is not on the curve")
    is_larger = bool(value & LARGER_Y_FLAG)
    return x, y if (y > P - y) == is_larger else P - y
