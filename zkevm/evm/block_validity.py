"""Which blocks may extend the chain: what a header says by itself and about its parent.

What it says about the outcome of the transactions is checked by `zkevm.evm.block_transition`.
Sources: yellow paper, section 4.4.4; EIP-1559 (gas limit, base fee), 3675 (proof of stake), 4844
and 7918 (excess blob gas), 1985 (sane limits), 7685 (requests), 7934 (size).
"""

from enum import StrEnum

from zkevm.errors import InputError
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.header import EMPTY_OMMERS_HASH, Header
from zkevm.evm.validity import Rejection

ELASTICITY_MULTIPLIER = 2
BASE_FEE_MAX_CHANGE_DENOMINATOR = 8
GAS_LIMIT_BOUND_DIVISOR = 1024
MIN_GAS_LIMIT = 5000
MAX_GAS_LIMIT = 2**63 - 1
MAX_EXTRA_DATA_BYTES = 32
NONCE_OF_STAKE = bytes(8)


class BlockRejection(StrEnum):
    """Why a block is not valid; the names are those of the official tests."""

    RLP_STRUCTURES_ENCODING = "RLP_STRUCTURES_ENCODING"
    RLP_INVALID_FIELD_OVERFLOW_64 = "RLP_INVALID_FIELD_OVERFLOW_64"
    RLP_WITHDRAWALS_NOT_READ = "RLP_WITHDRAWALS_NOT_READ"
    RLP_INVALID_ADDRESS = "RLP_INVALID_ADDRESS"
    RLP_BLOCK_LIMIT_EXCEEDED = "RLP_BLOCK_LIMIT_EXCEEDED"
    INCORRECT_BLOCK_FORMAT = "INCORRECT_BLOCK_FORMAT"
    UNKNOWN_PARENT = "UNKNOWN_PARENT"
    UNKNOWN_PARENT_ZERO = "UNKNOWN_PARENT_ZERO"
    IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS = "IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS"
    IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS = "IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS"
    INVALID_BLOCK_NUMBER = "INVALID_BLOCK_NUMBER"
    INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT = "INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT"
    EXTRA_DATA_TOO_BIG = "EXTRA_DATA_TOO_BIG"
    GASLIMIT_TOO_BIG = "GASLIMIT_TOO_BIG"
    INVALID_GASLIMIT = "INVALID_GASLIMIT"
    INVALID_GAS_USED_ABOVE_LIMIT = "INVALID_GAS_USED_ABOVE_LIMIT"
    INVALID_BASEFEE_PER_GAS = "INVALID_BASEFEE_PER_GAS"
    INCORRECT_EXCESS_BLOB_GAS = "INCORRECT_EXCESS_BLOB_GAS"
    INCORRECT_BLOB_GAS_USED = "INCORRECT_BLOB_GAS_USED"
    INVALID_GAS_USED = "INVALID_GAS_USED"
    INVALID_TRANSACTIONS_ROOT = "INVALID_TRANSACTIONS_ROOT"
    INVALID_RECEIPTS_ROOT = "INVALID_RECEIPTS_ROOT"
    INVALID_LOG_BLOOM = "INVALID_LOG_BLOOM"
    INVALID_WITHDRAWALS_ROOT = "INVALID_WITHDRAWALS_ROOT"
    INVALID_REQUESTS = "INVALID_REQUESTS"
    INVALID_STATE_ROOT = "INVALID_STATE_ROOT"
    INVALID_DEPOSIT_EVENT_LAYOUT = "INVALID_DEPOSIT_EVENT_LAYOUT"
    SYSTEM_CONTRACT_EMPTY = "SYSTEM_CONTRACT_EMPTY"
    SYSTEM_CONTRACT_CALL_FAILED = "SYSTEM_CONTRACT_CALL_FAILED"

    @property
    def exception(self) -> str:
        """The name of the exception in the official tests."""
        return f"BlockException.{self}"


class InvalidBlock(InputError):
    """A block that no chain may hold; `rejection` says why, of itself or of a transaction."""

    def __init__(self, rejection: BlockRejection | Rejection, detail: str) -> None:
        super().__init__(f"invalid block: {detail} ({rejection})")
        self.rejection = rejection


def require(condition: bool, rejection: BlockRejection, detail: str) -> None:
    """Raise `InvalidBlock` unless the condition holds."""
    if not condition:
        raise InvalidBlock(rejection, detail)


def require_equal(what: str, stated: object, computed: object, rejection: BlockRejection) -> None:
    """Raise `InvalidBlock` if the header states something else than what follows."""
    if stated != computed:
        stated, computed = (x.hex() if isinstance(x, bytes) else x for x in (stated, computed))
        raise InvalidBlock(rejection, f"{what} is {stated}, but should be {computed}")


def require_valid_header(fork: Fork, parent: Header, header: Header) -> None:
    """Raise `InvalidBlock` if the header cannot follow its parent under the rules of the fork."""
    _require_place(parent, header)
    _require_proof_of_stake(header)
    _require_gas(parent, header)
    _require_excess_blob_gas(fork, parent, header)
    require(
        (header.requests_hash is not None) == fork.has_requests,
        BlockRejection.INCORRECT_BLOCK_FORMAT,
        f"a block of {fork.name} has {'a' if fork.has_requests else 'no'} requests hash",
    )


def _require_place(parent: Header, header: Header) -> None:
    require(any(header.parent_hash), BlockRejection.UNKNOWN_PARENT_ZERO, "its parent hash is zero")
    require_equal("parent hash", header.parent_hash, parent.hash, BlockRejection.UNKNOWN_PARENT)
    require_equal("number", header.number, parent.number + 1, BlockRejection.INVALID_BLOCK_NUMBER)
    require(
        header.timestamp > parent.timestamp,
        BlockRejection.INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT,
        f"its time {header.timestamp} is not after the parent's {parent.timestamp}",
    )
    require(
        len(header.extra_data) <= MAX_EXTRA_DATA_BYTES,
        BlockRejection.EXTRA_DATA_TOO_BIG,
        f"{len(header.extra_data)} bytes of extra data exceed {MAX_EXTRA_DATA_BYTES}",
    )


def _require_proof_of_stake(header: Header) -> None:
    """Check what EIP-3675 fixes."""
    rejection = BlockRejection.IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS
    require_equal("difficulty", header.difficulty, 0, rejection)
    require_equal("nonce", header.nonce, NONCE_OF_STAKE, rejection)
    require_equal(
        "ommers hash",
        header.ommers_hash,
        EMPTY_OMMERS_HASH,
        BlockRejection.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS,
    )


def _require_gas(parent: Header, header: Header) -> None:
    require(
        header.gas_limit <= MAX_GAS_LIMIT,
        BlockRejection.GASLIMIT_TOO_BIG,
        f"gas limit {header.gas_limit} exceeds {MAX_GAS_LIMIT}",
    )
    bound = parent.gas_limit // GAS_LIMIT_BOUND_DIVISOR
    require(
        abs(header.gas_limit - parent.gas_limit) < bound and header.gas_limit >= MIN_GAS_LIMIT,
        BlockRejection.INVALID_GASLIMIT,
        f"gas limit {header.gas_limit} is too far from the parent's {parent.gas_limit}",
    )
    require(
        header.gas_used <= header.gas_limit,
        BlockRejection.INVALID_GAS_USED_ABOVE_LIMIT,
        f"gas used {header.gas_used} exceeds the gas limit {header.gas_limit}",
    )
    require_equal(
        "base fee",
        header.base_fee,
        base_fee_after(parent.base_fee, parent.gas_used, parent.gas_limit),
        BlockRejection.INVALID_BASEFEE_PER_GAS,
    )


def base_fee_after(fee: int, gas_used: int, gas_limit: int) -> int:
    """Return the base fee of the next block, in wei, from values of its parent (EIP-1559)."""
    target = gas_limit // ELASTICITY_MULTIPLIER
    excess = gas_used - target
    change = fee * abs(excess) // target // BASE_FEE_MAX_CHANGE_DENOMINATOR
    return fee + max(change, 1) if excess > 0 else fee - change


def _require_excess_blob_gas(fork: Fork, parent: Header, header: Header) -> None:
    require_equal(
        "excess blob gas",
        header.excess_blob_gas,
        excess_blob_gas_after(fork, parent.excess_blob_gas, parent.blob_gas_used, parent.base_fee),
        BlockRejection.INCORRECT_EXCESS_BLOB_GAS,
    )


def excess_blob_gas_after(
    fork: Fork, parent_excess: int, parent_blob_gas_used: int, parent_base_fee: int
) -> int:
    """Return the excess blob gas of a block of the fork, from the values of its parent."""
    blobs = fork.blobs
    target = gas.BLOB * blobs.target
    total = parent_excess + parent_blob_gas_used
    if total < target:
        return 0
    blob_price = gas.BLOB * blobs.base_fee(parent_excess)
    if fork.has_blob_reserve_price and gas.BLOB_EXECUTION * parent_base_fee > blob_price:
        return (
            parent_excess + parent_blob_gas_used * (blobs.maximum - blobs.target) // blobs.maximum
        )
    return total - target
