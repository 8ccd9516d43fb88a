"""The file formats of ceremonies.  A file is recognised by its content, never by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zkevm.curve import EncodingError
from zkevm.errors import SrsError
from zkevm.srs.checks import Progress, check, silent
from zkevm.srs.formats import arkworks, aztec, gnark, halo2, ptau
from zkevm.srs.formats.source import Source
from zkevm.srs.powers_of_tau import Srs
from zkevm.srs.storage import MAGIC


@dataclass(frozen=True)
class Format:
    """How to recognise a format and read at most so many powers of it."""

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, int | None], Srs]


FORMATS = (
    Format("snarkjs .ptau", ptau.recognises, ptau.read),
    Format("halo2 ParamsKZG", halo2.recognises, halo2.read),
    Format("Aztec g1.dat", aztec.recognises_flat, aztec.read_flat),
    Format("Noir .srs", aztec.recognises_noir, aztec.read_noir),
    Format("arkworks .bin", arkworks.recognises, arkworks.read),
    Format("gnark SRS", gnark.recognises, gnark.read),
    Format("Aztec transcript00.dat", aztec.recognises_transcript, aztec.read_transcript),
)

KZG_4844_BEGINNINGS = (b"{", b"4096\n65\n")
"""``trusted_setup.json`` of clients and ``trusted_setup.txt`` of c-kzg."""


def import_ceremony(path: Path, degree: int | None = None, progress: Progress = silent) -> Srs:
    """Read a ceremony's file, its first ``2**degree`` powers or all, and check them.

    Raises ``FileError`` if a file cannot be read, ``SrsError`` if it is no sound SRS over BN254.
    """
    source = Source.open(path)
    try:
        file_format = _recognise(source)
        progress(f"reading {path}: {file_format.name}")
        srs = file_format.read(source, None if degree is None else 1 << degree)
        srs = srs if degree is None else srs.truncated(degree)
        check(srs, progress)
    except (SrsError, EncodingError) as error:
        raise SrsError(f"{path}: {error}") from error
    return srs


def _recognise(source: Source) -> Format:
    if source.peek(0, len(MAGIC)) == MAGIC:
        raise SrsError("is an SRS file of this project already: pass it to `--srs`")
    if source.peek(0, 8).startswith(KZG_4844_BEGINNINGS):
        raise SrsError("looks like the setup of EIP-4844, which is over BLS12-381, not BN254")
    found = next((each for each in FORMATS if each.recognises(source)), None)
    if found is None:
        names = ", ".join(each.name for each in FORMATS)
        raise SrsError(f"not a powers-of-tau file over BN254 of a known format ({names})")
    return found
