"""`zkevm info`."""

from dataclasses import asdict

import click

from zkevm import api
from zkevm.cli.console import json_option, print_result

HEADINGS = ("gadget", "columns", "constraints", "interactions", "degree", "us a row", "opcodes")


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
    return gadget.name, *map(str, numbers), f"{gadget.cost:.2f}", " ".join(gadget.opcodes)


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
