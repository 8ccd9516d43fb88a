"""``ParamsKZG`` of halo2, RawBytes form (PSE halo2, poly/kzg/commitment.rs).

    u32 k, 2**k powers, 2**k points of the Lagrange basis, [1]_2, [tau]_2

Integers are little-endian, points in Montgomery form.  The Lagrange basis is not read.
"""

from zkevm.curve import g1, g2
from zkevm.errors import SrsError
from zkevm.srs.formats.source import MAX_DEGREE, Source, g2_from_montgomery
from zkevm.srs.points import POINT_LENGTH, from_affine
from zkevm.srs.powers_of_tau import Srs

GENERATOR = from_affine([g1.GENERATOR]).tobytes()


def recognises(source: Source) -> bool:
    """Say whether the file is of this format."""
    degree = int.from_bytes(source.peek(0, 4), "little")
    size = 4 + 2 * (POINT_LENGTH << min(degree, MAX_DEGREE)) + 2 * g2.ENCODED_LENGTH
    return source.peek(4, POINT_LENGTH) == GENERATOR or len(source.data) == size


def read(source: Source, limit: int | None) -> Srs:
    """Read the first `limit` powers; ``SrsError`` if the file is not what it should be."""
    degree = source.integer(4, "little", "the degree")
    if degree > MAX_DEGREE:
        raise SrsError(f"degree {degree} is more than {MAX_DEGREE}")
    points = source.points(1 << degree, limit)
    source.points(1 << degree, 0)
    generator = g2_from_montgomery(source.take(g2.ENCODED_LENGTH, "[1]_2"))
    tau_g2 = g2_from_montgomery(source.take(g2.ENCODED_LENGTH, "[tau]_2"))
    source.finish()
    return source.srs(points, generator, tau_g2, f"halo2 ParamsKZG of degree {degree}")
