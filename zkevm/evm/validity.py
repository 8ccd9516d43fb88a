"""Which transactions may enter a block, and what they cost before they run."""

from enum import StrEnum
from typing import NamedTuple

from zkevm.errors import InputError
from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.fork import Fork
from zkevm.evm.instructions.system import MAX_NONCE
from zkevm.evm.state import State
from zkevm.evm.transaction import Transaction, TransactionType

VERSIONED_HASH_KZG = 0x01


class Rejection(StrEnum):
    """Why a transaction is not valid; the names are those of the official tests."""

    TYPE_1_TX_PRE_FORK = "TYPE_1_TX_PRE_FORK"
    TYPE_2_TX_PRE_FORK = "TYPE_2_TX_PRE_FORK"
    TYPE_3_TX_PRE_FORK = "TYPE_3_TX_PRE_FORK"
    TYPE_4_TX_PRE_FORK = "TYPE_4_TX_PRE_FORK"
    GAS_LIMIT_EXCEEDS_MAXIMUM = "GAS_LIMIT_EXCEEDS_MAXIMUM"
    INTRINSIC_GAS_TOO_LOW = "INTRINSIC_GAS_TOO_LOW"
    INTRINSIC_GAS_BELOW_FLOOR_GAS_COST = "INTRINSIC_GAS_BELOW_FLOOR_GAS_COST"
    NONCE_IS_MAX = "NONCE_IS_MAX"
    INITCODE_SIZE_EXCEEDED = "INITCODE_SIZE_EXCEEDED"
    GAS_ALLOWANCE_EXCEEDED = "GAS_ALLOWANCE_EXCEEDED"
    PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS = "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS"
    INSUFFICIENT_MAX_FEE_PER_GAS = "INSUFFICIENT_MAX_FEE_PER_GAS"
    GASLIMIT_PRICE_PRODUCT_OVERFLOW = "GASLIMIT_PRICE_PRODUCT_OVERFLOW"
    TYPE_3_TX_CONTRACT_CREATION = "TYPE_3_TX_CONTRACT_CREATION"
    TYPE_3_TX_ZERO_BLOBS = "TYPE_3_TX_ZERO_BLOBS"
    TYPE_3_TX_BLOB_COUNT_EXCEEDED = "TYPE_3_TX_BLOB_COUNT_EXCEEDED"
    TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH = "TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH"
    INSUFFICIENT_MAX_FEE_PER_BLOB_GAS = "INSUFFICIENT_MAX_FEE_PER_BLOB_GAS"
    TYPE_3_TX_WITH_FULL_BLOBS = "TYPE_3_TX_WITH_FULL_BLOBS"
    TYPE_4_TX_CONTRACT_CREATION = "TYPE_4_TX_CONTRACT_CREATION"
    TYPE_4_EMPTY_AUTHORIZATION_LIST = "TYPE_4_EMPTY_AUTHORIZATION_LIST"
    NONCE_MISMATCH_TOO_LOW = "NONCE_MISMATCH_TOO_LOW"
    NONCE_MISMATCH_TOO_HIGH = "NONCE_MISMATCH_TOO_HIGH"
    INSUFFICIENT_ACCOUNT_FUNDS = "INSUFFICIENT_ACCOUNT_FUNDS"
    SENDER_NOT_EOA = "SENDER_NOT_EOA"
    TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED = "TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED"

    # Those of a transaction that is not well encoded or not well signed.
    TYPE_NOT_SUPPORTED = "TYPE_NOT_SUPPORTED"
    INVALID_CHAINID = "INVALID_CHAINID"
    INVALID_SIGNATURE_VRS = "INVALID_SIGNATURE_VRS"
    EC_RECOVERY_FAIL = "EC_RECOVERY_FAIL"
    NONCE_OVERFLOW = "NONCE_OVERFLOW"
    GASLIMIT_OVERFLOW = "GASLIMIT_OVERFLOW"
    GASPRICE_OVERFLOW = "GASPRICE_OVERFLOW"
    PRIORITY_OVERFLOW = "PRIORITY_OVERFLOW"
    VALUE_OVERFLOW = "VALUE_OVERFLOW"
    ADDRESS_TOO_SHORT = "ADDRESS_TOO_SHORT"
    ADDRESS_TOO_LONG = "ADDRESS_TOO_LONG"
    RLP_LEADING_ZEROS_NONCE = "RLP_LEADING_ZEROS_NONCE"
    RLP_LEADING_ZEROS_GASLIMIT = "RLP_LEADING_ZEROS_GASLIMIT"
    RLP_LEADING_ZEROS_GASPRICE = "RLP_LEADING_ZEROS_GASPRICE"
    RLP_LEADING_ZEROS_BASEFEE = "RLP_LEADING_ZEROS_BASEFEE"
    RLP_LEADING_ZEROS_PRIORITY_FEE = "RLP_LEADING_ZEROS_PRIORITY_FEE"
    RLP_LEADING_ZEROS_VALUE = "RLP_LEADING_ZEROS_VALUE"
    RLP_LEADING_ZEROS_V = "RLP_LEADING_ZEROS_V"
    RLP_LEADING_ZEROS_R = "RLP_LEADING_ZEROS_R"
    RLP_LEADING_ZEROS_S = "RLP_LEADING_ZEROS_S"
    RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT = "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT"
    RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG = "RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG"
    RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT = "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT"
    RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG = "RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG"
    RLP_INVALID_ACCESS_LIST = "RLP_INVALID_ACCESS_LIST"
    TYPE_4_INVALID_AUTHORIZATION_FORMAT = "TYPE_4_INVALID_AUTHORIZATION_FORMAT"
    RLP_INVALID_NONCE = "RLP_INVALID_NONCE"
    RLP_INVALID_GASLIMIT = "RLP_INVALID_GASLIMIT"
    RLP_INVALID_GASPRICE = "RLP_INVALID_GASPRICE"
    RLP_INVALID_VALUE = "RLP_INVALID_VALUE"
    RLP_INVALID_TO = "RLP_INVALID_TO"
    RLP_INVALID_DATA = "RLP_INVALID_DATA"
    RLP_INVALID_SIGNATURE_V = "RLP_INVALID_SIGNATURE_V"
    RLP_INVALID_SIGNATURE_R = "RLP_INVALID_SIGNATURE_R"
    RLP_INVALID_SIGNATURE_S = "RLP_INVALID_SIGNATURE_S"
    RLP_TOO_FEW_ELEMENTS = "RLP_TOO_FEW_ELEMENTS"
    RLP_TOO_MANY_ELEMENTS = "RLP_TOO_MANY_ELEMENTS"
    RLP_ERROR_SIZE = "RLP_ERROR_SIZE"

    @property
    def exception(self) -> str:
        """The name of the exception in the official tests."""
        return f"TransactionException.{self}"


class BlockUsage(NamedTuple):
    """What the transactions before one in the same block have taken."""

    gas: int = 0
    blob_gas: int = 0


NOTHING_USED = BlockUsage()


class InvalidTransaction(InputError):
    """A transaction that no block may hold."""

    def __init__(self, rejection: Rejection, detail: str) -> None:
        super().__init__(f"invalid transaction: {detail} ({rejection})")
        self.rejection = rejection


class IntrinsicGas(NamedTuple):
    """What a transaction costs before its first instruction, and what it costs at least."""

    execution: int
    floor: int


def intrinsic_gas(fork: Fork, transaction: Transaction) -> IntrinsicGas:
    """Return the intrinsic gas and the floor of EIP-7623, which is 0 before Prague."""
    data = transaction.data
    zeros = data.count(0)
    tokens = zeros + gas.DATA_TOKENS_PER_NONZERO_BYTE * (len(data) - zeros)
    cost = gas.TRANSACTION + gas.DATA_TOKEN * tokens
    if transaction.to is None:
        cost += gas.TRANSACTION_CREATE + gas.init_code_cost(len(data))
    for entry in transaction.access_list:
        cost += gas.ACCESS_LIST_ADDRESS + gas.ACCESS_LIST_KEY * len(entry.storage_keys)
    cost += gas.AUTHORIZATION_NEW_ACCOUNT * len(transaction.authorizations)
    floor = gas.TRANSACTION + gas.DATA_TOKEN_FLOOR * tokens if fork.has_calldata_floor else 0
    return IntrinsicGas(cost, floor)


def require_valid(
    fork: Fork,
    state: State,
    environment: BlockEnvironment,
    transaction: Transaction,
    used: BlockUsage = NOTHING_USED,
) -> None:
    """Raise `InvalidTransaction` if the transaction has no place in what is left of the block."""
    _require_type(fork, transaction)
    _require_fees(environment, transaction)
    _require_gas(fork, environment.gas_limit - used.gas, transaction)
    if transaction.type is TransactionType.BLOB:
        _require_blobs(fork, environment, transaction, used.blob_gas)
    if transaction.type is TransactionType.SET_CODE:
        _require_authorizations(transaction)
    _require_sender(fork, state, transaction)


def _require_type(fork: Fork, transaction: Transaction) -> None:
    if transaction.type not in fork.transaction_types:
        raise InvalidTransaction(
            Rejection(f"TYPE_{transaction.type:d}_TX_PRE_FORK"),
            f"type {transaction.type:d} does not exist in {fork.name}",
        )


def _require_gas(fork: Fork, available: int, transaction: Transaction) -> None:
    limit = transaction.gas_limit
    intrinsic = intrinsic_gas(fork, transaction)
    if limit < intrinsic.execution:
        raise InvalidTransaction(
            Rejection.INTRINSIC_GAS_TOO_LOW,
            f"gas limit {limit} is below the intrinsic gas {intrinsic.execution}",
        )
    if limit < intrinsic.floor:
        raise InvalidTransaction(
            Rejection.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST,
            f"gas limit {limit} is below the floor {intrinsic.floor} for its data",
        )
    if fork.max_transaction_gas is not None and limit > fork.max_transaction_gas:
        raise InvalidTransaction(
            Rejection.GAS_LIMIT_EXCEEDS_MAXIMUM,
            f"gas limit {limit} exceeds {fork.max_transaction_gas}",
        )
    if limit > available:
        raise InvalidTransaction(
            Rejection.GAS_ALLOWANCE_EXCEEDED,
            f"gas limit {limit} exceeds the {available} that the block has left",
        )
    if transaction.to is None and len(transaction.data) > fork.max_init_code_size:
        raise InvalidTransaction(
            Rejection.INITCODE_SIZE_EXCEEDED,
            f"{len(transaction.data)} bytes of init code exceed {fork.max_init_code_size}",
        )


def _require_fees(environment: BlockEnvironment, transaction: Transaction) -> None:
    fee, tip = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
    if tip > fee:
        raise InvalidTransaction(
            Rejection.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS, f"tip {tip} exceeds the fee cap {fee}"
        )
    if fee < environment.base_fee:
        raise InvalidTransaction(
            Rejection.INSUFFICIENT_MAX_FEE_PER_GAS,
            f"fee cap {fee} is below the base fee {environment.base_fee}",
        )
    if transaction.gas_limit * fee >= 2**256:
        raise InvalidTransaction(
            Rejection.GASLIMIT_PRICE_PRODUCT_OVERFLOW, "its gas may cost 2**256 wei or more"
        )


def _require_blobs(
    fork: Fork, environment: BlockEnvironment, transaction: Transaction, blob_gas_used: int
) -> None:
    hashes = transaction.blob_versioned_hashes
    if transaction.to is None:
        raise InvalidTransaction(
            Rejection.TYPE_3_TX_CONTRACT_CREATION, "a blob transaction cannot create a contract"
        )
    if not hashes:
        raise InvalidTransaction(Rejection.TYPE_3_TX_ZERO_BLOBS, "a blob transaction without blobs")
    most = fork.max_blobs_per_transaction or fork.blobs.maximum
    if len(hashes) > most:
        raise InvalidTransaction(
            Rejection.TYPE_3_TX_BLOB_COUNT_EXCEEDED, f"{len(hashes)} blobs exceed {most}"
        )
    left = fork.blobs.maximum - blob_gas_used // gas.BLOB
    if len(hashes) > left:
        raise InvalidTransaction(
            Rejection.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED,
            f"{len(hashes)} blobs exceed the {left} that the block has left",
        )
    if any(versioned_hash >> 248 != VERSIONED_HASH_KZG for versioned_hash in hashes):
        raise InvalidTransaction(
            Rejection.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH, "a blob hash of an unknown version"
        )
    if transaction.max_fee_per_blob_gas < environment.blob_base_fee:
        raise InvalidTransaction(
            Rejection.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS,
            f"blob fee cap {transaction.max_fee_per_blob_gas} is below the blob base fee "
            f"{environment.blob_base_fee}",
        )


def _require_authorizations(transaction: Transaction) -> None:
    if transaction.to is None:
        raise InvalidTransaction(
            Rejection.TYPE_4_TX_CONTRACT_CREATION, "a set-code transaction cannot create a contract"
        )
    if not transaction.authorizations:
        raise InvalidTransaction(
            Rejection.TYPE_4_EMPTY_AUTHORIZATION_LIST,
            "a set-code transaction without authorizations",
        )


def _require_sender(fork: Fork, state: State, transaction: Transaction) -> None:
    sender = transaction.sender
    nonce = state.nonce(sender)
    if transaction.nonce >= MAX_NONCE:
        raise InvalidTransaction(Rejection.NONCE_IS_MAX, "the nonce cannot grow further")
    if transaction.nonce != nonce:
        low = transaction.nonce < nonce
        raise InvalidTransaction(
            Rejection.NONCE_MISMATCH_TOO_LOW if low else Rejection.NONCE_MISMATCH_TOO_HIGH,
            f"nonce {transaction.nonce}, but the sender's is {nonce}",
        )
    blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
    most = (
        transaction.gas_limit * transaction.max_fee_per_gas
        + blob_gas * transaction.max_fee_per_blob_gas
        + transaction.value
    )
    if state.balance(sender) < most:
        raise InvalidTransaction(
            Rejection.INSUFFICIENT_ACCOUNT_FUNDS,
            f"the sender has {state.balance(sender)} wei of {most} that it may take",
        )
    code = state.code(sender)
    if code and not (fork.has_delegations and code.delegate is not None):
        raise InvalidTransaction(Rejection.SENDER_NOT_EOA, "the sender is a contract (EIP-3607)")
