"""The state transition of a block: system calls, transactions, withdrawals, requests, roots.

Sources: yellow paper, section 11; EIP-4788, 2935, 4895, 7685.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from zkevm.evm import gas
from zkevm.evm.block import Block, BlockEnvironment, Withdrawal
from zkevm.evm.block_codec import encode_block
from zkevm.evm.block_validity import (
    BlockRejection,
    InvalidBlock,
    require,
    require_equal,
    require_valid_header,
)
from zkevm.evm.events import Recorder
from zkevm.evm.fork import Fork
from zkevm.evm.fork_schedule import ForkSchedule
from zkevm.evm.header import Header
from zkevm.evm.merkle import list_root
from zkevm.evm.receipts import BlockReceipt, logs_bloom
from zkevm.evm.rlp import rlp_encode
from zkevm.evm.state import State
from zkevm.evm.system_contracts import gather_requests, record_ancestors, requests_hash
from zkevm.evm.transaction import Log, SignedTransaction
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import BlockUsage, InvalidTransaction

WEI_PER_GWEI = 10**9

RecorderFactory: TypeAlias = Callable[[int, SignedTransaction], Recorder]
"""Returns who listens to the transaction at an index."""


@dataclass(frozen=True)
class BlockResult:
    """The outcome of a block's body; the state is left as it is after the block."""

    transactions: tuple[SignedTransaction, ...]
    """Those that were executed."""
    receipts: tuple[BlockReceipt, ...]
    """One for each of them."""
    rejected: tuple[tuple[int, InvalidTransaction], ...]
    """Index among those given, and reason, of each that was not."""
    withdrawals: tuple[Withdrawal, ...]
    requests: tuple[bytes, ...]
    """For the consensus layer: type byte and data each."""
    gas_used: int
    blob_gas_used: int

    @property
    def logs(self) -> tuple[Log, ...]:
        """The logs of all transactions."""
        return tuple(log for receipt in self.receipts for log in receipt.outcome.logs)

    @cached_property
    def logs_bloom(self) -> bytes:
        """The Bloom filter of all logs."""
        return logs_bloom(self.logs)

    @cached_property
    def transactions_root(self) -> bytes:
        """Root of the trie of the transactions."""
        return list_root([transaction.encoded for transaction in self.transactions])

    @cached_property
    def receipts_root(self) -> bytes:
        """Root of the trie of the receipts."""
        return list_root([receipt.encoded for receipt in self.receipts])

    @cached_property
    def withdrawals_root(self) -> bytes:
        """Root of the trie of the withdrawals."""
        return list_root([rlp_encode(withdrawal.to_rlp()) for withdrawal in self.withdrawals])

    @cached_property
    def requests_hash(self) -> bytes:
        """What a header commits to from Prague on."""
        return requests_hash(self.requests)


def environment_of(fork: Fork, header: Header, block_hashes: Mapping[int, int]) -> BlockEnvironment:
    """Return what the instructions of the block's transactions can see."""
    return BlockEnvironment(
        coinbase=header.coinbase,
        number=header.number,
        timestamp=header.timestamp,
        gas_limit=header.gas_limit,
        base_fee=header.base_fee,
        prev_randao=int.from_bytes(header.prev_randao, "big"),
        excess_blob_gas=header.excess_blob_gas,
        blob_base_fee=fork.blobs.base_fee(header.excess_blob_gas),
        block_hashes=block_hashes,
    )


def apply_block(
    schedule: ForkSchedule,
    chain_id: int,
    state: State,
    parent: Header,
    block_hashes: Mapping[int, int],
    block: Block,
    recorder_of: RecorderFactory | None = None,
) -> BlockResult:
    """Run a block on the state that its parent left, and check all that its header says.

    `block_hashes` maps the numbers of ancestors to their hashes, as words; the parent need not be
    among them. Raises `InvalidBlock`; the state is then somewhere in between.
    """
    header = block.header
    fork = schedule.at(header.timestamp)
    if fork.max_block_size is not None:
        size = len(encode_block(block))
        require(
            size <= fork.max_block_size,
            BlockRejection.RLP_BLOCK_LIMIT_EXCEEDED,
            f"{size} bytes exceed {fork.max_block_size}",
        )
    require_valid_header(fork, parent, header)
    if parent.number not in block_hashes:
        block_hashes = {**block_hashes, parent.number: int.from_bytes(parent.hash, "big")}
    result = apply_body(
        fork,
        chain_id,
        state,
        environment_of(fork, header, block_hashes),
        block.transactions,
        block.withdrawals,
        header.parent_beacon_block_root,
        recorder_of=recorder_of,
    )
    _require_outcome(header, result)
    require_equal("state root", header.state_root, state.root(), BlockRejection.INVALID_STATE_ROOT)
    return result


def apply_body(
    fork: Fork,
    chain_id: int,
    state: State,
    environment: BlockEnvironment,
    transactions: Sequence[SignedTransaction],
    withdrawals: Sequence[Withdrawal],
    parent_beacon_block_root: bytes,
    *,
    skip_invalid: bool = False,
    recorder_of: RecorderFactory | None = None,
) -> BlockResult:
    """Run what a block holds on the state, bound to no header.

    An invalid transaction is left out if `skip_invalid`, else it makes the block invalid. Raises
    `InvalidBlock`.
    """
    record_ancestors(fork, chain_id, state, environment, parent_beacon_block_root)
    executed: list[SignedTransaction] = []
    receipts: list[BlockReceipt] = []
    rejected: list[tuple[int, InvalidTransaction]] = []
    used = BlockUsage()
    for index, signed in enumerate(transactions):
        recorder = recorder_of(index, signed) if recorder_of else Recorder()
        state.prepare(fork.precompiles, recorder)
        transaction = signed.transaction
        try:
            receipt = apply_transaction(
                fork, chain_id, state, environment, transaction, recorder, used
            )
        except InvalidTransaction as error:
            if not skip_invalid:
                raise InvalidBlock(error.rejection, f"transaction {index}: {error}") from error
            rejected.append((index, error))
            continue
        blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
        used = BlockUsage(used.gas + receipt.gas_used, used.blob_gas + blob_gas)
        executed.append(signed)
        receipts.append(BlockReceipt(transaction.type, receipt, used.gas))
    state.prepare(fork.precompiles)
    _pay_out(state, withdrawals)
    logs = [log for receipt in receipts for log in receipt.outcome.logs]
    requests = gather_requests(fork, chain_id, state, environment, logs)
    return BlockResult(
        transactions=tuple(executed),
        receipts=tuple(receipts),
        rejected=tuple(rejected),
        withdrawals=tuple(withdrawals),
        requests=requests,
        gas_used=used.gas,
        blob_gas_used=used.blob_gas,
    )


def _pay_out(state: State, withdrawals: Sequence[Withdrawal]) -> None:
    """Credit the withdrawals (EIP-4895)."""
    for withdrawal in withdrawals:
        balance = state.balance(withdrawal.address) + WEI_PER_GWEI * withdrawal.amount
        state.set_balance(withdrawal.address, balance)
    state.finish_transaction()


def _require_outcome(header: Header, result: BlockResult) -> None:
    """Raise `InvalidBlock` if the header states another outcome, the state root aside."""
    rejection = BlockRejection
    for what, stated, computed, reason in (
        ("gas used", header.gas_used, result.gas_used, rejection.INVALID_GAS_USED),
        (
            "blob gas used",
            header.blob_gas_used,
            result.blob_gas_used,
            rejection.INCORRECT_BLOB_GAS_USED,
        ),
        (
            "transactions root",
            header.transactions_root,
            result.transactions_root,
            rejection.INVALID_TRANSACTIONS_ROOT,
        ),
        (
            "receipts root",
            header.receipts_root,
            result.receipts_root,
            rejection.INVALID_RECEIPTS_ROOT,
        ),
        ("logs bloom", header.logs_bloom, result.logs_bloom, rejection.INVALID_LOG_BLOOM),
        (
            "withdrawals root",
            header.withdrawals_root,
            result.withdrawals_root,
            rejection.INVALID_WITHDRAWALS_ROOT,
        ),
    ):
        require_equal(what, stated, computed, reason)
    if header.requests_hash is not None:
        require_equal(
            "requests hash", header.requests_hash, result.requests_hash, rejection.INVALID_REQUESTS
        )
