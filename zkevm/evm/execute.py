"""Executing a case of a state test."""

from dataclasses import dataclass

from zkevm.evm.events import Recorder
from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import rlp_encode
from zkevm.evm.state import State
from zkevm.evm.statetest import TestCase
from zkevm.evm.transaction import Log, Receipt
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import InvalidTransaction


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of a case: a receipt, or why the transaction is invalid."""

    case: TestCase
    outcome: Receipt | InvalidTransaction
    state: State
    """After the transaction; the pre-state if it was rejected."""

    @property
    def receipt(self) -> Receipt | None:
        """The receipt, None if the transaction was rejected."""
        return self.outcome if isinstance(self.outcome, Receipt) else None

    @property
    def state_root(self) -> int:
        """Root of the state trie after the transaction, as a word."""
        return int.from_bytes(self.state.root(), "big")

    @property
    def logs_hash(self) -> int:
        """Keccak-256 of the RLP of the logs, as a word."""
        return logs_hash(self.receipt.logs if self.receipt else ())

    def problems(self) -> list[str]:
        """Return how the outcome differs from what the fixture expects; empty if it does not."""
        found = []
        expected = self.case.expected
        if isinstance(self.outcome, InvalidTransaction):
            if self.outcome.rejection.exception not in expected.exceptions:
                found.append(f"not expected: {self.outcome}")
        elif expected.exceptions:
            found.append(f"executed, but expected {' or '.join(sorted(expected.exceptions))}")
        if self.logs_hash != expected.logs_hash:
            found.append("logs hash differs")
        if self.state_root != expected.post_state_root:
            found.append("state root differs")
        return found


def execute(case: TestCase, recorder: Recorder | None = None) -> Execution:
    """Run the transaction of a case on its pre-state."""
    recorder = recorder or Recorder()
    state = State(case.pre, case.fork.precompiles, recorder)
    try:
        receipt = apply_transaction(
            case.fork, case.chain_id, state, case.environment, case.transaction, recorder
        )
    except InvalidTransaction as rejection:
        return Execution(case, rejection, state)
    return Execution(case, receipt, state)


def logs_hash(logs: tuple[Log, ...]) -> int:
    """Return the Keccak-256 of the RLP of the logs, as a word."""
    return int.from_bytes(keccak256(rlp_encode([log.to_rlp() for log in logs])), "big")
