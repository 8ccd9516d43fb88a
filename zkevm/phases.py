"""Phases of a command: what is going on, how long it took, how much memory it has needed so far.

Library code marks its phases with `phase`; who wants to know listens with `listening`.
"""

import re
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PEAK = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Phase:
    """One finished phase; `peak_memory` is that of the process up to its end, in bytes."""

    name: str
    seconds: float
    peak_memory: int


class Listener(Protocol):
    """Who wants to know."""

    def began(self, name: str) -> None:
        """A phase begins."""

    def advanced(self, done: int, total: int, resumed: int) -> None:
        """Of the parts of the present phase so many are done, some of them in an earlier run."""

    def ended(self, phase: Phase) -> None:
        """A phase has ended, and not by an exception."""


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def phase(name: str) -> Iterator[None]:
    """Time the body and tell the listener."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    listener.began(name)
    start = time.perf_counter()
    yield
    listener.ended(Phase(name, time.perf_counter() - start, peak_memory()))


@contextmanager
def successive_phases() -> Iterator[Callable[[str], None]]:
    """Yield a function that begins the next phase of the body, ending the one before."""
    with ExitStack() as current:

        def begin(name: str) -> None:
            current.close()
            current.enter_context(phase(name))

        yield begin


def advance(done: int, total: int, resumed: int = 0) -> None:
    """Tell the listener how far the present phase is."""
    listener = _listener.get()
    if listener is not None:
        listener.advanced(done, total, resumed)


@contextmanager
def listening(listener: Listener | None) -> Iterator[None]:
    """Send the phases of the body to `listener`, to nobody if it is None."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def resident_memory() -> int:
    """Resident set of this process, in bytes; where the system does not say, the largest so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_memory()
    return pages * resource.getpagesize()


def peak_memory() -> int:
    """Largest resident set of this process so far, in bytes."""
    try:
        found = PEAK.search(Path("/proc/self/status").read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    # Elsewhere; on Linux this counts what the parent had when it started this process.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
