"""Blocks to and from RLP (yellow paper, section 4.4.3; EIP-2718, 4895)."""

from zkevm.evm.block import Block, Withdrawal
from zkevm.evm.block_validity import BlockRejection, InvalidBlock, require
from zkevm.evm.header import ForeignHeader, header_from_rlp
from zkevm.evm.rlp import (
    Encodable,
    IntegerOverflow,
    Item,
    RlpError,
    as_bytes,
    as_integer,
    as_list,
    rlp_decode,
    rlp_encode,
)
from zkevm.evm.transaction import SignedTransaction, TransactionType
from zkevm.evm.transaction_codec import decode_transaction
from zkevm.evm.validity import InvalidTransaction


def decode_block(encoded: bytes, chain_id: int) -> Block:
    """Return the block that the bytes encode; `InvalidBlock` if they encode none of this chain."""
    try:
        return block_from_rlp(rlp_decode(encoded), chain_id)
    except ForeignHeader as error:
        raise InvalidBlock(BlockRejection.INCORRECT_BLOCK_FORMAT, str(error)) from error
    except IntegerOverflow as error:
        raise InvalidBlock(BlockRejection.RLP_INVALID_FIELD_OVERFLOW_64, str(error)) from error
    except RlpError as error:
        raise InvalidBlock(BlockRejection.RLP_STRUCTURES_ENCODING, str(error)) from error
    except InvalidTransaction as error:
        raise InvalidBlock(error.rejection, str(error)) from error


def block_from_rlp(item: Item, chain_id: int) -> Block:
    """Return a decoded block."""
    parts = as_list(item, "block")
    require(
        len(parts) >= 4, BlockRejection.RLP_WITHDRAWALS_NOT_READ, "the block has no withdrawals"
    )
    if len(parts) != 4:
        raise RlpError("a block is not header, transactions, ommers and withdrawals")
    header, transactions, ommers, withdrawals = parts
    require(
        ommers == [],
        BlockRejection.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS,
        "a block of the proof-of-stake chain has no ommers",
    )
    return Block(
        header_from_rlp(header),
        tuple(
            decode_transaction(_envelope(entry), chain_id)
            for entry in as_list(transactions, "transactions")
        ),
        tuple(_withdrawal(entry) for entry in as_list(withdrawals, "withdrawals")),
    )


def encode_block(block: Block) -> bytes:
    """Return the RLP of a block."""
    transactions = [_embedded(transaction) for transaction in block.transactions]
    withdrawals = [withdrawal.to_rlp() for withdrawal in block.withdrawals]
    return rlp_encode([block.header.to_rlp(), transactions, [], withdrawals])


def _envelope(item: Item) -> bytes:
    """Return the form of EIP-2718: a block holds legacy transactions as lists."""
    if not isinstance(item, bytes):
        return rlp_encode(item)
    if item[:1] >= b"\xc0":
        raise RlpError("a legacy transaction is wrapped in a string")
    return item


def _embedded(transaction: SignedTransaction) -> Encodable:
    if transaction.transaction.type is TransactionType.LEGACY:
        return rlp_decode(transaction.encoded)
    return transaction.encoded


def _withdrawal(item: Item) -> Withdrawal:
    fields = as_list(item, "withdrawal")
    if len(fields) != 4:
        raise RlpError("a withdrawal has four fields")
    index, validator_index, address, amount = fields
    require(
        len(as_bytes(address, "withdrawal.address")) == 20,
        BlockRejection.RLP_INVALID_ADDRESS,
        "withdrawal.address has not 20 bytes",
    )
    return Withdrawal(
        as_integer(index, "withdrawal.index", 64),
        as_integer(validator_index, "withdrawal.validatorIndex", 64),
        int.from_bytes(as_bytes(address, "withdrawal.address", 20), "big"),
        as_integer(amount, "withdrawal.amount", 64),
    )
