"""`zkevm setup`: make, import, check and describe structured reference strings."""

import hashlib
from pathlib import Path

import click

from zkevm import srs
from zkevm.cli.console import Json, aligned, json_option, print_result
from zkevm.cli.paths import OutputPath
from zkevm.curve import g2
from zkevm.errors import FileError
from zkevm.srs import Kind, Srs, VerifierSrs
from zkevm.srs.formats.source import MAX_DEGREE

DESCRIPTIONS = {
    Kind.HERMEZ: "the perpetual powers of tau as used by Hermez, recognised by [tau]_2",
    Kind.AZTEC: "Aztec Ignition, recognised by [tau]_2",
    Kind.DEVELOPMENT: "for development only: whoever made it could forge proofs",
    Kind.UNKNOWN: "of unknown origin: trust it only as far as you trust whoever made it",
}

FilePath = click.Path(path_type=Path, dir_okay=False)
degree_range = click.IntRange(1, MAX_DEGREE)
output_option = click.option(
    "-o", "--output", type=OutputPath, required=True, help="File to write."
)
verifier_option = click.option(
    "--verifier",
    type=OutputPath,
    help="Write the small part that `verify` needs to this file, too.",
)


@click.group()
def setup() -> None:
    """Make, import, check and describe trusted setups (SRS files)."""


@setup.command()
@click.option("--degree", type=degree_range, required=True, help="Make 2^DEGREE powers of tau.")
@output_option
@verifier_option
@json_option
def new(degree: int, output: Path, verifier: Path | None, *, as_json: bool) -> None:
    """Make a development SRS with a random tau, which is then forgotten."""
    _tell(f"making 2^{degree} powers of a random tau")
    _save(srs.generate(degree), output, verifier, as_json)


@setup.command(name="import")
@click.argument("ceremony", type=FilePath)
@click.option("--degree", type=degree_range, help="Keep 2^DEGREE powers of tau; all if not given.")
@output_option
@verifier_option
@json_option
def import_(
    ceremony: Path, degree: int | None, output: Path, verifier: Path | None, *, as_json: bool
) -> None:
    """Read the file of a CEREMONY and check it by pairings.

    Known formats: snarkjs .ptau, halo2 ParamsKZG, Aztec Ignition (transcript00.dat, or g1.dat with
    g2.dat beside it), Noir .srs, arkworks, gnark.
    """
    _save(srs.import_ceremony(ceremony, degree, _tell), output, verifier, as_json)


@setup.command()
@click.argument("file", type=FilePath)
@json_option
def verify(file: Path, *, as_json: bool) -> None:
    """Check every power of an SRS FILE, or of a ceremony's file."""
    checked = srs.load_any(file) if srs.is_srs_file(file) else None
    if checked is None:
        checked = srs.import_ceremony(file, None, _tell)
    elif isinstance(checked, Srs):
        srs.check(checked, _tell)
    print_result(as_json, _describe(file, checked), ["sound", *_lines(_describe(file, checked))])


@setup.command()
@click.argument("file", type=FilePath)
@json_option
def info(file: Path, *, as_json: bool) -> None:
    """Describe an SRS FILE, whole or for verifiers alone, after comparing its checksum."""
    document = _describe(file, srs.load_any(file))
    print_result(as_json, document, _lines(document))


def _save(made: Srs, output: Path, verifier: Path | None, as_json: bool) -> None:
    srs.save(made, output)
    if verifier is not None:
        srs.save_verifier(made.verifier, verifier)
    document = _describe(output, made)
    print_result(as_json, document, _lines(document))


def _describe(path: Path, described: Srs | VerifierSrs) -> Json:
    verifier = described.verifier if isinstance(described, Srs) else described
    return {
        "file": str(path),
        "sha256": _sha256(path),
        "kind": str(verifier.kind),
        "meaning": DESCRIPTIONS[verifier.kind],
        "degree": described.degree if isinstance(described, Srs) else None,
        "powers": len(described) if isinstance(described, Srs) else 0,
        "multiples": _multiples(described) if isinstance(described, Srs) else None,
        "provenance": verifier.provenance,
        "identifier": verifier.identifier.hex(),
        "tau_g2": g2.encode(verifier.tau_g2).hex(),
    }


def _multiples(described: Srs) -> str:
    """Where the multiples of the powers are, and how large; they are made by the first proof."""
    path, size = srs.multiples_path(described), srs.multiples_size(described) / 1e6
    return f"{path}, {size:.1f} MB" + ("" if path.is_file() else ", once a proof needs them")


def _lines(document: Json) -> list[str]:
    labels = {"tau_g2": "[tau]_2"}
    values = {**document, "degree": document["degree"] or "none: for verifying only"}
    values["multiples"] = document["multiples"] or "none"
    return aligned([(labels.get(key, key), str(value)) for key, value in values.items()])


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error


def _tell(message: str) -> None:
    click.echo(message, err=True)
