"""Choosing a case of a state-test file: the argument and options that several verbs share."""

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from zkevm.evm.statetest import TestCase

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

FilePath = click.Path(path_type=Path, readable=False)
"""A path that is not looked at: whoever reads it says what is wrong, with the right exit code."""


class AddressType(click.ParamType[int]):
    """An account, as in `0x00000000219ab540356cbb839cbe05303d7705fa`."""

    name = "ADDRESS"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        if not re.fullmatch("0x[0-9a-fA-F]{40}", str(value)):
            self.fail(f"{value!r} is not an address of 40 hexadecimal digits", param, ctx)
        return int(str(value), 16)


class IndexType(click.ParamType[tuple[int, int, int]]):
    """Three counts from 0, as in `0,0,1`."""

    name = "DATA,GAS,VALUE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int]:
        parts = str(value).split(",")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            self.fail(f"{value!r} is not three numbers such as 0,0,0", param, ctx)
        data, gas, amount = (int(part) for part in parts)
        return data, gas, amount


def case_options(command: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Add INPUT, as `path`, and the options that choose one of its cases."""
    for option in (
        click.option("--index", type=IndexType(), help="Choice of data, gas limit and value."),
        click.option("--fork", help="Fork, such as Prague; the newest of the test if not given."),
        click.option("--test", help="Name of the test, where INPUT holds several."),
        click.argument("path", metavar="INPUT", type=FilePath),
    ):
        command = option(command)
    return command


def case_argument(
    command: Callable[Concatenate[TestCase, Parameters], Result],
) -> Callable[..., Result]:
    """Add INPUT and its options; the command is called with the case that they choose."""

    @case_options
    @wraps(command)
    def with_case(
        path: Path,
        test: str | None,
        fork: str | None,
        index: tuple[int, int, int] | None,
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        from zkevm import api  # noqa: PLC0415 (keeps `--help` quick)

        return command(api.load(path, test=test, fork=fork, index=index), *args, **kwargs)

    return with_case


def case_document(case: TestCase) -> dict[str, object]:
    """The case in JSON."""
    return {"test": case.name, "fork": case.fork.name, "index": list(case.indexes)}


def case_line(case: TestCase) -> str:
    """The case in words."""
    return f"{case.name}, {case.fork.name}, index {','.join(map(str, case.indexes))}"
