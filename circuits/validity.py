"""What a statement's block and transactions may be: what no circuit proves."""

from __future__ import annotations

from collections.abc import Iterator

from circuits.buses import LOG_STREAM_SCOPE
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.fork import Fork
from zkevm.evm.transaction import Receipt, Transaction, TransactionType
from zkevm.evm.validity import VERSIONED_HASH_KZG

WORD_BITS, ADDRESS_BITS, PRICE_BITS = 256, 160, 128
MAX_TOPICS = 4
SUPPORTED_TYPES = (
    TransactionType.LEGACY,
    TransactionType.ACCESS_LIST,
    TransactionType.DYNAMIC_FEE,
    TransactionType.BLOB,
    TransactionType.SET_CODE,
)


def block_faults(chain_id: int, block: BlockEnvironment) -> Iterator[str]:
    """What of the block is out of its range."""
    yield from out_of_range(
        ("the chain id", chain_id, WORD_BITS),
        ("the block's number", block.number, 64),
        ("the block's time", block.timestamp, 64),
        ("the block's gas limit", block.gas_limit, 64),
        ("the base fee", block.base_fee, PRICE_BITS),
        ("the blob base fee", block.blob_base_fee, WORD_BITS),
        ("the coinbase", block.coinbase, ADDRESS_BITS),
        ("prev randao", block.prev_randao, WORD_BITS),
        ("the excess blob gas, which is not stated,", block.excess_blob_gas, 0),
    )
    for number, block_hash in block.block_hashes.items():
        yield from out_of_range(("a number", number, 64), ("a hash", block_hash, WORD_BITS))


def transaction_faults(
    fork: Fork, transaction: Transaction, block: BlockEnvironment
) -> Iterator[str]:
    """What the transaction may not have, or has out of its range."""
    yield from type_faults(fork, transaction, block)
    yield from out_of_range(
        ("the nonce", transaction.nonce, 64),
        ("the gas limit", transaction.gas_limit, 64),
        ("the fee", transaction.max_fee_per_gas, PRICE_BITS),
        ("the priority fee", transaction.max_priority_fee_per_gas, PRICE_BITS),
        ("the value", transaction.value, WORD_BITS),
        ("the length of the data", len(transaction.data), 32),
        ("the sender", transaction.sender, ADDRESS_BITS),
        ("the recipient", transaction.to or 0, ADDRESS_BITS),
    )
    for entry in transaction.access_list:
        yield from out_of_range(("an address of the list", entry.address, ADDRESS_BITS))
        yield from out_of_range(*(("a key", key, WORD_BITS) for key in entry.storage_keys))


def receipt_faults(receipt: Receipt) -> Iterator[str]:
    """What a receipt may not have, or has out of its range."""
    yield from out_of_range(("the gas used", receipt.gas_used, 64))
    if receipt.logs and not receipt.success:
        yield "a failed transaction has logs"
    if len(receipt.logs) > LOG_STREAM_SCOPE:
        yield "a transaction has too many logs"
    for log in receipt.logs:
        yield from out_of_range(("the emitter of a log", log.address, ADDRESS_BITS))
        yield from out_of_range(*(("a topic", topic, WORD_BITS) for topic in log.topics))
        if len(log.topics) > MAX_TOPICS:
            yield "a log has too many topics"


def type_faults(fork: Fork, transaction: Transaction, block: BlockEnvironment) -> Iterator[str]:
    """What the transaction has although its type does not, or the reverse."""
    kind = transaction.type
    if kind not in SUPPORTED_TYPES or kind not in fork.transaction_types:
        yield f"a transaction of type {int(kind)}"
    if kind is TransactionType.LEGACY and transaction.access_list:
        yield "an access list, which a legacy transaction does not have"
    one_price = transaction.max_fee_per_gas == transaction.max_priority_fee_per_gas
    if kind in (TransactionType.LEGACY, TransactionType.ACCESS_LIST) and not one_price:
        yield "two fees, where its type has one gas price"
    if kind is TransactionType.SET_CODE:
        yield from _authorization_faults(transaction)
    elif transaction.authorizations:
        yield "authorizations, which its type does not have"
    if kind is TransactionType.BLOB:
        yield from _blob_faults(fork, transaction, block)
    elif transaction.blob_versioned_hashes or transaction.max_fee_per_blob_gas:
        yield "blobs, which its type does not have"


def _blob_faults(fork: Fork, transaction: Transaction, block: BlockEnvironment) -> Iterator[str]:
    hashes = transaction.blob_versioned_hashes
    if not 0 < len(hashes) <= (fork.max_blobs_per_transaction or fork.blobs.maximum):
        yield f"{len(hashes)} blobs"
    if any(blob_hash >> WORD_BITS - 8 != VERSIONED_HASH_KZG for blob_hash in hashes):
        yield "a blob hash of an unknown version"
    if transaction.to is None:
        yield "a transaction with blobs that has no recipient"
    yield from out_of_range(
        ("the blob fee", transaction.max_fee_per_blob_gas, PRICE_BITS),
        ("the blob base fee", block.blob_base_fee, PRICE_BITS),
    )


def _authorization_faults(transaction: Transaction) -> Iterator[str]:
    if not transaction.authorizations:
        yield "no authorizations"
    if transaction.to is None:
        yield "a transaction with authorizations that has no recipient"
    for entry in transaction.authorizations:
        yield from out_of_range(
            ("the chain of an authorization", entry.chain_id, WORD_BITS),
            ("the address of an authorization", entry.address, ADDRESS_BITS),
            ("the nonce of an authorization", entry.nonce, 64),
            ("the parity of a signature", entry.y_parity, 8),
            ("a signature", max(entry.r, entry.s), WORD_BITS),
        )


def out_of_range(*fields: tuple[str, int, int]) -> Iterator[str]:
    """Faults of (name, value, bits)."""
    return (f"{name} is out of range" for name, value, bits in fields if value >> bits)
