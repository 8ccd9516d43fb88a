"""Point evaluation of a blob's KZG commitment (EIP-4844)."""

from zkevm.evm.precompiles import Precompile, deferred

POINT_EVALUATION = Precompile(
    "POINT_EVALUATION", lambda _: 50_000, deferred("blob_proof", "verify")
)
