"""The project's own SRS file.

    magic        8 bytes, ``zkevmsrs``
    version      u32, 1
    flags        u32, 1 for a development SRS
    count        u64, the number of powers; 0 in a file for verifiers alone
    length       u64, bytes of the provenance text
    provenance   UTF-8, then zeros up to a multiple of 64
    [1]_2        128 bytes, and
    [tau]_2      128 bytes, as `zkevm.curve.g2.encode` writes them
    powers       count * 64 bytes, the layout of `zkevm.srs.points`
    checksum     32 bytes, SHA-256 of all that precedes

Integers are little-endian.  The powers lie at a multiple of 64, to be mapped into memory.
"""

import hashlib
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from zkevm.curve import EncodingError, G2Point, g2
from zkevm.errors import FileError, SrsError
from zkevm.files import write_whole
from zkevm.srs.points import POINT_LENGTH, Points
from zkevm.srs.powers_of_tau import Srs, VerifierSrs

MAGIC = b"zkevmsrs"
VERSION = 1
DEVELOPMENT_FLAG = 1
HEADER = struct.Struct("<8sIIQQ")
ALIGNMENT = 64
CHECKSUM_LENGTH = 32

EMPTY = np.zeros((0, POINT_LENGTH), np.uint8)


def save(srs: Srs, path: Path, *, replace: bool = True) -> None:
    """Write `srs` to `path`, whole or not at all; ``FileError`` if it cannot be written.

    Without `replace` a file that is already there stays as it is.
    """
    write_whole(path, _checksummed(_sections(srs.points, srs.verifier)), replace=replace)


def save_verifier(srs: VerifierSrs, path: Path) -> None:
    """Write the verifier's part alone, some hundred bytes, to `path`; errors as in `save`."""
    write_whole(path, _checksummed(_sections(EMPTY, srs)))


def load(path: Path) -> Srs:
    """Open an SRS file; its powers stay on disk and are mapped into memory.

    Raises ``FileError`` if it cannot be read and ``SrsError`` if it is not a whole SRS file.
    The checksum is compared; `zkevm.srs.checks.check` tells whether the powers are ones.
    """
    srs = load_any(path)
    if isinstance(srs, VerifierSrs):
        raise SrsError(f"{path} is for verifying only: it holds no powers of tau")
    return srs


def load_verifier(path: Path, *, summed: bool = True) -> VerifierSrs:
    """Read the verifier's part of an SRS file, whole or small; errors as in `load`.

    Unless `summed` the checksum is not compared, for which all powers would have to be read: enough
    to find a file of one's own by its identifier.
    """
    return _read(path, summed=summed)[0]


def load_any(path: Path) -> Srs | VerifierSrs:
    """Open an SRS file, whole or small, as what it is; errors as in `load`."""
    verifier, points = _read(path, summed=True)
    return Srs(points, verifier) if len(points) else verifier


def is_srs_file(path: Path) -> bool:
    """Say whether the file at `path` begins as one of this format; ``FileError`` if unreadable."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error


def _sections(points: Points, verifier: VerifierSrs) -> list[bytes | memoryview]:
    provenance = verifier.provenance.encode()
    flags = DEVELOPMENT_FLAG if verifier.is_development else 0
    header = HEADER.pack(MAGIC, VERSION, flags, len(points), len(provenance)) + provenance
    padding = bytes(-len(header) % ALIGNMENT)
    in_g2 = g2.encode(verifier.g2) + g2.encode(verifier.tau_g2)
    return [header, padding, in_g2, np.ascontiguousarray(points).data]


def _checksummed(sections: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    checksum = hashlib.sha256()
    for section in sections:
        checksum.update(section)
        yield section
    yield checksum.digest()


def _read(path: Path, *, summed: bool) -> tuple[VerifierSrs, Points]:
    try:
        data = np.memmap(path, np.uint8, "r")
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SrsError(f"{path} is empty") from error
    try:
        return _parse(data, summed=summed)
    except (SrsError, EncodingError) as error:
        raise SrsError(f"{path}: {error}") from error


def _parse(data: Points, *, summed: bool) -> tuple[VerifierSrs, Points]:
    header = data[: HEADER.size].tobytes()
    if header[: len(MAGIC)] != MAGIC:
        raise SrsError("not an SRS file: read a ceremony's file with `zkevm setup import`")
    if len(header) < HEADER.size:
        raise SrsError("cut within its header")
    _, version, flags, count, length = HEADER.unpack(header)
    if version != VERSION or flags not in {0, DEVELOPMENT_FLAG}:
        raise SrsError(f"an SRS file of version {version}, flags {flags}: not known here")
    start = -(-(HEADER.size + length) // ALIGNMENT) * ALIGNMENT
    points_start = start + 2 * g2.ENCODED_LENGTH
    points_end = points_start + POINT_LENGTH * count
    expected = points_end + CHECKSUM_LENGTH
    if len(data) != expected:
        raise SrsError(f"has {len(data)} bytes instead of {expected}: cut or extended")
    if summed and not _has_checksum(data):
        raise SrsError("its checksum does not match its content: the file is damaged")
    in_g2 = data[start:points_start].tobytes()
    provenance = data[HEADER.size : HEADER.size + length].tobytes().decode(errors="replace")
    verifier = VerifierSrs(
        _decode_g2(in_g2),
        is_development=bool(flags),
        provenance="".join(filter(str.isprintable, provenance)),
    )
    return verifier, data[points_start:points_end].reshape(count, POINT_LENGTH)


def _has_checksum(data: Points) -> bool:
    checksum = hashlib.sha256(data[:-CHECKSUM_LENGTH].data).digest()
    return checksum == data[-CHECKSUM_LENGTH:].tobytes()


def _decode_g2(data: bytes) -> G2Point:
    if data[: g2.ENCODED_LENGTH] != g2.encode(g2.GENERATOR):
        raise SrsError("[1]_2 is not the standard generator of G2")
    return g2.decode(data[g2.ENCODED_LENGTH :])
