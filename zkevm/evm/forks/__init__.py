"""The supported forks, one module each, in order."""

from zkevm.errors import UsageError
from zkevm.evm.fork import Fork
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.forks.prague import PRAGUE

FORKS: dict[str, Fork] = {fork.name: fork for fork in (CANCUN, PRAGUE, OSAKA)}
"""Those with rules of their own, by the name that state tests use."""


def fork_named(name: str) -> Fork:
    """Return the fork of that name."""
    if name not in FORKS:
        raise UsageError(f"unknown fork {name!r}: choose one of {', '.join(FORKS)}")
    return FORKS[name]
