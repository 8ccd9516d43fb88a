"""The library face: execute, trace, check and prove a transaction, and verify a proof.

    case = load("fixtures/erc20_solidity_transfer.json", fork="Cancun")
    execution = run(case)
    print(execution.receipt, execution.problems())

Every function raises errors of the `ZkevmError` family only. Phases can be listened to with
`zkevm.phases.listening`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zkevm.evm.execute import Execution, execute
from zkevm.evm.statetest import TestCase, load_case
from zkevm.phases import phase
from zkevm.trace import eip3155
from zkevm.trace.recorder import record
from zkevm.trace.trace import Trace

__all__ = ["Execution", "TestCase", "Trace", "Traced", "load", "run", "trace"]


@dataclass(frozen=True, slots=True)
class Traced:
    """An execution with its trace."""

    execution: Execution
    trace: Trace

    def steps(self) -> Iterator[str]:
        """Yield every step and a summary, as the JSON lines of EIP-3155."""
        return eip3155.lines(self.trace, self.execution.state_root)


def load(
    path: str | Path,
    *,
    test: str | None = None,
    fork: str | None = None,
    index: tuple[int, int, int] | None = None,
) -> TestCase:
    """Return the case of a state-test file that the arguments choose.

    Without `fork` it is the newest one that the file has. `index` is the choice of data, gas limit
    and value. Raises `UsageError` unless exactly one case is meant, `InputError` for a malformed
    file, `FileError` for one that cannot be read.
    """
    with phase("load"):
        return load_case(Path(path), test, fork, index)


def run(case: TestCase) -> Execution:
    """Execute a case. A transaction that no block may hold is an outcome, not an error."""
    with phase("execute"):
        return execute(case)


def trace(case: TestCase) -> Traced:
    """Execute a case and record everything that the circuits need to know of it.

    Raises `InvalidTransaction`, an `InputError`, if no block may hold the transaction.
    """
    with phase("execute"):
        return Traced(*record(case))
