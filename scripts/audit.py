"""Attack every table by machine, and write docs/SOUNDNESS.md.

    python scripts/audit.py [--fork FORK] [--lies N] [NAME...]

A cheating prover changes cells of honest rows, bends the others until all that is left holds, and
wins if the row then decides something else (`circuits.audit`).  A declaration is shown to be
needed by a row that it alone rejects.  The search has no randomness: two runs find the same.  Exit
code 1 if a hole is found, an honest row is rejected, or a review excuses nothing.
"""

import argparse
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import Final

from circuits.audit.attack import LIES, Report
from circuits.audit.reviewed import FREEDOMS, unused
from circuits.audit.suite import audit, left_out

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "SOUNDNESS.md"
HEADER: Final = (
    "| table | columns | constraints | interactions | rows | declarations | forged | alone |"
    " redundant | idle | kill rate | holes | s |"
)
ELSEWHERE: Final = {
    "keccak_f": "one row is a round of the permutation: `tests/circuits/test_keccak.py`",
}
"""Tables that the search does not take, with what covers them."""

HEAD: Final = """# What the witness audit shows

Made by `make audit`; not edited by hand. From honest rows of every table, and from padding, a
cheating prover changes cells or sets itself another result, and repairs all other cells it
controls: each broken equation is solved for one cell, for the limbs of a number together, or with
others for the cells that nothing bounds.

A *hole* is a row that breaks nothing and decides something else than the honest one: another
message, another multiplicity, a token from the future, a step of an opcode that is not the
gadget's, success where the step halts or the reverse, padding that speaks. Each declaration
(constraint, lookup, receive or request; the cells of one part count as one lookup) is left out in
turn:

- *forged*: then a row passes that decides something else on what it is given;
- *alone*: at least some row breaks this declaration and keeps all others, whatever it is given
  within what the other side of its buses guarantees;
- *redundant*: none does, and the review says why (below);
- *idle*: none was found, and nobody has said why: listed, not forgiven.

The kill rate is the share of forged and alone in all that are not redundant. Messages that are
sent or offered are what is decided, so they are not left out. What a bus demands as a whole is
tested by wrong executions (`tests/circuits/test_faults.py`). Seconds are of one core.

"""


def line(report: Report) -> str:
    """A table's row of the page."""
    table = report.table
    counts = (
        len(table.columns),
        len(table.constraints),
        len(table.interactions),
        report.rows,
        len(report.items),
        len(report.needed),
        len(report.alone.keys() - report.needed.keys()),
        len(report.redundant),
        len(report.idle),
    )
    numbers = " | ".join(map(str, counts))
    share = f"{100 * report.rate:.0f} % | {len(report.holes)} | {report.seconds:.1f}"
    return f"| {table.name} | {numbers} | {share} |"


def details(report: Report) -> list[str]:
    """Holes, redundant and idle declarations of a table, in words."""
    lines = [f"- **hole**: {forgery}" for forgery in report.holes[:3]]
    reasons: dict[str, list[str]] = {}
    for number, why in report.redundant.items():
        reasons.setdefault(why, []).append(report.items[number].label)
    lines += [f"- redundant: {'; '.join(labels)}: {why}" for why, labels in reasons.items()]
    lines += [f"- idle: {'; '.join(item.label for item in report.idle)}"] if report.idle else []
    wrapped = [textwrap.fill(text, 100, subsequent_indent="  ") for text in lines]
    return [f"### {report.table.name}", "", *wrapped, ""] if lines else []


def page(fork: str, reports: list[Report]) -> str:
    """The whole page."""
    total = Counter[str]()
    for report in reports:
        total.update(
            forged=len(report.needed),
            alone=len(report.alone.keys() - report.needed.keys()),
            redundant=len(report.redundant),
            idle=len(report.idle),
            holes=len(report.holes),
        )
    shown = total["forged"] + total["alone"]
    seconds = sum(report.seconds for report in reports)
    summary = (
        f"{len(reports)} tables of {fork}, {seconds:.0f} seconds: {total['forged']} declarations"
        f" forged, {total['alone']} broken alone, {total['redundant']} redundant,"
        f" {total['idle']} idle: a kill rate of"
        f" {100 * shown / (shown + total['idle']):.1f} %. Holes: {total['holes']}."
    )
    others = left_out(fork, reports)
    lines = [
        *textwrap.wrap(summary, 100),
        "",
        HEADER,
        "|---" * HEADER.count("| ") + "|",
        *map(line, reports),
        "",
        *(f"- {name}: {ELSEWHERE.get(name, 'no execution fills it')}" for name in others),
        "",
        "Fixed tables are evaluated by the verifier: nothing of them is the prover's but counts.",
        "",
        "## Choices that a review allows",
        "",
        *(f"- {f.table}, `{f.column}`: {f.reason}" for f in FREEDOMS),
        "",
        "## Redundant and idle declarations",
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
    faults = [
        f"{report.table.name}: {text}"
        for report in reports
        for text in (
            *(f"an honest row is rejected: {dishonest}" for dishonest in report.dishonest),
            *(f"hole: {hole}" for hole in report.holes[:3]),
        )
    ]
    if not arguments.names:
        PAGE.write_text(page(arguments.fork, reports))
        found = {(r.table.name, r.items[n].label) for r in reports for n in r.redundant}
        faults += [f"a review excuses nothing: {label}" for label in unused(found)]
    print("\n".join(faults), file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
