"""Multiples of the powers, made once and kept on disk: with them commitments take fewer additions.

They lie in the user's cache directory, in a file named by the identifier of the SRS and the degree.
It holds what `zkevm._native.multiples` returns and nothing else: before they are used the powers
among them are compared with those of the SRS, and all others with the check of their block. A file
that is cut, foreign or altered is made again.
"""

import mmap
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np

from zkevm.errors import FileError
from zkevm.files import write_whole
from zkevm.srs.checks import Progress
from zkevm.srs.development import cache_directory, to_stderr
from zkevm.srs.points import POINT_LENGTH, Points, native_kernels
from zkevm.srs.powers_of_tau import Srs

LARGEST_DEGREE = 18
"""Only the first 2^18 powers have multiples, 51 MB of them: larger polynomials do without."""

KEPT = 4
"""How many setups have a file: those whose multiples were made last."""

BLOCK_POWERS = 256
BLOCK_LINES = 772
"""The points of a block of powers among the multiples, see `zkevm._native.multiples`."""

MEGABYTE = 10**6


def with_multiples(srs: Srs, notice: Progress = to_stderr) -> Srs:
    """Return `srs` with the multiples of its powers, which are made on the first call.

    Without native kernels, and for fewer powers than a block, there are none. If they cannot be
    kept, `notice` is told so, and they are made on every call.
    """
    native = native_kernels()
    powers = srs.points[: 1 << min(srs.degree, LARGEST_DEGREE)]
    if native is None or len(powers) < BLOCK_POWERS:
        return srs
    path = multiples_path(srs)
    multiples = _read(native, path, powers)
    if multiples is None:
        size = multiples_size(srs) / MEGABYTE
        notice(f"making multiples of the powers of this SRS, once: {path}, {size:.1f} MB")
        multiples = native.multiples(np.ascontiguousarray(powers))
        try:
            _save(multiples, path)
        except FileError as error:
            notice(f"{error}: they will be made again")
        else:
            multiples = _read(native, path, powers)
    return replace(srs, multiples=multiples)


def first_multiples(srs: Srs, count: int) -> Points | None:
    """Return the multiples of the first `count` powers, or ``None`` if there are none of all."""
    lines = count // BLOCK_POWERS * BLOCK_LINES
    if srs.multiples is None or count % BLOCK_POWERS or len(srs.multiples) < lines:
        return None
    return srs.multiples[:lines]


def multiples_path(srs: Srs) -> Path:
    """Return the file of the multiples of `srs`."""
    degree = min(srs.degree, LARGEST_DEGREE)
    return cache_directory() / f"multiples-{srs.identifier.hex()[:16]}-{degree}.points"


def multiples_size(srs: Srs) -> int:
    """Return the bytes of that file."""
    powers = 1 << min(srs.degree, LARGEST_DEGREE)
    return powers // BLOCK_POWERS * BLOCK_LINES * POINT_LENGTH


def _read(native: ModuleType, path: Path, powers: Points) -> Points | None:
    """Map the file, if there is one of the multiples of `powers`."""
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # none, or an empty one
        return None
    if len(mapped) % POINT_LENGTH:
        return None
    multiples = np.frombuffer(mapped, np.uint8).reshape(-1, POINT_LENGTH)
    if not native.are_multiples(multiples, powers):
        return None
    if hasattr(mmap, "MADV_DONTNEED"):  # only what is used shall take memory
        mapped.madvise(mmap.MADV_DONTNEED)
    return multiples


def _save(multiples: Points, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make {path.parent}: {error.strerror}") from error
    write_whole(path, [multiples.data])
    with suppress(OSError):  # another process may have been faster
        made = sorted(path.parent.glob("multiples-*.points"), key=lambda file: file.stat().st_mtime)
        for file in made[:-KEPT]:
            file.unlink()
