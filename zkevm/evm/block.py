"""The block a transaction runs in, as far as its instructions can see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
