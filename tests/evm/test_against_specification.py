"""Random transactions, step by step against the execution specification, in every fork."""

from random import Random

import pytest
from ethereum_rlp import rlp
from hypothesis import given, settings

from tests.support.programs import lengths, program_count, seeds
from tests.support.random_transactions import CHAIN_ID, random_situation
from tests.support.specification import run_specification
from tests.support.steps import StepRecorder, first_difference
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import Op
from zkevm.evm.receipts import BlockReceipt
from zkevm.evm.state import State
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import InvalidTransaction


class SpecifiedStepRecorder(StepRecorder):
    """The steps that the specification tells of: of opcodes that do something, and within code."""

    def __init__(self, defined: frozenset[Op]) -> None:
        super().__init__()
        self.defined = defined

    def step(self, frame, pc, op):
        if pc < len(frame.code) and op in self.defined:
            super().step(frame, pc, op)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("fork_name", FORKS)
@settings(max_examples=program_count() // len(FORKS))
@given(seed=seeds, statements=lengths)
def test_every_transaction_is_the_specifications(fork_name, seed, statements):
    fork = FORKS[fork_name]
    situation = random_situation(Random(seed), fork, statements)
    pre, signed, environment = situation.pre, situation.signed, situation.environment
    theirs = run_specification(fork_name, CHAIN_ID, environment, pre, signed)
    recorder = SpecifiedStepRecorder(frozenset(fork.instructions) - {Op.INVALID})
    state = State(pre, fork.precompiles, recorder)
    try:
        receipt = apply_transaction(
            fork, CHAIN_ID, state, environment, signed.transaction, recorder
        )
    except InvalidTransaction:
        assert theirs.exception is not None
    else:
        assert first_difference(recorder.steps, theirs.steps) is None
        ours = BlockReceipt(signed.transaction.type, receipt, receipt.gas_used).encoded
        assert ours == theirs.receipt, (rlp.decode(ours[1:]), theirs.exception)
    assert state.root() == theirs.state_root
