"""Valid blocks of a small chain, made by running them first, and what is left to change in them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from zkevm.evm.block import Block, Withdrawal
from zkevm.evm.block_transition import apply_body, environment_of
from zkevm.evm.block_validity import base_fee_after, excess_blob_gas_after
from zkevm.evm.code import Code
from zkevm.evm.fork import Fork
from zkevm.evm.header import EMPTY_OMMERS_HASH, Header
from zkevm.evm.merkle import list_root
from zkevm.evm.receipts import logs_bloom
from zkevm.evm.state import Account, State
from zkevm.evm.system_contracts import requests_hash
from zkevm.evm.transaction import SignedTransaction, Transaction, TransactionType
from zkevm.evm.transaction_codec import sign_transaction

CHAIN_ID = 1
KEY = 0xB0B
SENDER = sign_transaction(
    Transaction(TransactionType.LEGACY, 0, 0, 21_000, 0, 0, 1, 0, b""), CHAIN_ID, KEY
).transaction.sender
COINBASE = 0xC01BA5E
STOPS = Code(b"\0")


def accounts(fork: Fork, extra: Mapping[int, Account] | None = None) -> dict[int, Account]:
    """A rich sender, and system contracts that do nothing."""
    contracts = [fork.beacon_roots_contract, *fork.request_contracts.values()]
    if fork.block_hashes_contract is not None:
        contracts.append(fork.block_hashes_contract)
    return {
        SENDER: Account(balance=10**21),
        **{contract: Account(nonce=1, code=STOPS) for contract in contracts},
        **(extra or {}),
    }


def genesis(fork: Fork, state: State, **changes: object) -> Header:
    """The header of a chain's first block."""
    empty = list_root([])
    header = Header(
        parent_hash=bytes(32),
        ommers_hash=EMPTY_OMMERS_HASH,
        coinbase=0,
        state_root=state.root(),
        transactions_root=empty,
        receipts_root=empty,
        logs_bloom=logs_bloom([]),
        difficulty=0,
        number=0,
        gas_limit=30_000_000,
        gas_used=0,
        timestamp=0,
        extra_data=b"",
        prev_randao=bytes(32),
        nonce=bytes(8),
        base_fee=1000,
        withdrawals_root=empty,
        blob_gas_used=0,
        excess_blob_gas=0,
        parent_beacon_block_root=bytes(32),
        requests_hash=requests_hash([]) if fork.has_requests else None,
    )
    return replace(header, **changes)


def transaction(nonce: int = 0, **changes: object) -> SignedTransaction:
    """A signed transfer of the sender."""
    plain = Transaction(
        type=TransactionType.DYNAMIC_FEE,
        sender=0,
        nonce=nonce,
        gas_limit=50_000,
        max_fee_per_gas=10_000,
        max_priority_fee_per_gas=7,
        to=0xDEAD,
        value=1,
        data=b"",
    )
    return sign_transaction(replace(plain, **changes), CHAIN_ID, KEY)


def valid_block(
    fork: Fork,
    state: State,
    parent: Header,
    transactions: Sequence[SignedTransaction] = (),
    withdrawals: Sequence[Withdrawal] = (),
    **changes: object,
) -> Block:
    """The block that follows `parent` with this body; `state` is not changed.

    Invalid transactions are left out. `changes` are of the header before the body runs.
    """
    header = replace(
        parent,
        parent_hash=parent.hash,
        coinbase=COINBASE,
        number=parent.number + 1,
        timestamp=parent.timestamp + 12,
        base_fee=base_fee_after(parent.base_fee, parent.gas_used, parent.gas_limit),
        excess_blob_gas=excess_blob_gas_after(
            fork, parent.excess_blob_gas, parent.blob_gas_used, parent.base_fee
        ),
        parent_beacon_block_root=b"\x0b" * 32,
        requests_hash=requests_hash([]) if fork.has_requests else None,
    )
    header = replace(header, **changes)
    after = state.copy()
    hashes = {parent.number: int.from_bytes(parent.hash, "big")}
    result = apply_body(
        fork,
        CHAIN_ID,
        after,
        environment_of(fork, header, hashes),
        transactions,
        withdrawals,
        header.parent_beacon_block_root,
        skip_invalid=True,
    )
    header = replace(
        header,
        gas_used=result.gas_used,
        blob_gas_used=result.blob_gas_used,
        transactions_root=result.transactions_root,
        receipts_root=result.receipts_root,
        logs_bloom=result.logs_bloom,
        withdrawals_root=result.withdrawals_root,
        requests_hash=result.requests_hash if fork.has_requests else None,
        state_root=after.root(),
    )
    return Block(header, result.transactions, result.withdrawals)
