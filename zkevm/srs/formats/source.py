"""A ceremony's file, read piece by piece, and the points found in it."""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zkevm.curve import BASE_MODULUS, EncodingError, G2Point, g2
from zkevm.curve.base_field import COORDINATE_LENGTH
from zkevm.errors import FileError, SrsError
from zkevm.srs.points import POINT_LENGTH, RADIX_INVERSE, Points
from zkevm.srs.powers_of_tau import Srs, VerifierSrs

ByteOrder = Literal["little", "big"]

MAX_DEGREE = 28
"""No ceremony over BN254 has more than ``2**28`` powers: the two-adicity of its scalar field."""


@dataclass
class Source:
    """The bytes of a file, mapped into memory, and how far they have been read.

    Raises ``SrsError`` when more is asked for than is there: the file is cut.
    """

    path: Path
    data: NDArray[np.uint8]
    position: int = field(default=0)

    @classmethod
    def open(cls, path: Path) -> "Source":
        """Map the file at `path`; ``FileError`` if it cannot be read."""
        try:
            return cls(path, np.memmap(path, np.uint8, "r"))
        except OSError as error:
            raise FileError(f"cannot read {path}: {error.strerror}") from error
        except ValueError as error:
            raise SrsError(f"{path} is empty") from error

    def peek(self, start: int, length: int) -> bytes:
        """Return bytes from anywhere, fewer where the file ends."""
        return self.data[start : start + length].tobytes()

    def take(self, length: int, what: str) -> NDArray[np.uint8]:
        """Return the next `length` bytes, named `what` in the error if they are not there."""
        end = self.position + length
        if end > len(self.data):
            raise SrsError(
                f"cut: {what} should end at byte {end}, but the file has {len(self.data)}"
            )
        taken = self.data[self.position : end]
        self.position = end
        return taken

    def integer(self, length: int, order: ByteOrder, what: str) -> int:
        """Return the next unsigned integer."""
        return int.from_bytes(self.take(length, what).tobytes(), order)

    def points(self, count: int, limit: int | None) -> Points:
        """Take `count` points of 64 bytes and return the first `limit` of them."""
        taken = self.take(POINT_LENGTH * count, f"the list of {count} points")
        return taken.reshape(count, POINT_LENGTH)[:limit]

    def finish(self) -> None:
        """Raise ``SrsError`` if anything is left."""
        if self.position != len(self.data):
            raise SrsError(f"has {len(self.data) - self.position} bytes after its end")

    def srs(self, points: Points, generator: G2Point, tau_g2: G2Point, what: str) -> Srs:
        """Return what was read; ``SrsError`` if [1]_2 is not the standard generator."""
        if generator != g2.GENERATOR:
            raise SrsError("[1]_2 is not the standard generator of G2")
        return Srs(points, VerifierSrs(tau_g2, provenance=f"{what}, from {self.path.name}"))


def reverse_coordinates(points: Points) -> Points:
    """Change the byte order of each coordinate."""
    return points.reshape(-1, 2, COORDINATE_LENGTH)[:, :, ::-1].reshape(-1, POINT_LENGTH)


def integers(data: NDArray[np.uint8], order: ByteOrder) -> list[int]:
    """Return the 32-byte integers that `data` is made of."""
    raw = data.tobytes()
    return [
        int.from_bytes(raw[start : start + COORDINATE_LENGTH], order)
        for start in range(0, len(raw), COORDINATE_LENGTH)
    ]


def g2_point(x0: int, x1: int, y0: int, y1: int) -> G2Point:
    """Return the point of G2; ``SrsError`` unless reduced, on the curve and in the group."""
    coordinates = (x0, x1, y0, y1)
    if max(coordinates) >= BASE_MODULUS:
        raise SrsError("a coordinate in G2 is not reduced")
    try:
        return g2.decode(b"".join(c.to_bytes(COORDINATE_LENGTH, "little") for c in coordinates))
    except EncodingError as error:
        raise SrsError(str(error)) from error


def g2_from_montgomery(data: NDArray[np.uint8]) -> G2Point:
    """Return the point of G2 whose coordinates are in Montgomery form, little-endian."""
    stored = integers(data, "little")
    if max(stored) >= BASE_MODULUS:
        raise SrsError("a coordinate in G2 is not reduced")
    x0, x1, y0, y1 = (c * RADIX_INVERSE % BASE_MODULUS for c in stored)
    return g2_point(x0, x1, y0, y1)


def unpack(layout: str, data: NDArray[np.uint8]) -> tuple[int, ...]:
    """Return the integers of a fixed header."""
    return struct.unpack(layout, data.tobytes())
