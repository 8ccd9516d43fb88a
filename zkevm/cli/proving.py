"""`zkevm check`, `zkevm prove` and `zkevm verify`."""

from dataclasses import asdict
from pathlib import Path

import click

from zkevm import api
from zkevm.cli.console import (
    MEBIBYTE,
    Json,
    aligned,
    json_option,
    phases_on_stderr,
    print_result,
)
from zkevm.cli.inputs import case_document, case_line, provable_argument
from zkevm.cli.paths import FilePath, OutputPath
from zkevm.cli.resources import resources_options
from zkevm.cli.setup import DESCRIPTIONS
from zkevm.errors import FileError, VerificationError
from zkevm.files import write_whole
from zkevm.phases import Phase, peak_memory
from zkevm.srs import VerifierSrs, load_verifier

NEGATIVE = 1
LEVELS = {
    api.Level.S1: "S1: execution; see the README for what that leaves open",
    api.Level.S2: "S2: execution and codes; see the README for what that leaves open",
}

level_option = click.option(
    "--level",
    type=click.Choice([level.name for level in api.Level]),
    default=api.Level.S1.name,
    show_default=True,
    help="S1 states the codes that run, S2 hashes them in the proof.",
)
srs_option = click.option("--srs", "srs_file", type=FilePath, help="SRS file.")


@click.command()
@provable_argument
@level_option
@json_option
@click.pass_context
def check(
    ctx: click.Context, case: api.TestCase | api.Excerpt, level: str, *, as_json: bool
) -> None:
    """Check every constraint of a transaction, or of several of a block.

    Fills all tables and checks every constraint and every bus, without cryptography. Exits with 1
    and explains in EVM terms if something is wrong.
    """
    with phases_on_stderr():
        checked = api.check(case, api.Level[level])
    warn_of_problems(checked.execution)
    print_result(as_json, check_document(checked), check_lines(checked))
    ctx.exit(NEGATIVE if checked.failures else 0)


@click.command()
@provable_argument
@level_option
@srs_option
@click.option("-o", "--output", type=OutputPath, default=Path("proof.json"), show_default=True)
@click.option("--binary", is_flag=True, help="Write the compact form instead of JSON.")
@resources_options
@json_option
def prove(
    case: api.TestCase | api.Excerpt,
    level: str,
    srs_file: Path | None,
    output: Path,
    resources: api.Resources,
    *,
    binary: bool,
    as_json: bool,
) -> None:
    """Prove a transaction, or several of a block.

    Executes it, proves what it did, and verifies the proof. Without --srs a development SRS is
    used, which is made once. What does not fit into --memory at once is proven in segments; an
    interrupted proof goes on from the finished ones where --work-dir is the same.
    """
    with phases_on_stderr() as phases:
        srs = None if srs_file is None else api.load_srs(srs_file)
        proven = api.prove(case, srs, api.Level[level], resources)
    warn_of_problems(proven.execution)
    write_whole(output, [proven.encode(binary=binary)])
    document = prove_document(proven, output, phases)
    print_result(as_json, document, prove_lines(document))


@click.command()
@click.argument("proof", type=FilePath)
@click.option(
    "--srs",
    "srs_file",
    type=FilePath,
    help="SRS file, whole or for verifiers, of no known ceremony.",
)
@json_option
def verify(proof: Path, srs_file: Path | None, *, as_json: bool) -> None:
    """Verify a proof and print what it says.

    Exits with 1 if the proof is rejected.
    """
    try:
        data = proof.read_bytes()
    except OSError as error:
        raise FileError(f"{proof}: {error.strerror or error}") from error
    srs = None if srs_file is None else load_verifier(srs_file)
    try:
        with phases_on_stderr():
            verified = api.verify(data, srs)
    except VerificationError as error:
        if as_json:
            print_result(True, {"verdict": "rejected", "reason": str(error)}, [])
        raise
    print_result(as_json, verify_document(verified), verify_lines(verified))


def case_of(execution: api.Execution | api.Excerpt) -> api.TestCase | api.Excerpt:
    """What was executed."""
    return execution if isinstance(execution, api.Excerpt) else execution.case


def warn_of_problems(execution: api.Execution | api.Excerpt) -> None:
    """Say on standard error that what is proven is not what the input expects."""
    problems = [] if isinstance(execution, api.Excerpt) else execution.problems()
    if problems:
        click.echo(f"warning: not what the input expects: {'; '.join(problems)}", err=True)


def check_document(checked: api.Checked) -> Json:
    """The verdict in JSON."""
    return {
        **case_document(case_of(checked.execution)),
        "verdict": "failed" if checked.failures else "passed",
        "rows": dict(checked.rows),
        "failures": [asdict(failure) for failure in checked.failures],
    }


def check_lines(checked: api.Checked) -> list[str]:
    """The verdict in words."""
    case = case_line(case_of(checked.execution))
    if checked.failures:
        first = [line for failure in checked.failures for line in failure.lines()]
        return [*first, f"failed: {case}: {len(checked.failures)} faults"]
    rows = sum(checked.rows.values())
    return [f"passed: {case}: {rows:,} rows of {len(checked.rows)} tables"]


def prove_document(proven: api.Proven, output: Path, phases: list[Phase]) -> Json:
    """What was made, in JSON. Sizes are those of the compact form; codes are hex in it."""
    return {
        **case_document(case_of(proven.execution)),
        "proof": str(output),
        "proof_bytes": len(proven.encode(binary=True)),
        "code_bytes": 2 * sum(map(len, proven.statement.codes)),
        "segments": len(proven.proof.heights),
        "srs": srs_document(proven.srs),
        "phases": [asdict(phase) for phase in phases],
        "peak_memory": peak_memory(),
    }


def prove_lines(document: Json) -> list[str]:
    """The same in words."""
    size, codes = document["proof_bytes"], document["code_bytes"]
    seconds = sum(phase["seconds"] for phase in document["phases"])
    memory = document["peak_memory"] / MEBIBYTE
    srs, segments = document["srs"], document["segments"]
    parts = f", {segments} segments" if segments > 1 else ""
    return aligned(
        [
            ("proof", f"{document['proof']}, verified{parts}"),
            ("size", f"{(size - codes) / 1000:,.1f} kB, and {codes / 1000:,.1f} kB of public code"),
            ("setup", f"{srs['kind']}: {srs['meaning']}"),
            ("time", f"{seconds:.2f} s, peak memory {memory:,.0f} MiB"),
        ]
    )


def verify_document(verified: api.Verified) -> Json:
    """The verdict and the statement, in JSON."""
    return {
        "verdict": "accepted",
        "level": LEVELS[verified.statement.level],
        "srs": srs_document(verified.srs),
        "statement": verified.statement.to_json(),
    }


def verify_lines(verified: api.Verified) -> list[str]:
    """The verdict and the statement, in words."""
    srs = srs_document(verified.srs)
    return [
        "accepted",
        f"level        {LEVELS[verified.statement.level]}",
        f"setup        {srs['kind']}: {srs['meaning']}",
        *verified.statement.describe(),
    ]


def srs_document(srs: VerifierSrs) -> Json:
    """Which setup, in JSON."""
    return {
        "kind": str(srs.kind),
        "meaning": DESCRIPTIONS[srs.kind],
        "identifier": "0x" + srs.identifier.hex(),
    }
