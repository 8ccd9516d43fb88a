"""The forks that change blob parameters only (EIP-7892), December 2025 and January 2026."""

from dataclasses import replace

from zkevm.evm.fork import BlobSchedule
from zkevm.evm.forks.osaka import OSAKA

BPO1 = replace(
    OSAKA,
    name="BPO1",
    blobs=BlobSchedule(target=10, maximum=15, base_fee_update_fraction=8_346_193),
)
BPO2 = replace(
    BPO1,
    name="BPO2",
    blobs=BlobSchedule(target=14, maximum=21, base_fee_update_fraction=11_684_671),
)
