"""The amounts of a transaction: what moves at its beginning and its end, and when."""

from __future__ import annotations

import numpy as np

from circuits.execution.execution import Execution
from circuits.execution.precompiles import IDENTITY, name_of
from circuits.execution.schedule import AUTHORITY_TICKS
from zkevm.errors import NotProvableError
from zkevm.evm import gas
from zkevm.evm.transaction import Transaction
from zkevm.evm.validity import intrinsic_gas
from zkevm.trace.trace import StateEventKind, Trace
from zkevm.trace.words import ints_from_words

TARGET_TICKS = 3
"""Before the first step: code of the target; its delegate and the debit; the credit."""

PRICE_LIMIT = 2**128


class Amounts:
    """Balances in wei before and after each move, from the trace's values before and after."""

    def __init__(self, execution: Execution) -> None:
        trace = execution.trace
        transaction, block = trace.transaction, trace.environment
        self.sender = transaction.sender
        self.target = execution.frame_addresses[0]
        self.price = transaction.effective_gas_price(block.base_fee)
        self.before = trace.pre.accounts[self.sender].balance
        self.blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
        blob_fee = self.blob_gas * block.blob_base_fee
        self.after_fee = self.before - transaction.gas_limit * self.price - blob_fee
        self.target_before = (
            self.after_fee - transaction.value
            if self.target == self.sender
            else trace.pre.accounts[self.target].balance
        )
        schedule = execution.schedule
        self.list_end = schedule.first - TARGET_TICKS
        self.runs = len(schedule.clock) > 0  # all but what fails at once
        self.moves = transaction.value > 0 and self.runs
        intrinsic = intrinsic_gas(execution.fork, transaction).execution
        self.available = (
            int(trace.frames.gas_start[0]) if self.runs else transaction.gas_limit - intrinsic
        )
        self.access_end = self.list_end - AUTHORITY_TICKS * len(transaction.authorizations)
        # The end: of the sender first, then of the coinbase, which may be the same.
        used = trace.receipt.gas_used
        self.paid_back = (transaction.gas_limit - used) * self.price
        self.reward = used * (self.price - block.base_fee)
        self.sender_end = _balance_at_end(trace, self.sender)
        self.coinbase_end = _balance_at_end(trace, block.coinbase)
        if block.coinbase == self.sender:
            self.coinbase_end += self.paid_back


def _balance_at_end(trace: Trace, address: int) -> int:
    """The balance when the root frame has ended."""
    state = trace.state
    changes = (state.row == len(trace.rows)) & (state.kind == StateEventKind.BALANCE)
    pairs = zip(*(ints_from_words(w[changes]) for w in (state.address, state.old)), strict=True)
    olds = (old for changed, old in pairs if changed == address)
    return next(olds, trace.post.accounts[address].balance)


def require_provable(execution: Execution) -> None:
    """Refuse by name what these tables do not prove."""
    transaction: Transaction = execution.trace.transaction
    calls = execution.trace.calls
    to_another = bool(np.any(calls.row < 0)) and transaction.to != IDENTITY
    fees = (transaction.max_fee_per_gas, transaction.max_fee_per_blob_gas)
    refused = {
        f"a transaction to {name_of(execution.fork, transaction.to or 0)}": to_another,
        "fees of 2^128 wei or more": max(fees) >= PRICE_LIMIT,
    }
    for what, found in refused.items():
        if found:
            raise NotProvableError(f"not provable yet: {what}")
