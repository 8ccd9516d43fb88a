"""Measure what a row of every table costs to prove, and write docs/GADGETS.md.

    python scripts/gadget_costs.py

Each table is proven alone, with random cells of its columns' types, at two heights: the difference
in CPU time is the cost of the rows between. A proof is left before its opening, which costs the
same whatever the rows are. The kernels do the same work for a false witness as for a true one with
full cells, so a figure is a ceiling: zero cells, which most rows have many of, cost less.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from circuits.machine import circuit
from zkevm import api
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ColumnType
from zkevm.plonkish.table import Table
from zkevm.proof import TableWitness, Witness, prove
from zkevm.proof.circuit import Circuit
from zkevm.srs import Srs

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "GADGETS.md"
CELLS_LOG: Final = 18
"""log2 of the cells of the larger of the two proofs."""
HEIGHT_STEP: Final = 2
REPEATS: Final = 3
WORD_COUNTS: Final = {ColumnType.U128: 2, ColumnType.FIELD: 4}
DTYPES: Final[dict[ColumnType, type[np.unsignedinteger[Any]]]] = {
    ColumnType.BIT: np.uint8,
    ColumnType.U8: np.uint8,
    ColumnType.U16: np.uint16,
    ColumnType.U32: np.uint32,
    ColumnType.U64: np.uint64,
}
HEADINGS: Final = ("columns", "constraints", "interactions", "degree", "us a row")


@dataclass(frozen=True)
class Cost:
    """A gadget and the microseconds of CPU time that a row of it takes on this machine."""

    info: api.GadgetInfo
    microseconds: float


def random_column(kind: ColumnType, rows: int, source: np.random.Generator) -> NDArray[Any]:
    """Cells that fill the column's type; field elements are below the modulus."""
    if kind is ColumnType.BIT:
        return source.integers(0, 2, rows, np.uint8)
    if words := WORD_COUNTS.get(kind):
        cells = source.integers(0, 1 << 64, (rows, words), np.uint64)
        if kind is ColumnType.FIELD:
            cells[:, -1] >>= np.uint64(3)
        return cells
    dtype = DTYPES[kind]
    return source.integers(0, np.iinfo(dtype).max, rows, dtype, endpoint=True)


class BeforeOpeningError(Exception):
    """What a row costs is known."""


def leave_before_opening(phase: str) -> None:
    """Leave a proof whose opening begins."""
    if phase == "opening":
        raise BeforeOpeningError


def seconds(table: Table, alone: Circuit, height: int, srs: Srs) -> float:
    """The least CPU time of several proofs of this one table with 2^height random rows."""
    source = np.random.default_rng(height)
    columns = [random_column(c.type, 1 << height, source) for c in table.columns]
    witness = Witness({table.name: TableWitness(columns, height)})
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        with suppress(BeforeOpeningError):
            prove(alone, [witness], (), bytes(32), srs, progress=leave_before_opening)
        times.append(time.process_time() - start)
    return min(times)


def row_microseconds(table: Table, srs: Srs) -> float:
    """Measured cost of a row; of a table of forced height, that of all its rows divided by them."""
    buses = tuple({i.bus: None for i in table.interactions})
    alone = Circuit(table.name, (table,), buses)
    if table.height is not None:
        return seconds(table, alone, table.height, srs) / (1 << table.height) * 1e6
    high = max(HEIGHT_STEP, CELLS_LOG - (len(table.columns) - 1).bit_length())
    low = high - HEIGHT_STEP
    more = seconds(table, alone, high, srs) - seconds(table, alone, low, srs)
    return more / ((1 << high) - (1 << low)) * 1e6


def numbers(cost: Cost) -> tuple[str, ...]:
    """The cells of a line about a gadget, by `HEADINGS`."""
    info = cost.info
    counts = (info.columns, info.constraints, info.interactions, info.degree)
    return *map(str, counts), f"{cost.microseconds:.2f}"


def markdown(headings: tuple[str, ...], lines: list[tuple[str, ...]]) -> list[str]:
    """A table."""
    return ["| " + " | ".join(line) + " |" for line in (headings, ("---",) * len(headings), *lines)]


def opcode_lines(costs: list[Cost], fork: str) -> list[tuple[str, ...]]:
    """A line for each opcode and gadget that proves its successful steps."""
    rules = FORKS[fork]
    return [
        (op.name, f"{rules.dispatch.fixed_gas[op]}", cost.info.name, *numbers(cost))
        for op in sorted(rules.instructions)
        for cost in costs
        if op.name in cost.info.opcodes and not cost.info.halts
    ]


def page(costs: list[Cost], fork: str) -> str:
    """The page of gadgets."""
    halting = [
        (c.info.name, ", ".join(c.info.halts).lower().replace("_", " "), *numbers(c))
        for c in costs
        if c.info.halts
    ]
    named = {op.name for op in Op}
    serving = [
        (c.info.name, *numbers(c))
        for c in costs
        if not c.info.halts and not named & set(c.info.opcodes)
    ]
    lines = [
        f"# Gadgets of {fork}",
        "",
        "Made by `make gadgets`; not edited by hand. Microseconds of CPU time are measured with a",
        "table alone, with random cells, which no honest row has so many of.",
        "A step also pays for what it asks of others: memory words, copies, hashes, refreshes. An",
        "opcode with several gadgets takes the first one that accepts the step, in this order.",
        "",
        "## Opcodes",
        "",
        "Gas is the fixed part.",
        "",
        *markdown(("opcode", "gas", "gadget", *HEADINGS), opcode_lines(costs, fork)),
        "",
        "## Exceptional halts",
        "",
        *markdown(("gadget", "halts", *HEADINGS), halting),
        "",
        "## Tables that serve others",
        "",
        *markdown(("table", *HEADINGS), serving),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Measure every table, then write the page."""
    fork = api.NEWEST_FORK
    srs = api.load_srs()
    declared = {gadget.name: gadget.table for gadget in circuit(fork).tables}
    costs = []
    for info in api.info(fork):
        costs.append(Cost(info, row_microseconds(declared[info.name], srs)))
        print(f"{info.name:<24} {costs[-1].microseconds:8.2f} us a row", flush=True)
    PAGE.write_text(page(costs, fork))


if __name__ == "__main__":
    main()
