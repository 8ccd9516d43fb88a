"""`zkevm statetest`."""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click
import msgspec

from zkevm import api
from zkevm.cli.console import Json, json_option, phases_on_stderr, print_result
from zkevm.cli.paths import FilePath, OutputPath
from zkevm.errors import InputError, UsageError
from zkevm.files import write_whole
from zkevm.replay import CaseResult, Level, Options, Totals, Verdict, replay, report_page, sample
from zkevm.replay.verdicts import STEP_LIMIT

NEGATIVE = 1
WRONG = frozenset({Verdict.FAIL, Verdict.MALFORMED})


@click.command()
@click.argument("paths", metavar="PATH...", type=FilePath, nargs=-1, required=True)
@click.option(
    "--level",
    type=click.Choice([str(level) for level in Level]),
    default=str(Level.EXECUTE),
    show_default=True,
    help="How far to take each case.",
)
@click.option(
    "--statement",
    type=click.Choice([each.name for each in api.Level]),
    default=api.Level.S1.name,
    show_default=True,
    help="What to check or prove: S2 hashes the codes that run.",
)
@click.option("--fork", help="Take cases of this fork alone, such as Prague.")
@click.option("--run", metavar="REGEX", help="Take tests alone whose FILE::NAME matches.")
@click.option("--sample", "size", type=click.IntRange(1), help="Take so many cases at random.")
@click.option("--seed", type=int, help="Of the sample; printed, and random if not given.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option(
    "--step-limit",
    type=click.IntRange(0),
    default=STEP_LIMIT,
    show_default=True,
    help="Skip longer cases at levels check and prove.",
)
@click.option(
    "--traces",
    type=FilePath,
    help="Folder of EIP-3155 files TEST-FORK-D-G-V.jsonl, to find the first step that differs.",
)
@click.option("--no-cache", is_flag=True, help="Check and prove again what passed before.")
@click.option("--report", type=OutputPath, metavar="FILE.html", help="Write a page for people.")
@json_option
@click.pass_context
def statetest(
    ctx: click.Context,
    paths: tuple[Path, ...],
    level: str,
    statement: str,
    fork: str | None,
    run: str | None,
    size: int | None,
    seed: int | None,
    jobs: int,
    step_limit: int,
    traces: Path | None,
    *,
    no_cache: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Replay test fixtures, one result for each test, fork and index.

    PATHs are JSON files, folders of them, or archives (.tar, .tar.gz, .tar.xz, .zip), which are not
    unpacked to disk. Exits with 1 if a case fails, else with 10 if a file is malformed.
    """
    options = Options(
        level=Level(level),
        fork=fork,
        run=run,
        step_limit=step_limit,
        cache=not no_cache,
        statement=api.Level[statement],
        traces=traces,
    )
    with phases_on_stderr():
        if size is not None:
            seed = secrets.randbits(32) if seed is None else seed
            click.echo(f"a sample of {size:,} cases with --seed {seed}", err=True)
            options = replace(options, only=sample(paths, options, size, seed))
        results = [announced(result) for result in replay(paths, options, jobs)]
    if not results:
        raise UsageError("no test matches: see --fork and --run")
    if report is not None:
        write_whole(report, [report_page(results, options.level).encode()])
    totals = Totals.of(results)
    print_result(as_json, document(results, options.level, totals), lines(results, totals))
    ctx.exit(exit_code(totals.verdicts))


def announced(result: CaseResult) -> CaseResult:
    """The same result; one that is wrong has a line at once, long before the replay ends."""
    if result.verdict in WRONG:
        click.echo(headline(result), err=True)
    return result


def exit_code(verdicts: Mapping[Verdict, int]) -> int:
    """A failed case weighs more than a malformed file."""
    if verdicts.get(Verdict.FAIL):
        return NEGATIVE
    return InputError.exit_code if verdicts.get(Verdict.MALFORMED) else 0


def document(results: list[CaseResult], level: Level, totals: Totals) -> Json:
    """Every result and the totals, in JSON."""
    return {
        "level": level,
        "totals": {verdict: totals.verdicts[verdict] for verdict in Verdict},
        "cases": msgspec.to_builtins(results),
    }


def lines(results: list[CaseResult], totals: Totals) -> list[str]:
    """What is wrong in full, the rest in numbers."""
    found: list[str] = []
    for result in results:
        if result.verdict in WRONG:
            found += [headline(result), *(f"  {line}" for line in result.reasons)]
    for verdict in (Verdict.SKIPPED, Verdict.REFUSED):
        for reason, count in Counter(totals.reasons.get(verdict, {})).most_common():
            found.append(f"{count:>7,} {verdict}: {reason}")
    found += [f"{fork or 'no fork'}: {words(counts)}" for fork, counts in totals.forks.items()]
    cached = f" ({totals.cached:,} from the cache)" if totals.cached else ""
    pace = f"; {totals.pace}" if totals.pace else ""
    return [*found, f"{len(results):,} cases: {words(totals.verdicts)}{cached}{pace}"]


def headline(result: CaseResult) -> str:
    """The verdict and the case."""
    return f"{result.verdict.upper()} {name(result)}"


def name(result: CaseResult) -> str:
    """A case in words, or the file that could not be read."""
    if not result.test:
        return result.source
    index = ",".join(map(str, result.index))
    return f"{result.source}: {result.test}, {result.fork}, index {index}"


def words(verdicts: Mapping[Verdict, int]) -> str:
    """Counts of verdicts in words."""
    return ", ".join(f"{verdicts[v]:,} {v}" for v in Verdict if verdicts.get(v)) or "none"
