"""Segments on the workers of a Ray cluster (`pip install 'zkevm[ray]'`)."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import TypeVar

from zkevm.errors import UsageError
from zkevm.proof.executors import Source
from zkevm.proof.witness import Witness

Context = TypeVar("Context")
Item = TypeVar("Item")
Result = TypeVar("Result")

LOCAL = "local"
"""The address of a cluster that is started on this machine and ends with this process."""


def ray_module() -> ModuleType:
    """Ray; `UsageError` where it is not installed."""
    try:
        return import_module("ray")
    except ImportError as error:
        raise UsageError("a cluster needs Ray: pip install 'zkevm[ray]'") from error


class Cluster:
    """A Ray cluster.  Context and cells go through its object store; a task takes one core.

    Every worker needs this package, kernels included.  Raises `UsageError` if it cannot be reached.
    """

    in_process = False

    def __init__(self, address: str, jobs: int) -> None:
        self.jobs = jobs
        self.ray = ray_module()
        if self.ray.is_initialized():
            return
        try:
            if address == LOCAL:
                self.ray.init(num_cpus=jobs, include_dashboard=False, log_to_driver=False)
            else:
                self.ray.init(address=address, log_to_driver=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise UsageError(f"cannot reach the Ray cluster {address}: {error}") from error

    def run(
        self, task: Callable[[Context, Item], Result], context: Context, items: Sequence[Item]
    ) -> Iterator[tuple[int, Result]]:
        """Raises `UsageError` if a worker dies, as for want of memory."""
        ray = self.ray
        shared, remote = ray.put(context), ray.remote(num_cpus=1)(task)
        numbers = {remote.remote(shared, item): number for number, item in enumerate(items)}
        waiting = list(numbers)
        while waiting:
            (done,), waiting = ray.wait(waiting)
            try:
                yield numbers[done], ray.get(done)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
                raise UsageError("a worker of the cluster died; did it lack memory?") from error

    @contextmanager
    def hand_out(self, segments: Sequence[Witness]) -> Iterator[list[Source]]:
        """In the object store."""
        yield [partial(self.ray.get, self.ray.put(witness)) for witness in segments]
