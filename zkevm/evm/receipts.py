"""Receipts of a block, and the Bloom filter of their logs.

Sources: yellow paper, section 4.4.1 (receipts, the filter); EIP-658 (status), 2718 (types).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from zkevm.evm.header import BLOOM_BYTES
from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import Encodable, rlp_encode
from zkevm.evm.transaction import Log, Receipt, TransactionType

BLOOM_BITS = 8 * BLOOM_BYTES


@dataclass(frozen=True)
class BlockReceipt:
    """What a block keeps of the outcome of one of its transactions."""

    type: TransactionType
    outcome: Receipt
    cumulative_gas_used: int
    """By this transaction and those before it."""

    @cached_property
    def logs_bloom(self) -> bytes:
        """The Bloom filter of its logs."""
        return logs_bloom(self.outcome.logs)

    @cached_property
    def encoded(self) -> bytes:
        """What the receipts trie holds."""
        fields: list[Encodable] = [
            int(self.outcome.success),
            self.cumulative_gas_used,
            self.logs_bloom,
            [log.to_rlp() for log in self.outcome.logs],
        ]
        prefix = b"" if self.type is TransactionType.LEGACY else bytes((self.type,))
        return prefix + rlp_encode(fields)


def logs_bloom(logs: Iterable[Log]) -> bytes:
    """Return the filter, which has three bits set for the address and each topic of each log."""
    bits = 0
    for log in logs:
        address = log.address.to_bytes(20, "big")
        for entry in (address, *(topic.to_bytes(32, "big") for topic in log.topics)):
            digest = keccak256(entry)
            for start in (0, 2, 4):
                bits |= 1 << int.from_bytes(digest[start : start + 2], "big") % BLOOM_BITS
    return bits.to_bytes(BLOOM_BYTES, "big")
