"""Replaying test fixtures: many cases from files, folders and archives, one result each.

results = list(replay([Path("state_tests.tar.xz")], Options(level=Level.CHECK), jobs=2))
Path("report.html").write_text(report_page(results, Level.CHECK))
"""

from zkevm.replay.report import report_page
from zkevm.replay.results import CaseResult, Level, Totals, Verdict
from zkevm.replay.runner import replay, sample
from zkevm.replay.verdicts import Options

__all__ = [
    "CaseResult",
    "Level",
    "Options",
    "Totals",
    "Verdict",
    "replay",
    "report_page",
    "sample",
]
