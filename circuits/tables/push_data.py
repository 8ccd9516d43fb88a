"""Push data: what each executed PUSH pushes.

Relation.  A row for each distinct executed PUSH: its opcode is an instruction at its place, and its
           bytes follow.  `push_step` says of a byte whether it is an instruction, given how many
           bytes of push data are to come.
Ensures.   `push` says what is in the code; values are canonical.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.buses import CODE_LENGTH, FETCH, PUSH, PUSH_STEP
from circuits.execution.execution import Execution
from circuits.execution.tokens import I64, U64
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Expr,
    Fixed,
    Plan,
    TableGadget,
    Witness,
    recompose,
    total,
)
from circuits.language.arrays import Array, Words, octets
from circuits.tables.bytecode import WORD_BYTES
from circuits.tables.ranges import FixedTable
from zkevm.evm.opcodes import PUSH_DATA, Op
from zkevm.plonkish.fixed import Listed, RowBits, RowIsZero


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
    pushes = Fixed(Listed("", list(PUSH_DATA)))
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

    once = True

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
    codes = execution.trace.codes
    places = np.cumsum([0, *(len(c) for c in codes)])
    found = [_pushes(each, smallest, largest, places) for each in plan.executions]
    place, size, value = (np.concatenate(column) for column in zip(*found, strict=True))
    # Not np.unique, for whose first call all of numpy.ma is loaded.
    order = np.argsort(place, kind="stable")
    first = order[np.diff(place[order], prepend=-1) > 0]
    place, size, value = place[first], size[first], value[first]
    code = np.searchsorted(places, place, side="right") - 1
    pc = place - places[code]
    lengths = np.diff(places, append=places[-1:])[code]
    return Pushes(
        code=execution.code_ids[code],
        pc=pc.astype(np.uint64),
        size=size,
        value=value,
        # Only what the last row of the code does not hold has to be proven to lie past its end.
        outside=np.maximum(0, pc + size - (-(-lengths // WORD_BYTES) * WORD_BYTES - 1)),
        length=lengths.astype(np.uint64),
    )


def _pushes(
    execution: Execution, smallest: int, largest: int, places: I64
) -> tuple[I64, I64, Words]:
    """Of each distinct PUSH of these sizes that was executed: its place, its size and the value.

    A place is that in all codes after one another, of which each begins at one of `places`.
    """
    trace = execution.trace
    op = trace.rows.op
    rows = np.flatnonzero((op >= Op.PUSH0 + smallest) & (op <= Op.PUSH0 + largest))
    rows = rows[~execution.schedule.halted[rows]]
    place = places[trace.frames.code[trace.rows.frame[rows]]] + trace.rows.pc[rows]
    # Of all rows of a place one stays, the last here; far faster than sorting them.
    row_of = np.full(places[-1], -1, np.int64)
    row_of[place] = rows
    place = np.flatnonzero(row_of >= 0)
    rows = row_of[place]
    return place, op[rows].astype(np.int64) - Op.PUSH0, execution.steps(rows).written()
