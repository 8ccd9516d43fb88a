"""Arrays of G1 points in the layout of an SRS, and the three heavy operations on them.

A `Points` array is ``(n, 64)`` bytes: x, then y, each 32 bytes little-endian in Montgomery form
(`zkevm.curve.base_field.MONTGOMERY_RADIX`), so that native code reads it without conversion;
infinity is all zero.  Where the native kernels are absent, plain Python does the same, slower.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zkevm.curve import EncodingError, G1Point, g1
from zkevm.curve.base_field import (
    BASE_MODULUS,
    COORDINATE_LENGTH,
    MONTGOMERY_RADIX,
    encode_coordinate,
)
from zkevm.field import MODULUS, encode

Points: TypeAlias = NDArray[np.uint8]

POINT_LENGTH = g1.ENCODED_LENGTH
RADIX_INVERSE = pow(MONTGOMERY_RADIX, -1, BASE_MODULUS)
B_MONTGOMERY = g1.B * MONTGOMERY_RADIX % BASE_MODULUS


@cache
def native_kernels() -> ModuleType | None:
    """Return the native module, or ``None`` where the package was installed without it."""
    try:
        return import_module("zkevm._native")
    except ImportError:
        return None


def from_canonical(points: Points) -> Points:
    """Bring points of canonical little-endian coordinates, ``(n, 64)``, into Montgomery form.

    Raises ``EncodingError`` for a coordinate that is not reduced.
    """
    converted = []
    for index, coordinate in enumerate(_coordinates(points)):
        value = int.from_bytes(coordinate, "little")
        if value >= BASE_MODULUS:
            raise EncodingError(f"a coordinate of power {index // 2} is not reduced")
        converted.append(encode_coordinate(value * MONTGOMERY_RADIX % BASE_MODULUS))
    return np.frombuffer(b"".join(converted), np.uint8).reshape(-1, POINT_LENGTH)


def from_affine(points: Iterable[G1Point]) -> Points:
    """Lay out affine points."""
    encoded = b"".join(map(g1.encode, points))
    return from_canonical(np.frombuffer(encoded, np.uint8).reshape(-1, POINT_LENGTH))


def to_affine(points: Points) -> list[G1Point]:
    """Return the affine points of an array; the inverse of `from_affine`."""
    values = [
        int.from_bytes(coordinate, "little") * RADIX_INVERSE % BASE_MODULUS
        for coordinate in _coordinates(points)
    ]
    return [(x, y) if x or y else None for x, y in zip(values[::2], values[1::2], strict=True)]


def _coordinates(points: Points) -> Iterator[bytes]:
    data = points.tobytes()
    for start in range(0, len(data), COORDINATE_LENGTH):
        yield data[start : start + COORDINATE_LENGTH]


def powers(tau: int, count: int) -> Points:
    """Return ``[tau**i]_1`` for ``i < count``."""
    native = native_kernels()
    if native is not None:
        native_powers: Points = native.powers(encode(tau), count)
        return native_powers
    scalars = [1]
    while len(scalars) < count:
        scalars.append(scalars[-1] * tau % MODULUS)
    return from_affine(g1.fixed_base_multiples(scalars))


def first_off_curve(points: Points) -> int | None:
    """Return the index of the first point that is not a finite, reduced point of the curve."""
    native = native_kernels()
    if native is not None:
        index: int = native.check_on_curve(np.ascontiguousarray(points))
        return None if index < 0 else index
    coordinates = [int.from_bytes(coordinate, "little") for coordinate in _coordinates(points)]
    for position, (x, y) in enumerate(zip(coordinates[::2], coordinates[1::2], strict=True)):
        # With x = a R and y = b R the equation b**2 = a**3 + 3, times R**3, is this one.
        difference = y * y * MONTGOMERY_RADIX - x * x * x
        on_curve = (difference - B_MONTGOMERY * MONTGOMERY_RADIX**2) % BASE_MODULUS == 0
        if not on_curve or x >= BASE_MODULUS or y >= BASE_MODULUS:
            return position
    return None


def combine_neighbours(points: Points, weights: NDArray[np.uint64]) -> tuple[G1Point, G1Point]:
    """Return the sums of ``weights[i] * points[i]`` and of ``weights[i] * points[i + 1]``.

    `weights` are ``(n - 1, 2)`` words, low word first: integers below 2**128.
    """
    native = native_kernels()
    if native is not None:
        bases = native.Bases(np.ascontiguousarray(points))
        return g1.decode(bases.msm(weights, 0)), g1.decode(bases.msm(weights, 1))
    affine = to_affine(points)
    scalars = [int(low) | int(high) << 64 for low, high in weights]
    return g1.msm(affine[:-1], scalars), g1.msm(affine[1:], scalars)
