"""What is executed: transactions of a block that follow one another."""

from collections.abc import Mapping
from dataclasses import dataclass

from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.fork import Fork
from zkevm.evm.state import Account, State
from zkevm.evm.statetest import TestCase
from zkevm.evm.transaction import Transaction
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import NOTHING_USED, BlockUsage
from zkevm.trace.recorder import TraceRecorder
from zkevm.trace.trace import Trace


@dataclass(frozen=True)
class Case:
    """Transactions on the state before the first."""

    fork: Fork
    chain_id: int
    environment: BlockEnvironment
    pre: Mapping[int, Account]
    transactions: tuple[Transaction, ...]


def case_of(case: TestCase) -> Case:
    """The one transaction of a state test."""
    return Case(case.fork, case.chain_id, case.environment, case.pre, (case.transaction,))


def executed(
    case: Case,
    recorders: Mapping[int, TraceRecorder] | None = None,
    forks: Mapping[int, Fork] | None = None,
) -> tuple[Trace, ...]:
    """The trace of each transaction; some have their own recorder and rules.

    Raises `InvalidTransaction`.
    """
    state, used, traces = State(case.pre), NOTHING_USED, list[Trace]()
    for index, transaction in enumerate(case.transactions):
        recorder = (recorders or {}).get(index) or TraceRecorder(index)
        fork = (forks or {}).get(index, case.fork)
        state.prepare(fork.precompiles, recorder)
        given = (state, case.environment, transaction, recorder, used)
        receipt = apply_transaction(fork, case.chain_id, *given)
        used = after(used, transaction, receipt.gas_used)
        traces.append(recorder.trace)
    return tuple(traces)


def after(used: BlockUsage, transaction: Transaction, gas_used: int) -> BlockUsage:
    """What is used of a block once a transaction is done, too."""
    blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
    return BlockUsage(used.gas + gas_used, used.blob_gas + blob_gas)
