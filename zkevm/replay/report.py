"""The report of a replay: one HTML page that needs no other file and no script."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from zkevm.replay.results import CaseResult, Level, Totals, Verdict

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 76rem; padding: 0 1rem;
       color: #1d2126; background: #fff; }
h1, h2 { font-weight: 600; } h2 { margin-top: 2.2rem; }
table { border-collapse: collapse; } th, td { padding: .15rem .7rem; text-align: left; }
th { border-bottom: 1px solid #9aa3ad; } tr:nth-child(even) { background: #f4f6f8; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f4f6f8; padding: .6rem .9rem; overflow-x: auto; }
.pass { color: #17692e; } .fail, .malformed { color: #b3131f; font-weight: 600; }
.refused, .skipped { color: #8a5a00; } summary { cursor: pointer; }
@media (prefers-color-scheme: dark) {
  body { color: #dfe3e8; background: #15181c; } tr:nth-child(even), pre { background: #1f242a; }
  .pass { color: #6ccf87; } .fail, .malformed { color: #ff7a83; }
  .refused, .skipped { color: #e0b25c; }
}
"""

DONE = {
    Level.EXECUTE: "executed and compared with what the fixtures expect",
    Level.CHECK: "executed, and every constraint and bus of the circuit checked",
    Level.PROVE: "executed, proven with the development setup, and the proofs verified",
}

Cell = tuple[str, str]
"""A class of the style sheet and HTML."""


def report_page(results: Sequence[CaseResult], level: Level) -> str:
    """Show totals by fork and folder, failures first, what is refused and why, and every case."""
    totals = Totals.of(results)
    wrong = [each for each in results if each.verdict in {Verdict.FAIL, Verdict.MALFORMED}]
    body = [
        f"<h1>{len(results):,} cases {DONE[level]}</h1>",
        f"<p>{_verdict_words(totals.verdicts)}{_cached(totals)}</p>",
        f"<p>{totals.pace}</p>",
        *(["<h2>Failures</h2>"] if wrong else []),
        *map(_failure, wrong),
        "<h2>By fork</h2>",
        _counts("fork", totals.forks),
        *_reasons("Not provable yet", totals.reasons.get(Verdict.REFUSED, {})),
        *_reasons("Skipped", totals.reasons.get(Verdict.SKIPPED, {})),
        "<h2>By folder</h2>",
        _counts("folder", totals.folders),
        "<h2>Every case</h2>",
        *_by_folder(results),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>zkevm statetest --level {level}</title><style>{STYLE}</style></head>\n"
        "<body>" + "\n".join(body) + "</body></html>\n"
    )


def _verdict_words(verdicts: Mapping[Verdict, int]) -> str:
    words = (f'<span class="{v}">{verdicts[v]:,} {v}</span>' for v in Verdict if verdicts.get(v))
    return ", ".join(words) or "none"


def _cached(totals: Totals) -> str:
    if not totals.cached:
        return ""
    return f"; {totals.cached:,} of them passed before with the same trace and circuit"


def _failure(result: CaseResult) -> str:
    case = f"{result.source}: {_case_name(result)}" if result.test else result.source
    steps = f"<p>{result.steps:,} steps</p>" if result.steps is not None else ""
    lines = escape("\n".join(result.reasons))
    return f'<h3 class="fail">{escape(case)}</h3>{steps}<pre>{lines}</pre>'


def _case_name(result: CaseResult) -> str:
    return f"{result.test}, {result.fork}, index {','.join(map(str, result.index))}"


def _counts(label: str, counts: Mapping[str, Counter[Verdict]]) -> str:
    present = [v for v in Verdict if any(count[v] for count in counts.values())]
    rows = [
        [("", escape(name)), *(("number", f"{count[v]:,}") for v in present)]
        for name, count in sorted(counts.items())
    ]
    return _table([("", label), *(("number", v) for v in present)], rows)


def _reasons(title: str, reasons: Mapping[str, int]) -> list[str]:
    if not reasons:
        return []
    rows = [
        [("number", f"{count:,}"), ("", escape(reason))]
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1])
    ]
    return [f"<h2>{title}</h2>", _table([("number", "cases"), ("", "reason")], rows)]


def _by_folder(results: Iterable[CaseResult]) -> Iterable[str]:
    folders: dict[str, list[CaseResult]] = {}
    for result in results:
        folders.setdefault(result.folder, []).append(result)
    head = [("", "case"), ("", "verdict")]
    head += [("number", name) for name in ("steps", "rows", "cells", "seconds")]
    for folder, cases in sorted(folders.items()):
        summary = f"{escape(folder)}: {_verdict_words(Totals.of(cases).verdicts)}"
        table = _table([*head, ("", "reason")], map(_row, cases))
        yield f"<details><summary>{summary}</summary>{table}</details>"


def _row(result: CaseResult) -> list[Cell]:
    name = _case_name(result) if result.test else result.source
    return [
        ("", escape(name)),
        (result.verdict, result.verdict),
        *(("number", _number(n)) for n in (result.steps, result.rows, result.cells)),
        ("number", f"{result.seconds:.3f}{' (cached)' if result.cached else ''}"),
        ("", escape(result.reason)),
    ]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _table(head: Iterable[Cell], rows: Iterable[Iterable[Cell]]) -> str:
    return f"<table>{_cells('th', head)}{''.join(_cells('td', row) for row in rows)}</table>"


def _cells(tag: str, cells: Iterable[Cell]) -> str:
    inner = (f'<{tag} class="{kind}">{html}</{tag}>' for kind, html in cells)
    return f"<tr>{''.join(inner)}</tr>"
