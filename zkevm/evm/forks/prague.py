"""Prague (May 2025): delegated accounts, a floor price for data, more blobs."""

from dataclasses import replace

from zkevm.evm.fork import BlobSchedule
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.transaction import TransactionType

PRAGUE = replace(
    CANCUN,
    name="Prague",
    transaction_types=frozenset(TransactionType),
    has_delegations=True,
    has_calldata_floor=True,
    blobs=BlobSchedule(target=6, maximum=9, base_fee_update_fraction=5_007_716),
    max_blobs_per_transaction=9,
)
