"""Parts of a statement in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from zkevm.evm.code import EMPTY_CODE
from zkevm.evm.transaction import Authorization, Receipt, Transaction
from zkevm.evm.transition import recover_authority


@dataclass(frozen=True, slots=True)
class AccountValues:
    """Nonce, balance in wei and code hash of an account."""

    nonce: int
    balance: int
    code_hash: int


def receipt_lines(receipt: Receipt) -> Iterator[str]:
    """What became of a transaction."""
    status = "success" if receipt.success else "failure"
    yield f"status       {status}, gas used {receipt.gas_used}"
    for log in receipt.logs:
        yield f"log          {log.address:#042x}, {len(log.data)} bytes of data"
        yield from (f"             topic {topic:#066x}" for topic in log.topics)
        if log.data:
            yield f"             data 0x{log.data.hex()}"


def transaction_lines(index: int, transaction: Transaction) -> Iterator[str]:
    """The transaction at an index of its block, a line for each few fields."""
    recipient = "a new contract" if transaction.to is None else f"{transaction.to:#042x}"
    max_fee, priority_fee = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
    kind = int(transaction.type)
    yield f"transaction  {index} of the block, type {kind}, nonce {transaction.nonce}"
    yield f"             from {transaction.sender:#042x}"
    yield f"             to   {recipient}, value {transaction.value} wei"
    yield f"             gas limit {transaction.gas_limit}"
    yield f"             fees {max_fee} and {priority_fee} wei"
    yield f"             data 0x{transaction.data.hex()}"
    yield f"             {len(transaction.access_list)} addresses in the access list"
    for entry in transaction.access_list:
        yield f"listed       {entry.address:#042x}"
        for key in entry.storage_keys:
            yield f"             {key:#066x}"
    if transaction.blob_versioned_hashes:
        yield f"             blob fee {transaction.max_fee_per_blob_gas} wei"
    for blob_hash in transaction.blob_versioned_hashes:
        yield f"blob         {blob_hash:#066x}"
    for authorization in transaction.authorizations:
        yield from _authorization(authorization)


def _authorization(authorization: Authorization) -> Iterator[str]:
    authority = recover_authority(authorization)
    who = "nobody, as the signature is none" if authority is None else f"{authority:#042x}"
    yield f"authorized   by {who}"
    yield f"             to run {authorization.address:#042x}"
    yield f"             nonce {authorization.nonce}, chain {authorization.chain_id}"


def code_note(values: AccountValues, known: Collection[int] | None) -> str:
    """Whether the code of an account is listed; empty if it has none, or none is listed (None)."""
    if values.code_hash == EMPTY_CODE.hash or known is None:
        return ""
    return ", code listed" if values.code_hash in known else ", code not listed"


def changes(before: AccountValues, after: AccountValues) -> list[str]:
    """What an account holds, and what becomes of it."""
    pairs = (
        ("nonce", str(before.nonce), str(after.nonce)),
        ("balance", str(before.balance), str(after.balance)),
        ("code", f"{before.code_hash:#066x}", f"{after.code_hash:#066x}"),
    )
    return [
        f"             {name:8} {old}" + ("" if old == new else f" -> {new}")
        for name, old, new in pairs
        if name != "code" or before.code_hash != EMPTY_CODE.hash or old != new
    ]
