"""Codes: headers and bytes.

Relation.  The `code` chain runs through every header and its rows of 32 bytes: positions rise by
           one, so the position of a header is a unique id of its code.  `push_step` decides byte by
           byte what is an instruction and what is push data; `bytecode` offers each byte to
           `fetch`.
Argument.  At S1 the verifier sends the claims (hash, length) and the words of each code, and
           has checked their hashes; each header and each row takes one.  Words are zero-padded, so
           bytes past the end of the code read as STOP, as they execute.
Ensures.   `fetch`, `code_word`, `code_info` and `code_length` say what is in the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from circuits.buses import (
    CODE,
    CODE_CLAIM,
    CODE_DATA,
    CODE_INFO,
    CODE_LENGTH,
    CODE_WORD,
    FETCH,
    PUSH_STEP,
)
from circuits.execution.level import Level
from circuits.execution.tokens import U64
from circuits.language import (
    Bit,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Expr,
    Halves,
    Plan,
    TableGadget,
    Witness,
    recompose,
)
from circuits.language.arrays import Array, Words, words
from circuits.tables.ranges import FixedTable
from zkevm.evm.code import DELEGATION_LENGTH, DELEGATION_PREFIX
from zkevm.evm.opcodes import PUSH_DATA, Op
from zkevm.plonkish.expression import ZERO

WORD_BYTES = 32
COUNTDOWN = bytes(range(WORD_BYTES, 0, -1))
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
    once = True

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
        c.receive(CODE, self.real, self.position, 0, 0, 0, 0)
        c.send(CODE, self.real, self.position + 1, self.position, self.length, 0, 0)
        c.receive(CODE_CLAIM, self.real, self.position, *self.hash, *of_code)
        c.provide(CODE_INFO, self.real, self.count_info, *self.hash, self.position, *of_code)
        c.provide(CODE_LENGTH, self.real, self.count_length, self.position, self.length)

    def collect(self, plan: Plan) -> Codes:
        return codes_of(plan, Level.S1)

    def fill(self, w: Witness, record: Codes, plan: Plan) -> None:
        found = [delegation(code) for code in record.codes]
        w[self.real] = 1
        w[self.position] = record.ids
        w[self.hash] = record.hashes
        w[self.length] = np.array([len(code) for code in record.codes])
        w[self.delegated] = np.array([is_one for is_one, _ in found])
        w[self.target] = words(target for _, target in found)


def codes_of(plan: Plan, level: Level) -> Codes:
    """The codes of an execution that is proven at this level; else none."""
    trace = plan.execution.trace
    if plan.level is not level:
        return Codes((), plan.execution.code_ids[:0], trace.code_hashes[:0])
    return Codes(trace.codes, plan.execution.code_ids, trace.code_hashes)


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


class CodeBytes(TableGadget[CodeRows]):
    """A row for each 32 bytes of a code."""

    once = True

    level: ClassVar[Level]

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

    @property
    def index(self) -> Expr:
        """Which 32 bytes of the code they are."""
        return self.position - self.code - 1

    @property
    def sponge(self) -> Expr:
        """The sponge that has absorbed the code; 0 for none."""
        return ZERO

    def constrain(self, c: Builder) -> None:
        more = self.real - self.last
        c.require_zero("last implies real", self.last * (1 - self.real))
        # left is in [1, 2^16): so is the length of a header, and it falls by 32 while above 32.
        c.require_range("more than 32 bytes are left", more, self.left - WORD_BYTES - 1)
        before = (self.position, self.code, self.left, self.push_left[0], self.sponge)
        c.receive(CODE, self.real, *before)
        c.send(
            CODE,
            self.real,
            self.position + 1,
            more * self.code,
            more * (self.left - WORD_BYTES),
            more * self.push_left[WORD_BYTES],
            more * self.sponge,
        )
        steps = zip(self.bytes, self.instruction, self.jumpdest, self.count_fetch, strict=True)
        for i, (byte, instruction, jumpdest, count) in enumerate(steps):
            now, after = self.push_left[i], self.push_left[i + 1]
            c.request(PUSH_STEP, self.real, now, byte, after, instruction, jumpdest)
            pc = self.index * WORD_BYTES + i
            c.provide(FETCH, self.real, count, self.code, pc, byte, instruction, jumpdest)
        c.provide(CODE_WORD, self.real, self.count_word, self.code, self.index, *self.halves)

    @property
    def halves(self) -> tuple[Expr, Expr]:
        """The bytes as a word."""
        big_endian = list(self.bytes)[::-1]
        return recompose(big_endian[:16], 8), recompose(big_endian[16:], 8)

    def collect(self, plan: Plan) -> CodeRows:
        found = codes_of(plan, self.level)
        ids, codes = found.ids, found.codes
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


class Bytecode(CodeBytes):
    """A row for each 32 bytes of a code that the verifier knows."""

    name = "bytecode"
    level = Level.S1

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        c.require_range("at most 32 bytes are left", self.last, WORD_BYTES - self.left, 5)
        c.receive(CODE_DATA, self.real, self.code, self.index, *self.halves)


def push_bytes_left(code: Array) -> Array:
    """How many push bytes are still to come before each byte, and after the last."""
    data = code.tobytes()
    left = bytearray(len(data) + 1 + WORD_BYTES)
    at = 0
    while at < len(data):
        # A jump from one PUSH to the next: as many turns as the code has pushes.
        size = PUSH_DATA[data[at]]
        if size:
            left[at + 1 : at + 1 + size] = COUNTDOWN[-size:]
        at += 1 + size
    return np.frombuffer(left, np.uint8)[: len(data) + 1]


def _joined(inside: list[Array], counts: list[int]) -> Array:
    """Rows of 33: the push bytes left before each of 32 bytes and after the last."""
    rows = [
        np.lib.stride_tricks.sliding_window_view(left, WORD_BYTES + 1)[::WORD_BYTES]
        for left, n in zip(inside, counts, strict=True)
        if n
    ]
    return np.concatenate(rows) if rows else np.zeros((0, WORD_BYTES + 1), np.uint8)
