"""Prague (May 2025): delegations, BLS12-381, a floor price for data, more blobs, requests."""

from dataclasses import replace

from zkevm.evm.fork import BlobSchedule
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.precompiles.bls12_381 import (
    BLS12_G1ADD,
    BLS12_G1MSM,
    BLS12_G2ADD,
    BLS12_G2MSM,
    BLS12_MAP_FP2_TO_G2,
    BLS12_MAP_FP_TO_G1,
    BLS12_PAIRING,
)
from zkevm.evm.transaction import TransactionType

PRAGUE = replace(
    CANCUN,
    name="Prague",
    precompiles={
        **CANCUN.precompiles,
        0x0B: BLS12_G1ADD,
        0x0C: BLS12_G1MSM,
        0x0D: BLS12_G2ADD,
        0x0E: BLS12_G2MSM,
        0x0F: BLS12_PAIRING,
        0x10: BLS12_MAP_FP_TO_G1,
        0x11: BLS12_MAP_FP2_TO_G2,
    },
    transaction_types=frozenset(TransactionType),
    has_delegations=True,
    has_calldata_floor=True,
    blobs=BlobSchedule(target=6, maximum=9, base_fee_update_fraction=5_007_716),
    block_hashes_contract=0x0000F90827F1C53A10CB7A02335B175320002935,
    deposit_contract=0x00000000219AB540356CBB839CBE05303D7705FA,
    request_contracts={
        1: 0x00000961EF480EB55E80D19AD83579A64C007002,  # withdrawals (EIP-7002)
        2: 0x0000BBDDC7CE488642FB579F8B00F3A590007251,  # consolidations (EIP-7251)
    },
)
