"""Attack every table by machine, and write docs/SOUNDNESS.md.

    python scripts/audit.py [--seconds S] [NAME...]

Honest rows come from the project's own transactions and from every instruction without side effects
on edge operands.  From each row a cheating prover changes cells, bends the others until all that
is left holds, and wins if the row then decides something else (`circuits.audit`).  A declaration
is shown to be needed by a lie that it alone rejects.  One that stays idle is either redundant or
beyond this search: it is listed, not forgiven.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path
from typing import Final

from circuits.audit.attack import Report, Target, attack
from circuits.audit.buses import fixed_statements, is_fixed
from circuits.audit.programs import edge_operands, pure_program, run
from circuits.audit.relation import Relation
from circuits.audit.rows import Rows, diverse, rows_of
from circuits.language import StepGadget
from circuits.machine import all_gadgets, fill
from zkevm import api
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import Trace

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "SOUNDNESS.md"
FORK: Final = "Osaka"
OWN: Final = (
    "erc20_solidity_transfer",
    "erc20_solidity_revert",
    "erc20_vyper_transfer",
    "loop_small",
)
PURE: Final = (
    Op.ADD,
    Op.MUL,
    Op.SUB,
    Op.DIV,
    Op.SDIV,
    Op.MOD,
    Op.SMOD,
    Op.ADDMOD,
    Op.MULMOD,
    Op.SIGNEXTEND,
    Op.LT,
    Op.GT,
    Op.SLT,
    Op.SGT,
    Op.EQ,
    Op.ISZERO,
    Op.AND,
    Op.OR,
    Op.XOR,
    Op.NOT,
    Op.BYTE,
    Op.SHL,
    Op.SHR,
    Op.SAR,
    Op.CLZ,
    Op.BLOCKHASH,
    Op.BLOBHASH,
)
LEFT_OUT: Final = ("accounts", "drain_stack", "keccak_f", "next_block", "slots")
"""Too many bits for this search, or takers of last tokens, which have no clock of their own."""

ROWS_A_TABLE: Final = 3
IDLE_SHOWN: Final = 12

HEAD: Final = """# Soundness

Made by `make audit`; not edited by hand. From honest rows of every table a cheating prover
changes cells and repairs what depends on them. *Holes* are forged rows that nothing in the table
rejects although they decide something else; what a bus as a whole forbids (a second creation of a
cell, a key that no other table asks for) shows up here as a hole of the row, and is what the
argument in the table's docstring is about. *Needed* declarations reject a lie that nothing else
rejects; *idle* ones met no such lie within the time of this run. Left out: fixed tables, tables
that none of the inputs fills, and {left_out}, which have tests of their own.

"""


def traces() -> list[Trace]:
    """What honest rows are taken from."""
    found = [
        api.trace(api.load(ROOT / "fixtures" / f"{name}.json", fork=FORK)).trace for name in OWN
    ]
    operands = list(edge_operands())[::7]
    return [*found, *(run(pure_program([op], operands[:60]), fork=FORK) for op in PURE)]


def honest_rows() -> Rows:
    """Rows of all tables."""
    found: Rows = defaultdict(list)
    for trace in traces():
        for name, rows in rows_of(fill(trace), 64).items():
            found[name] += rows
    return found


def line(report: Report) -> str:
    """A table's row of the page."""
    table = report.table
    total, idle = len(report.items), len(report.idle)
    rate = 100 * (total - idle) / total if total else 100
    return (
        f"| {table.name} | {len(table.columns)} | {len(table.constraints)} |"
        f" {len(table.interactions)} | {report.rows} | {total - idle}/{total} | {rate:.0f} % |"
        f" {len(report.holes)} | {report.seconds:.1f} |"
    )


def details(report: Report) -> str:
    """Holes and idle declarations of a table, in words."""
    lines = [f"- hole: {forgery}" for forgery in report.holes[:3]]
    idle = [item.label for item in report.idle]
    if idle:
        more = f" and {len(idle) - IDLE_SHOWN} more" if len(idle) > IDLE_SHOWN else ""
        lines.append(f"- idle: {'; '.join(idle[:IDLE_SHOWN])}{more}")
    return f"### {report.table.name}\n\n" + "\n".join(lines) + "\n" if lines else ""


def main() -> int:
    """Attack, print, write the page. Exit 1 if an honest row does not satisfy its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="tables; default: all")
    parser.add_argument("--seconds", type=float, default=0.2, help="for each declaration")
    arguments = parser.parse_args()
    statements = fixed_statements(FORK)
    rows = honest_rows()
    reports = []
    header = "| table | columns | constraints | interactions | rows | needed | rate | holes | s |"
    print(header)
    for gadget in all_gadgets(FORK):
        chosen = not arguments.names or gadget.name in arguments.names
        skipped = gadget.name in LEFT_OUT or is_fixed(gadget.table)
        if not chosen or skipped or not rows.get(gadget.name):
            continue
        opcodes = frozenset(map(int, gadget.opcodes)) if isinstance(gadget, StepGadget) else None
        sample = diverse(rows[gadget.name], ROWS_A_TABLE)
        target = Target(Relation(gadget.table, statements), sample, (), opcodes)
        reports.append(attack(target, arguments.seconds, 5 * arguments.seconds))
        print(line(reports[-1]), flush=True)
    if not arguments.names:
        text = "\n".join([header, "|---|---|---|---|---|---|---|---|---|", *map(line, reports)])
        head = HEAD.format(left_out=", ".join(LEFT_OUT))
        PAGE.write_text(head + text + "\n\n" + "\n".join(filter(None, map(details, reports))))
    dishonest = [f"{r.table.name}: {text}" for r in reports for text in r.dishonest]
    for text in dishonest:
        print(f"an honest row is rejected: {text}", file=sys.stderr)
    return 1 if dishonest else 0


if __name__ == "__main__":
    sys.exit(main())
