"""What a proof says, at levels S1 and S2: a transaction, and what it made of which values.

Everything that the verifier adds to the buses follows from a `Statement` alone (`messages`), and
so does everything it has to check by itself (`check`).  As an object of JSON it is part of a proof
file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from circuits.buses import (
    CODE,
    CODE_CLAIM,
    CODE_DATA,
    LANE,
    LOG,
    LOG_STREAM,
    LOG_STREAM_SCOPE,
    ORDER,
    POST,
    PRE,
    PUBLIC,
    RECEIPT,
    SCOPE,
    OrderOf,
    Phase,
)
from circuits.execution.execution import SCOPE as TRANSACTION_SCOPE
from circuits.execution.level import Level
from circuits.execution.schedule import BEGIN_CLOCK
from circuits.language.state import BALANCE, HAD_STORAGE, NONCE, SLOT
from circuits.language.state import CODE as CODE_HASH
from circuits.machine import Filled
from circuits.records import RecordError, decode, encode
from circuits.tables.order import STARTED
from circuits.tables.public import public_values, stated_block
from circuits.validity import ADDRESS_BITS, PRICE_BITS, WORD_BITS, out_of_range, type_faults
from circuits.wording import AccountValues, changes, code_note, transaction_lines
from zkevm.errors import VerificationError
from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import Code
from zkevm.evm.forks import FORKS
from zkevm.evm.transaction import Log, Transaction
from zkevm.keccak import keccak256
from zkevm.plonkish.table import Bus
from zkevm.proof import PublicMessage

WORD_BYTES = 32
MAX_TOPICS = 4
LANE_BYTES = 8
MAX_CODE_LENGTH = 0xFFFF
DOMAIN = b"zkevm/statement/v1"


class StatementError(VerificationError):
    """The statement contradicts itself or is none; the message says where."""


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A touched account; `had_storage`: whether any of its slots was not zero before."""

    address: int
    had_storage: bool
    before: AccountValues
    after: AccountValues


@dataclass(frozen=True, slots=True)
class SlotChange:
    """A touched storage slot."""

    address: int
    key: int
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Statement:
    """What is proven.

    Executing `transaction`, signed by its sender, in `block` under the rules of `fork`, with the
    values `before` of the touched accounts and slots, gives the values `after`, the status, the gas
    used and the logs.  `codes` are those executed, inspected or created, which hashes refer to.
    Of the block's ancestors only the hashes that were asked for are stated.
    At level S2 `codes` are none: the proof knows them by their hashes.  `hashed_blocks` counts the
    keccak blocks of the proof, `code_rows` the rows of codes that are not listed: they say nothing
    about the execution.
    """

    level: Level
    fork: str
    chain_id: int
    block: BlockEnvironment
    transaction: Transaction
    codes: tuple[bytes, ...]
    accounts: tuple[AccountChange, ...]
    slots: tuple[SlotChange, ...]
    success: bool
    gas_used: int
    logs: tuple[Log, ...]
    hashed_blocks: int
    code_rows: int

    def digest(self) -> bytes:
        """Binds the proof to every field."""
        text = json.dumps(encode(self), sort_keys=True, separators=(",", ":"))
        return keccak256(DOMAIN + text.encode())

    def to_json(self) -> dict[str, object]:
        """As an object of JSON."""
        return encode(self)

    @classmethod
    def from_json(cls, value: object) -> Statement:
        """Read what `to_json` wrote, and nothing else.  Raises StatementError."""
        try:
            found = decode(cls, value)
        except RecordError as error:
            raise StatementError(f"the statement is malformed: {error}") from error
        found.check()
        return found

    def check(self) -> None:
        """What no circuit proves: ranges and order.  Raises StatementError."""
        for fault in self._faults():
            raise StatementError(f"the statement is wrong: {fault}")

    def messages(self) -> list[PublicMessage]:
        """What the verifier adds to the buses."""
        return [
            PublicMessage(bus, multiplicity, values)
            for bus, multiplicity, values in self._messages()
        ]

    # Checks.

    def _faults(self) -> Iterator[str]:
        yield from self._transaction_faults()
        yield from self._state_faults()
        yield from self._code_faults()
        if self.gas_used >> 64 or self.hashed_blocks >> 32 or self.code_rows >> 32:
            yield "a count is out of range"
        if self.logs and not self.success:
            yield "a failed transaction has logs"
        for log in self.logs:
            yield from out_of_range(("the emitter of a log", log.address, ADDRESS_BITS))
            yield from out_of_range(*(("a topic", topic, WORD_BITS) for topic in log.topics))
            if len(log.topics) > MAX_TOPICS:
                yield "a log has too many topics"

    def _code_faults(self) -> Iterator[str]:
        if len(set(self.codes)) != len(self.codes):
            yield "a code is listed twice"
        if any(not 0 < len(code) <= MAX_CODE_LENGTH for code in self.codes):
            yield "a code is empty or too long"
        if self.codes and self.level is Level.S2:
            yield "codes are listed, at level S2"
        if self.code_rows and self.level is Level.S1:
            yield "codes are not listed, at level S1"

    def _state_faults(self) -> Iterator[str]:
        addresses = [a.address for a in self.accounts]
        if any(a >= b for a, b in pairwise(addresses)):
            yield "accounts are not in rising order of address"
        if any(a >= b for a, b in pairwise((s.address, s.key) for s in self.slots)):
            yield "slots are not in rising order"
        for account in self.accounts:
            yield from out_of_range(("an account's address", account.address, ADDRESS_BITS))
            for values in (account.before, account.after):
                yield from out_of_range(
                    ("a nonce", values.nonce, 64),
                    ("a balance", values.balance, WORD_BITS),
                    ("a code hash", values.code_hash, WORD_BITS),
                )
        had_storage = {a.address: a.had_storage for a in self.accounts}
        for slot in self.slots:
            if slot.address not in had_storage:
                yield f"a slot of {slot.address:#x}, which is not listed"
            elif slot.before and not had_storage[slot.address]:
                yield f"{slot.address:#x} has storage, but is said to have none"
            yield from out_of_range(
                ("a slot's key", slot.key, WORD_BITS),
                ("a slot's value", slot.before, WORD_BITS),
                ("a slot's value", slot.after, WORD_BITS),
            )

    def _transaction_faults(self) -> Iterator[str]:
        fork = FORKS.get(self.fork)
        if fork is None:
            yield f"unknown fork {self.fork}"
            return
        transaction, block = self.transaction, self.block
        yield from type_faults(fork, transaction, block)
        yield from out_of_range(
            ("the chain id", self.chain_id, WORD_BITS),
            ("the nonce", transaction.nonce, 64),
            ("the gas limit", transaction.gas_limit, 64),
            ("the fee", transaction.max_fee_per_gas, PRICE_BITS),
            ("the priority fee", transaction.max_priority_fee_per_gas, PRICE_BITS),
            ("the value", transaction.value, WORD_BITS),
            ("the length of the data", len(transaction.data), 32),
            ("the sender", transaction.sender, ADDRESS_BITS),
            ("the recipient", transaction.to or 0, ADDRESS_BITS),
            ("the block's number", block.number, 64),
            ("the block's time", block.timestamp, 64),
            ("the block's gas limit", block.gas_limit, 64),
            ("the base fee", block.base_fee, PRICE_BITS),
            ("the blob base fee", block.blob_base_fee, WORD_BITS),
            ("the coinbase", block.coinbase, ADDRESS_BITS),
            ("prev randao", block.prev_randao, WORD_BITS),
            ("the excess blob gas, which is not stated,", block.excess_blob_gas, 0),
        )
        for entry in transaction.access_list:
            yield from out_of_range(("an address of the list", entry.address, ADDRESS_BITS))
            yield from out_of_range(*(("a key", key, WORD_BITS) for key in entry.storage_keys))
        for number, block_hash in block.block_hashes.items():
            yield from out_of_range(("a number", number, 64), ("a hash", block_hash, WORD_BITS))

    # Messages: (bus, multiplicity, values).

    def _messages(self) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
        for value in public_values(self.chain_id, self.block, self.transaction):
            yield PUBLIC, 1, value.message()
        scope = TRANSACTION_SCOPE
        yield SCOPE, 1, (scope, Phase.BETWEEN, 0, 0, 0, 0, BEGIN_CLOCK)
        used = self.gas_used, gas.BLOB * len(self.transaction.blob_versioned_hashes)
        yield SCOPE, -1, (scope + 1, Phase.OVER, 1, *used, len(self.logs), 0)
        yield RECEIPT, -1, (scope, int(self.success), self.gas_used, len(self.logs))
        for table in STARTED:
            yield ORDER, 1, (table, 0, 0, 0, 0)
        yield ORDER, 1, (OrderOf.KECCAK_BLOCKS, 0, 0, 0, 1)
        yield ORDER, -1, (OrderOf.KECCAK_BLOCKS, 0, 0, 0, 1 + self.hashed_blocks)
        yield from self._state()
        yield from self._codes()
        for index, log in enumerate(self.logs):
            yield from _log(scope, index, log)

    def _state(self) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
        for account in self.accounts:
            address = account.address
            for bus, values in ((PRE, account.before), (POST, account.after)):
                yield bus, -1, (address, NONCE, 0, 0, values.nonce, 0)
                yield bus, -1, (address, BALANCE, 0, 0, *halves(values.balance))
                yield bus, -1, (address, CODE_HASH, 0, 0, *halves(values.code_hash))
            yield PRE, -1, (address, HAD_STORAGE, 0, 0, int(account.had_storage), 0)
        for slot in self.slots:
            cell = (slot.address, SLOT, *halves(slot.key))
            yield PRE, -1, (*cell, *halves(slot.before))
            yield POST, -1, (*cell, *halves(slot.after))

    def _codes(self) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
        position = 1
        yield CODE, 1, (position, 0, 0, 0, 0)
        for data in self.codes:
            code = Code(data)
            delegate = code.delegate
            delegated = (int(delegate is not None), delegate or 0)
            yield CODE_CLAIM, 1, (position, *halves(code.hash), len(data), *delegated)
            words = big_endian_words(data, WORD_BYTES)
            for index, word in enumerate(words):
                yield CODE_DATA, 1, (position, index, *halves(word))
            position += 1 + len(words)
        yield CODE, -1, (position + self.code_rows, 0, 0, 0, 0)

    # In words.

    def _describe_codes(self) -> str:
        if self.level is Level.S2:
            return "codes        known by their hashes"
        return f"codes        {len(self.codes)}, {sum(map(len, self.codes))} bytes in all"

    def describe(self) -> list[str]:
        """The statement as lines to read."""
        transaction, block = self.transaction, self.block
        codes = {Code(code).hash for code in self.codes} if self.level is Level.S1 else None
        lines = [
            f"fork         {self.fork}, chain {self.chain_id}",
            f"block        {block.number}, time {block.timestamp}, gas limit {block.gas_limit}",
            f"             base fee {block.base_fee}, blob base fee {block.blob_base_fee}",
            f"             coinbase {block.coinbase:#042x}, prev randao {block.prev_randao:#066x}",
            *transaction_lines(transaction),
            f"status       {'success' if self.success else 'failure'}, gas used {self.gas_used}",
            self._describe_codes(),
        ]
        lines += [f"ancestor     {n}: {h:#066x}" for n, h in sorted(block.block_hashes.items())]
        for account in self.accounts:
            lines.append(f"account      {account.address:#042x}{code_note(account.after, codes)}")
            lines += changes(account.before, account.after)
        for slot in self.slots:
            lines.append(f"slot         {slot.address:#042x} {slot.key:#066x}")
            same = "" if slot.before == slot.after else f" -> {slot.after:#x}"
            lines.append(f"             {slot.before:#x}{same}")
        for log in self.logs:
            lines.append(f"log          {log.address:#042x}, {len(log.data)} bytes of data")
            lines += [f"             topic {topic:#066x}" for topic in log.topics]
            if log.data:
                lines.append(f"             data 0x{log.data.hex()}")
        return lines


def statement(filled: Filled) -> Statement:
    """What the filled tables prove."""
    execution = filled.execution
    trace = execution.trace
    pre, post, destroyed = trace.pre, trace.post, execution.destroyed
    blocks = (filled.witnesses.get(name) for name in ("first_block", "next_block"))
    is_listed = filled.level is Level.S1
    return Statement(
        level=filled.level,
        fork=trace.fork,
        chain_id=trace.chain_id,
        block=stated_block(execution),
        transaction=trace.transaction,
        codes=trace.codes if is_listed else (),
        accounts=tuple(
            AccountChange(
                address,
                pre.accounts[address].has_storage,
                *(
                    AccountValues(a.nonce, a.balance, a.code_hash)
                    for a in (pre.accounts[address], post.accounts[address])
                ),
            )
            for address in sorted(pre.accounts)
        ),
        slots=tuple(
            SlotChange(*slot, pre.storage[slot], post.storage[slot])
            for slot in sorted(pre.storage)
            if slot[0] not in destroyed
        ),
        success=trace.receipt.success,
        gas_used=trace.receipt.gas_used,
        logs=trace.receipt.logs,
        hashed_blocks=sum(w.rows for w in blocks if w is not None),
        code_rows=0 if is_listed else sum(1 + -(-len(c) // WORD_BYTES) for c in trace.codes),
    )


def halves(value: int) -> tuple[int, int]:
    """The halves of a word."""
    return value % 2**128, value >> 128


def big_endian_words(data: bytes, size: int) -> list[int]:
    """Words of `size` bytes, the last padded with zeros at its end."""
    pieces = (data[i : i + size] for i in range(0, len(data), size))
    return [int.from_bytes(piece.ljust(size, b"\0"), "big") for piece in pieces]


def _log(scope: int, index: int, log: Log) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
    head = len(log.topics) + (len(log.data) << 3)
    yield LOG, -1, (scope, index, 0, log.address, head)
    for part, topic in enumerate(log.topics, 1):
        yield LOG, -1, (scope, index, part, *halves(topic))
    stream = LOG_STREAM + scope * LOG_STREAM_SCOPE + index
    for place, lane in enumerate(big_endian_words(log.data, LANE_BYTES)):
        yield LANE, -1, (stream, place, lane)
