"""A block, and what the instructions of its transactions can see of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from zkevm.evm.header import Header
from zkevm.evm.rlp import Encodable
from zkevm.evm.transaction import SignedTransaction


@dataclass(frozen=True, slots=True)
class BlockEnvironment:
    """Header values; addresses and hashes are words, fees are in wei, time is in seconds.

    `block_hashes` maps the number of an ancestor to its hash, for BLOCKHASH.
    """

    coinbase: int
    number: int
    timestamp: int
    gas_limit: int
    base_fee: int
    prev_randao: int
    excess_blob_gas: int = 0
    blob_base_fee: int = 1
    block_hashes: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What the consensus layer pays out to `address`: `amount` is in gwei (EIP-4895)."""

    index: int
    validator_index: int
    address: int
    amount: int

    def to_rlp(self) -> list[Encodable]:
        """Return the fields as RLP encodes them."""
        return [self.index, self.validator_index, self.address.to_bytes(20, "big"), self.amount]


@dataclass(frozen=True, slots=True)
class Block:
    """A block of the proof-of-stake chain: it has no ommers."""

    header: Header
    transactions: tuple[SignedTransaction, ...]
    withdrawals: tuple[Withdrawal, ...]
