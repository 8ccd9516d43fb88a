"""What the verbs share in speaking: one JSON document or text as the result, a line a phase."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias, TypeVar

import click

from zkevm.phases import Phase, listening

if TYPE_CHECKING:
    from rich.status import Status

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


class PhaseLines:
    """Prints a line for each phase that has ended, and keeps them."""

    def __init__(self) -> None:
        self.phases: list[Phase] = []

    def began(self, name: str) -> None:
        """Say nothing yet."""

    def advanced(self, done: int, total: int, resumed: int) -> None:
        """Say nothing: the line is for the whole phase."""

    def ended(self, phase: Phase) -> None:
        """Print its line."""
        self.phases.append(phase)
        memory = phase.peak_memory / MEBIBYTE
        line = f"{phase.name:<24} {phase.seconds:8.2f} s   peak {memory:6.0f} MiB"
        click.secho(line, err=True, dim=True)


class LivePhases(PhaseLines):
    """The same on a terminal, with a spinner beside the phase that is under way, and time left."""

    def __init__(self, status: "Status") -> None:
        super().__init__()
        self.status = status
        self.name, self.start = "", 0.0

    def began(self, name: str) -> None:
        self.name, self.start = name, time.perf_counter()
        self.status.update(name)
        self.status.start()

    def advanced(self, done: int, total: int, resumed: int) -> None:
        each = (time.perf_counter() - self.start) / max(1, done - resumed)
        left = each * (total - done)
        self.status.update(f"{self.name}, {100 * done // total} %, {left:.0f} s left")

    def ended(self, phase: Phase) -> None:
        self.status.stop()
        super().ended(phase)


@contextmanager
def phases_on_stderr() -> Iterator[list[Phase]]:
    """Print each phase of the body as it ends, and collect them."""
    with ExitStack() as stack:
        lines = PhaseLines()
        if sys.stderr.isatty():
            from rich.console import Console  # noqa: PLC0415 (slow to import)

            status = Console(stderr=True).status("")
            stack.callback(status.stop)
            lines = LivePhases(status)
        stack.enter_context(listening(lines))
        yield lines.phases
