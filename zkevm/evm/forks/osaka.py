"""Osaka (December 2025): CLZ, P-256, dearer MODEXP, caps on transactions and blocks."""

from dataclasses import replace

from zkevm.evm.forks.prague import PRAGUE
from zkevm.evm.instructions import bitwise
from zkevm.evm.opcodes import Op
from zkevm.evm.precompiles.modexp import MODEXP_BOUNDED
from zkevm.evm.precompiles.p256 import P256VERIFY

OSAKA = replace(
    PRAGUE,
    name="Osaka",
    instructions={**PRAGUE.instructions, Op.CLZ: bitwise.count_leading_zeros},
    precompiles={**PRAGUE.precompiles, 0x05: MODEXP_BOUNDED, 0x100: P256VERIFY},
    max_transaction_gas=2**24,
    max_blobs_per_transaction=6,
    max_block_size=10 * 2**20 - 2 * 2**20,
    has_blob_reserve_price=True,
)
