"""What a proof says, at levels S1 and S2: transactions, and what they made of which values.

Everything that the verifier adds to the buses follows from a `Statement` alone (`messages`), and
so does everything it has to check by itself (`check`).  As an object of JSON it is part of a proof
file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from struct import iter_unpack

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
from circuits.execution.carried import first_found
from circuits.execution.execution import Execution
from circuits.execution.level import Level
from circuits.execution.schedule import BEGIN_CLOCK
from circuits.filled import Filled
from circuits.language.state import BALANCE, HAD_STORAGE, NONCE, SLOT
from circuits.language.state import CODE as CODE_HASH
from circuits.records import RecordError, decode, encode
from circuits.tables.order import STARTED
from circuits.tables.public import public_values, stated_block
from circuits.validity import (
    ADDRESS_BITS,
    WORD_BITS,
    block_faults,
    out_of_range,
    receipt_faults,
    transaction_faults,
)
from circuits.wording import (
    AccountValues,
    changes,
    code_note,
    receipt_lines,
    transaction_lines,
)
from zkevm.errors import VerificationError
from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import Code
from zkevm.evm.forks import find_fork
from zkevm.evm.transaction import Log, Receipt, Transaction
from zkevm.keccak import keccak256
from zkevm.plonkish.table import Bus
from zkevm.proof import PublicMessage
from zkevm.trace.trace import Trace

WORD_BYTES = 32
LANE_BYTES = 8
MAX_CODE_LENGTH = 0xFFFF
MAX_TRANSACTIONS = 0xFFFF
DOMAIN = b"zkevm/statement/v3"


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
class Executed:
    """A transaction and its receipt."""

    transaction: Transaction
    receipt: Receipt


@dataclass(frozen=True)
class Statement:
    """What is proven.

    Executing `transactions` one after the other, each signed by its sender, in `block` under the
    rules of `fork`, with the values `before` of the touched accounts and slots, gives the values
    `after`, and the receipts.  The first is the block's transaction number `index`, from 0; those
    before it, of which nothing else is said, used `gas_before` and `blob_gas_before` of the block.
    `codes` are those executed, inspected or created, which hashes refer to.
    Of the block's ancestors only the hashes that were asked for are stated.
    At level S2 `codes` are none: the proof knows them by their hashes.  `hashed_blocks` counts the
    keccak blocks of the proof, `code_rows` the rows of codes that are not listed: they say nothing
    about the execution.
    """

    level: Level
    fork: str
    chain_id: int
    block: BlockEnvironment
    index: int
    gas_before: int
    blob_gas_before: int
    transactions: tuple[Executed, ...]
    codes: tuple[bytes, ...]
    accounts: tuple[AccountChange, ...]
    slots: tuple[SlotChange, ...]
    hashed_blocks: int
    code_rows: int

    @cached_property
    def _listed(self) -> tuple[Code, ...]:
        """The codes, each of which is hashed once."""
        return tuple(map(Code, self.codes))

    def digest(self) -> bytes:
        """Binds the proof to every field: to codes, which are long, by their hashes."""
        hashes = (code.hash.to_bytes(WORD_BYTES) for code in self._listed)
        short = replace(self, codes=tuple(hashes))
        text = json.dumps(encode(short), sort_keys=True, separators=(",", ":"))
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
        return [*(PublicMessage(*message) for message in self._messages()), *self._codes()]

    # Checks.

    def _faults(self) -> Iterator[str]:
        yield from self._transaction_faults()
        yield from self._state_faults()
        yield from self._code_faults()
        if self.hashed_blocks >> 32 or self.code_rows >> 32:
            yield "a count is out of range"

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
            yield from _account_faults(account)
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
        fork = find_fork(self.fork)
        if fork is None:
            yield f"unknown fork {self.fork}"
            return
        if not 0 < len(self.transactions) <= MAX_TRANSACTIONS:
            yield f"{len(self.transactions)} transactions"
        yield from out_of_range(
            ("the index", self.index, 64),
            ("the gas used before", self.gas_before, 64),
            ("the blob gas used before", self.blob_gas_before, 64),
        )
        yield from block_faults(self.chain_id, self.block)
        for each in self.transactions:
            yield from transaction_faults(fork, each.transaction, self.block)
            yield from receipt_faults(each.receipt)
        if self._blob_gas() > gas.BLOB * fork.blobs.maximum:
            yield "more blobs than a block may have"

    def _blob_gas(self) -> int:
        """The blob gas of the block that is used in the end."""
        blobs = sum(len(each.transaction.blob_versioned_hashes) for each in self.transactions)
        return self.blob_gas_before + gas.BLOB * blobs

    # Messages: (bus, multiplicity, values).

    def _messages(self) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
        transactions = (each.transaction for each in self.transactions)
        for value in public_values(self.chain_id, self.block, transactions):
            yield PUBLIC, 1, value.message()
        yield from self._chain()
        for table in STARTED:
            yield ORDER, 1, (table, 0, 0, 0, 0)
        yield ORDER, 1, (OrderOf.KECCAK_BLOCKS, 0, 0, 0, 1)
        yield ORDER, -1, (OrderOf.KECCAK_BLOCKS, 0, 0, 0, 1 + self.hashed_blocks)
        yield from self._state()

    def _chain(self) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
        """The ends of the chain of transactions, and their receipts."""
        used = self.gas_before, self.blob_gas_before
        yield SCOPE, 1, (1, Phase.BETWEEN, self.index, *used, 0, BEGIN_CLOCK)
        for scope, each in enumerate(self.transactions, 1):
            receipt = each.receipt
            outcome = (int(receipt.success), receipt.gas_used, len(receipt.logs))
            yield RECEIPT, -1, (scope, *outcome)
            for index, log in enumerate(receipt.logs):
                yield from _log(scope, index, log)
        count, receipts = len(self.transactions), [each.receipt for each in self.transactions]
        used = self.gas_before + sum(r.gas_used for r in receipts), self._blob_gas()
        logs = sum(len(r.logs) for r in receipts)
        yield SCOPE, -1, (count + 1, Phase.OVER, self.index + count, *used, logs, 0)

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

    def _codes(self) -> Iterator[PublicMessage]:
        position = 1
        yield PublicMessage(CODE, 1, (position, 0, 0, 0, 0))
        for code in self._listed:
            delegate = code.delegate
            delegated = (int(delegate is not None), delegate or 0)
            claim = (position, *halves(code.hash), len(code), *delegated)
            yield PublicMessage(CODE_CLAIM, 1, claim)
            words = PublicMessage(CODE_DATA, 1, (position,), code.data)
            yield words
            position += 1 + words.size
        yield PublicMessage(CODE, -1, (position + self.code_rows, 0, 0, 0, 0))

    # In words.

    def _describe_codes(self) -> str:
        if self.level is Level.S2:
            return "codes        known by their hashes"
        return f"codes        {len(self.codes)}, {sum(map(len, self.codes))} bytes in all"

    def describe(self) -> list[str]:
        """The statement as lines to read."""
        block, before = self.block, f"gas used before {self.gas_before}"
        codes = {code.hash for code in self._listed} if self.level is Level.S1 else None
        lines = [
            f"fork         {self.fork}, chain {self.chain_id}",
            f"block        {block.number}, time {block.timestamp}, gas limit {block.gas_limit}",
            f"             base fee {block.base_fee}, blob base fee {block.blob_base_fee}",
            f"             coinbase {block.coinbase:#042x}, prev randao {block.prev_randao:#066x}",
            f"             {before}, blob gas used before {self.blob_gas_before}",
        ]
        for index, each in enumerate(self.transactions, self.index):
            lines += [*transaction_lines(index, each.transaction), *receipt_lines(each.receipt)]
        lines.append(self._describe_codes())
        lines += [f"ancestor     {n}: {h:#066x}" for n, h in sorted(block.block_hashes.items())]
        for account in self.accounts:
            lines.append(f"account      {account.address:#042x}{code_note(account.after, codes)}")
            lines += changes(account.before, account.after)
        for slot in self.slots:
            lines.append(f"slot         {slot.address:#042x} {slot.key:#066x}")
            same = "" if slot.before == slot.after else f" -> {slot.after:#x}"
            lines.append(f"             {slot.before:#x}{same}")
        return lines


def statement(filled: Filled) -> Statement:
    """What the filled tables prove."""
    traces = [execution.trace for execution in filled.executions]
    first = traces[0]
    blocks = (filled.witnesses.get(name) for name in ("first_block", "next_block"))
    is_listed = filled.level is Level.S1
    return Statement(
        level=filled.level,
        fork=first.fork,
        chain_id=first.chain_id,
        block=stated_block(filled.executions),
        index=first.index,
        gas_before=first.used_before.gas,
        blob_gas_before=first.used_before.blob_gas,
        transactions=tuple(Executed(trace.transaction, trace.receipt) for trace in traces),
        codes=first.codes if is_listed else (),
        accounts=tuple(account_changes(traces)),
        slots=tuple(slot_changes(filled.executions)),
        hashed_blocks=sum(w.rows for w in blocks if w is not None),
        code_rows=0 if is_listed else sum(1 + -(-len(c) // WORD_BYTES) for c in first.codes),
    )


def account_changes(traces: Sequence[Trace]) -> Iterator[AccountChange]:
    """The touched accounts, in rising order of address."""
    before, after = first_found(traces), {a: s for t in traces for a, s in t.post.accounts.items()}
    for address in sorted(before):
        pair = before[address], after[address]
        values = (AccountValues(s.nonce, s.balance, s.code_hash) for s in pair)
        yield AccountChange(address, before[address].has_storage, *values)


def slot_changes(executions: Sequence[Execution]) -> Iterator[SlotChange]:
    """The touched slots, in rising order, but for those of stores that are destroyed."""
    stores = executions[-1].leaves.stores
    before: dict[tuple[int, int], int] = {}
    after: dict[tuple[int, int], int] = {}
    for execution in executions:
        pre, post = execution.trace.pre.storage, execution.trace.post.storage
        kept = [s for s in pre if execution.carried.stores[s[0]] == stores[s[0]]]
        before = {slot: pre[slot] for slot in kept} | before
        after |= {slot: post[slot] for slot in kept}
    return (SlotChange(*slot, before[slot], after[slot]) for slot in sorted(before))


def _account_faults(account: AccountChange) -> Iterator[str]:
    yield from out_of_range(("an account's address", account.address, ADDRESS_BITS))
    for values in (account.before, account.after):
        yield from out_of_range(
            ("a nonce", values.nonce, 64),
            ("a balance", values.balance, WORD_BITS),
            ("a code hash", values.code_hash, WORD_BITS),
        )
        if not values.code_hash:
            # that of an absent account is the hash of no code
            yield "a code hash of zero, which is no keccak of anything"


def halves(value: int) -> tuple[int, int]:
    """The halves of a word."""
    return value % 2**128, value >> 128


def big_endian_words(data: bytes, size: int) -> list[int]:
    """Words of `size` bytes, the last padded with zeros at its end."""
    padded = data + bytes(-len(data) % size)
    return [int.from_bytes(word, "big") for (word,) in iter_unpack(f"{size}s", padded)]


def _log(scope: int, index: int, log: Log) -> Iterator[tuple[Bus, int, tuple[int, ...]]]:
    head = len(log.topics) + (len(log.data) << 3)
    yield LOG, -1, (scope, index, 0, log.address, head)
    for part, topic in enumerate(log.topics, 1):
        yield LOG, -1, (scope, index, part, *halves(topic))
    stream = LOG_STREAM + scope * LOG_STREAM_SCOPE + index
    for place, lane in enumerate(big_endian_words(log.data, LANE_BYTES)):
        yield LANE, -1, (stream, place, lane)
