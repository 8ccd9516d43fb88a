"""The files of Aztec Ignition: transcripts, the flat ``g1.dat`` with ``g2.dat``, Noir's ``.srs``.

    transcript   28-byte manifest of seven u32, big-endian; powers from tau on; in the first
                 transcript [tau]_2 and one more point; BLAKE2b of all.  A coordinate is four
                 words, least significant first, each big-endian (Ignition's Transcript_spec.md)
    g1.dat       powers from the generator on, coordinates big-endian
    g2.dat       [tau]_2, c0 before c1, either byte order
    Noir .srs    u64 length, content of g1.dat, u64 128, content of g2.dat, u32 number of points;
                 integers little-endian

None holds [1]_2, which is the standard generator.
"""

import hashlib

import numpy as np
from numpy.typing import NDArray

from zkevm.curve import G2Point, g1, g2
from zkevm.errors import SrsError
from zkevm.srs.formats.source import Source, g2_point, integers, reverse_coordinates, unpack
from zkevm.srs.points import POINT_LENGTH, from_affine, from_canonical
from zkevm.srs.powers_of_tau import Srs

MANIFEST_LENGTH = 28
TRANSCRIPT_G2_POINTS = 2
CHECKSUM_LENGTH = 64
MAX_TRANSCRIPTS = 99
FLAT_GENERATOR = (1).to_bytes(32, "big") + (2).to_bytes(32, "big")


def recognises_transcript(source: Source) -> bool:
    """Say whether the file is a transcript, by the plausibility of its manifest."""
    if len(source.data) < MANIFEST_LENGTH:
        return False
    number, files, all_g1, all_g2, count, in_g2, start = _manifest(source.data[:MANIFEST_LENGTH])
    return (
        number < files <= MAX_TRANSCRIPTS
        and 0 < count <= all_g1
        and start + count <= all_g1
        and max(all_g2, in_g2) <= TRANSCRIPT_G2_POINTS
    )


def read_transcript(source: Source, limit: int | None) -> Srs:
    """Read the first transcript of a participant; ``SrsError`` if it is not what it should be."""
    number, _, _, _, count, in_g2, start = _manifest(source.take(MANIFEST_LENGTH, "the manifest"))
    if number or start or in_g2 != TRANSCRIPT_G2_POINTS:
        raise SrsError(f"transcript number {number} has no [tau]_2: import transcript00.dat")
    stored = source.points(count, None if limit is None else limit - 1)
    points = from_canonical(_reorder_words(stored).reshape(-1, POINT_LENGTH))
    tau_g2 = g2_point(
        *integers(_reorder_words(source.take(g2.ENCODED_LENGTH, "[tau]_2")), "little")
    )
    source.take(g2.ENCODED_LENGTH, "the second point of G2")
    content = source.data[: source.position]
    checksum = source.take(CHECKSUM_LENGTH, "the checksum").tobytes()
    source.finish()
    if hashlib.blake2b(content.data).digest() != checksum:
        raise SrsError("its checksum does not match its content: the file is damaged")
    powers = np.concatenate([from_affine([g1.GENERATOR]), points])
    return source.srs(powers, g2.GENERATOR, tau_g2, "Aztec transcript")


def recognises_flat(source: Source) -> bool:
    """Say whether the file is a ``g1.dat``."""
    return source.peek(0, POINT_LENGTH) == FLAT_GENERATOR


def read_flat(source: Source, limit: int | None) -> Srs:
    """Read a ``g1.dat`` and the ``g2.dat`` beside it."""
    count, rest = divmod(len(source.data), POINT_LENGTH)
    if rest:
        raise SrsError(f"cut within point {count}")
    points = from_canonical(reverse_coordinates(source.points(count, limit)))
    beside = source.path.with_name("g2.dat")
    if not beside.exists():
        raise SrsError("has no [tau]_2: put the ceremony's g2.dat beside it")
    in_g2 = Source.open(beside)
    tau_g2 = _tau_g2(in_g2.take(g2.ENCODED_LENGTH, "[tau]_2 in g2.dat"))
    return source.srs(points, g2.GENERATOR, tau_g2, "flat g1.dat and g2.dat")


def recognises_noir(source: Source) -> bool:
    """Say whether the file is an ``.srs`` of Noir's tools."""
    length = int.from_bytes(source.peek(0, 8), "little")
    size = 8 + length + 8 + g2.ENCODED_LENGTH + 4
    return source.peek(8, POINT_LENGTH) == FLAT_GENERATOR or len(source.data) == size


def read_noir(source: Source, limit: int | None) -> Srs:
    """Read an ``.srs`` of Noir's tools."""
    count, rest = divmod(source.integer(8, "little", "the length"), POINT_LENGTH)
    if rest:
        raise SrsError("the length of its list of points is not a multiple of 64")
    points = from_canonical(reverse_coordinates(source.points(count, limit)))
    length = source.integer(8, "little", "the length of [tau]_2")
    if length != g2.ENCODED_LENGTH:
        raise SrsError(f"[tau]_2 has {length} bytes")
    tau_g2 = _tau_g2(source.take(length, "[tau]_2"))
    declared = source.integer(4, "little", "the number of points")
    source.finish()
    if declared != count:
        raise SrsError(f"declares {declared} points and holds {count}")
    return source.srs(points, g2.GENERATOR, tau_g2, "Noir .srs")


def _manifest(data: NDArray[np.uint8]) -> tuple[int, ...]:
    return unpack(">7I", data)


def _reorder_words(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Bring big-endian words of a little-endian sequence into plain little-endian order."""
    return data.reshape(-1, 8)[:, ::-1].ravel()


def _tau_g2(data: NDArray[np.uint8]) -> G2Point:
    """Read the point in the byte order of ``g2.dat``, or in that of the transcripts."""
    for x0, x1, y0, y1 in (integers(data, "big"), integers(_reorder_words(data), "little")):
        if g2.is_on_curve(((x0, x1), (y0, y1))):
            return g2_point(x0, x1, y0, y1)
    raise SrsError("[tau]_2 is not on the curve of G2")
