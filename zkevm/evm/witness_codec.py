"""Files of a mainnet block with its witness, in either of two JSON formats.

One holds the block as JSON (`blocks`, `witness.ancestors`, `chainConfig`), as zkpig writes it and
keth reads it; the other as RLP (`block`, `witness.headers`), with the lists of geth's
`debug_executionWitness`. Both may be compressed by xz.
"""

import lzma
from dataclasses import fields
from pathlib import Path

import msgspec

from zkevm.errors import FileError, InputError, UsageError
from zkevm.evm.block import Block, Withdrawal
from zkevm.evm.block_codec import decode_block
from zkevm.evm.fixture import (
    AccessListEntryJson,
    Address,
    AuthorizationJson,
    Data,
    Hash,
    Quantity,
    decode_json,
)
from zkevm.evm.fork_schedule import MAINNET
from zkevm.evm.header import Header, header_from_rlp
from zkevm.evm.rlp import rlp_decode
from zkevm.evm.transaction import (
    SignedTransaction,
    Transaction,
    TransactionType,
)
from zkevm.evm.transaction_codec import decode_transaction, encode_transaction
from zkevm.evm.witness import StatelessBlock, Witness

MAINNET_CHAIN = 1
XZ_MAGIC = b"\xfd7zXZ\0"


class HeaderJson(msgspec.Struct, rename="camel", frozen=True):
    """A header, with the names of the JSON-RPC interface."""

    parent_hash: Data
    sha3_uncles: Data
    miner: Address
    state_root: Data
    transactions_root: Data
    receipts_root: Data
    logs_bloom: Data
    difficulty: Quantity
    number: Quantity
    gas_limit: Quantity
    gas_used: Quantity
    timestamp: Quantity
    extra_data: Data
    mix_hash: Data
    nonce: Data
    base_fee_per_gas: Quantity
    withdrawals_root: Data
    blob_gas_used: Quantity
    excess_blob_gas: Quantity
    parent_beacon_block_root: Data
    requests_hash: Data | None
    hash: Data


class TransactionJson(msgspec.Struct, rename="camel", frozen=True):
    """A signed transaction, with the names of the JSON-RPC interface."""

    type: Quantity
    nonce: Quantity
    gas: Quantity
    value: Quantity
    input: Data
    v: Quantity
    r: Quantity
    s: Quantity
    to: Address | None = None
    gas_price: Quantity | None = None
    max_fee_per_gas: Quantity | None = None
    max_priority_fee_per_gas: Quantity | None = None
    access_list: list[AccessListEntryJson[Quantity]] = []
    max_fee_per_blob_gas: Quantity = Quantity(0)
    blob_versioned_hashes: list[Hash] = []
    authorization_list: list[AuthorizationJson[Quantity]] = []


class WithdrawalJson(msgspec.Struct, rename="camel", frozen=True):
    """A withdrawal; the amount is in gwei."""

    index: Quantity
    validator_index: Quantity
    address: Address
    amount: Quantity


class BlockJson(msgspec.Struct, frozen=True):
    """A block; `transaction` is a list."""

    header: HeaderJson
    transaction: list[TransactionJson]
    withdrawals: list[WithdrawalJson]


class AncestorsWitnessJson(msgspec.Struct, frozen=True):
    """A witness with headers as JSON, the parent's first."""

    state: list[Data]
    ancestors: list[HeaderJson]
    codes: list[Data]


class ChainConfigJson(msgspec.Struct, rename="camel", frozen=True):
    """The chain; its forks are known."""

    chain_id: int


class JsonBlockFile(msgspec.Struct, rename="camel", frozen=True):
    """A file with the block as JSON."""

    blocks: list[BlockJson]
    witness: AncestorsWitnessJson
    chain_config: ChainConfigJson


class HeadersWitnessJson(msgspec.Struct, frozen=True):
    """A witness with headers as RLP."""

    state: list[Data]
    codes: list[Data]
    headers: list[Data]


class RlpBlockFile(msgspec.Struct, frozen=True):
    """A file with the block as RLP, of mainnet."""

    block: Data
    witness: HeadersWitnessJson


def load_block(path: Path) -> StatelessBlock:
    """Return the block of a file. Raises `FileError`, `InputError` or `UsageError`."""
    return decode_block_file(read_file(path), str(path))


def holds_block(path: Path) -> bool:
    """Whether a file that can be read is one of a block with its witness."""
    try:
        return "witness" in decode_json(read_file(path), dict[str, msgspec.Raw], str(path))
    except InputError:
        return False


def read_file(path: Path) -> bytes:
    """Return what a file holds, decompressed."""
    try:
        data = path.read_bytes()
        return lzma.decompress(data) if data.startswith(XZ_MAGIC) else data
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    except lzma.LZMAError as error:
        raise InputError(f"{path}: {error}") from error


def decode_block_file(text: bytes, source: str) -> StatelessBlock:
    """Return the block in the bytes of a file; `source` names it in errors."""
    if "blocks" in decode_json(text, dict[str, msgspec.Raw], source):
        return _from_json(decode_json(text, JsonBlockFile, source), source)
    file = decode_json(text, RlpBlockFile, source)
    headers = [header_from_rlp(rlp_decode(header)) for header in file.witness.headers]
    return StatelessBlock(
        block=decode_block(file.block, MAINNET_CHAIN),
        witness=Witness(file.witness.state, file.witness.codes, headers),
        schedule=MAINNET,
        chain_id=MAINNET_CHAIN,
    )


def _from_json(file: JsonBlockFile, source: str) -> StatelessBlock:
    if file.chain_config.chain_id != MAINNET_CHAIN:
        raise UsageError(f"{source}: a block of chain {file.chain_config.chain_id}, not of mainnet")
    if len(file.blocks) != 1:
        raise InputError(f"{source}: holds {len(file.blocks)} blocks instead of one")
    (block,) = file.blocks
    header = _header(block.header)
    if header.hash != block.header.hash:
        raise InputError(
            f"{source}: the header of block {header.number} has the hash 0x{header.hash.hex()}, "
            f"not 0x{block.header.hash.hex()} as stated"
        )
    return StatelessBlock(
        block=Block(
            header=header,
            transactions=tuple(_transaction(each) for each in block.transaction),
            withdrawals=tuple(
                Withdrawal(each.index, each.validator_index, each.address, each.amount)
                for each in block.withdrawals
            ),
        ),
        witness=Witness(
            file.witness.state,
            file.witness.codes,
            [_header(ancestor) for ancestor in file.witness.ancestors],
        ),
        schedule=MAINNET,
        chain_id=MAINNET_CHAIN,
    )


_JSON_NAMES = {
    "ommers_hash": "sha3_uncles",
    "coinbase": "miner",
    "prev_randao": "mix_hash",
    "base_fee": "base_fee_per_gas",
}
"""Where the interface does not name a field of a header as we do."""


def _header(header: HeaderJson) -> Header:
    names = [field.name for field in fields(Header)]
    return Header(**{name: getattr(header, _JSON_NAMES.get(name, name)) for name in names})


def _transaction(json: TransactionJson) -> SignedTransaction:
    """Encode the transaction, and decode it with all checks and its sender."""
    price = json.gas_price or 0
    transaction = Transaction(
        type=TransactionType(json.type),
        sender=0,
        nonce=json.nonce,
        gas_limit=json.gas,
        max_fee_per_gas=price if json.max_fee_per_gas is None else json.max_fee_per_gas,
        max_priority_fee_per_gas=json.max_priority_fee_per_gas or price,
        to=json.to,
        value=json.value,
        data=json.input,
        access_list=tuple(entry.decoded() for entry in json.access_list),
        max_fee_per_blob_gas=json.max_fee_per_blob_gas,
        blob_versioned_hashes=tuple(json.blob_versioned_hashes),
        authorizations=tuple(entry.decoded() for entry in json.authorization_list),
    )
    signed = encode_transaction(transaction, MAINNET_CHAIN, json.v, json.r, json.s)
    return decode_transaction(signed.encoded, MAINNET_CHAIN)
