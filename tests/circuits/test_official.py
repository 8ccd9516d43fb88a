"""The official state tests at level check: every case passes, or is refused by name."""

from random import Random

import pytest

from zkevm.replay import Level, Options, Verdict, replay
from zkevm.replay.sources import documents
from zkevm.replay.verdicts import Judge, read_tests

ARCHIVE = "fixtures/state_tests_public.tar.xz"
SAMPLE_STEP = 50
"""One case of one official file in so many is run by default."""


def wrong(results):
    good = {Verdict.PASS, Verdict.REFUSED, Verdict.SKIPPED}
    return [result for result in results if result.verdict not in good]


def test_a_sample_of_official_tests(shared):
    random = Random(20)
    results = []
    for document in list(documents(shared(ARCHIVE)))[::SAMPLE_STEP]:
        case, _ = random.choice(list(read_tests(document)))
        options = Options(Level.CHECK, step_limit=2000, only=frozenset({case.key}))
        results += Judge(options).document(document)
    assert wrong(results) == []
    passed = [result for result in results if result.verdict is Verdict.PASS and result.rows]
    assert len(passed) > 20


@pytest.mark.slow
@pytest.mark.timeout(4 * 3600)
def test_all_official_tests(shared):
    options = Options(Level.CHECK, cache=False)
    results = list(replay([shared(ARCHIVE)], options, jobs=2))
    assert len(results) > 20_000
    assert wrong(results) == []
