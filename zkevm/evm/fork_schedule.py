"""Which fork rules a block: forks by the time from which they hold."""

from __future__ import annotations

from dataclasses import dataclass

from zkevm.errors import UsageError
from zkevm.evm.fork import Fork
from zkevm.evm.forks.blob_parameters import BPO1, BPO2
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.forks.prague import PRAGUE


@dataclass(frozen=True, slots=True)
class ForkSchedule:
    """Pairs of the first timestamp at which a fork holds, in seconds, and the fork; ascending."""

    activations: tuple[tuple[int, Fork], ...]

    @staticmethod
    def always(fork: Fork) -> ForkSchedule:
        """Return the schedule of a chain that knows one fork only."""
        return ForkSchedule(((0, fork),))

    def at(self, timestamp: int) -> Fork:
        """Return the fork that rules a block of that time; `UsageError` if it is before all."""
        for activation, fork in reversed(self.activations):
            if activation <= timestamp:
                return fork
        first, fork = self.activations[0]
        raise UsageError(
            f"the block of time {timestamp} is older than {fork.name} (time {first}), "
            "the first supported fork"
        )


MAINNET = ForkSchedule(
    (
        (1_710_338_135, CANCUN),
        (1_746_612_311, PRAGUE),
        (1_764_798_551, OSAKA),
        (1_765_290_071, BPO1),
        (1_767_747_671, BPO2),
    )
)
