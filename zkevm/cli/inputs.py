"""Choosing a case of a state test or transactions of a block: what several verbs share."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from zkevm.cli.paths import FilePath
from zkevm.errors import UsageError
from zkevm.evm.statetest import TestCase

if TYPE_CHECKING:
    from zkevm.evm.excerpt import Excerpt

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


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


class TransactionsType(click.ParamType[range]):
    """An index, as in `4`, or the first and the last of several, as in `3..6`."""

    name = "FIRST..LAST"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        found = re.fullmatch(r"([0-9]+)(?:\.\.([0-9]+))?", str(value))
        if found is None or int(found[2] or found[1]) < int(found[1]):
            self.fail(
                f"{value!r} is neither an index such as 4 nor a range such as 3..6", param, ctx
            )
        return range(int(found[1]), int(found[2] or found[1]) + 1)


absent_option = click.option(
    "--assume-absent",
    "absent",
    type=AddressType(),
    multiple=True,
    help="Account that a block's witness does not reach, to take as not existing.",
)


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


def provable_argument(
    command: Callable[Concatenate[TestCase | Excerpt, Parameters], Result],
) -> Callable[..., Result]:
    """As `case_argument`; with --transactions the command is called with those of a block."""

    @click.option(
        "--transactions",
        type=TransactionsType(),
        help="INPUT is a block with its witness or a blockchain test: its transactions with these "
        "indices, from 0, in one statement.",
    )
    @click.option("--block", "place", type=int, help="Place of the block in its test, from 0.")
    @absent_option
    @case_options
    @wraps(command)
    def with_case(
        path: Path,
        test: str | None,
        fork: str | None,
        index: tuple[int, int, int] | None,
        transactions: range | None,
        place: int | None,
        absent: tuple[int, ...],
        *args: Parameters.args,
        **kwargs: Parameters.kwargs,
    ) -> Result:
        from zkevm import api  # noqa: PLC0415 (keeps `--help` quick)

        if transactions is not None:
            if fork is not None or index is not None:
                raise UsageError("--fork and --index are of state tests, not of --transactions")
            found = api.load_excerpt(path, transactions, test=test, place=place, absent=absent)
            return command(found, *args, **kwargs)
        if place is not None or absent:
            raise UsageError("--block and --assume-absent go with --transactions")
        if api.holds_block(path):
            raise UsageError(f"{path} is a block: choose transactions with --transactions")
        return command(api.load(path, test=test, fork=fork, index=index), *args, **kwargs)

    return with_case


def case_document(case: TestCase | Excerpt) -> dict[str, object]:
    """The case in JSON."""
    if isinstance(case, TestCase):
        return {"test": case.name, "fork": case.fork.name, "index": list(case.indexes)}
    header, chosen = case.block.header, case.transactions
    return {
        "block": header.number,
        "hash": "0x" + header.hash.hex(),
        "fork": case.fork.name,
        "transactions": [chosen[0], chosen[-1]],
    }


def case_line(case: TestCase | Excerpt) -> str:
    """The case in words."""
    if isinstance(case, TestCase):
        return f"{case.name}, {case.fork.name}, index {','.join(map(str, case.indexes))}"
    first, last = case.transactions[0], case.transactions[-1]
    which = f"transaction {first}" if first == last else f"transactions {first} to {last}"
    return f"{which} of block {case.block.header.number}, {case.fork.name}"
