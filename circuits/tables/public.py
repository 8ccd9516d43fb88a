"""What the statement says of the block and the transaction, offered to whoever looks it up.

Relation.  Each row takes one `public` token of the verifier and offers its value: to `env` under
           key 0 for the block, to `tx` for the transaction, to `ancestor` and `blob_hash`.
Argument.  The verifier sends every value once, so every row is true.
Assumes.   The verifier sends halves below 2^128.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from circuits.buses import ANCESTOR, BLOB_HASH, ENV, PUBLIC, TX, TransactionField
from circuits.execution.execution import Execution
from circuits.execution.kinds import rows_of
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Halves,
    Plan,
    TableGadget,
    Witness,
    total,
)
from circuits.language.arrays import words
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.instructions.block import BLOCK_HASH_WINDOW
from zkevm.evm.opcodes import Op
from zkevm.evm.transaction import Transaction
from zkevm.evm.transition import recover_authority
from zkevm.plonkish.expression import Expr
from zkevm.plonkish.table import Bus

WORD_BYTES = 32


class PublicKind(IntEnum):
    """What a public value is of."""

    BLOCK = 0
    TRANSACTION = 1
    ANCESTOR = 2
    BLOB = 3


@dataclass(frozen=True)
class PublicValue:
    """A value of the statement: KEY is the scope of a transaction, else 0; VALUE is a word."""

    kind: PublicKind
    key: int
    field: int
    index: int
    value: int

    def message(self) -> tuple[int, ...]:
        """As the tuple of the `public` bus."""
        halves = self.value % 2**128, self.value >> 128
        return (self.kind, self.key, self.field, self.index, *halves)


def public_values(
    chain_id: int, block: BlockEnvironment, transactions: Iterable[Transaction]
) -> Iterator[PublicValue]:
    """Everything that the statement says of block and transactions, each value once."""
    of_block = {
        Op.COINBASE: block.coinbase,
        Op.TIMESTAMP: block.timestamp,
        Op.NUMBER: block.number,
        Op.PREVRANDAO: block.prev_randao,
        Op.GASLIMIT: block.gas_limit,
        Op.CHAINID: chain_id,
        Op.BASEFEE: block.base_fee,
        Op.BLOBBASEFEE: block.blob_base_fee,
    }
    for op, value in of_block.items():
        yield PublicValue(PublicKind.BLOCK, 0, op, 0, value)
    for number, block_hash in sorted(block.block_hashes.items()):
        yield PublicValue(PublicKind.ANCESTOR, 0, 0, number, block_hash)
    for scope, transaction in enumerate(transactions, 1):
        for index, blob_hash in enumerate(transaction.blob_versioned_hashes):
            yield PublicValue(PublicKind.BLOB, scope, 0, index, blob_hash)
        for field, index, value in transaction_fields(transaction):
            yield PublicValue(PublicKind.TRANSACTION, scope, field, index, value)


def transaction_fields(transaction: Transaction) -> Iterator[tuple[TransactionField, int, int]]:
    """The fields of a transaction: field, index, value."""
    field = TransactionField
    data = transaction.data
    yield field.SENDER, 0, transaction.sender
    yield field.NONCE, 0, transaction.nonce
    yield field.GAS_LIMIT, 0, transaction.gas_limit
    yield field.MAX_FEE, 0, transaction.max_fee_per_gas
    yield field.PRIORITY_FEE, 0, transaction.max_priority_fee_per_gas
    if transaction.to is None:
        yield field.CREATION, 0, 1
    else:
        yield field.TO, 0, transaction.to
    yield field.VALUE, 0, transaction.value
    yield field.DATA_LENGTH, 0, len(data)
    for index, start in enumerate(range(0, len(data), WORD_BYTES)):
        word = data[start : start + WORD_BYTES].ljust(WORD_BYTES, b"\0")
        yield field.DATA, index, int.from_bytes(word, "big")
    index = 0
    for entry in transaction.access_list:
        yield field.LIST_ADDRESS, index, entry.address
        index += 1
        for key in entry.storage_keys:
            yield field.LIST_OWNER, index, entry.address
            yield field.LIST_KEY, index, key
            index += 1
    yield field.LIST_LENGTH, 0, index
    yield field.BLOB_COUNT, 0, len(transaction.blob_versioned_hashes)
    yield field.AUTHORITY_COUNT, 0, len(transaction.authorizations)
    for index, authorization in enumerate(transaction.authorizations):
        authority = recover_authority(authorization)
        yield field.AUTHORITY_CHAIN, index, authorization.chain_id
        yield field.AUTHORITY_TARGET, index, authorization.address
        yield field.AUTHORITY_NONCE, index, authorization.nonce
        yield field.AUTHORITY, index, authority or 0
        yield field.AUTHORITY_SIGNED, index, int(authority is not None)
    if transaction.blob_versioned_hashes:
        yield field.MAX_BLOB_FEE, 0, transaction.max_fee_per_blob_gas


def stated_block(executions: Sequence[Execution]) -> BlockEnvironment:
    """The block as far as the statement tells: of the ancestors those that were asked for."""
    block = executions[0].trace.environment
    asked = {number for execution in executions for number in ancestors_asked(execution)}
    hashes = {number: block.block_hashes.get(number, 0) for number in asked}
    return replace(block, excess_blob_gas=0, block_hashes=hashes)


def ancestors_asked(execution: Execution) -> set[int]:
    """The numbers of recent blocks that BLOCKHASH was asked for."""
    present = execution.trace.environment.number
    rows = rows_of(execution.opcodes, (Op.BLOCKHASH,))
    rows = rows[execution.operands.count[rows] > 0]
    return {
        int(word[0])
        for word in execution.operands.word[execution.operands.start[rows]]
        if not word[1:].any() and present - BLOCK_HASH_WINDOW <= int(word[0]) < present
    }


class PublicValues(TableGadget[list[PublicValue]]):
    """A row for each value of the statement."""

    name = "public_values"
    once = True

    real = Bit()
    kind = Bits(len(PublicKind))
    key = Cell(ColumnType.U16)
    field = Cell(ColumnType.U8)
    index = Cell(ColumnType.U64)
    value = Halves()
    counts = Cells(len(PublicKind), ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        c.require_equal("each row is of one kind", total(self.kind), self.real)
        kind = total(bit * number for number, bit in enumerate(self.kind))
        c.receive(PUBLIC, self.real, kind, self.key, self.field, self.index, *self.value)
        offers: tuple[tuple[Bus, tuple[Expr | int, ...]], ...] = (
            (ENV, (0, self.field)),
            (TX, (self.key, self.field, self.index)),
            (ANCESTOR, (self.index,)),
            (BLOB_HASH, (self.key, self.index)),
        )
        for bit, count, (bus, key) in zip(self.kind, self.counts, offers, strict=True):
            c.provide(bus, bit, count, *key, *self.value)

    def collect(self, plan: Plan) -> list[PublicValue]:
        chain_id, block = plan.execution.trace.chain_id, stated_block(plan.executions)
        transactions = (execution.trace.transaction for execution in plan.executions)
        return list(public_values(chain_id, block, transactions))

    def fill(self, w: Witness, record: list[PublicValue], plan: Plan) -> None:
        kinds = np.array([v.kind for v in record])
        w[self.real] = 1
        w[self.kind] = kinds[:, None] == np.arange(len(PublicKind))
        w[self.key] = np.array([v.key for v in record])
        w[self.field] = np.array([v.field for v in record])
        w[self.index] = np.array([v.index for v in record], np.uint64)
        w[self.value] = words(v.value for v in record)
