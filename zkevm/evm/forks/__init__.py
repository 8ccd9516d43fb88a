"""The supported forks, one module each, in order."""

from zkevm.errors import UsageError
from zkevm.evm.fork import Fork
from zkevm.evm.forks.blob_parameters import BPO1, BPO2
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.forks.prague import PRAGUE

FORKS: dict[str, Fork] = {fork.name: fork for fork in (CANCUN, PRAGUE, OSAKA)}
"""Those with rules of their own, by the name that state tests use."""

BLOB_PARAMETER_FORKS: dict[str, Fork] = {fork.name: fork for fork in (BPO1, BPO2)}
"""Those of mainnet that have the rules of Osaka but for blob parameters."""


def find_fork(name: str) -> Fork | None:
    """Return the fork of that name, None if there is none."""
    return FORKS.get(name) or BLOB_PARAMETER_FORKS.get(name)


def fork_named(name: str) -> Fork:
    """Return the fork of that name; `UsageError` if there is none."""
    fork = find_fork(name)
    if fork is None:
        raise UsageError(f"unknown fork {name!r}: choose one of {', '.join(FORKS)}")
    return fork


def rules_of(name: str) -> str:
    """The fork that has the same rules, blob parameters aside."""
    return OSAKA.name if name in BLOB_PARAMETER_FORKS else name
