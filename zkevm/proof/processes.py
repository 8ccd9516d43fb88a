"""Segments on processes of this machine."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from zkevm.errors import UsageError
from zkevm.proof.executors import Source
from zkevm.proof.witness import Witness

Context = TypeVar("Context")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Processes:
    """So many tasks at once, each in a process of its own, among which the cores are divided.

    Cells go through files in `folder`, or in that of the system for temporary ones.
    """

    in_process = False

    def __init__(self, jobs: int, folder: Path | None = None) -> None:
        self.jobs = jobs
        self.folder = folder

    def run(
        self, task: Callable[[Context, Item], Result], context: Context, items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Raises `UsageError` if a process is killed, as for want of memory."""
        threads = max(1, (os.cpu_count() or 1) // self.jobs)
        pool = ProcessPoolExecutor(
            max(1, min(self.jobs, len(items))),
            mp_context=get_context("spawn"),  # threads of the kernels do not survive a fork
            initializer=_begin,
            initargs=(context, threads),
        )
        try:
            numbers = {pool.submit(_call, task, item): n for n, item in enumerate(items)}
            for future in as_completed(numbers):
                yield numbers[future], future.result()
        except BrokenProcessPool as error:
            raise UsageError("a worker process was killed; did it lack memory?") from error
        finally:
            pool.shutdown(cancel_futures=True)

    @contextmanager
    def hand_out(self, segments: Sequence[Witness]) -> Iterator[list[Source]]:
        """As files."""
        with TemporaryDirectory(prefix="segments-", dir=self.folder) as folder:
            paths = [Path(folder) / f"{number}.npz" for number in range(len(segments))]
            for path, witness in zip(paths, segments, strict=True):
                witness.save(path)
            yield [partial(Witness.load, path) for path in paths]


_context: Any = None
"""What the tasks of this worker process share."""


def _begin(context: object, threads: int) -> None:
    global _context  # noqa: PLW0603 (a worker process has one)
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    _context = context


def _call(task: Callable[[Any, Item], Result], item: Item) -> Result:
    return task(_context, item)
