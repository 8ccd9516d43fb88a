"""What a transaction lists: its data, word by word, and the access list.

Relation.  A row takes the `list` token of its predecessor and sends its own, with what it counts
           added: zero and other bytes of the data, addresses and keys.  A word of the data is
           created in memory, in the data frame of the transaction; an address or a key is marked
           warm (EIP-2930).
Argument.  The beginning of the transaction sends the first token, takes the last, and compares the
           counts with the statement: no row is left out.  All words but the last are whole.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import (
    BYTES,
    LIST,
    LIST_START,
    MEMORY,
    TX,
    ListKind,
    TransactionField,
)
from circuits.execution.execution import Execution
from circuits.execution.tokens import U64
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Halves,
    Plan,
    StorageAccess,
    TableGadget,
    Witness,
    keys,
    recompose,
    total,
    values,
)
from circuits.language.arrays import Array, integers, one_word, words
from circuits.language.state import (
    AddressAccess,
    CodeAccess,
    Freshness,
)
from circuits.language.words import address_of
from circuits.tables.memory import created
from zkevm.trace.words import Words

WORD_BYTES = 32


class TransactionData(TableGadget[range]):
    """A row for each word of the data."""

    name = "transaction_data"

    real = Bit()
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U32)
    data_frame = Cell(ColumnType.U64)
    zeros = Cell(ColumnType.U32)  # before this word
    others = Cell(ColumnType.U32)
    bytes = Cells(WORD_BYTES, ColumnType.U8)  # the first is the most significant
    nonzero = Bits(WORD_BYTES)
    missing = Cell(ColumnType.U8)  # bytes past the end of the data, in the last word
    created = Cell(ColumnType.U64)  # any: the first access bounds it
    keep = Bit()

    def constrain(self, c: Builder) -> None:
        of_list = (self.scope, ListKind.DATA)
        before = (self.data_frame, self.zeros, self.others)
        c.receive(LIST, self.real, *of_list, self.index, *before)
        others = total(self.nonzero)
        present = WORD_BYTES * self.real - self.missing
        after = (self.data_frame, self.zeros + present - others, self.others + others)
        c.send(LIST, self.real, *of_list, self.index + 1, *after)
        # So only the last word may miss bytes: the statement pads them with zeros.
        full = WORD_BYTES * self.index
        c.require_equal("all words before are whole", self.zeros + self.others, full)
        c.require_range("what is missing is a number", self.real, self.missing)
        c.require_range("fewer than a whole word is missing", self.real, self.missing, 5)
        for i, (byte, bit) in enumerate(zip(self.bytes, self.nonzero, strict=True)):
            c.require_zero(f"byte {i} is zero where said", byte * (1 - bit))
            c.request(BYTES, self.real, byte, byte - bit, label=f"byte {i} is at least its bit")
        big_endian = list(self.bytes)[::-1]
        halves = recompose(big_endian[:16], 8), recompose(big_endian[16:], 8)
        c.request(TX, self.real, self.scope, TransactionField.DATA, self.index, *halves)
        created = (self.data_frame, self.index, *halves, self.created)
        c.send(MEMORY, self.real * self.keep, *created)

    def collect(self, plan: Plan) -> range:
        data = plan.execution.trace.transaction.data
        execution = plan.execution
        count = -(-len(data) // WORD_BYTES)
        padded = np.frombuffer(data.ljust(count * WORD_BYTES, b"\0"), np.uint8)
        frame = execution.schedule.begin + 1
        for index, raw in enumerate(padded.reshape(-1, WORD_BYTES)):
            value = int.from_bytes(raw.tobytes(), "big")
            plan.memory.initial((frame, index), tuple(int(x) for x in one_word(value)[0]))
        return range(count)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        data = execution.trace.transaction.data
        size = len(record) * WORD_BYTES
        raw = np.frombuffer(data.ljust(size, b"\0"), np.uint8).reshape(-1, WORD_BYTES)
        index = np.arange(len(record), dtype=np.uint64)
        frame = np.full(len(record), execution.schedule.begin + 1, np.uint64)
        others = (raw != 0).sum(axis=1)
        before = np.concatenate([[0], np.cumsum(others)[:-1]])
        w[self.real] = 1
        w[self.scope] = execution.scope
        w[self.index] = index
        w[self.data_frame] = frame
        w[self.others] = before
        w[self.zeros] = WORD_BYTES * np.arange(len(record)) - before
        w[self.bytes] = raw
        w[self.nonzero] = raw != 0
        w[self.missing] = np.where(index == len(record) - 1, size - len(data), 0)
        w[self.created], w[self.keep] = created(plan.memory, frame, index)


class AccessEntry(TableGadget[range]):
    """A row for each address and for each key of the access list."""

    name = "access_entry"

    real = Bit()
    is_key = Bit()
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U32)
    clock = Cell(ColumnType.U64)
    addresses = Cell(ColumnType.U32)  # before this entry
    storage_keys = Cell(ColumnType.U32)
    address = Halves()
    key = Halves()
    touch = AddressAccess()
    code = CodeAccess()
    slot = StorageAccess()
    fresh = Freshness()

    def constrain(self, c: Builder) -> None:
        field, is_address = TransactionField, self.real - self.is_key
        c.require_zero("a key is real", self.is_key * (1 - self.real))
        of_list = (self.scope, ListKind.ACCESS)
        before = (self.clock, self.addresses, self.storage_keys)
        c.receive(LIST, self.real, *of_list, self.index, *before)
        after = (self.clock + 1, self.addresses + is_address, self.storage_keys + self.is_key)
        c.send(LIST, self.real, *of_list, self.index + 1, *after)
        # An index is that of an address or of a key: the statement says which.
        name = field.LIST_ADDRESS + (field.LIST_OWNER - field.LIST_ADDRESS) * self.is_key
        c.request(TX, self.real, self.scope, name, self.index, *self.address, label="the address")
        key = (self.scope, field.LIST_KEY, self.index, *self.key)
        c.request(TX, self.is_key, *key, label="the key")
        address = address_of(self.address)
        self.touch.use(c, is_address, address, self.clock, self.scope)
        self.code.read(c, self.is_key, address, self.clock)
        # Marks the slot warm; a stale token stands for a clean slot.
        value, stored = self.slot.old[0:2], self.slot.old[2:4]
        self.fresh.use(c, self.is_key, self.scope, self.slot.old[5])
        original = [v + self.fresh.same * (o - v) for v, o in zip(value, stored, strict=True)]
        cell = (self.code.old[2], *self.key)
        self.slot.use(c, self.is_key, cell, self.clock, (*value, *original, 1, self.scope))

    def collect(self, plan: Plan) -> range:
        execution = plan.execution
        address, key, is_key, clock = access_list(execution)
        self.touch.plan(self, plan, address, clock, where=~is_key)
        self.code.plan_read(self, plan, address, clock, is_key)
        slots = execution.trace.pre.storage
        pairs = zip(integers(address), integers(key), is_key, strict=True)
        value = words(slots[a, k] if is_slot else 0 for a, k, is_slot in pairs)
        stores = np.array([execution.carried.stores[a] for a in integers(address)], np.uint64)
        new = values(value, value, 1, execution.scope)
        plan.access(self, self.slot, plan.storage, keys(stores, key), clock, new, is_key)
        return range(len(clock))

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        address, key, is_key, clock = access_list(execution)
        w[self.real] = 1
        w[self.is_key] = is_key
        w[self.scope] = execution.scope
        w[self.index] = np.arange(len(record))
        w[self.clock] = clock
        w[self.addresses] = np.cumsum(~is_key) - (~is_key).astype(np.int64)
        w[self.storage_keys] = np.cumsum(is_key) - is_key.astype(np.int64)
        w[self.address] = address
        w[self.key] = key
        self.fresh.fill(w, execution.scope, w[self.slot.old[5]].astype(np.uint64), is_key)


def access_list(execution: Execution) -> tuple[Words, Words, Array, U64]:
    """Addresses, keys, which entries are keys, and their clocks."""
    entries: list[tuple[int, int, bool]] = []
    for entry in execution.trace.transaction.access_list:
        entries.append((entry.address, 0, False))
        entries += [(entry.address, key, True) for key in entry.storage_keys]
    start = execution.schedule.begin + LIST_START
    clock = np.arange(start, start + len(entries), dtype=np.uint64)
    is_key = np.array([e[2] for e in entries], np.bool_)
    return words(e[0] for e in entries), words(e[1] for e in entries), is_key, clock
