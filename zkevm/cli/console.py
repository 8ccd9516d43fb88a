"""What the verbs share in speaking: one JSON document or text as the result, a line a phase."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeAlias, TypeVar

import click

from zkevm.phases import Phase, listening

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Json: TypeAlias = Mapping[str, Any]

MEBIBYTE = 1 << 20


def json_option(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Add `--json`."""
    option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    return option(command)


def print_result(as_json: bool, document: Json, lines: Sequence[str]) -> None:
    """Print the one or the other to standard output."""
    click.echo(json.dumps(document, indent=1) if as_json else "\n".join(lines))


def aligned(pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Lines of labels and values with the values in one column."""
    width = max((len(label) for label, _ in pairs), default=0)
    return [f"{label:<{width}}  {value}" for label, value in pairs]


@contextmanager
def phases_on_stderr() -> Iterator[list[Phase]]:
    """Print each phase of the body as it ends, and collect them."""
    phases: list[Phase] = []

    def tell(phase: Phase) -> None:
        phases.append(phase)
        memory = phase.peak_memory / MEBIBYTE
        line = f"{phase.name:<24} {phase.seconds:8.2f} s   peak {memory:6.0f} MiB"
        click.secho(line, err=True, dim=True)

    with listening(tell):
        yield phases
