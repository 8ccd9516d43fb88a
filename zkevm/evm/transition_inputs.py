"""What the transition tool reads: accounts, the block's values, transactions.

Integers may be hexadecimal or decimal. Decoding is strict otherwise; errors name the document and
the field.

Source: go-ethereum, cmd/evm/README.md, "State transition tool".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from zkevm.errors import InputError
from zkevm.evm.block import BlockEnvironment, Withdrawal
from zkevm.evm.block_validity import base_fee_after, excess_blob_gas_after
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.fixture import (
    AccessListEntryJson,
    Address,
    AuthorizationJson,
    BlobScheduleJson,
    Data,
    Hash,
    Number,
    decode_json,
)
from zkevm.evm.fork import BlobSchedule, Fork
from zkevm.evm.rlp import RlpError, as_list, rlp_decode, rlp_encode
from zkevm.evm.state import Account
from zkevm.evm.transaction import (
    SignedTransaction,
    Transaction,
    TransactionType,
)
from zkevm.evm.transaction_codec import (
    decode_transaction,
    encode_transaction,
    sign_transaction,
)
from zkevm.evm.validity import InvalidTransaction, Rejection


class AccountJson(msgspec.Struct, rename="camel", frozen=True):
    """An account of the alloc; what is absent is zero."""

    balance: Number = Number(0)
    nonce: Number = Number(0)
    code: Data = Data(b"")
    storage: dict[Number, Number] = msgspec.field(default_factory=dict)


class WithdrawalJson(msgspec.Struct, rename="camel", frozen=True):
    """A payment of the consensus layer, in gwei."""

    index: Number
    validator_index: Number
    address: Address
    amount: Number


class EnvironmentJson(msgspec.Struct, rename="camel", frozen=True):
    """The block; base fee and excess blob gas may follow from the parent's values."""

    current_coinbase: Address
    current_gas_limit: Number
    current_number: Number
    current_timestamp: Number
    current_random: Number
    parent_beacon_block_root: Hash
    withdrawals: list[WithdrawalJson]
    current_base_fee: Number | None = None
    current_excess_blob_gas: Number | None = None
    parent_base_fee: Number | None = None
    parent_gas_used: Number | None = None
    parent_gas_limit: Number | None = None
    parent_excess_blob_gas: Number = Number(0)
    parent_blob_gas_used: Number = Number(0)
    block_hashes: dict[Number, Hash] = msgspec.field(default_factory=dict)


class TransactionJson(msgspec.Struct, rename="camel", frozen=True):
    """A transaction, signed or with the key that signs it."""

    nonce: Number
    gas: Number
    input: Data
    value: Number = Number(0)
    to: Data | None = None
    type: Number = Number(0)
    chain_id: Number | None = None
    gas_price: Number | None = None
    max_fee_per_gas: Number | None = None
    max_priority_fee_per_gas: Number | None = None
    max_fee_per_blob_gas: Number = Number(0)
    access_list: list[AccessListEntryJson[Number]] | None = None
    blob_versioned_hashes: list[Hash] | None = None
    authorization_list: list[AuthorizationJson[Number]] | None = None
    v: Number = Number(0)
    r: Number = Number(0)
    s: Number = Number(0)
    secret_key: Hash | None = None
    protected: bool = True


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a transition starts from, decoded."""

    accounts: Mapping[int, Account]
    environment: BlockEnvironment
    withdrawals: Sequence[Withdrawal]
    parent_beacon_block_root: bytes
    transactions: Sequence[SignedTransaction | InvalidTransaction]
    """Those that could not be decoded as the reason."""


def read_inputs(
    alloc: bytes | msgspec.Raw,
    env: bytes | msgspec.Raw,
    txs: bytes | msgspec.Raw,
    fork: Fork,
    chain_id: int,
) -> Inputs:
    """Decode the three documents; raises `InputError` naming the document and the field."""
    accounts = decode_json(alloc, dict[Address, AccountJson], "alloc")
    block = decode_json(env, EnvironmentJson, "env")
    return Inputs(
        accounts={
            int(address): Account(
                account.nonce,
                account.balance,
                Code(bytes(account.code)) if account.code else EMPTY_CODE,
                {int(key): int(value) for key, value in account.storage.items()},
            )
            for address, account in accounts.items()
        },
        environment=_environment(fork, block),
        withdrawals=[
            Withdrawal(each.index, each.validator_index, each.address, each.amount)
            for each in block.withdrawals
        ],
        parent_beacon_block_root=block.parent_beacon_block_root.to_bytes(32, "big"),
        transactions=_read_transactions(txs, chain_id),
    )


def with_blob_parameters(fork: Fork, document: bytes | msgspec.Raw) -> Fork:
    """Return the fork with the blob schedule of a document."""
    blobs = decode_json(document, BlobScheduleJson, "blobParams")
    return replace(
        fork, blobs=BlobSchedule(blobs.target, blobs.max, blobs.base_fee_update_fraction)
    )


def _read_transactions(
    txs: bytes | msgspec.Raw, chain_id: int
) -> list[SignedTransaction | InvalidTransaction]:
    """From a list of objects, or from RLP in hexadecimal, the body of a block."""
    if bytes(txs).lstrip().startswith(b'"'):
        try:
            items = as_list(rlp_decode(decode_json(txs, Data, "txs")), "txs")
        except RlpError as error:
            raise InputError(f"txs: {error}") from error
        encoded = (item if isinstance(item, bytes) else rlp_encode(item) for item in items)
        return [_decoded(each, chain_id) for each in encoded]
    given = decode_json(txs, list[TransactionJson] | None, "txs") or []  # type: ignore[arg-type]
    return [_signed(each, chain_id, f"txs[{i}]") for i, each in enumerate(given)]


def _decoded(encoded: bytes, chain_id: int) -> SignedTransaction | InvalidTransaction:
    try:
        return decode_transaction(encoded, chain_id)
    except InvalidTransaction as error:
        return error


def _signed(
    tx: TransactionJson, chain_id: int, where: str
) -> SignedTransaction | InvalidTransaction:
    """The transaction with its signature, whose signer is the sender."""
    try:
        type_ = TransactionType(tx.type)
    except ValueError:
        return InvalidTransaction(Rejection.TYPE_NOT_SUPPORTED, f"type {tx.type:d}")
    transaction = _transaction(tx, type_, where)
    own_chain = chain_id if tx.chain_id is None else tx.chain_id
    if tx.secret_key is not None and not (tx.v or tx.r or tx.s):
        signed = sign_transaction(transaction, own_chain, tx.secret_key, protected=tx.protected)
    else:
        signed = encode_transaction(transaction, own_chain, tx.v, tx.r, tx.s)
    # What no encoding may hold is found by decoding it.
    return _decoded(signed.encoded, chain_id)


def _transaction(tx: TransactionJson, type_: TransactionType, where: str) -> Transaction:
    price = tx.gas_price if tx.gas_price is not None else tx.max_fee_per_gas
    if price is None:
        raise InputError(f"{where}: neither gasPrice nor maxFeePerGas is there")
    to = bytes(tx.to or b"")
    if len(to) not in {0, 20}:
        raise InputError(f"{where}.to: neither empty nor 20 bytes")
    tip = tx.max_priority_fee_per_gas
    return Transaction(
        type=type_,
        sender=0,
        nonce=tx.nonce,
        gas_limit=tx.gas,
        max_fee_per_gas=price,
        max_priority_fee_per_gas=price if tip is None else tip,
        to=int.from_bytes(to, "big") if to else None,
        value=tx.value,
        data=bytes(tx.input),
        access_list=tuple(entry.decoded() for entry in tx.access_list or ()),
        max_fee_per_blob_gas=tx.max_fee_per_blob_gas,
        blob_versioned_hashes=tuple(tx.blob_versioned_hashes or ()),
        authorizations=tuple(entry.decoded() for entry in tx.authorization_list or ()),
    )


def _environment(fork: Fork, env: EnvironmentJson) -> BlockEnvironment:
    """Return the block's values; raises `InputError` if one is missing and cannot be computed."""
    base_fee = env.current_base_fee
    excess = env.current_excess_blob_gas
    if base_fee is None:
        base_fee = Number(_base_fee(env))
    if excess is None:
        parent_fee = env.parent_base_fee
        if parent_fee is None and fork.has_blob_reserve_price:
            raise InputError("env: neither currentExcessBlobGas nor parentBaseFee is there")
        excess = Number(
            excess_blob_gas_after(
                fork, env.parent_excess_blob_gas, env.parent_blob_gas_used, parent_fee or 0
            )
        )
    return BlockEnvironment(
        coinbase=env.current_coinbase,
        number=env.current_number,
        timestamp=env.current_timestamp,
        gas_limit=env.current_gas_limit,
        base_fee=base_fee,
        prev_randao=env.current_random,
        excess_blob_gas=excess,
        blob_base_fee=fork.blobs.base_fee(excess),
        block_hashes={int(number): int(hash_) for number, hash_ in env.block_hashes.items()},
    )


def _base_fee(env: EnvironmentJson) -> int:
    parent = (env.parent_base_fee, env.parent_gas_used, env.parent_gas_limit)
    fee, used, limit = parent
    if fee is None or used is None or limit is None:
        raise InputError(
            "env: neither currentBaseFee nor parentBaseFee, parentGasUsed and parentGasLimit"
        )
    if limit < 2:
        raise InputError(f"env: parentGasLimit {limit:d} is no limit")
    return base_fee_after(fee, used, limit)
