"""Whole executions that go wrong somewhere, each in its own way: no false statement is provable.

An executor does wrong at one step and goes on honestly, or a recorded trace is changed; all tables
and the statement follow from there.  Whatever passes must say what an honest prover could say.
"""

from collections import Counter
from random import Random
from typing import Any

import py_ecc  # noqa: F401  (it raises the recursion limit, of which Hypothesis wants to be told)
import pytest
from hypothesis import Phase, given, settings

from tests.support.faults import executor, tables, traces
from tests.support.faults.bases import several, some_base
from tests.support.faults.executor import ImpossibleError
from tests.support.faults.judge import HOLE, OTHER_WITNESS, PASSING, VOID, Base, judge
from tests.support.faults.traces import is_same
from tests.support.kernels import needs_native
from tests.support.programs import seeds
from tests.support.toy import srs
from zkevm import api
from zkevm.errors import VerificationError
from zkevm.trace.trace import Trace

FAULTS, TABLE_FAULTS = 20, 40
"""Of traces and of tables, on each execution."""

SAMPLE = "a sample"
"""The seed of faults that are proven."""

NOT_ASKED: Any = None
"""The block that an excerpt is of: a proof is made of its traces alone."""

TRIES = 8
"""Until a fault makes a difference to the trace."""

Verdicts = Counter[tuple[str, str]]
"""How often a kind of fault met a verdict."""

OF_SEVERAL = "transactions"
NAMES = (*executor.KINDS, *traces.KINDS, OF_SEVERAL)


def executions() -> int:
    """How many to spoil, by the profile: for at least 500 and 20,000 faults that are rejected."""
    profile = settings.get_current_profile_name()
    return {"ci": 20, "nightly": 1000}.get(profile, 5)


def spoiled(base: Base, name: str, random: Random) -> tuple[Trace, ...]:
    """The traces with one fault.  Raises ImpossibleError if it would make no difference."""
    for _ in range(TRIES):
        try:
            found = _spoiled(base, name, random)
        except ImpossibleError:
            continue
        if len(found) != len(base.traces) or not all(map(is_same, found, base.traces)):
            return found
    raise ImpossibleError


def _spoiled(base: Base, name: str, random: Random) -> tuple[Trace, ...]:
    held = base.traces
    if name == OF_SEVERAL:
        return traces.transactions(held, random)
    at = random.randrange(len(held))
    if name in traces.KINDS:
        return (*held[:at], traces.KINDS[name](held[at], random), *held[at + 1 :])
    kind = executor.KINDS[name]
    rows = range(len(held[at].rows)) if kind.where is None else kind.where(held[at])
    return executor.cheated(base.case, at, executor.chosen(random, rows), kind, random)


def spoil_traces(base: Base, random: Random, found: Verdicts) -> None:
    """Some faults of executors and of traces."""
    for name in random.choices(NAMES, k=FAULTS):
        try:
            wrong = spoiled(base, name, random)
        except ImpossibleError:
            continue
        verdict = judge(base, wrong)
        found[name, verdict] += 1
        assert verdict not in (HOLE, OTHER_WITNESS), name


def spoil_tables(base: Base, random: Random, found: Verdicts) -> None:
    """Some faults of filled tables."""
    filling = tables.Filling(base)
    for name in random.choices(list(tables.KINDS), k=TABLE_FAULTS):
        try:
            changes, stated = tables.KINDS[name](filling, random)
        except ImpossibleError:
            continue
        verdict = filling.verdict(changes, stated) or VOID
        found[name, verdict] += 1
        assert verdict != VOID or filling.decides_the_same(changes, stated), name


def verdicts(count: int) -> Verdicts:
    """Spoil so many executions: how often a kind of fault met a verdict."""
    found: Verdicts = Counter()

    # a seed that is smaller is no simpler: there is nothing to shrink
    @settings(max_examples=count, deadline=None, phases=(Phase.generate,))
    @given(seeds)
    def spoil(seed):
        random = Random(seed)
        base = some_base(random)
        spoil_traces(base, random, found)
        spoil_tables(base, random, found)

    spoil()
    return found


@needs_native
@pytest.mark.timeout(6 * 3600)
def test_no_fault_proves_anything_false():
    found = verdicts(executions())
    rejected = Counter[str]()
    for (name, verdict), number in found.items():
        rejected[name] += number * (verdict not in PASSING)
    assert sum(rejected.values()) >= 25 * executions()
    if executions() >= 1000:
        missed = {*NAMES, *tables.KINDS} - {name for name, _ in found}
        assert missed <= {"created", "another log"}  # few executions have a place for them


@needs_native
@pytest.mark.timeout(600)
def test_proofs_of_faults_are_rejected():
    """For each check that a fault can fail: the proof made all the same does not verify."""
    random = Random(SAMPLE)
    base, setup = several(random), srs(13)
    api.prove(api.TracedExcerpt(NOT_ASKED, base.traces), setup, base.level)
    left = {"constraint", "token", "lookup"}
    while left:
        try:
            wrong = spoiled(base, random.choice(NAMES), random)
        except ImpossibleError:
            continue
        verdict = judge(base, wrong)
        if verdict in left:
            left.remove(verdict)
            with pytest.raises(VerificationError):
                api.prove(api.TracedExcerpt(NOT_ASKED, wrong), setup, base.level)
