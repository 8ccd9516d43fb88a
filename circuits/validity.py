"""What a statement's transaction may be by its type: what no circuit proves."""

from __future__ import annotations

from collections.abc import Iterator

from zkevm.evm.block import BlockEnvironment
from zkevm.evm.fork import Fork
from zkevm.evm.transaction import Transaction, TransactionType
from zkevm.evm.validity import VERSIONED_HASH_KZG

WORD_BITS, ADDRESS_BITS, PRICE_BITS = 256, 160, 128
SUPPORTED_TYPES = (
    TransactionType.LEGACY,
    TransactionType.ACCESS_LIST,
    TransactionType.DYNAMIC_FEE,
    TransactionType.BLOB,
    TransactionType.SET_CODE,
)


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
