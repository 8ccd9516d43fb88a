"""Transactions of types 0 to 4, decoded and with their sender known.

Sources: EIP-155, EIP-2930 (access lists), EIP-1559 (fee market), EIP-4844 (blobs),
EIP-7702 (set code).
"""

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import Encodable


class TransactionType(IntEnum):
    """The first byte of a typed transaction; LEGACY has none."""

    LEGACY = 0
    ACCESS_LIST = 1
    DYNAMIC_FEE = 2
    BLOB = 3
    SET_CODE = 4


@dataclass(frozen=True, slots=True)
class AccessListEntry:
    """An address that starts warm, with the storage keys that do so too."""

    address: int
    storage_keys: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Authorization:
    """One entry of the authorization list of a set-code transaction (EIP-7702)."""

    chain_id: int
    address: int
    nonce: int
    y_parity: int
    r: int
    s: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction together with its sender; amounts are in wei, addresses below 2**160.

    `to` is None for a contract creation. Transactions with a single gas price carry it in both
    fee fields. `blob_versioned_hashes` are words.
    """

    type: TransactionType
    sender: int
    nonce: int
    gas_limit: int
    max_fee_per_gas: int
    max_priority_fee_per_gas: int
    to: int | None
    value: int
    data: bytes
    access_list: tuple[AccessListEntry, ...] = ()
    max_fee_per_blob_gas: int = 0
    blob_versioned_hashes: tuple[int, ...] = ()
    authorizations: tuple[Authorization, ...] = ()

    def effective_gas_price(self, base_fee: int) -> int:
        """Return the price of a unit of gas: the base fee and what the tip leaves room for."""
        return min(self.max_fee_per_gas, base_fee + self.max_priority_fee_per_gas)


@dataclass(frozen=True)
class SignedTransaction:
    """A transaction as blocks hold it; its sender is the signer.

    `encoded` is the form of EIP-2718: what the transactions trie holds and the hash is taken of.
    `v` is the parity of a typed transaction's signature; a legacy one's holds the chain id too.
    """

    transaction: Transaction
    encoded: bytes
    v: int
    r: int
    s: int

    @cached_property
    def hash(self) -> bytes:
        """The hash by which the transaction is known."""
        return keccak256(self.encoded)


@dataclass(frozen=True, slots=True)
class Log:
    """What a LOG instruction emits: address of the emitter, topics as words, data."""

    address: int
    topics: tuple[int, ...]
    data: bytes

    def to_rlp(self) -> list[Encodable]:
        """Return the fields as RLP encodes them."""
        topics = [topic.to_bytes(32, "big") for topic in self.topics]
        return [self.address.to_bytes(20, "big"), topics, self.data]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of a transaction: did it succeed, the gas paid for, the logs that were kept."""

    success: bool
    gas_used: int
    logs: tuple[Log, ...]
