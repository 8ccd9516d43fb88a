"""What a replay says: one result a case, and their totals."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import median
from typing import TypeAlias


class Level(StrEnum):
    """How far a case is taken."""

    EXECUTE = "execute"
    CHECK = "check"
    """Executed, and every constraint and bus of its circuit checked."""
    PROVE = "prove"
    """Executed, proven, and the proof verified."""


class Verdict(StrEnum):
    """What became of a case, or of a file that holds none that can be read."""

    PASS = "pass"
    FAIL = "fail"
    REFUSED = "refused"
    """It executes as expected, but the circuits cannot prove it, and say what is missing."""
    SKIPPED = "skipped"
    MALFORMED = "malformed"


CaseKey: TypeAlias = tuple[str, str, str, tuple[int, int, int]]
"""Source, test, fork and index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One test, fork and index; of a malformed file, the file."""

    source: str
    """The file, `archive:member` in an archive."""
    test: str = ""
    fork: str = ""
    index: tuple[int, int, int] = (0, 0, 0)
    """Choice of data, gas limit and value; zeros for a blockchain test."""
    verdict: Verdict = Verdict.PASS
    reasons: tuple[str, ...] = ()
    """Lines: what is wrong, missing, or out of reach; empty if it passed."""
    steps: int | None = None
    """Executed instructions and resumptions of callers; None where they were not counted."""
    rows: int | None = None
    cells: int | None = None
    """Of the tables, in use; None where they were not filled."""
    seconds: float = 0.0
    """For executing, checking or proving; of the run that filled the cache if `cached`."""
    digest: str = ""
    """Identifies the trace, the circuit and the level; empty if there was no trace."""
    cached: bool = False

    @property
    def key(self) -> CaseKey:
        """What tells the case from all others."""
        return self.source, self.test, self.fork, self.index

    @property
    def folder(self) -> str:
        """The folder of its file, in the archive if it came from one."""
        return self.source.rpartition(":")[2].rpartition("/")[0] or "."

    @property
    def reason(self) -> str:
        """The first line of the reasons."""
        return self.reasons[0] if self.reasons else ""


@dataclass(slots=True)
class Totals:
    """How many results there are of each verdict, by fork and folder, and reason for the rest."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    forks: dict[str, Counter[Verdict]] = field(default_factory=dict)
    folders: dict[str, Counter[Verdict]] = field(default_factory=dict)
    reasons: dict[Verdict, Counter[str]] = field(default_factory=dict)
    """The first lines of refusals and skips; steps and places are left out of refusals."""
    cached: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each case that passed and was not cached."""

    @classmethod
    def of(cls, results: Iterable[CaseResult]) -> "Totals":
        """Count."""
        totals = cls()
        for result in results:
            verdict = result.verdict
            totals.verdicts[verdict] += 1
            totals.forks.setdefault(result.fork, Counter())[verdict] += 1
            totals.folders.setdefault(result.folder, Counter())[verdict] += 1
            totals.cached += result.cached
            if verdict == Verdict.PASS and not result.cached:
                totals.seconds.append(result.seconds)
            if verdict in {Verdict.REFUSED, Verdict.SKIPPED}:
                reason = result.reason.partition(" at pc ")[0]
                totals.reasons.setdefault(verdict, Counter())[reason] += 1
        return totals

    @property
    def pace(self) -> str:
        """The time of a case that passed, in words; empty if there is none."""
        if not self.seconds:
            return ""
        return (
            f"median {median(self.seconds) * 1000:.1f} ms a case, {sum(self.seconds):.1f} s in all"
        )
