"""Transactions of types 0 to 4 to and from bytes, and their signatures.

Decoding is strict: it accepts the one canonical encoding of each transaction and recovers the
sender. Sources: yellow paper, section 4.3; EIP-2 (low s), 155, 2718, 2930, 1559, 4844, 7702.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import (
    Encodable,
    Item,
    RlpError,
    as_bytes,
    as_integer,
    as_list,
    rlp_decode,
    rlp_encode,
)
from zkevm.evm.signature import SECP256K1_ORDER, recover_address, sign
from zkevm.evm.transaction import (
    AccessListEntry,
    Authorization,
    SignedTransaction,
    Transaction,
    TransactionType,
)
from zkevm.evm.validity import InvalidTransaction, Rejection

FIRST_LIST_BYTE = 0xC0
"""A legacy transaction begins as an RLP list; a typed one begins with its type, below this."""

UNPROTECTED_V = 27
PROTECTED_V = 35
"""The least `v` of a legacy transaction without and with a chain id (EIP-155)."""

_COMMON = ("gas_limit", "to", "value", "data")
_FEES = ("max_priority_fee_per_gas", "max_fee_per_gas")
_LAYOUTS: dict[TransactionType, tuple[str, ...]] = {
    TransactionType.LEGACY: ("nonce", "gas_price", *_COMMON),
    TransactionType.ACCESS_LIST: ("chain_id", "nonce", "gas_price", *_COMMON, "access_list"),
    TransactionType.DYNAMIC_FEE: ("chain_id", "nonce", *_FEES, *_COMMON, "access_list"),
    TransactionType.BLOB: (
        *("chain_id", "nonce", *_FEES, *_COMMON, "access_list"),
        *("max_fee_per_blob_gas", "blob_versioned_hashes"),
    ),
    TransactionType.SET_CODE: (
        *("chain_id", "nonce", *_FEES, *_COMMON, "access_list", "authorizations"),
    ),
}
"""The fields that are signed, in order; `v`, `r` and `s` follow them."""


class _Integer(NamedTuple):
    """An integer field: its width, and how the official tests name what can be wrong with it."""

    bits: int
    overflow: Rejection
    leading_zeros: Rejection
    malformed: Rejection


_FEE_CAP = (256, Rejection.GASPRICE_OVERFLOW)
_SIGNATURE = (256, Rejection.INVALID_SIGNATURE_VRS)
_INTEGERS = {
    "chain_id": _Integer(256, *[Rejection.INVALID_CHAINID] * 3),
    "nonce": _Integer(
        *(64, Rejection.NONCE_OVERFLOW),
        *(Rejection.RLP_LEADING_ZEROS_NONCE, Rejection.RLP_INVALID_NONCE),
    ),
    "gas_price": _Integer(
        *_FEE_CAP, Rejection.RLP_LEADING_ZEROS_GASPRICE, Rejection.RLP_INVALID_GASPRICE
    ),
    "max_fee_per_gas": _Integer(
        *_FEE_CAP, Rejection.RLP_LEADING_ZEROS_BASEFEE, Rejection.RLP_INVALID_GASPRICE
    ),
    "max_priority_fee_per_gas": _Integer(
        *(256, Rejection.PRIORITY_OVERFLOW),
        *(Rejection.RLP_LEADING_ZEROS_PRIORITY_FEE, Rejection.RLP_INVALID_GASPRICE),
    ),
    "max_fee_per_blob_gas": _Integer(
        *_FEE_CAP, Rejection.RLP_LEADING_ZEROS_GASPRICE, Rejection.RLP_INVALID_GASPRICE
    ),
    "gas_limit": _Integer(
        *(64, Rejection.GASLIMIT_OVERFLOW),
        *(Rejection.RLP_LEADING_ZEROS_GASLIMIT, Rejection.RLP_INVALID_GASLIMIT),
    ),
    "value": _Integer(
        *(256, Rejection.VALUE_OVERFLOW),
        *(Rejection.RLP_LEADING_ZEROS_VALUE, Rejection.RLP_INVALID_VALUE),
    ),
    "v": _Integer(*_SIGNATURE, Rejection.RLP_LEADING_ZEROS_V, Rejection.RLP_INVALID_SIGNATURE_V),
    "r": _Integer(*_SIGNATURE, Rejection.RLP_LEADING_ZEROS_R, Rejection.RLP_INVALID_SIGNATURE_R),
    "s": _Integer(*_SIGNATURE, Rejection.RLP_LEADING_ZEROS_S, Rejection.RLP_INVALID_SIGNATURE_S),
}

_MALFORMED = {
    "to": Rejection.RLP_INVALID_TO,
    "data": Rejection.RLP_INVALID_DATA,
    "access_list": Rejection.RLP_INVALID_ACCESS_LIST,
    "blob_versioned_hashes": Rejection.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH,
    "authorizations": Rejection.TYPE_4_INVALID_AUTHORIZATION_FORMAT,
    **{name: field.malformed for name, field in _INTEGERS.items()},
}
"""What is wrong with a field that is a list instead of a string, or the reverse."""


# Decoding.


def decode_transaction(encoded: bytes, chain_id: int) -> SignedTransaction:
    """Return the transaction that the bytes encode (EIP-2718), or raise `InvalidTransaction`.

    A transaction for another chain is none for this one.
    """
    type_ = _type(encoded)
    items = _items(type_, encoded)
    values = {
        name: _read(name, item)
        for name, item in zip((*_LAYOUTS[type_], *"vrs"), items, strict=True)
    }
    v, r, s = values.pop("v"), values.pop("r"), values.pop("s")
    if values.pop("chain_id", chain_id) != chain_id:
        raise InvalidTransaction(Rejection.INVALID_CHAINID, "it is for another chain")
    y_parity, protected = _parity(type_, v, chain_id)
    digest = _signing_hash(type_, items[:-3], chain_id if protected else None)
    sender = _recover(digest, y_parity, r, s)
    if "gas_price" in values:
        price = values.pop("gas_price")
        values |= {"max_fee_per_gas": price, "max_priority_fee_per_gas": price}
    return SignedTransaction(Transaction(type=type_, sender=sender, **values), encoded, v, r, s)


def _type(encoded: bytes) -> TransactionType:
    first = encoded[0] if encoded else 0
    if first >= FIRST_LIST_BYTE:
        return TransactionType.LEGACY
    if first == TransactionType.LEGACY or first not in set(TransactionType):
        raise InvalidTransaction(Rejection.TYPE_NOT_SUPPORTED, f"no transaction begins {first:#x}")
    return TransactionType(first)


def _items(type_: TransactionType, encoded: bytes) -> list[Item]:
    """Return the fields of a transaction, `v`, `r` and `s` included."""
    payload = encoded if type_ is TransactionType.LEGACY else encoded[1:]
    try:
        items = as_list(rlp_decode(payload), "the transaction")
    except RlpError as error:
        raise InvalidTransaction(Rejection.RLP_ERROR_SIZE, str(error)) from error
    if type_ is TransactionType.BLOB and items and isinstance(items[0], list):
        raise InvalidTransaction(
            Rejection.TYPE_3_TX_WITH_FULL_BLOBS, "blobs travel with transactions, not in blocks"
        )
    expected = len(_LAYOUTS[type_]) + 3
    if len(items) != expected:
        few = len(items) < expected
        raise InvalidTransaction(
            Rejection.RLP_TOO_FEW_ELEMENTS if few else Rejection.RLP_TOO_MANY_ELEMENTS,
            f"{len(items)} fields instead of the {expected} of type {type_:d}",
        )
    return items


def _read(name: str, item: Item) -> Any:  # noqa: ANN401 (the type of the field)
    try:
        return _read_strictly(name, item)
    except RlpError as error:
        raise InvalidTransaction(_MALFORMED[name], str(error)) from error


def _read_strictly(name: str, item: Item) -> Any:  # noqa: ANN401
    match name:
        case "to":
            return _read_recipient(item)
        case "data":
            return as_bytes(item, name)
        case "access_list":
            return tuple(_read_access(entry) for entry in as_list(item, name))
        case "blob_versioned_hashes":
            return tuple(_word(entry, "a blob hash") for entry in as_list(item, name))
        case "authorizations":
            return tuple(_read_authorization(entry) for entry in as_list(item, name))
        case _:
            return _read_integer(name, item)


def _read_integer(name: str, item: Item) -> int:
    field = _INTEGERS[name]
    digits = as_bytes(item, name)
    value = int.from_bytes(digits, "big")
    if value >> field.bits:
        raise InvalidTransaction(field.overflow, f"{name} exceeds {field.bits} bits")
    if digits.startswith(b"\0"):
        raise InvalidTransaction(field.leading_zeros, f"{name} has leading zeros")
    return value


def _word(item: Item, what: str) -> int:
    return int.from_bytes(as_bytes(item, what, 32), "big")


def _exact(item: Item, what: str, length: int, short: Rejection, long: Rejection) -> int:
    """Return a string of fixed length as an integer."""
    data = as_bytes(item, what)
    if len(data) != length:
        raise InvalidTransaction(
            short if len(data) < length else long, f"{what}: {len(data)} bytes"
        )
    return int.from_bytes(data, "big")


def _read_recipient(item: Item) -> int | None:
    if item == b"":
        return None
    return _exact(item, "to", 20, Rejection.ADDRESS_TOO_SHORT, Rejection.ADDRESS_TOO_LONG)


def _read_access(item: Item) -> AccessListEntry:
    entry = as_list(item, "an access list entry")
    if len(entry) != 2:
        raise RlpError("an access list entry is not an address and its keys")
    address = _exact(
        entry[0],
        "address",
        20,
        Rejection.RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_SHORT,
        Rejection.RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG,
    )
    keys = [
        _exact(
            key,
            "storage key",
            32,
            Rejection.RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT,
            Rejection.RLP_INVALID_ACCESS_LIST_STORAGE_TOO_LONG,
        )
        for key in as_list(entry[1], "storage keys")
    ]
    return AccessListEntry(address, tuple(keys))


def _read_authorization(item: Item) -> Authorization:
    entry = as_list(item, "an authorization")
    if len(entry) != 6:
        raise RlpError("an authorization has six fields")
    chain_id, address, nonce, y_parity, r, s = entry
    return Authorization(
        chain_id=as_integer(chain_id, "chain id", 256),
        address=int.from_bytes(as_bytes(address, "address", 20), "big"),
        nonce=as_integer(nonce, "nonce", 64),
        y_parity=as_integer(y_parity, "y parity", 8),
        r=as_integer(r, "r", 256),
        s=as_integer(s, "s", 256),
    )


# Encoding.


def encode_transaction(
    transaction: Transaction, chain_id: int, v: int, r: int, s: int
) -> SignedTransaction:
    """Return the transaction with its encoding; the signature is taken as given.

    `v` is the parity of a typed transaction's signature; for legacy ones see EIP-155.
    """
    type_ = transaction.type
    encoded = _envelope(type_, [*_fields(transaction, chain_id), v, r, s])
    return SignedTransaction(transaction, encoded, v, r, s)


def sign_transaction(
    transaction: Transaction, chain_id: int, secret_key: int, *, protected: bool = True
) -> SignedTransaction:
    """Return the transaction signed with the key, whose account becomes the sender.

    A legacy transaction that is not `protected` is valid on any chain.
    """
    type_ = transaction.type
    protected = protected and type_ is TransactionType.LEGACY
    fields = _fields(transaction, chain_id)
    digest = _signing_hash(type_, fields, chain_id if protected else None)
    y_parity, r, s = sign(digest, secret_key)
    sender = _recover(digest, y_parity, r, s)
    v = y_parity
    if type_ is TransactionType.LEGACY:
        v += PROTECTED_V + 2 * chain_id if protected else UNPROTECTED_V
    return encode_transaction(replace(transaction, sender=sender), chain_id, v, r, s)


def _fields(transaction: Transaction, chain_id: int) -> list[Encodable]:
    """Return what is signed, in order."""
    derived: dict[str, Encodable] = {
        "chain_id": chain_id,
        "gas_price": transaction.max_fee_per_gas,
        "to": b"" if transaction.to is None else transaction.to.to_bytes(20, "big"),
        "access_list": [
            [
                entry.address.to_bytes(20, "big"),
                [key.to_bytes(32, "big") for key in entry.storage_keys],
            ]
            for entry in transaction.access_list
        ],
        "blob_versioned_hashes": [
            versioned_hash.to_bytes(32, "big")
            for versioned_hash in transaction.blob_versioned_hashes
        ],
        "authorizations": [
            [
                authorization.chain_id,
                authorization.address.to_bytes(20, "big"),
                authorization.nonce,
                authorization.y_parity,
                authorization.r,
                authorization.s,
            ]
            for authorization in transaction.authorizations
        ],
    }
    return [
        derived[name] if name in derived else getattr(transaction, name)
        for name in _LAYOUTS[transaction.type]
    ]


def _envelope(type_: TransactionType, items: Encodable) -> bytes:
    return (b"" if type_ is TransactionType.LEGACY else bytes((type_,))) + rlp_encode(items)


# Signatures.


def _signing_hash(
    type_: TransactionType, fields: Sequence[Encodable], protecting_chain: int | None
) -> bytes:
    """Return the hash that the sender signs; a chain id protects a legacy transaction."""
    protection = [] if protecting_chain is None else [protecting_chain, 0, 0]
    return keccak256(_envelope(type_, [*fields, *protection]))


def _parity(type_: TransactionType, v: int, chain_id: int) -> tuple[int, bool]:
    """Return the parity that `v` holds, and whether a legacy transaction names its chain."""
    if type_ is not TransactionType.LEGACY:
        if v > 1:
            raise InvalidTransaction(Rejection.INVALID_SIGNATURE_VRS, f"parity {v}")
        return v, False
    if v in {UNPROTECTED_V, UNPROTECTED_V + 1}:
        return v - UNPROTECTED_V, False
    if v in {0, 1}:
        raise InvalidTransaction(Rejection.INVALID_SIGNATURE_VRS, f"v = {v} of a legacy one")
    y_parity = v - PROTECTED_V - 2 * chain_id
    if y_parity not in {0, 1}:
        raise InvalidTransaction(Rejection.INVALID_CHAINID, f"v = {v} is of another chain")
    return y_parity, True


def _recover(digest: bytes, y_parity: int, r: int, s: int) -> int:
    """Return the address that signed the digest."""
    if not (0 < r < SECP256K1_ORDER and 0 < s <= SECP256K1_ORDER // 2):
        raise InvalidTransaction(Rejection.INVALID_SIGNATURE_VRS, "r or s is out of range")
    sender = recover_address(digest, y_parity, r, s)
    if sender is None:
        raise InvalidTransaction(Rejection.EC_RECOVERY_FAIL, "no key makes this signature")
    return sender
