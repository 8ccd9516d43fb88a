"""Osaka (December 2025): CLZ, a cap on a transaction's gas and on its blobs."""

from dataclasses import replace

from zkevm.evm.forks.prague import PRAGUE
from zkevm.evm.instructions import bitwise
from zkevm.evm.opcodes import Op

OSAKA = replace(
    PRAGUE,
    name="Osaka",
    instructions={**PRAGUE.instructions, Op.CLZ: bitwise.count_leading_zeros},
    max_transaction_gas=2**24,
    max_blobs_per_transaction=6,
)
