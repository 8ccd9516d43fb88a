"""Where the tasks of segments run: the interface, and the simplest place, this process.

The others are `zkevm.proof.processes` and `zkevm.proof.cluster`.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from zkevm.proof.witness import Witness

Context = TypeVar("Context")
Item = TypeVar("Item")
Result = TypeVar("Result")

Source: TypeAlias = Callable[[], Witness]
"""How a task gets the cells of its segment."""


class Executor(Protocol):
    """Runs one function on many items that share a context.

    All three have to be such that `pickle` takes them.
    """

    jobs: int
    """How many tasks run at once."""

    in_process: bool
    """Whether tasks run in this process, so that they can tell what they do."""

    def run(
        self, task: Callable[[Context, Item], Result], context: Context, items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Yield the number of each item with the task's result, in any order."""

    def hand_out(self, segments: Sequence[Witness]) -> AbstractContextManager[list[Source]]:
        """Put the cells of all segments where tasks find them, as long as the context lasts."""


class Serial:
    """One task after another, in this process; each may use all cores."""

    jobs = 1
    in_process = True

    def run(
        self, task: Callable[[Context, Item], Result], context: Context, items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """One at a time, in order."""
        return ((number, task(context, item)) for number, item in enumerate(items))

    def hand_out(self, segments: Sequence[Witness]) -> AbstractContextManager[list[Source]]:
        """They are here already."""
        return nullcontext([partial(_itself, witness) for witness in segments])


def _itself(witness: Witness) -> Witness:
    return witness
