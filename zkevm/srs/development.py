"""The development SRS that is made once, in the user's cache directory, and used by default."""

import os
import re
import sys
from functools import lru_cache
from pathlib import Path

from zkevm.errors import FileError
from zkevm.srs import storage
from zkevm.srs.checks import Progress
from zkevm.srs.powers_of_tau import Srs, VerifierSrs, generate

DEFAULT_DEGREE = 17
"""Enough for most transactions; a smaller request gets this one, so that one file serves."""

FILE = re.compile(r"development-([1-9]\d?)\.srs")


def to_stderr(message: str) -> None:
    """Print a line of progress."""
    print(message, file=sys.stderr)  # noqa: T201


def cache_directory() -> Path:
    """Return the directory of cached setups: ``$XDG_CACHE_HOME/zkevm`` or ``~/.cache/zkevm``."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "zkevm"


def development_srs(degree: int = DEFAULT_DEGREE, notice: Progress = to_stderr) -> Srs:
    """Return a cached development SRS of at least this degree, made on the first call.

    The tau of a cached SRS is forgotten but was never shared among parties: `notice` is told so.
    Raises ``FileError`` if the cache cannot be used, ``SrsError`` if its file is damaged.
    """
    cached = [path for size, path in _cached() if size >= degree]
    path = cached[0] if cached else _path(max(degree, DEFAULT_DEGREE))
    if not cached:
        notice(f"making a development SRS, once: {path}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(f"cannot make {path.parent}: {error.strerror}") from error
        # If another process is faster, both use its file: a second tau would orphan proofs.
        storage.save(generate(max(degree, DEFAULT_DEGREE)), path, replace=False)
    notice(f"using the development SRS {path}: not for production, whoever made it could forge")
    return storage.load(path)


def cached_verifier(identifier: bytes) -> VerifierSrs | None:
    """Return the verifier's part of the cached development SRS of this identifier, or ``None``."""
    found = (_verifier(path, path.stat().st_mtime_ns) for _, path in _cached())
    return next((srs for srs in found if srs.identifier == identifier), None)


@lru_cache(maxsize=16)
def _verifier(path: Path, modified: int) -> VerifierSrs:  # noqa: ARG001 (read again when it is)
    return storage.load_verifier(path, summed=False)


def _path(degree: int) -> Path:
    return cache_directory() / f"development-{degree}.srs"


def _cached() -> list[tuple[int, Path]]:
    """Return degree and path of each cached SRS, the smallest first."""
    named = ((FILE.fullmatch(path.name), path) for path in cache_directory().glob("*.srs"))
    return sorted((int(match[1]), path) for match, path in named if match and path.is_file())
