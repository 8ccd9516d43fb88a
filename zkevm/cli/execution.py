"""`zkevm run` and `zkevm trace`."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import NoReturn

import click

from zkevm import api
from zkevm.cli.console import Json, aligned, json_option, phases_on_stderr, print_result
from zkevm.cli.inputs import (
    absent_option,
    case_argument,
    case_document,
    case_line,
    case_options,
)
from zkevm.cli.paths import FilePath
from zkevm.errors import FileError
from zkevm.evm.transaction import Log

NEGATIVE = 1


@click.command()
@case_options
@absent_option
@json_option
@click.pass_context
def run(
    ctx: click.Context,
    path: Path,
    test: str | None,
    fork: str | None,
    index: tuple[int, int, int] | None,
    absent: tuple[int, ...],
    *,
    as_json: bool,
) -> None:
    """Execute a transaction, or a block with its witness.

    Exits with 1 if the result is not what INPUT expects.
    """
    if api.holds_block(path):
        run_block(ctx, path, absent, as_json=as_json)
    case = api.load(path, test=test, fork=fork, index=index)
    with phases_on_stderr():
        execution = api.run(case)
    conclude(ctx, execution, as_json=as_json)


def run_block(
    ctx: click.Context, path: Path, absent: tuple[int, ...], *, as_json: bool
) -> NoReturn:
    """Execute a block from its witness, print the outcome and exit with the verdict on it."""
    stateless = api.load_block(path)
    problems = []
    with phases_on_stderr():
        try:
            api.run_block(stateless, absent)
        except api.InvalidBlock as error:
            problems.append(str(error))
    document = block_document(stateless, problems)
    print_result(as_json, document, block_lines(document))
    ctx.exit(NEGATIVE if problems else 0)


def block_document(stateless: api.StatelessBlock, problems: list[str]) -> Json:
    """What a block says of itself, and how its execution differs, in JSON."""
    header = stateless.block.header
    return {
        "block": header.number,
        "hash": "0x" + header.hash.hex(),
        "fork": stateless.fork.name,
        "transactions": len(stateless.block.transactions),
        "gas_used": header.gas_used,
        "receipts_root": "0x" + header.receipts_root.hex(),
        "state_root": "0x" + header.state_root.hex(),
        "problems": problems,
    }


def block_lines(document: Json) -> list[str]:
    """The same in words."""
    pairs = [
        ("block", f"{document['block']}, {document['fork']}, {document['hash']}"),
        ("transactions", str(document["transactions"])),
        ("gas used", f"{document['gas_used']:,}"),
        ("receipts root", document["receipts_root"]),
        ("state root", document["state_root"]),
        ("computed", "; ".join(document["problems"]) or "the same"),
    ]
    return aligned(pairs)


@click.command()
@case_argument
@click.option("-o", "--output", type=FilePath, help="File for the steps; standard error if none.")
@json_option
@click.pass_context
def trace(ctx: click.Context, case: api.TestCase, output: Path | None, *, as_json: bool) -> None:
    """Write every step of a transaction.

    Steps are JSON lines of EIP-3155, on standard error or in a file.
    """
    traced = api.trace(case)
    try:
        with nullcontext(sys.stderr) if output is None else output.open("w") as stream:
            stream.writelines(f"{line}\n" for line in traced.steps())
    except OSError as error:
        raise FileError(f"{output or 'standard error'}: {error.strerror or error}") from error
    conclude(ctx, traced.execution, as_json=as_json)


def conclude(ctx: click.Context, execution: api.Execution, *, as_json: bool) -> None:
    """Print the outcome and exit with the verdict on it."""
    print_result(as_json, execution_document(execution), execution_lines(execution))
    ctx.exit(NEGATIVE if execution.problems() else 0)


def execution_document(execution: api.Execution) -> Json:
    """The outcome in JSON."""
    receipt = execution.receipt
    return {
        **case_document(execution.case),
        "status": status(execution),
        "gas_used": receipt.gas_used if receipt else None,
        "logs": [log_document(log) for log in receipt.logs] if receipt else [],
        "state_root": word(execution.state_root),
        "logs_hash": word(execution.logs_hash),
        "problems": execution.problems(),
    }


def execution_lines(execution: api.Execution) -> list[str]:
    """The outcome in words."""
    receipt = execution.receipt
    pairs = [("case", case_line(execution.case)), ("status", status(execution))]
    if receipt is not None:
        pairs.append(("gas used", f"{receipt.gas_used:,}"))
        pairs += [("log", log_line(log)) for log in receipt.logs]
    pairs.append(("state root", word(execution.state_root)))
    pairs.append(("logs hash", word(execution.logs_hash)))
    problems = execution.problems()
    pairs.append(("expected", "; ".join(problems) if problems else "the same"))
    return aligned(pairs)


def status(execution: api.Execution) -> str:
    """One word, or the reason of a rejection."""
    if execution.receipt is None:
        return str(execution.outcome)
    return "success" if execution.receipt.success else "failed"


def log_document(log: Log) -> Json:
    """A log in JSON."""
    return {
        "address": address(log.address),
        "topics": [word(topic) for topic in log.topics],
        "data": "0x" + log.data.hex(),
    }


def log_line(log: Log) -> str:
    """A log in words."""
    topics = " ".join(word(topic) for topic in log.topics)
    return f"{address(log.address)} topics [{topics}] data 0x{log.data.hex()}"


def word(value: int) -> str:
    """Thirty-two bytes as hex."""
    return f"0x{value:064x}"


def address(value: int) -> str:
    """Twenty bytes as hex."""
    return f"0x{value:040x}"
