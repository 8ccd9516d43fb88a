"""Random transactions, step by step against the execution specification, in every fork."""

from random import Random

import pytest
from ethereum_rlp import rlp
from hypothesis import given, settings

from tests.support.cases import ENVIRONMENT
from tests.support.programs import CONTRACTS, lengths, program_count, seeds
from tests.support.random_transactions import (
    AUTHORITIES,
    CHAIN_ID,
    SENDER,
    SENDER_KEY,
    random_situation,
)
from tests.support.specification import run_specification
from tests.support.steps import StepRecorder, first_difference
from tests.support.transactions import program
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import Op
from zkevm.evm.receipts import BlockReceipt
from zkevm.evm.state import Account, State
from zkevm.evm.transaction import Transaction, TransactionType
from zkevm.evm.transaction_codec import sign_transaction
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


CODED = 4
"""A precompile whose account has code, as none has on a real chain."""


@pytest.mark.parametrize("fork_name", FORKS)
@pytest.mark.parametrize("delegate", [None, CODED, CONTRACTS[0]])
@pytest.mark.parametrize("callee", [CODED, AUTHORITIES[0]])
@pytest.mark.parametrize("direct", [True, False])
def test_the_code_of_a_precompile_never_runs(fork_name, delegate, callee, direct):
    fork = FORKS[fork_name]
    code = Code(b"") if delegate is None else delegation_to(delegate)
    pre = {
        SENDER: Account(0, 10**18),
        CODED: Account(0, 1, Code(program(7, 0, Op.SSTORE))),
        CONTRACTS[0]: Account(1, 0, Code(program(0, 0, 1, 0, 0, callee, 50_000, Op.CALL))),
        AUTHORITIES[0]: Account(0, 1, code),
    }
    if callee == CODED and delegate is not None:
        pre[CODED] = Account(0, 1, code)
    transaction = Transaction(
        TransactionType.LEGACY,
        SENDER,
        0,
        200_000,
        10,
        10,
        callee if direct else CONTRACTS[0],
        0,
        b"",
    )
    signed = sign_transaction(transaction, CHAIN_ID, SENDER_KEY)
    theirs = run_specification(fork_name, CHAIN_ID, ENVIRONMENT, pre, signed)
    state = State(pre, fork.precompiles)
    receipt = apply_transaction(fork, CHAIN_ID, state, ENVIRONMENT, signed.transaction)
    assert theirs.receipt == BlockReceipt(transaction.type, receipt, receipt.gas_used).encoded
    assert state.root() == theirs.state_root
