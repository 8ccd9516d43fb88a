"""Replaying paths, in this process or in several."""

import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import TypeAlias

from zkevm.errors import FileError, InputError, UsageError
from zkevm.evm.forks import fork_named
from zkevm.phases import phase
from zkevm.replay import cache
from zkevm.replay.results import CaseKey, CaseResult, Level
from zkevm.replay.sources import Document, documents
from zkevm.replay.verdicts import Judge, Options, read_tests

IN_FLIGHT = 16
"""Files read ahead for each process: what is kept in memory does not grow with an archive."""

EVERY_CASE = Options()

JudgeAll: TypeAlias = Callable[[Iterable[Document]], Iterator[list[CaseResult]]]


def replay(
    paths: Sequence[Path], options: Options = EVERY_CASE, jobs: int = 1
) -> Iterator[CaseResult]:
    """Yield the result of every chosen case, in the order of the paths; each path is a phase.

    With `jobs` above 1 that many processes judge, whole files each. Raises, before it begins,
    `UsageError` for an unknown fork or a wrong expression and `FileError` for a path that cannot be
    read; later `InputError` for a damaged archive. A malformed file has a result.
    """
    _validate(paths, options)
    caches = options.cache and options.level != Level.EXECUTE
    judge = Judge(options, cache.read(options.level) if caches else {})
    with _judging(judge, jobs) as judge_all:
        for path in paths:
            with phase(str(path)):
                for results in judge_all(documents(path)):
                    if caches:
                        cache.append(options.level, results)
                    yield from results


def sample(paths: Sequence[Path], options: Options, size: int, seed: int) -> frozenset[CaseKey]:
    """Choose so many of the cases at random, or all if there are fewer; nothing is executed."""
    _validate(paths, options)
    found: list[CaseKey] = []
    with phase("choose a sample"):
        for document in chain.from_iterable(map(documents, paths)):
            # A malformed file has its result when it is replayed.
            with suppress(InputError):
                cases = read_tests(document) or ()
                found += [case.key for case, _ in cases if options.chooses(case)]
    random = Random(seed)  # noqa: S311 (a sample, no secret)
    return frozenset(random.sample(found, min(size, len(found))))


def _validate(paths: Sequence[Path], options: Options) -> None:
    if options.fork is not None:
        fork_named(options.fork)
    try:
        re.compile(options.run or "")
    except re.error as error:
        raise UsageError(f"{options.run!r} is no regular expression: {error}") from error
    for path in paths:
        if not os.access(path, os.R_OK):
            raise FileError(f"{path}: {'not readable' if path.exists() else 'no such file'}")


@contextmanager
def _judging(judge: Judge, jobs: int) -> Iterator[JudgeAll]:
    """A function that judges documents in their order, with the processes it needs."""
    if jobs == 1:
        yield lambda found: (list(judge.document(document)) for document in found)
        return
    # Spawned: a forked child would wait for the threads of the kernels, which it does not have.
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start, (judge, jobs))
    try:
        yield lambda found: _in_pool(pool, found, jobs * IN_FLIGHT)
    finally:
        pool.shutdown(cancel_futures=True)


def _in_pool(
    pool: ProcessPoolExecutor, found: Iterable[Document], ahead: int
) -> Iterator[list[CaseResult]]:
    """Yield in order; a slow document delays results, which are small, but not other documents."""
    waiting: deque[Future[list[CaseResult]]] = deque()
    unfinished: set[Future[list[CaseResult]]] = set()
    for document in found:
        if len(unfinished) >= ahead:
            unfinished = wait(unfinished, return_when=FIRST_COMPLETED).not_done
        waiting.append(pool.submit(_judge_document, document))
        unfinished.add(waiting[-1])
        while waiting and waiting[0].done():
            yield waiting.popleft().result()
    yield from (future.result() for future in waiting)


_judge: list[Judge] = []
"""The judge of a process of the pool."""


def _start(judge: Judge, jobs: int) -> None:
    """Begin a process of the pool: they share the cores."""
    os.environ["RAYON_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // jobs))
    _judge.append(judge)


def _judge_document(document: Document) -> list[CaseResult]:
    return list(chain.from_iterable(judge.document(document) for judge in _judge))
