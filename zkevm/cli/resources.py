"""How much of the machine a command may use: the options of proving."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TypeVar

import click

from zkevm.cli.paths import FilePath
from zkevm.proof.resources import Resources

Result = TypeVar("Result")

UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}


class SizeType(click.ParamType[int]):
    """So many bytes, as in `4G` or `512M` (powers of 1024)."""

    name = "SIZE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        found = re.fullmatch("([0-9]+(?:[.][0-9]+)?)([KMGT])(?:i?B)?", str(value))
        if found is None:
            self.fail(f"{value!r} is not a size such as 4G or 512M", param, ctx)
        return int(float(found[1]) * (1 << UNITS[found[2]]))


def resources_options(command: Callable[..., Result]) -> Callable[..., Result]:
    """Add the options; the command is called with what they say, as `resources`."""

    @click.option(
        "--memory",
        type=SizeType(),
        help="Prove in segments such that all processes together take no more than this.",
    )
    @click.option(
        "--jobs",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Segments to prove at once, each in a process of its own.",
    )
    @click.option(
        "--work-dir", type=FilePath, help="Folder for finished segments, to go on from there."
    )
    @click.option(
        "--ray",
        "cluster",
        metavar="ADDRESS",
        help="Prove segments on a Ray cluster ('local' starts one); --memory is each worker's.",
    )
    @wraps(command)
    def with_resources(
        *args: object,
        memory: int | None,
        jobs: int,
        work_dir: Path | None,
        cluster: str | None,
        **kwargs: object,
    ) -> Result:
        return command(*args, resources=Resources(memory, jobs, work_dir, cluster), **kwargs)

    return with_resources
