"""Codes: headers, bytes, push data.

Relation.  The `code` chain runs through every header and its rows of 32 bytes: positions rise by
           one, so the position of a header is a unique id of its code.  `push_step` decides byte by
           byte what is an instruction and what is push data; `bytecode` offers each byte to
           `fetch`.
Argument.  At S1 the verifier sends the claims (hash, length) and the words of each code, and
           has checked their hashes; each header and each row takes one.  Words are zero-padded, so
           bytes past the end of the code read as STOP, as they execute.
Ensures.   `fetch`, `code_word`, `code_info`, `code_length` and `push` say what is in the code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import (
    CODE,
    CODE_CLAIM,
    CODE_DATA,
    CODE_INFO,
    CODE_LENGTH,
    CODE_WORD,
    FETCH,
    PUSH,
    PUSH_STEP,
)
from circuits.execution.tokens import U64
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Expr,
    Fixed,
    Halves,
    Plan,
    TableGadget,
    Witness,
    recompose,
    total,
)
from circuits.language.arrays import Array, Words, octets, words
from circuits.tables.ranges import FixedTable
from zkevm.evm.code import DELEGATION_LENGTH, DELEGATION_PREFIX
from zkevm.evm.opcodes import Op
from zkevm.plonkish.fixed import Listed, RowBits, RowIsZero
from zkevm.trace.trace import Trace

WORD_BYTES = 32
PUSH_SIZES = {Op.PUSH0 + size: size for size in range(1, WORD_BYTES + 1)}
EMPTY_CODE_HASH = 0xC5D2460186F7233C927E7DB2DCC703C0E500B653CA82273B7BFAD8045D85A470


def delegation(code: bytes) -> tuple[bool, int]:
    """Whether a code is a delegation, and to which address (EIP-7702); (False, 0) if not."""
    if len(code) == DELEGATION_LENGTH and code.startswith(DELEGATION_PREFIX):
        return True, int.from_bytes(code[len(DELEGATION_PREFIX) :], "big")
    return False, 0


@dataclass(frozen=True)
class Codes:
    """The codes of an execution, one entry each."""

    codes: tuple[bytes, ...]
    ids: U64
    hashes: Words

    def __len__(self) -> int:
        return len(self.codes)


class CodeHeader(TableGadget[Codes]):
    """A row for each code."""

    name = "code_header"

    real = Bit()
    position = Cell(ColumnType.U32)
    hash = Halves()
    length = Cell(ColumnType.U16)
    delegated = Cell(ColumnType.BIT)
    target = Cell(ColumnType.FIELD)
    count_info = Cell(ColumnType.U32)
    count_length = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        of_code = (self.length, self.delegated, self.target)
        c.receive(CODE, self.real, self.position, 0, 0, 0)
        c.send(CODE, self.real, self.position + 1, self.position, self.length, 0)
        c.receive(CODE_CLAIM, self.real, self.position, *self.hash, *of_code)
        c.provide(CODE_INFO, self.real, self.count_info, *self.hash, self.position, *of_code)
        c.provide(CODE_LENGTH, self.real, self.count_length, self.position, self.length)

    def collect(self, plan: Plan) -> Codes:
        trace = plan.execution.trace
        return Codes(trace.codes, plan.execution.code_ids, trace.code_hashes)

    def fill(self, w: Witness, record: Codes, plan: Plan) -> None:
        found = [delegation(code) for code in record.codes]
        w[self.real] = 1
        w[self.position] = record.ids
        w[self.hash] = record.hashes
        w[self.length] = np.array([len(code) for code in record.codes])
        w[self.delegated] = np.array([is_one for is_one, _ in found])
        w[self.target] = words(target for _, target in found)


class EmptyCode(FixedTable):
    """The empty code has id 0 and length 0."""

    name = "empty_code"
    height = 0

    count_info = Cell(ColumnType.U32)
    count_length = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        low, high = EMPTY_CODE_HASH % 2**128, EMPTY_CODE_HASH >> 128
        c.provide(CODE_INFO, c.real, self.count_info, low, high, 0, 0, 0, 0)
        c.provide(CODE_LENGTH, c.real, self.count_length, 0, 0)


@dataclass(frozen=True)
class CodeRows:
    """Rows of 32 bytes; `push_left` (n, 33) counts push bytes before each byte, and at the end."""

    code: U64
    position: U64
    left: U64
    bytes: Array
    push_left: Array

    def __len__(self) -> int:
        return len(self.code)


class Bytecode(TableGadget[CodeRows]):
    """A row for each 32 bytes of a code."""

    name = "bytecode"

    real = Bit()
    position = Cell(ColumnType.U32)
    code = Cell(ColumnType.U32)
    left = Cell(ColumnType.U16)
    last = Bit()
    push_left = Cells(WORD_BYTES + 1, ColumnType.U8)
    bytes = Cells(WORD_BYTES, ColumnType.U8)  # below 2^8 by push_step
    instruction = Cells(WORD_BYTES, ColumnType.BIT)
    jumpdest = Cells(WORD_BYTES, ColumnType.BIT)
    count_fetch = Cells(WORD_BYTES, ColumnType.U32)
    count_word = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        index = self.position - self.code - 1
        more = self.real - self.last
        c.require_zero("last implies real", self.last * (1 - self.real))
        # left is in [1, 2^16): so is the length of a header, and it falls by 32 while above 32.
        c.require_range("at most 32 bytes are left", self.last, WORD_BYTES - self.left, 5)
        c.require_range("more than 32 bytes are left", more, self.left - WORD_BYTES - 1)
        c.receive(CODE, self.real, self.position, self.code, self.left, self.push_left[0])
        c.send(
            CODE,
            self.real,
            self.position + 1,
            more * self.code,
            more * (self.left - WORD_BYTES),
            more * self.push_left[WORD_BYTES],
        )
        steps = zip(self.bytes, self.instruction, self.jumpdest, self.count_fetch, strict=True)
        for i, (byte, instruction, jumpdest, count) in enumerate(steps):
            before, after = self.push_left[i], self.push_left[i + 1]
            c.request(PUSH_STEP, self.real, before, byte, after, instruction, jumpdest)
            pc = index * WORD_BYTES + i
            c.provide(FETCH, self.real, count, self.code, pc, byte, instruction, jumpdest)
        big_endian = list(self.bytes)[::-1]
        halves = recompose(big_endian[:16], 8), recompose(big_endian[16:], 8)
        c.receive(CODE_DATA, self.real, self.code, index, *halves)
        c.provide(CODE_WORD, self.real, self.count_word, self.code, index, *halves)

    def collect(self, plan: Plan) -> CodeRows:
        ids = plan.execution.code_ids
        codes = plan.execution.trace.codes
        counts = [-(-len(code) // WORD_BYTES) for code in codes]
        raw = [
            np.frombuffer(code.ljust(n * WORD_BYTES, b"\0"), np.uint8)
            for code, n in zip(codes, counts, strict=True)
        ]
        data = (
            np.concatenate(raw).reshape(-1, WORD_BYTES)
            if raw
            else np.zeros((0, WORD_BYTES), np.uint8)
        )
        index = np.concatenate([np.arange(n, dtype=np.uint64) for n in counts] or [ids])
        code = np.repeat(ids, counts)
        length = np.repeat(np.array([len(code) for code in codes], np.uint64), counts)
        inside = [push_bytes_left(r) for r in raw]
        return CodeRows(
            code=code,
            position=code + 1 + index,
            left=length - WORD_BYTES * index,
            bytes=data,
            push_left=_joined(inside, counts),
        )

    def fill(self, w: Witness, record: CodeRows, plan: Plan) -> None:
        instruction = record.push_left[:, :-1] == 0
        w[self.real] = 1
        w[self.position] = record.position
        w[self.code] = record.code
        w[self.left] = record.left
        w[self.last] = record.left <= WORD_BYTES
        w[self.push_left] = record.push_left
        w[self.bytes] = record.bytes
        w[self.instruction] = instruction
        w[self.jumpdest] = instruction & (record.bytes == Op.JUMPDEST)


def push_bytes_left(code: Array) -> Array:
    """How many push bytes are still to come before each byte, and after the last."""
    left = np.zeros(len(code) + 1, np.uint8)
    data = code.tobytes()
    at = 0
    while at < len(data):
        # A jump from one PUSH to the next: as many turns as the code has pushes.
        size = PUSH_SIZES.get(data[at], 0)
        if size:
            left[at + 1 : at + 1 + size] = np.arange(size, 0, -1)[: len(data) - at]
        at += 1 + size
    return left


def _joined(inside: list[Array], counts: list[int]) -> Array:
    """Rows of 33: the push bytes left before each of 32 bytes and after the last."""
    rows = [
        np.lib.stride_tricks.sliding_window_view(left, WORD_BYTES + 1)[::WORD_BYTES]
        for left, n in zip(inside, counts, strict=True)
        if n
    ]
    return np.concatenate(rows) if rows else np.zeros((0, WORD_BYTES + 1), np.uint8)


class PushSteps(FixedTable):
    """What a byte is, given how many push bytes are to come: the row number is byte + 256 * left.

    Rows with more than 32 bytes to come are true as well, and never asked for.
    """

    name = "push_step"
    height = 14

    count = Cell(ColumnType.U32)
    byte = Fixed(RowBits("", 0, 8))
    left = Fixed(RowBits("", 8, 6))
    is_instruction = Fixed(RowIsZero("", 8, 6))
    pushes = Fixed(Listed("", [PUSH_SIZES.get(byte, 0) for byte in range(256)]))
    is_jumpdest = Fixed(Listed("", [int(byte == Op.JUMPDEST) for byte in range(256)]))

    def constrain(self, c: Builder) -> None:
        left, instruction = self.left.column, self.is_instruction.column
        after = instruction * self.pushes.column + left - 1 + instruction
        jumpdest = instruction * self.is_jumpdest.column
        before = (left, self.byte.column)
        c.provide(PUSH_STEP, c.real, self.count, *before, after, instruction, jumpdest)


@dataclass(frozen=True)
class Pushes:
    """Distinct executed PUSHes of one size class."""

    code: U64
    pc: U64
    size: Array
    value: Words
    outside: Array
    length: U64

    def __len__(self) -> int:
        return len(self.code)


class PushData(TableGadget[Pushes]):
    """A row for each distinct executed PUSH of at most `width` bytes: the value it pushes.

    Byte j counts from the end of the data, so the value is linear in the bytes whatever the size.
    Bytes past the end of the code are zero and the last ones; the first is proven to lie there.
    """

    smallest: int
    width: int

    real = Bit()
    code = Cell(ColumnType.U32)
    pc = Cell(ColumnType.U32)
    count = Cell(ColumnType.U32)
    active: Bits
    bytes: Cells
    outside: Bits
    length: Cell

    def constrain(self, c: Builder) -> None:
        size = total(self.active)
        # PUSH0 costs less than the others.
        c.require_equal("at least one byte", self.active[0], self.real)
        c.request(FETCH, self.real, self.code, self.pc, Op.PUSH0 + size, 1, 0, label="the opcode")
        last: Expr = self.real
        for j, bit in enumerate(self.active):
            c.require_zero(f"byte {j} is active after the ones before", bit * (1 - last))
            last = bit
        past_last: Expr = self.real
        for j, (byte, bit, past) in enumerate(
            zip(self.bytes, self.active, self.outside, strict=True)
        ):
            c.require_zero(f"inactive byte {j} is zero", byte * (1 - bit))
            c.require_zero(f"byte {j} past the end is zero", byte * past)
            c.require_zero(f"byte {j} past the end is active", past * (1 - bit))
            c.require_zero(f"bytes past the end come last, {j}", past * (1 - past_last))
            past_last = past
            at = self.pc + size - j
            c.request(FETCH, bit * (1 - past), self.code, at, byte, 0, 0, label=f"byte {j}")
        first_outside = self.pc + size + 1 - total(self.outside)
        when = self.outside[0]
        c.request(CODE_LENGTH, when, self.code, self.length)
        c.require_range("the first byte past the end", when, first_outside - self.length)
        lo, hi = recompose(self.bytes.cells[:16], 8), recompose(self.bytes.cells[16:], 8)
        c.provide(PUSH, self.real, self.count, self.code, self.pc, size, lo, hi)

    def collect(self, plan: Plan) -> Pushes:
        return executed_pushes(plan, self.smallest, self.width)

    def fill(self, w: Witness, record: Pushes, plan: Plan) -> None:
        places = np.arange(self.width)
        w[self.real] = 1
        w[self.code] = record.code
        w[self.pc] = record.pc
        w[self.active] = places < record.size[:, None]
        w[self.bytes] = octets(record.value)[:, : self.width]
        w[self.outside] = places < record.outside[:, None]
        w[self.length] = np.where(record.outside > 0, record.length, 0)


class PushData4(PushData):
    """PUSH1 to PUSH4."""

    name = "push_data_4"
    smallest, width = 1, 4

    active = Bits(4)
    bytes = Cells(4, ColumnType.U8)  # below 2^8 by fetch, or zero
    outside = Bits(4)
    length = Cell(ColumnType.U16)


class PushData32(PushData):
    """PUSH5 to PUSH32."""

    name = "push_data_32"
    smallest, width = 5, 32

    active = Bits(32)
    bytes = Cells(32, ColumnType.U8)  # below 2^8 by fetch, or zero
    outside = Bits(32)
    length = Cell(ColumnType.U16)


def executed_pushes(plan: Plan, smallest: int, largest: int) -> Pushes:
    """The distinct (code, pc) of executed PUSHes of these sizes, with what they push."""
    execution = plan.execution
    trace: Trace = execution.trace
    op = trace.rows.op
    chosen = np.flatnonzero((op >= Op.PUSH0 + smallest) & (op <= Op.PUSH0 + largest))
    chosen = chosen[~execution.schedule.halted[chosen]]
    code = trace.frames.code[trace.rows.frame[chosen]].astype(np.int64)
    pc = trace.rows.pc[chosen].astype(np.int64)
    _, first = np.unique(code << 32 | pc, return_index=True)
    code, pc, rows = code[first], pc[first], chosen[first]
    size = op[rows].astype(np.int64) - Op.PUSH0
    lengths = np.array([len(c) for c in trace.codes], np.int64)[code] if len(code) else code
    return Pushes(
        code=execution.code_ids[code] if len(code) else code.astype(np.uint64),
        pc=pc.astype(np.uint64),
        size=size,
        value=execution.steps(rows).written(),
        # Only what the last row of the code does not hold has to be proven to lie past its end.
        outside=np.maximum(0, pc + size - (-(-lengths // WORD_BYTES) * WORD_BYTES - 1)),
        length=lengths.astype(np.uint64),
    )
