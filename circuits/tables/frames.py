"""The frames: what is constant while a frame runs, and where its children and its end look it up.

Relation.  A row for each frame, which receives its `open` token.  With the parent's row,
               depth = parent's + 1,             static = parent's or static call,
               undone = fails or parent's undone,
               eor    = parent's if it succeeds; else what `resume` or `end_tx` proves of it
           and for the root depth, static and eor start at 0.
Argument.  The step that opens a frame sends one `open` token under its own clock, which is unique:
           so each frame has one row, and what it offers is what the opener said.  `success` is a
           hint of the opener that the end of the frame has to meet.
Assumes.   The opener proved the ranges of value, data range and store, and that its flags are bits.
Ensures.   Address and caller are below 2^160; their halves are canonical.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.buses import (
    CODE_LENGTH,
    ENV,
    FRAME_CONTEXT,
    FRAME_DATA,
    FRAME_END,
    FRAME_SELF,
    FRAME_STORE,
    OPEN,
    RETURNED,
    TX,
    TransactionField,
)
from circuits.execution.schedule import CREATES
from circuits.language import (
    Bit,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Halves,
    Part,
    Plan,
    TableGadget,
    Uint,
    Witness,
    recompose,
)
from circuits.language.arrays import Array, words
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Column, Expr

ADDRESS_BITS = 160
ENVIRONMENT = (
    Op.ADDRESS,
    Op.CALLER,
    Op.CALLVALUE,
    Op.CALLDATASIZE,
    Op.CODESIZE,
    Op.ORIGIN,
    Op.GASPRICE,
)


class Address(Part):
    """An address in limbs, so that its halves as a word are canonical."""

    def __init__(self) -> None:
        self.limbs = Uint(ADDRESS_BITS)
        self.value = self.limbs.value
        self.halves = (recompose(self.limbs.cells[:8], 16), recompose(self.limbs.cells[8:], 16))

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.limbs

    def assign(self, w: Witness, values: Array) -> None:
        w[self.limbs] = values


class Frames(TableGadget[range]):
    """A row for each frame."""

    name = "frames"

    real = Bit()
    frame = Cell(ColumnType.U64)
    parent = Cell(ColumnType.U64)
    is_create = Bit()
    is_root = Bit()
    address = Address()
    caller = Address()
    store = Cell(ColumnType.U64)
    value = Halves()
    data_frame = Cell(ColumnType.U64)
    data_offset = Cell(ColumnType.U32)
    data_length = Cell(ColumnType.U32)
    code = Cell(ColumnType.U32)
    code_length = Cell(ColumnType.U16)
    origin = Halves()
    gas_price = Cell(ColumnType.U128)
    scope = Cell(ColumnType.U16)
    depth = Cell(ColumnType.U16)
    static_call = Bit()
    success = Bit()
    eor = Cell(ColumnType.U64)
    parent_static = Cell(ColumnType.BIT)
    parent_undone = Cell(ColumnType.BIT)
    parent_eor = Cell(ColumnType.U64)
    returned_clock = Cell(ColumnType.U64)  # any: the first access bounds it
    returned_keep = Bit()
    counts = Cells(5, ColumnType.U32)
    environment_counts = Cells(len(ENVIRONMENT), ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        kind = self.is_create + 2 * self.is_root
        static = self.parent_static + self.static_call * (1 - self.parent_static)
        undone = 1 - self.success * (1 - self.parent_undone)
        inside = self.real - self.is_root
        c.require_zero("a root is real", self.is_root * (1 - self.real))
        for name, cell in (
            ("depth", self.depth),
            ("static", self.parent_static),
            ("undone", self.parent_undone),
            ("end of reversion", self.parent_eor),
        ):
            c.require_zero(f"a root inherits no {name}", self.is_root * cell)
        # What is not undone has eor 0: so it is for the root, and a success inherits it.
        c.require_zero(
            "a success ends with its parent", self.success * (self.eor - self.parent_eor)
        )
        c.receive(
            OPEN,
            self.real,
            self.frame,
            self.parent,
            kind,
            self.address.value,
            self.store,
            self.caller.value,
            *self.value,
            self.data_frame,
            self.data_offset,
            self.data_length,
            self.code,
            self.success,
            self.static_call,
            self.scope,
        )
        parent = (self.depth - 1, self.scope, self.parent_static, self.parent_undone)
        c.request(FRAME_CONTEXT, inside, self.parent, *parent, self.parent_eor, label="the parent")
        self._look_up(c)
        c.send(
            RETURNED,
            self.real * self.returned_keep,
            *(self.frame, 0, 0, 0, self.returned_clock),
            label="nothing returned yet",
        )
        flags = (self.scope, static, undone, self.eor)
        offers = (
            (FRAME_STORE, (self.store, *flags)),
            (
                FRAME_SELF,
                (self.address.value, self.caller.value, *self.value, self.depth, *flags),
            ),
            (FRAME_DATA, (self.data_frame, self.data_offset, self.data_length)),
            (FRAME_END, (kind, self.success, self.eor)),
            (FRAME_CONTEXT, (self.depth, *flags)),
        )
        for count, (bus, facts) in zip(self.counts, offers, strict=True):
            c.provide(bus, self.real, count, self.frame, *facts)
        for count, op in zip(self.environment_counts, ENVIRONMENT, strict=True):
            c.provide(ENV, self.real, count, self.frame, op, *self._environment(op), label=op.name)

    def _look_up(self, c: Builder) -> None:
        field = TransactionField
        c.request(CODE_LENGTH, self.real, self.code, self.code_length)
        c.request(TX, self.real, self.scope, field.SENDER, 0, *self.origin, label="the sender")
        price = (self.scope, field.GAS_PRICE, 0, self.gas_price, 0)
        c.request(TX, self.real, *price, label="the gas price")

    def _environment(self, op: Op) -> tuple[Expr | int, Expr | int]:
        found: dict[Op, tuple[Expr | int, Expr | int]] = {
            Op.ADDRESS: self.address.halves,
            Op.CALLER: self.caller.halves,
            Op.CALLVALUE: (self.value.lo, self.value.hi),
            Op.CALLDATASIZE: (self.data_length, 0),
            Op.CODESIZE: (self.code_length, 0),
            Op.ORIGIN: (self.origin.lo, self.origin.hi),
            Op.GASPRICE: (self.gas_price, 0),
        }
        return found[op]

    def collect(self, plan: Plan) -> range:
        return range(len(plan.execution.trace.frames))

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        trace, schedule = execution.trace, execution.schedule
        frames, transaction = trace.frames, trace.transaction
        is_root = frames.parent < 0
        parent = np.where(is_root, 0, frames.parent)
        is_create = np.isin(frames.kind, CREATES)
        lengths = np.array([len(code) for code in trace.codes] + [0])
        w[self.real] = 1
        w[self.frame] = schedule.frame_id
        w[self.parent] = np.where(is_root, 0, schedule.frame_id[parent])
        w[self.is_create] = is_create
        w[self.is_root] = is_root
        w[self.address] = frames.address
        w[self.caller] = frames.caller
        w[self.store] = execution.frame_stores
        w[self.value] = frames.value
        data_frame, offset, length = execution.call_data(np.arange(len(record)))
        w[self.data_frame], w[self.data_offset], w[self.data_length] = data_frame, offset, length
        w[self.code] = execution.frame_codes
        w[self.code_length] = lengths[frames.code]
        w[self.origin] = np.repeat(words([transaction.sender]), len(record), axis=0)
        price = transaction.effective_gas_price(trace.environment.base_fee)
        w[self.gas_price] = np.repeat(words([price])[:, :2], len(record), axis=0)
        w[self.scope] = execution.scope
        w[self.depth] = frames.depth
        w[self.static_call] = frames.call_op == Op.STATICCALL
        w[self.success] = frames.success
        w[self.eor] = schedule.eor
        w[self.parent_static] = np.where(is_root, 0, frames.static[parent])
        w[self.parent_undone] = ~is_root & schedule.undone[parent]
        w[self.parent_eor] = np.where(is_root, 0, schedule.eor[parent])
        clock, keep = returned_created(plan)
        w[self.returned_clock] = clock
        w[self.returned_keep] = keep


def returned_created(plan: Plan) -> tuple[Array, Array]:
    """When each frame's `returned` token is created, and whether anybody takes it."""
    cells = plan.returned.cells
    known, created = cells.keys.reshape(-1), cells.created.reshape(-1)
    wanted = plan.execution.schedule.frame_id
    place = np.searchsorted(known, wanted)
    place[place == len(known)] = 0
    taken = known[place] == wanted if len(known) else np.zeros(len(wanted), np.bool_)
    clock = np.zeros(len(wanted), np.uint64)
    clock[taken] = created[place[taken]]
    return clock, taken
