"""``kzg10::UniversalParams`` of arkworks, serialized uncompressed (ark-srs ``.bin`` files).

    u64 n, n powers, u64 0, [1]_2, [tau]_2, u64 0

All little-endian and canonical; the two highest bits of a point are flags: 01 is infinity,
the other says which y it is and is redundant here.
"""

import numpy as np

from zkevm.curve import G2Point, g2
from zkevm.errors import SrsError
from zkevm.srs.formats.source import MAX_DEGREE, Source, g2_point, integers
from zkevm.srs.points import POINT_LENGTH, from_canonical
from zkevm.srs.powers_of_tau import Srs

GENERATOR = (1).to_bytes(32, "little") + (2).to_bytes(32, "little")
FLAGS = 0xC0


def recognises(source: Source) -> bool:
    """Say whether the file is of this format."""
    count = int.from_bytes(source.peek(0, 8), "little")
    size = 8 + POINT_LENGTH * count + 8 + 2 * g2.ENCODED_LENGTH + 8
    return source.peek(8, POINT_LENGTH) == GENERATOR or len(source.data) == size


def read(source: Source, limit: int | None) -> Srs:
    """Read the first `limit` powers; ``SrsError`` if the file is not what it should be."""
    count = source.integer(8, "little", "the number of powers")
    if count > 1 << MAX_DEGREE:
        raise SrsError(f"{count} powers are more than 2^{MAX_DEGREE}")
    stored = source.points(count, limit).copy()
    stored[:, -1] &= np.uint8(0xFF ^ FLAGS)
    points = from_canonical(stored)
    _require_none(source, "hiding powers")
    generator = _read_g2(source, "[1]_2")
    tau_g2 = _read_g2(source, "[tau]_2")
    _require_none(source, "negative powers")
    source.finish()
    return source.srs(points, generator, tau_g2, "arkworks KZG10 parameters")


def _require_none(source: Source, what: str) -> None:
    if source.integer(8, "little", f"the number of {what}"):
        raise SrsError(f"holds {what}, which are not supported")


def _read_g2(source: Source, what: str) -> G2Point:
    stored = source.take(g2.ENCODED_LENGTH, what).copy()
    stored[-1] &= np.uint8(0xFF ^ FLAGS)
    return g2_point(*integers(stored, "little"))
