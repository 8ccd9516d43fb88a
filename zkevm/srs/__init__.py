"""The trusted setup: structured reference strings, their files, checks and known ceremonies."""

from zkevm.srs.ceremonies import Kind
from zkevm.srs.checks import check
from zkevm.srs.development import cached_verifier, development_srs
from zkevm.srs.formats import import_ceremony
from zkevm.srs.multiples import first_multiples, multiples_path, multiples_size, with_multiples
from zkevm.srs.powers_of_tau import Srs, VerifierSrs, generate, known_verifier
from zkevm.srs.storage import (
    is_srs_file,
    load,
    load_any,
    load_verifier,
    save,
    save_verifier,
)

__all__ = [
    "Kind",
    "Srs",
    "VerifierSrs",
    "cached_verifier",
    "check",
    "development_srs",
    "first_multiples",
    "generate",
    "import_ceremony",
    "is_srs_file",
    "known_verifier",
    "load",
    "load_any",
    "load_verifier",
    "multiples_path",
    "multiples_size",
    "save",
    "save_verifier",
    "with_multiples",
]
