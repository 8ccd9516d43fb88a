"""``kzg.SRS`` of gnark-crypto for BN254: WriteTo, WriteRawTo and WriteDump.

    WriteTo, WriteRawTo   u32 n, n powers; [1]_2, [tau]_2, generator of G1, lines of the pairing
    WriteDump             [1]_2, [tau]_2, generator, lines; u64 marker; u64 n, n powers

WriteTo compresses points, the others do not.  Coordinates are big-endian and canonical, c1 before
c0; only the powers of a dump are little-endian in Montgomery form, and so are its two integers.
Older versions leave out the lines, which are not read (ecc/bn254/kzg/marshal.go).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zkevm.curve import BASE_MODULUS, G1Point, G2Point, g1, g2
from zkevm.errors import SrsError
from zkevm.srs.formats.source import (
    MAX_DEGREE,
    Source,
    g2_point,
    integers,
    reverse_coordinates,
)
from zkevm.srs.points import POINT_LENGTH, from_affine, from_canonical
from zkevm.srs.powers_of_tau import Srs

FLAGS_SHIFT = 254
SMALLEST, LARGEST = 0b10, 0b11
COMPRESSED_G1_LENGTH, COMPRESSED_G2_LENGTH = 32, 64
COMPRESSED_GENERATOR = (SMALLEST << FLAGS_SHIFT | 1).to_bytes(32, "big")
RAW_GENERATOR = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")
LINES_LENGTH = 2 * 2 * 66 * 2 * 64
MARKER = 0xDEADBEEF


def recognises(source: Source) -> bool:
    """Say whether the file is of one of the three forms."""
    return _is_compressed(source) or _is_raw(source) or _is_dump(source)


def read(source: Source, limit: int | None) -> Srs:
    """Read the first `limit` powers; ``SrsError`` if the file is not what it should be."""
    if _is_dump(source):
        return _read_dump(source, limit)
    count = _count(source.integer(4, "big", "the number of powers"))
    if _is_raw(source):
        points = from_canonical(reverse_coordinates(source.points(count, limit)))
        generator, tau_g2 = _read_raw_key(source)
        form = "WriteRawTo"
    else:
        length = COMPRESSED_G1_LENGTH * count
        stored = integers(source.take(length, f"the list of {count} points"), "big")
        points = from_affine(_decompress_g1(value) for value in stored[:limit])
        generator, tau_g2 = (
            _decompress_g2(integers(source.take(COMPRESSED_G2_LENGTH, name), "big"))
            for name in ("[1]_2", "[tau]_2")
        )
        source.take(COMPRESSED_G1_LENGTH, "the generator")
        form = "WriteTo"
    if source.position != len(source.data):
        source.take(LINES_LENGTH, "the lines of the pairing")
    source.finish()
    return source.srs(points, generator, tau_g2, f"gnark SRS, {form}")


def _read_dump(source: Source, limit: int | None) -> Srs:
    generator, tau_g2 = _read_raw_key(source)
    if int.from_bytes(source.peek(source.position, 8), "little") != MARKER:
        source.take(LINES_LENGTH, "the lines of the pairing")
    if source.integer(8, "little", "the marker") != MARKER:
        raise SrsError("the marker before its powers is missing")
    points = source.points(_count(source.integer(8, "little", "the number of powers")), limit)
    source.finish()
    return source.srs(points, generator, tau_g2, "gnark SRS, WriteDump")


def _is_compressed(source: Source) -> bool:
    return source.peek(4, COMPRESSED_G1_LENGTH) == COMPRESSED_GENERATOR


def _is_raw(source: Source) -> bool:
    return source.peek(4, POINT_LENGTH) == RAW_GENERATOR


def _is_dump(source: Source) -> bool:
    x0, x1, *_ = integers(np.frombuffer(g2.encode(g2.GENERATOR), np.uint8), "little")
    return source.peek(0, POINT_LENGTH) == x1.to_bytes(32, "big") + x0.to_bytes(32, "big")


def _count(count: int) -> int:
    if count > 1 << MAX_DEGREE:
        raise SrsError(f"{count} powers are more than 2^{MAX_DEGREE}")
    return count


def _read_raw_key(source: Source) -> tuple[G2Point, G2Point]:
    generator = _raw_g2(source.take(g2.ENCODED_LENGTH, "[1]_2"))
    tau_g2 = _raw_g2(source.take(g2.ENCODED_LENGTH, "[tau]_2"))
    source.take(POINT_LENGTH, "the generator")
    return generator, tau_g2


def _raw_g2(data: NDArray[np.uint8]) -> G2Point:
    x1, x0, y1, y0 = integers(data, "big")
    return g2_point(x0, x1, y0, y1)


def _split_flags(value: int) -> tuple[int, int]:
    """Return the flags and the coordinate; ``SrsError`` for anything but a finite point."""
    flags, x = value >> FLAGS_SHIFT, value & ((1 << FLAGS_SHIFT) - 1)
    if flags not in {SMALLEST, LARGEST}:
        raise SrsError("a compressed point is infinite or has unknown flags")
    if x >= BASE_MODULUS:
        raise SrsError("a coordinate is not reduced")
    return flags, x


def _is_largest(y: int) -> bool:
    return y > BASE_MODULUS - y


def _decompress_g1(value: int) -> G1Point:
    flags, x = _split_flags(value)
    y = g1.y_at(x)
    if y is None:
        raise SrsError("a compressed point is not on the curve of BN254")
    return (x, y) if _is_largest(y) == (flags == LARGEST) else g1.negate((x, y))


def _decompress_g2(values: Sequence[int]) -> G2Point:
    flags, x1 = _split_flags(values[0])
    x0 = values[1]
    y = g2.y_at((x0, x1))
    if y is None:
        raise SrsError("a compressed point is not on the curve of G2")
    y0, y1 = y
    # The order looks at c1 first, and at c0 only where c1 is zero.
    if _is_largest(y1 or y0) != (flags == LARGEST):
        y0, y1 = -y0 % BASE_MODULUS, -y1 % BASE_MODULUS
    return g2_point(x0, x1, y0, y1)
