"""Paths on the command line."""

import os
from pathlib import Path

import click

from zkevm.files import require_writable

FilePath = click.Path(path_type=Path, readable=False)
"""A path that is not looked at: whoever reads it says what is wrong, with the right exit code."""


class OutputType(click.Path):
    """A file to write: that nothing can be written there is said before the work, not after it."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        require_writable(path)
        return path


OutputPath = OutputType(readable=False)
