"""Attack every table by machine, and write docs/SOUNDNESS.md.

    python scripts/audit.py [--fork FORK] [--lies N] [NAME...]

A cheating prover changes cells of honest rows, bends the others until all that is left holds, and
wins if the row then decides something else (`circuits.audit`).  A declaration is shown to be
needed by a lie that it alone rejects.  Exit code 1 if a hole is found, or an honest row rejected.
"""

import argparse
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Final

from circuits.audit.attack import LIES, Report
from circuits.audit.reviewed import FREEDOMS, redundancy
from circuits.audit.suite import audit, left_out

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "SOUNDNESS.md"
HEADER: Final = (
    "| table | columns | constraints | interactions | rows | needed | rate | holes | s |"
)

HEAD: Final = """# What the witness audit shows

Made by `make audit`; not edited by hand. From honest rows of every table a cheating prover changes
cells or sets itself another result, and repairs all other cells it controls: each broken equation
is solved for one cell, for the limbs of a number together, or with others for the cells that
nothing bounds.

A *hole* is a row that breaks nothing and decides something else than the honest one: another
message, another multiplicity, a token from the future, a step of an opcode that is not the
gadget's, success where the step halts or the reverse. A declaration is *needed* if some lie
passes once it is left out (the cells of one part count as one lookup). The rate is of those that
are not redundant by review. What stays idle without a reason met no such lie within the search: it
is listed, not forgiven. Messages that are sent or offered are what is decided, so they are not
left out in turn; nor is what a bus demands as a whole, of which tests of whole executions tell
(`tests/circuits/test_faults.py`).

"""


def rate(report: Report) -> tuple[int, int, int]:
    """Declarations needed, redundant by review, and idle without a reason."""
    redundant = [item for item in report.idle if redundancy(report.table.name, item.label)]
    needed = len(report.items) - len(report.idle)
    return needed, len(redundant), len(report.idle) - len(redundant)


def line(report: Report) -> str:
    """A table's row of the page."""
    table = report.table
    needed, redundant, idle = rate(report)
    share = 100 * needed / (needed + idle) if needed + idle else 100
    counted = f"{needed} + {redundant}" if redundant else str(needed)
    return (
        f"| {table.name} | {len(table.columns)} | {len(table.constraints)} |"
        f" {len(table.interactions)} | {report.rows} | {counted} of {len(report.items)} |"
        f" {share:.0f} % | {len(report.holes)} | {report.seconds:.1f} |"
    )


def details(report: Report) -> list[str]:
    """Holes, redundant and idle declarations of a table, in words."""
    name = report.table.name
    lines = [f"- **hole**: {forgery}" for forgery in report.holes[:3]]
    reasons: dict[str, list[str]] = {}
    for item in report.idle:
        reasons.setdefault(redundancy(name, item.label), []).append(item.label)
    idle = reasons.pop("", [])
    lines += [f"- redundant: {'; '.join(labels)}: {why}" for why, labels in reasons.items()]
    lines += [f"- idle: {'; '.join(idle)}"] if idle else []
    wrapped = [textwrap.fill(text, 100, subsequent_indent="  ") for text in lines]
    return [f"### {name}", "", *wrapped, ""] if lines else []


def page(fork: str, reports: list[Report]) -> str:
    """The whole page."""
    total = Counter[str]()
    for report in reports:
        needed, redundant, idle = rate(report)
        total.update(needed=needed, redundant=redundant, idle=idle, holes=len(report.holes))
    found = f"{total['redundant']} redundant by review, {total['idle']} idle"
    lines = [
        f"{len(reports)} tables of {fork}: {total['needed']} declarations needed, {found},",
        f"{total['holes']} holes. Not attacked: {', '.join(left_out(fork, reports))}.",
        "",
        HEADER,
        "|---" * HEADER.count("| ") + "|",
        *map(line, reports),
        "",
        "## Choices that a review allows",
        "",
        *(f"- {f.table}, `{f.column}`: {f.reason}" for f in FREEDOMS),
        "",
        "## Declarations that no lie needed",
        "",
    ]
    for report in reports:
        lines += details(report)
    return HEAD + "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Attack, print, write the page if all tables were attacked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="tables; default: all")
    parser.add_argument("--fork", default="Osaka")
    parser.add_argument("--lies", type=int, default=LIES, help="tried for each declaration")
    arguments = parser.parse_args()
    reports = []
    print(HEADER)
    for report in audit(arguments.fork, arguments.names, arguments.lies):
        reports.append(report)
        print(line(report), flush=True)
        if arguments.names:
            print("\n".join(details(report)))
    if not arguments.names:
        PAGE.write_text(page(arguments.fork, reports))
    for report in reports:
        for text in report.dishonest:
            print(f"{report.table.name}: an honest row is rejected: {text}", file=sys.stderr)
        for hole in report.holes[:3]:
            print(f"{report.table.name}: hole: {hole}", file=sys.stderr)
    return int(any(report.dishonest or report.holes for report in reports))


if __name__ == "__main__":
    sys.exit(main())
