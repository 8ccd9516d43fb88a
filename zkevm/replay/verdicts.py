"""Judging cases: execute, compare with what the fixture expects, check or prove."""

import re
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path

from zkevm import api
from zkevm.errors import InputError, NotProvableError, TooLargeError, ZkevmError
from zkevm.evm.blockchain_test import (
    BlockchainTest,
    ChainBlock,
    chain_blocks,
    decode_blockchain_tests,
    execute_chain,
)
from zkevm.evm.execute import execute
from zkevm.evm.statetest import TestCase, decode_cases
from zkevm.evm.validity import InvalidTransaction
from zkevm.phases import listening
from zkevm.replay import cache as result_cache
from zkevm.replay.reference import first_difference, reference_file
from zkevm.replay.results import CaseKey, CaseResult, Level, Verdict
from zkevm.replay.sources import Document, Kind, kind_of
from zkevm.srs import Srs

STEP_LIMIT = 20_000
"""Cases of more steps are not checked or proven, unless the options say so."""

OUT_OF_REACH = {
    "CALLBlake2f_MaxRounds": "2**32 rounds of the BLAKE2 compression function",
    "loopMul": "more than a billion steps",
}
"""Why tests whose name contains the key are not even executed."""


@dataclass(frozen=True, slots=True)
class Options:
    """Which cases to take, and how far."""

    level: Level = Level.EXECUTE
    fork: str | None = None
    run: str | None = None
    """A regular expression to be found in `source::test`."""
    step_limit: int = STEP_LIMIT
    cache: bool = True
    """Whether to take over the results of cases that passed before."""
    statement: api.Level = api.Level.S1
    """What is checked or proven of each case."""
    traces: Path | None = None
    """A folder of reference traces, see `reference_file`: failures are compared with them."""
    only: frozenset[CaseKey] | None = None
    """If given, no other cases."""

    def chooses(self, case: CaseResult) -> bool:
        """Whether a case, of which the verdict is not known yet, is among those."""
        named = self.run is None or re.search(self.run, f"{case.source}::{case.test}")
        among = self.only is None or case.key in self.only
        return bool(named) and self.fork in {None, case.fork} and among


def read_tests(
    document: Document,
) -> Iterator[tuple[CaseResult, TestCase | BlockchainTest]] | None:
    """The tests in a file, each with what is known of its result before; None for no such file."""
    source = document.source
    match kind_of(document):
        case Kind.STATE:
            return (
                (
                    CaseResult(
                        source=source, test=case.name, fork=case.fork.name, index=case.indexes
                    ),
                    case,
                )
                for case in decode_cases(document.text, source)
            )
        case Kind.BLOCKCHAIN:
            return (
                (CaseResult(source=source, test=test.name, fork=test.network), test)
                for test in decode_blockchain_tests(document.text, source)
            )
        case None:
            return None


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges cases by the options, with the results of earlier runs by digest."""

    options: Options
    known: Mapping[str, CaseResult] = field(default_factory=dict)

    def document(self, document: Document) -> Iterator[CaseResult]:
        """Yield the results of the chosen cases of a file; one for the file if it has no tests."""
        source = document.source
        try:
            tests = read_tests(document)
            if tests is None:
                yield CaseResult(source=source, verdict=Verdict.SKIPPED, reasons=("no tests",))
            for blank, test in tests or ():
                if self.options.chooses(blank):
                    yield _guarded(blank, partial(self._judge, test))
        except InputError as error:
            yield CaseResult(source=source, verdict=Verdict.MALFORMED, reasons=(str(error),))

    def _judge(self, test: TestCase | BlockchainTest, blank: CaseResult) -> CaseResult:
        if isinstance(test, BlockchainTest):
            return self._chain(test, blank)
        result = self._case(test, blank)
        if result.verdict == Verdict.FAIL and self.options.traces is not None:
            return _compared(test, result, self.options.traces)
        return result

    def _chain(self, test: BlockchainTest, blank: CaseResult) -> CaseResult:
        result = _failed(blank, execute_chain(test).problems())
        if self.options.level == Level.EXECUTE or result.verdict == Verdict.FAIL:
            return result
        found = [self._block(block, blank) for block in chain_blocks(test).values()]
        if len(found) == 1:
            return found[0]
        return _joined(result, found) if found else result

    def _block(self, block: ChainBlock, blank: CaseResult) -> CaseResult:
        """The result of all transactions of a block, in one statement."""
        traced = api.trace_excerpt(api.Excerpt(block, range(len(block.block.transactions))))
        steps = sum(len(trace.rows) for trace in traced.traces)
        return self._within_reach(traced, replace(blank, steps=steps))

    def _case(self, case: TestCase, blank: CaseResult) -> CaseResult:
        if self.options.level == Level.EXECUTE:
            return _failed(blank, execute(case).problems())
        try:
            traced = api.trace(case)
        except InvalidTransaction:  # nothing to prove
            return _failed(blank, execute(case).problems())
        steps = len(traced.trace.rows)
        result = _failed(replace(blank, steps=steps), traced.execution.problems())
        if result.verdict == Verdict.FAIL:
            return result
        return self._within_reach(traced, result)

    def _within_reach(
        self, traced: api.Traced | api.TracedExcerpt, result: CaseResult
    ) -> CaseResult:
        if (result.steps or 0) > self.options.step_limit:
            reason = f"more than {self.options.step_limit:,} steps"
            return replace(result, verdict=Verdict.SKIPPED, reasons=(reason,))
        return self._traced(traced, result)

    def _traced(self, traced: api.Traced | api.TracedExcerpt, result: CaseResult) -> CaseResult:
        digest = result_cache.digest(traced.traces, self.options.level, self.options.statement)
        if digest in self.known:
            known = self.known[digest]
            return replace(
                result,
                rows=known.rows,
                cells=known.cells,
                seconds=known.seconds,
                digest=digest,
                cached=True,
            )
        result = replace(result, digest=digest)
        try:
            made = (
                api.check(traced, self.options.statement)
                if self.options.level == Level.CHECK
                else api.prove(traced, _development_srs(), self.options.statement)
            )
        except ZkevmError as error:
            return _ended(result, error)
        except Exception as error:  # noqa: BLE001 (as above, but the steps are known)
            return _failed(result, _places(error))
        result = replace(result, rows=sum(made.rows.values()), cells=made.cells)
        return _failed(result, _faults(made) if isinstance(made, api.Checked) else [])


def _guarded(blank: CaseResult, judge: Callable[[CaseResult], CaseResult]) -> CaseResult:
    """The timed result of a case; an unexpected exception is a failure that shows where it was."""
    for name, reason in OUT_OF_REACH.items():
        if name in blank.test:
            return replace(blank, verdict=Verdict.SKIPPED, reasons=(reason,))
    start = time.perf_counter()
    with listening(None):  # a replay has too many phases
        try:
            result = judge(blank)
        except ZkevmError as error:
            result = _ended(blank, error)
        except Exception as error:  # noqa: BLE001 (a bug in one case must not end the others)
            result = _failed(blank, _places(error))
    return result if result.cached else replace(result, seconds=time.perf_counter() - start)


def _failed(result: CaseResult, problems: list[str]) -> CaseResult:
    """The same result, failed if there are problems."""
    if not problems:
        return result
    return replace(result, verdict=Verdict.FAIL, reasons=tuple(problems))


def _joined(result: CaseResult, found: Sequence[CaseResult]) -> CaseResult:
    """The result of several statements: the first verdict that is not to have passed."""
    bad = next((each for each in found if each.verdict != Verdict.PASS), found[0])
    return replace(
        result,
        verdict=bad.verdict,
        reasons=bad.reasons,
        steps=sum(each.steps or 0 for each in found),
        rows=sum(each.rows or 0 for each in found),
        cells=sum(each.cells or 0 for each in found),
    )


def _compared(case: TestCase, result: CaseResult, folder: Path) -> CaseResult:
    """The same failure, with the first step that differs from the reference if there is one."""
    try:
        with reference_file(folder, result).open() as reference:
            difference = first_difference(api.trace(case).steps(), reference)
    except (FileNotFoundError, InvalidTransaction):
        return result
    except (OSError, ValueError) as error:
        difference = f"no comparison with {reference_file(folder, result)}: {error}"
    found = difference or "no step differs from the reference"
    return replace(result, reasons=(*result.reasons, found))


def _ended(result: CaseResult, error: ZkevmError) -> CaseResult:
    """The result of a case that ended with an error."""
    refused = isinstance(error, NotProvableError | TooLargeError)
    verdict = Verdict.REFUSED if refused else Verdict.FAIL
    return replace(result, verdict=verdict, reasons=(str(error),))


def _faults(checked: api.Checked) -> list[str]:
    """The first unsatisfied constraint or message in EVM terms, and how many there are."""
    faults = checked.failures
    if not faults:
        return []
    rest = [f"and {len(faults) - 1} more"] if len(faults) > 1 else []
    return [*faults[0].lines(), *rest]


def _places(error: Exception) -> list[str]:
    """An exception that should not have happened, with the innermost places it passed."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = [f"  at {frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[::-1]]
    return [f"unexpected {type(error).__name__}: {error}", *places]


@cache
def _development_srs() -> Srs:
    """The SRS of this process."""
    return api.load_srs()
