"""A click group that imports a verb only when it is used, and that ends errors in one line."""

import atexit
import gc
import os
from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

import click

from zkevm.errors import ZkevmError

GARBAGE_THRESHOLD = 1_000_000
"""Net allocations between searches for cycles: building a circuit makes many objects, no cycles."""


class Verb(NamedTuple):
    """Where a command is, as `module:attribute`, and how its help begins."""

    place: str
    summary: str


class VerbGroup(click.Group):
    """`verbs` are the commands by name, in the order of `--help`."""

    def __init__(self, name: str, help: str, verbs: Mapping[str, Verb]) -> None:  # noqa: A002
        super().__init__(name=name, help=help, context_settings={"max_content_width": 100})
        self.verbs = verbs

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(self.verbs)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.verbs:
            return None
        module, _, attribute = self.verbs[cmd_name].place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, verb.summary) for name, verb in self.verbs.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; an error that is meant for the user becomes one line on standard error."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        gc.set_threshold(GARBAGE_THRESHOLD)
        atexit.register(gc.freeze)  # the interpreter searches once more as it ends: for nothing
        try:
            result: object = super().invoke(ctx)
        except ZkevmError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(error.exit_code)
        return result
