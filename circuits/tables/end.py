"""The end of a transaction.

Relation.  Yellow paper, section 6; EIP-1559, 3529, 6780, 7623: of the gas used at most a fifth is
           refunded, and at least the floor is paid; the sender gets back the rest of the fee, the
           coinbase what the price is above the base fee.  Then the accounts that were destroyed
           are cleared, one a tick (`destroy`).  The receipt says status, gas used and how many
           logs.
Argument.  The row takes the end of the root frame, whose id is that of the `scope` chain; a failure
           leaves the journal with which the transaction began: no refund, no logs.  A creation that
           succeeds is taken with no output only: no other end can pass for its deposit.
           The `scope` chain goes on to the next transaction, which begins when the last account is
           destroyed, or to the statement, which says how many there are.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import (
    ENDED,
    ENV,
    FRAME_END,
    JOURNAL,
    LIST,
    RECEIPT,
    TX,
    ListKind,
    Phase,
    TransactionField,
)
from circuits.buses import SCOPE as SCOPE_CHAIN
from circuits.execution.amounts import Amounts
from circuits.execution.schedule import END_TICKS
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Part,
    Plan,
    TableGadget,
    Uint,
    Witness,
)
from circuits.language.arrays import one_number, one_word
from circuits.language.compare import Less
from circuits.language.money import Cost, Credit
from circuits.language.state import (
    BalanceAccess,
)
from circuits.language.words import address_of
from zkevm.evm.opcodes import Op
from zkevm.evm.transition import REFUND_QUOTIENT
from zkevm.evm.validity import intrinsic_gas
from zkevm.trace.trace import FrameKind

GAS_BITS = 64
UNDO_BITS = 32


class EndTransaction(TableGadget[range]):
    """A row a transaction: what its sender and the coinbase get, what the receipt says."""

    name = "end_transaction"

    real = Bit()
    last = Bit()  # of the statement
    clock = Cell(ColumnType.U64)
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U16)
    used_before = Cell(ColumnType.U64)
    blob_gas_used = Cell(ColumnType.U64)
    log_base = Cell(ColumnType.U32)
    frame = Cell(ColumnType.U64)

    creates = Bit()
    success = Bit()
    gas_left = Cell(ColumnType.U64)
    data_frame = Cell(ColumnType.U64)
    offset = Cell(ColumnType.U32)
    length = Cell(ColumnType.U32)
    undo = Uint(UNDO_BITS)
    ended_journal = Cell(ColumnType.U64)
    eor = Cell(ColumnType.U64)
    logs = Cell(ColumnType.U32)
    destroyed = Cell(ColumnType.U32)
    list_end = Cell(ColumnType.U64)  # when the last account is destroyed

    gas_limit = Cell(ColumnType.U64)
    quotient = Uint(GAS_BITS)  # of the gas used by the part of it that may be refunded
    remainder = Cell(ColumnType.U8)
    refund = Uint(GAS_BITS)
    all_refunded = Less(GAS_BITS)
    charged = Cell(ColumnType.U64)  # gas used less the refund
    floor = Cell(ColumnType.U64)
    below_floor = Less(GAS_BITS)
    used = Cell(ColumnType.U64)

    price = Cell(ColumnType.U128)
    base_fee = Cell(ColumnType.U128)
    sender = Halves()
    sender_balance = BalanceAccess()
    paid_back = Cost()
    sender_total = Credit()
    coinbase = Halves()
    coinbase_balance = BalanceAccess()
    reward = Cost()
    coinbase_total = Credit()

    def constrain(self, c: Builder) -> None:
        chain = (self.used_before, self.blob_gas_used)
        inside = (self.scope, Phase.INSIDE, self.index, *chain, self.log_base, self.frame)
        c.receive(SCOPE_CHAIN, self.real, *inside)
        self._take_end(c)
        self._count_gas(c)
        self._pay(c)
        c.require_zero("last is real", self.last * (1 - self.real))
        c.send(
            SCOPE_CHAIN,
            self.real,
            self.scope + 1,
            Phase.OVER * self.last,
            self.index + 1,
            self.used_before + self.used,
            self.blob_gas_used,
            self.log_base + self.logs,
            (1 - self.last) * self.list_end,
        )
        c.send(RECEIPT, self.real, self.scope, self.success, self.used, self.logs)

    def _take_end(self, c: Builder) -> None:
        real, undone = self.real, self.undo.value
        fails = real - self.success
        c.require_zero("a success is real", self.success * (1 - real))
        c.receive(
            ENDED,
            real,
            self.frame,
            self.clock - (1 - self.success) * undone,
            self.success,
            self.gas_left,
            *(self.data_frame, self.offset, self.length),
            undone,
            self.ended_journal,
        )
        kind = FrameKind.ROOT_CALL * real
        kind = kind + (FrameKind.ROOT_CREATE - FrameKind.ROOT_CALL) * self.creates
        c.request(FRAME_END, real, self.frame, kind, self.success, self.eor)
        created = self.creates * self.success
        c.require_zero("a creation is real", self.creates * (1 - real))
        c.require_zero("a contract is no output", created * self.length)
        c.require_zero("the end of reversion", fails * (self.clock - 1 - self.eor))
        # A failure leaves the journal with which the transaction began.
        journal = self.frame + self.success * (self.ended_journal - self.frame)
        c.request(JOURNAL, real, journal, self.refund.value, self.logs, self.destroyed)
        of_list = (self.scope, ListKind.DESTROYED)
        begins, ends = (0, self.clock + END_TICKS), (self.destroyed, self.list_end)
        c.send(LIST, real, *of_list, *begins, 0, 0, label="destroyed accounts begin")
        c.receive(LIST, real, *of_list, *ends, 0, 0, label="destroyed accounts end")

    def _count_gas(self, c: Builder) -> None:
        field, real = TransactionField, self.real
        used = self.gas_limit - self.gas_left
        for name, cell in ((field.GAS_LIMIT, self.gas_limit), (field.FLOOR, self.floor)):
            c.request(TX, real, self.scope, name, 0, cell, 0, label=f"the {name.name.lower()}")
        # quotient < 2^64: the sum does not wrap, so the gas used is not negative; and the remainder
        # is an integer, as the other terms are, so that its narrow ranges prove it
        divided = REFUND_QUOTIENT * self.quotient.value + self.remainder
        c.require_equal("a fifth of the gas used", divided, used)
        c.require_range("remainder", real, self.remainder, 3)
        c.require_range("remainder below", real, REFUND_QUOTIENT - 1 - self.remainder, 3)
        self.all_refunded.use(c, self.refund.value, self.quotient.value)
        refunded = self.quotient.value + self.all_refunded.bit * (
            self.refund.value - self.quotient.value
        )
        c.require_equal("charged but for the refund", self.charged, used - refunded)
        self.below_floor.use(c, self.charged, self.floor)
        floored = self.charged + self.below_floor.bit * (self.floor - self.charged)
        c.require_equal("charged at least the floor", self.used, floored)

    def _pay(self, c: Builder) -> None:
        field, real = TransactionField, self.real
        sender, coinbase = address_of(self.sender), address_of(self.coinbase)
        c.request(TX, real, self.scope, field.SENDER, 0, *self.sender, label="the sender")
        price = (self.scope, field.GAS_PRICE, 0, self.price, 0)
        c.request(TX, real, *price, label="the gas price")
        c.request(ENV, real, 0, Op.BASEFEE, self.base_fee, 0, label="the base fee")
        c.request(ENV, real, 0, Op.COINBASE, *self.coinbase, label="the coinbase")
        self.paid_back.use(c, self.gas_limit - self.used, self.price)
        self.sender_total.use(c, self.sender_balance.word, self.paid_back.word)
        after = tuple(self.sender_total.word)
        self.sender_balance.write(c, real, sender, self.clock, after)
        self.reward.use(c, self.used, self.price - self.base_fee)
        self.coinbase_total.use(c, self.coinbase_balance.word, self.reward.word)
        after = tuple(self.coinbase_total.word)
        self.coinbase_balance.write(c, real, coinbase, self.clock + 1, after)

    def collect(self, plan: Plan) -> range:
        execution = plan.execution
        amounts, clock = Amounts(execution), execution.schedule.end
        coinbase = one_word(execution.trace.environment.coinbase)
        paid, rewarded = (
            amounts.sender_end + amounts.paid_back,
            amounts.coinbase_end + amounts.reward,
        )
        self.sender_balance.plan_write(
            self, plan, one_word(amounts.sender), one_number(clock), one_word(paid)
        )
        self.coinbase_balance.plan_write(
            self, plan, coinbase, one_number(clock + 1), one_word(rewarded)
        )
        return range(1)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        trace, schedule = execution.trace, execution.schedule
        amounts, limit = Amounts(execution), trace.transaction.gas_limit
        end_row = int(trace.frames.end_row[0])
        success = int(trace.frames.success[0])
        left = int(trace.frames.gas_end[0])
        data_frame, offset, length = execution.outputs(np.array([0]))
        journal = int(schedule.journal_after[end_row]) if end_row >= 0 else schedule.begin
        entry = journal if success else schedule.begin
        refund = int(execution.journal.find(one_number(int(entry))).refund[0])
        quotient, remainder = divmod(limit - left, REFUND_QUOTIENT)
        charged = limit - left - min(quotient, refund)
        floor = intrinsic_gas(execution.fork, trace.transaction).floor
        used = trace.receipt.gas_used
        filled: list[tuple[Part, int]] = [
            (self.real, 1),
            (self.last, int(execution.is_last)),
            (self.clock, schedule.end),
            (self.scope, execution.scope),
            (self.index, trace.index),
            (self.used_before, trace.used_before.gas),
            (self.blob_gas_used, trace.used_before.blob_gas + amounts.blob_gas),
            (self.log_base, execution.carried.logs),
            (self.frame, schedule.begin),
            (self.creates, int(trace.transaction.to is None)),
            (self.success, success),
            (self.gas_left, left),
            (self.data_frame, int(data_frame[0])),
            (self.offset, int(offset[0])),
            (self.length, int(length[0])),
            (self.undo, int(schedule.undo_after[end_row]) if end_row >= 0 else 0),
            (self.ended_journal, journal),
            (self.eor, int(schedule.eor[0])),
            (self.logs, len(trace.logs)),
            (self.destroyed, len(execution.destroyed)),
            (self.list_end, execution.end),
            (self.gas_limit, limit),
            (self.quotient, quotient),
            (self.remainder, remainder),
            (self.refund, refund),
            (self.charged, charged),
            (self.floor, floor),
            (self.used, used),
            (self.price, amounts.price),
            (self.base_fee, trace.environment.base_fee),
            (self.sender, amounts.sender),
            (self.coinbase, trace.environment.coinbase),
            (self.paid_back.limbs, amounts.paid_back),
            (self.reward.limbs, amounts.reward),
        ]
        for part, value in filled:
            w[part] = one_word(value)
        self.all_refunded.fill(w, one_number(refund), one_number(quotient))
        self.below_floor.fill(w, one_number(charged), one_number(floor))
        self.sender_total.fill(w, one_word(amounts.sender_end), one_word(amounts.paid_back))
        self.coinbase_total.fill(w, one_word(amounts.coinbase_end), one_word(amounts.reward))
