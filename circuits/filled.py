"""The filled tables of a statement, and its rows in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from circuits.execution.execution import Execution
from circuits.execution.level import Level
from circuits.execution.tokens import I64
from circuits.language import Witness
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import RESUME, Halt, Trace


@dataclass(frozen=True)
class Filled:
    """The tables of a statement: witnesses by table name; absent tables are left out.

    `rows` gives, for each step gadget present, the numbers of the trace rows it proves; they are
    counted on from one transaction to the next.
    """

    executions: tuple[Execution, ...]
    level: Level
    witnesses: dict[str, Witness]
    rows: dict[str, I64] = field(default_factory=dict)

    @property
    def execution(self) -> Execution:
        """That of the first transaction."""
        return self.executions[0]

    @property
    def fork(self) -> str:
        """The fork of all transactions."""
        return self.execution.trace.fork

    def describe(self, row: int) -> str:
        """A row in words."""
        for execution in self.executions:
            trace = execution.trace
            if row < len(trace.rows):
                of = f" of transaction {trace.index}" if len(self.executions) > 1 else ""
                return f"{describe_row(trace, row)}{of}"
            row -= len(trace.rows)
        raise IndexError(row)


def counted_on(prepared: Sequence[Execution], rows: list[dict[str, I64]]) -> dict[str, I64]:
    """The rows of each gadget, counted on from one transaction to the next."""
    found: dict[str, list[I64]] = defaultdict(list)
    before = 0
    for execution, of in zip(prepared, rows, strict=True):
        for name, chosen in of.items():
            found[name].append(chosen + before)
        before += len(execution.trace.rows)
    return {name: np.concatenate(chosen) for name, chosen in found.items()}


def describe_row(trace: Trace, row: int, halt: Halt = Halt.NONE) -> str:
    """An opcode and its place, in words."""
    op = int(trace.rows.op[row])
    known = {int(o): o.name for o in Op}
    name = "resumption after a call" if op == RESUME else known.get(op, f"opcode 0x{op:02x}")
    failing = f" halting with {halt.name.lower().replace('_', ' ')}" if halt != Halt.NONE else ""
    return f"{name}{failing} at pc {trace.rows.pc[row]}"
