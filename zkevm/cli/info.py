"""`zkevm info`."""

from dataclasses import asdict

import click

from zkevm import api
from zkevm.cli.console import json_option, print_result
from zkevm.evm.opcodes import Op

HEADINGS = ("gadget", "columns", "constraints", "interactions", "degree", "us a row", "steps")
ALL_OPCODES = len(Op)


@click.command()
@click.option("--fork", default=api.NEWEST_FORK, show_default=True, help="Each has its circuit.")
@json_option
def info(fork: str, *, as_json: bool) -> None:
    """Describe the circuit.

    For every gadget: its columns, constraints, interactions, degree, and a model of what a row of
    it, for most an executed step, costs the prover.
    """
    gadgets = api.info(fork)
    document = {"fork": fork, "gadgets": [asdict(gadget) for gadget in gadgets]}
    print_result(as_json, document, table([HEADINGS, *map(_row, gadgets)]))


def _row(gadget: api.GadgetInfo) -> tuple[str, ...]:
    numbers = (gadget.columns, gadget.constraints, gadget.interactions, gadget.degree)
    return gadget.name, *map(str, numbers), f"{gadget.cost:.2f}", _steps(gadget)


def _steps(gadget: api.GadgetInfo) -> str:
    """Which steps it proves, in words; empty for a table that serves others."""
    every = len(gadget.opcodes) == ALL_OPCODES
    opcodes = "any opcode" if every else " ".join(gadget.opcodes)
    halts = ", ".join(halt.lower().replace("_", " ") for halt in gadget.halts)
    return f"{opcodes}, halting: {halts}" if halts else opcodes


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines with the cells in columns: the first and the last to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            (
                f"{first:<{widths[0]}}",
                *(f"{cell:>{w}}" for cell, w in zip(middle, widths[1:-1], strict=True)),
                last,
            )
        ).rstrip()
        for first, *middle, last in rows
    ]
