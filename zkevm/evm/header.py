"""The header of a block, and its RLP.

Sources: yellow paper, section 4.4; EIP-1559 (base fee), 3675 (randomness), 4895 (withdrawals),
4844 (blob gas), 4788 (beacon root), 7685 (requests).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import Encodable, Item, RlpError, as_bytes, as_integer, as_list, rlp_encode

EMPTY_OMMERS_HASH = keccak256(rlp_encode([]))
BLOOM_BYTES = 256

_BYTES: dict[str, int | None] = {
    "parent_hash": 32,
    "ommers_hash": 32,
    "state_root": 32,
    "transactions_root": 32,
    "receipts_root": 32,
    "logs_bloom": BLOOM_BYTES,
    "extra_data": None,
    "prev_randao": 32,
    "nonce": 8,
    "withdrawals_root": 32,
    "parent_beacon_block_root": 32,
    "requests_hash": 32,
}
"""The fields that are bytes, with their length if it is fixed."""

_WIDE_INTEGERS = {"difficulty", "base_fee"}
"""The integers of 256 bits; the others have 64."""


class ForeignHeader(RlpError):
    """A header with fields of other forks, or without some."""


@dataclass(frozen=True)
class Header:
    """Fields in the order of their RLP. Fees are in wei, `timestamp` in seconds, gas in units.

    `coinbase` is an address below 2**160; `requests_hash` is None before Prague.
    """

    parent_hash: bytes
    ommers_hash: bytes
    coinbase: int
    state_root: bytes
    transactions_root: bytes
    receipts_root: bytes
    logs_bloom: bytes
    difficulty: int
    number: int
    gas_limit: int
    gas_used: int
    timestamp: int
    extra_data: bytes
    prev_randao: bytes
    nonce: bytes
    base_fee: int
    withdrawals_root: bytes
    blob_gas_used: int
    excess_blob_gas: int
    parent_beacon_block_root: bytes
    requests_hash: bytes | None = None

    def to_rlp(self) -> list[Encodable]:
        """Return the fields as RLP encodes them."""
        return [
            value.to_bytes(20, "big") if field.name == "coinbase" else value
            for field in fields(self)
            if (value := getattr(self, field.name)) is not None
        ]

    @cached_property
    def hash(self) -> bytes:
        """The hash of the block."""
        return keccak256(rlp_encode(self.to_rlp()))


def header_from_rlp(item: Item) -> Header:
    """Return the header of a block of Cancun or later, or raise `RlpError`."""
    items = as_list(item, "header")
    names = [field.name for field in fields(Header)]
    if len(items) not in {len(names) - 1, len(names)}:
        raise ForeignHeader(f"{len(items)} fields are not of a header of Cancun, Prague or Osaka")
    values: dict[str, Any] = {
        name: _field(name, value) for name, value in zip(names, items, strict=False)
    }
    return Header(**values)


def _field(name: str, item: Item) -> bytes | int:
    what = f"header.{name}"
    if name in _BYTES:
        return as_bytes(item, what, _BYTES[name])
    if name == "coinbase":
        return int.from_bytes(as_bytes(item, what, 20), "big")
    return as_integer(item, what, 256 if name in _WIDE_INTEGERS else 64)
