"""The beginning and the end of a transaction, its data and its access list.

`begin_tx`   checks the transaction against the sender's account, takes the fee, marks what starts
             warm, charges the intrinsic gas, and opens the root frame.  Its clock is the frame's id,
             the next one that of the data frame that holds the transaction's data.
`end_tx`     takes the end of the root frame, caps the refund, pays back the sender and pays the
             coinbase, and says what the receipt says.
`calldata`   a row for each word of the data: counts its zero bytes, and creates it in memory.
`access_entry`  a row for each address and key of the access list: marks it warm and counts it.

Relation.  Yellow paper, section 6; EIP-1559, 2028, 2929, 2930, 3529, 3607, 3651, 7623, 7825.
Argument.  The `scope` chain runs through begin and end; the `list` chains through their rows, and the
           counts are compared with what the statement says, so that no row is left out.
Limits.    Fees below 2^128 wei.  No creation, no blobs, no authorizations, no precompile as target.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from circuits.buses import (
    BYTES,
    CODE_INFO,
    ENDED,
    ENV,
    FRAME_CONTEXT,
    FRAME_END,
    JOURNAL,
    JOURNAL_NEW,
    LIST,
    MEMORY,
    OPEN,
    RECEIPT,
    STATE,
    TX,
    TransactionField,
)
from circuits.buses import SCOPE as SCOPE_CHAIN
from circuits.execution.execution import SCOPE, Execution
from circuits.execution.tokens import U64
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    Cells,
    ColumnType,
    Halves,
    LimbWord,
    Part,
    Plan,
    StorageAccess,
    TableGadget,
    Uint,
    Witness,
    keys,
    recompose,
    total,
    values,
    word,
)
from circuits.language.arrays import Array, integers, words
from circuits.language.callee import CalleeCode, code_facts
from circuits.language.compare import AtLeast, Less
from circuits.language.money import HALF, PRICE_BITS, Cost, Credit, Debit, Transfer
from circuits.language.state import (
    AddressAccess,
    BalanceAccess,
    CodeAccess,
    Freshness,
    Inverses,
    NonceAccess,
    Undoing,
)
from circuits.tables.memory import created
from zkevm.errors import NotProvableError
from zkevm.evm import gas
from zkevm.evm.code import DELEGATION_LENGTH, EMPTY_CODE
from zkevm.evm.fork import Fork
from zkevm.evm.opcodes import Op
from zkevm.evm.transaction import Transaction
from zkevm.evm.transition import REFUND_QUOTIENT
from zkevm.evm.validity import intrinsic_gas
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import FrameKind
from zkevm.trace.words import Words

GAS_BITS = 64
UNDO_BITS = 32
WORD_BYTES = 32
NO_CAP = 2**GAS_BITS - 1
TARGET_TICKS = 3  # code of the target; its delegate and the debit; the credit
LIST_START = 3  # sender, target, coinbase
END_TICKS = 2
EMPTY_HASH = word(EMPTY_CODE.hash % HALF, EMPTY_CODE.hash >> 128)


class Phase(IntEnum):
    """Where the `scope` chain stands."""

    BETWEEN = 0
    INSIDE = 1
    OVER = 2


class ListKind(IntEnum):
    """Which list of a transaction."""

    DATA = 1
    ACCESS = 2


def number(value: int) -> Words:
    """One word."""
    return words([value])


def at(clock: int) -> U64:
    """One clock."""
    return np.array([clock], np.uint64)


def address_of(halves: Halves) -> Expr:
    """The address that a word of the statement holds."""
    return halves.lo + halves.hi * HALF


class BeginTransaction(TableGadget[range]):
    """One row: the transaction of the proof."""

    name = "begin_transaction"

    real = Bit()
    clock = Cell(ColumnType.U64)
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U16)
    used_before = Cell(ColumnType.U64)
    blob_gas_before = Cell(ColumnType.U64)
    log_base = Cell(ColumnType.U32)

    sender = Halves()
    target = Halves()
    value = Halves()
    nonce = Cell(ColumnType.U64)
    gas_limit = Cell(ColumnType.U64)
    max_fee = Cell(ColumnType.U128)
    priority_fee = Cell(ColumnType.U128)
    data_length = Cell(ColumnType.U32)
    list_length = Cell(ColumnType.U32)
    base_fee = Cell(ColumnType.U128)
    block_gas_limit = Cell(ColumnType.U64)
    coinbase = Halves()

    # The price: min(max_fee, base_fee + priority_fee).
    capped = Bit()
    slack = Uint(PRICE_BITS)
    tip = Uint(PRICE_BITS)
    fee_over_priority = AtLeast(PRICE_BITS)

    # The sender.
    nonce_access = NonceAccess()
    next_nonce = Uint(64)
    balance = BalanceAccess()
    fee = Cost()
    after_fee = Debit()
    most = Cost()  # of the gas at max_fee
    spare = LimbWord()  # what the balance holds more than `most` and the value
    spare_carry = Bits(2)
    sender_code = CodeAccess()
    sender_delegated = Bit()
    sender_code_id = Cell(ColumnType.U32)
    sender_delegate = Cell(ColumnType.FIELD)

    # What starts warm, and the lists.
    touch_sender = AddressAccess()
    touch_target = AddressAccess()
    touch_coinbase = AddressAccess()
    data_words = Cell(ColumnType.U32)
    zeros = Cell(ColumnType.U32)
    others = Cell(ColumnType.U32)
    list_end = Cell(ColumnType.U64)
    addresses = Cell(ColumnType.U32)
    storage_keys = Cell(ColumnType.U32)

    # Gas.
    available = Uint(GAS_BITS)
    over_floor = AtLeast(GAS_BITS)
    under_cap = AtLeast(GAS_BITS)
    block_gas_left = AtLeast(GAS_BITS)

    # The root frame.
    callee = CalleeCode()
    success = Bit()
    undone = Bit()
    eor = Cell(ColumnType.U64)
    moves = Bit()
    transfer = Transfer()

    counts = Cells(2, ColumnType.U32)

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    def constrain(self, c: Builder) -> None:
        chain = (self.index, self.used_before, self.blob_gas_before, self.log_base, self.clock)
        c.receive(SCOPE_CHAIN, self.real, self.scope, Phase.BETWEEN, *chain)
        c.send(SCOPE_CHAIN, self.real, self.scope, Phase.INSIDE, *chain)
        self._look_up(c)
        price = self._price(c)
        self._sender(c, price)
        self._warm(c)
        self._gas(c)
        self._open(c)
        for count, (field, offered) in zip(
            self.counts,
            ((TransactionField.GAS_PRICE, price), (TransactionField.FLOOR, self._floor())),
            strict=True,
        ):
            label = f"the {field.name.lower().replace('_', ' ')}"
            c.provide(TX, self.real, count, self.scope, field, 0, offered, 0, label=label)

    def _look_up(self, c: Builder) -> None:
        field = TransactionField
        found = (
            (field.SENDER, self.sender),
            (field.TO, self.target),
            (field.VALUE, self.value),
            (field.NONCE, word(self.nonce)),
            (field.GAS_LIMIT, word(self.gas_limit)),
            (field.MAX_FEE, word(self.max_fee)),
            (field.PRIORITY_FEE, word(self.priority_fee)),
            (field.DATA_LENGTH, word(self.data_length)),
            (field.LIST_LENGTH, word(self.list_length)),
        )
        for name, found_word in found:
            label = f"the {name.name.lower().replace('_', ' ')}"
            c.request(TX, self.real, self.scope, name, 0, *found_word, label=label)
        of_block = (
            (Op.BASEFEE, word(self.base_fee)),
            (Op.GASLIMIT, word(self.block_gas_limit)),
            (Op.COINBASE, self.coinbase),
        )
        for op, found_word in of_block:
            c.request(ENV, self.real, 0, op, *found_word, label=f"the block's {op.name.lower()}")

    def _price(self, c: Builder) -> Expr:
        """The price of a unit of gas (degree 1), which is `base_fee + tip`."""
        above = self.base_fee + self.priority_fee - self.max_fee
        c.require_zero("capped is real", self.capped * (1 - self.real))
        # both ends are below 2^129: the distance does not wrap
        signed = (2 * self.capped - 1) * above
        c.require_equal("capped if the sum is not smaller", self.slack.value, signed)
        uncapped = self.base_fee + self.priority_fee
        price = self.base_fee + self.tip.value
        c.require_equal("the price is the smaller", price, uncapped - self.capped * above)
        self.fee_over_priority.use(c, self.max_fee, self.priority_fee)
        return price

    def _sender(self, c: Builder, price: Expr) -> None:
        sender = address_of(self.sender)
        c.require_equal("the nonce is the sender's", self.nonce, self.nonce_access.old[0])
        c.require_equal("the next nonce", self.next_nonce.value, self.nonce + self.real)
        self.nonce_access.write(c, self.real, sender, self.clock, (self.next_nonce.value,))
        self.fee.use(c, self.gas_limit, price)
        self.after_fee.use(c, self.balance.word, self.fee.word)
        self.balance.write(c, self.real, sender, self.clock, tuple(self.after_fee.word))
        self.most.use(c, self.gas_limit, self.max_fee)
        # halves of three words: the sums stay below 2^130
        carry = total(self.spare_carry)
        most, spare, before = self.most.word, self.spare, self.balance.word
        low, high = most.lo + self.value.lo + spare.lo, most.hi + self.value.hi + spare.hi
        c.require_equal("the sender can pay, low half", low, before.lo + carry * HALF)
        c.require_equal("the sender can pay, high half", high + carry, before.hi)
        c.require_zero("carries in order", self.spare_carry[1] * (1 - self.spare_carry[0]))
        self.sender_code.read(c, self.real, sender, self.clock)
        hash_lo, hash_hi, _ = self.sender_code.old
        plain = self.real - self.sender_delegated
        c.require_zero("delegated is real", self.sender_delegated * (1 - self.real))
        c.require_zero("a sender has no code, low half", plain * (hash_lo - EMPTY_HASH.lo))
        c.require_zero("a sender has no code, high half", plain * (hash_hi - EMPTY_HASH.hi))
        if not self.fork.has_delegations:
            c.require_zero("there are no delegations", self.sender_delegated)
        facts = (self.sender_code_id, DELEGATION_LENGTH, 1, self.sender_delegate)
        label = "or a delegation"
        c.request(CODE_INFO, self.sender_delegated, hash_lo, hash_hi, *facts, label=label)

    def _warm(self, c: Builder) -> None:
        scope, real = self.scope, self.real
        touched = (
            (self.touch_sender, self.sender),
            (self.touch_target, self.target),
            (self.touch_coinbase, self.coinbase),
        )
        for tick, (touch, address) in enumerate(touched):
            touch.use(c, real, address_of(address), self.clock + tick, scope)
        c.send(LIST, real, scope, ListKind.DATA, 0, self.clock + 1, 0, 0, label="data begins")
        counted = (self.clock + 1, self.zeros, self.others)
        label = "data ends"
        c.receive(LIST, real, scope, ListKind.DATA, self.data_words, *counted, label=label)
        c.require_equal("all bytes are counted", self.zeros + self.others, self.data_length)
        start = (ListKind.ACCESS, 0, self.clock + LIST_START, 0, 0)
        c.send(LIST, real, scope, *start, label="access list begins")
        end = (ListKind.ACCESS, self.list_length, self.list_end, self.addresses, self.storage_keys)
        c.receive(LIST, real, scope, *end, label="access list ends")

    def _tokens(self) -> Expr:
        return self.zeros + gas.DATA_TOKENS_PER_NONZERO_BYTE * self.others

    def _floor(self) -> Expr | int:
        if not self.fork.has_calldata_floor:
            return 0
        return gas.TRANSACTION * self.real + gas.DATA_TOKEN_FLOOR * self._tokens()

    def _gas(self, c: Builder) -> None:
        # counts are below 2^32, so costs are below 2^48
        intrinsic = (
            gas.TRANSACTION * self.real
            + gas.DATA_TOKEN * self._tokens()
            + gas.ACCESS_LIST_ADDRESS * self.addresses
            + gas.ACCESS_LIST_KEY * self.storage_keys
        )
        left = self.gas_limit - intrinsic
        c.require_equal("gas is left for the root frame", self.available.value, left)
        cap = self.fork.max_transaction_gas
        self.over_floor.use(c, self.gas_limit, self._floor())
        self.under_cap.use(c, NO_CAP if cap is None else cap, self.gas_limit)
        self.block_gas_left.use(c, self.block_gas_limit - self.used_before, self.gas_limit)

    def _open(self, c: Builder) -> None:
        real, scope, begin, clock = self.real, self.scope, self.clock, self.list_end
        sender, target = address_of(self.sender), address_of(self.target)
        callee = self.callee
        callee.use(c, self.fork, target, clock, scope)
        always_warm = self.touch_target.mark.old[1]
        own = real - callee.follows
        c.require_zero("the target is no precompile, or delegated", own * always_warm)
        c.send(
            OPEN,
            real,
            *(begin, 0, FrameKind.ROOT_CALL, target, callee.store, sender, *self.value),
            *(begin + 1, 0, self.data_length, callee.code, self.success, 0, scope),
        )
        c.request(FRAME_CONTEXT, real, begin, 0, scope, 0, self.undone, self.eor)
        # A move of nothing changes nothing: `moves` may be 1 then.
        c.require_zero("value moves, low half", self.value.lo * (1 - self.moves))
        c.require_zero("value moves, high half", self.value.hi * (1 - self.moves))
        c.require_zero("moves is real", self.moves * (1 - real))
        undoing = [Undoing(self.undone, self.eor - k) for k in range(2)]
        self.transfer.use(c, self.moves, sender, target, self.value, clock + 1, undoing)
        c.send(JOURNAL_NEW, real, begin, 0, 0, 0)
        writes = 2 * self.moves * self.undone
        state = (begin, callee.code, 0, 0, self.available.value, 0, writes, begin)
        c.send(STATE, real, clock + TARGET_TICKS, *state)

    def collect(self, plan: Plan) -> range:
        execution = plan.execution
        require_provable(execution)
        flow, begin = Flow(execution), execution.schedule.begin
        clock = at(begin)
        sender, target = number(flow.sender), number(flow.target)
        coinbase = number(execution.trace.environment.coinbase)
        transaction = execution.trace.transaction
        self.nonce_access.plan_write(
            self, plan, sender, clock, values(np.array([transaction.nonce + 1], np.uint64))
        )
        self.balance.plan_write(self, plan, sender, clock, number(flow.after_fee))
        self.sender_code.plan_read(self, plan, sender, clock)
        for tick, (touch, address) in enumerate(
            (
                (self.touch_sender, sender),
                (self.touch_target, target),
                (self.touch_coinbase, coinbase),
            )
        ):
            touch.plan(self, plan, address, at(begin + tick))
        list_end = at(flow.list_end)
        self.callee.plan(self, plan, self.fork, target, list_end)
        undone = execution.schedule.undone[:1]
        moves = np.array([transaction.value > 0])
        inverses = [
            Inverses(undone & moves, execution.schedule.eor[:1] - np.uint64(k)) for k in range(2)
        ]
        self.transfer.plan(
            self,
            plan,
            (sender, number(flow.after_fee)),
            (target, number(flow.target_before)),
            number(transaction.value),
            list_end + np.uint64(1),
            inverses,
            moves,
        )
        one, none = at(begin), at(0)
        plan.request(JOURNAL_NEW, one, none, none, none)
        return range(1)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        trace, schedule = execution.trace, execution.schedule
        transaction, block = trace.transaction, trace.environment
        flow = Flow(execution)
        data = transaction.data
        max_fee, priority = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
        above = block.base_fee + priority - max_fee
        most = transaction.gas_limit * max_fee
        spare = flow.before - most - transaction.value
        capped = above >= 0
        zeros = data.count(0)
        keys_of_list = sum(len(e.storage_keys) for e in transaction.access_list)
        intrinsic = intrinsic_gas(self.fork, transaction)
        cap = self.fork.max_transaction_gas
        facts = code_facts(execution, flow.sender)
        moves = np.array([transaction.value > 0])
        filled: list[tuple[Part, int]] = [
            (self.real, 1),
            (self.clock, schedule.begin),
            (self.scope, SCOPE),
            (self.index, 0),
            (self.used_before, 0),
            (self.blob_gas_before, 0),
            (self.log_base, 0),
            (self.sender, flow.sender),
            (self.target, flow.target),
            (self.value, transaction.value),
            (self.nonce, transaction.nonce),
            (self.gas_limit, transaction.gas_limit),
            (self.max_fee, max_fee),
            (self.priority_fee, priority),
            (self.data_length, len(data)),
            (self.list_length, len(transaction.access_list) + keys_of_list),
            (self.base_fee, block.base_fee),
            (self.block_gas_limit, block.gas_limit),
            (self.coinbase, block.coinbase),
            (self.capped, int(capped)),
            (self.slack, abs(above)),
            (self.tip, flow.price - block.base_fee),
            (self.fee_over_priority, max_fee - priority),
            (self.next_nonce, transaction.nonce + 1),
            (self.spare, spare),
            (self.sender_delegated, int(facts.delegated)),
            (self.sender_code_id, facts.code),
            (self.sender_delegate, facts.target),
            (self.data_words, -(-len(data) // WORD_BYTES)),
            (self.zeros, zeros),
            (self.others, len(data) - zeros),
            (self.list_end, flow.list_end),
            (self.addresses, len(transaction.access_list)),
            (self.storage_keys, keys_of_list),
            (self.available, transaction.gas_limit - intrinsic.execution),
            (self.over_floor, transaction.gas_limit - intrinsic.floor),
            (self.under_cap, (NO_CAP if cap is None else cap) - transaction.gas_limit),
            (self.block_gas_left, block.gas_limit - transaction.gas_limit),
            (self.success, int(trace.frames.success[0])),
            (self.undone, int(schedule.undone[0])),
            (self.eor, int(schedule.eor[0])),
            (self.moves, int(moves[0])),
        ]
        for part, value in filled:
            w[part] = number(value)
        self.fee.fill(w, number(transaction.gas_limit * flow.price))
        self.after_fee.fill(w, number(flow.before), number(transaction.gas_limit * flow.price))
        self.most.fill(w, number(most))
        carry = (most % HALF + transaction.value % HALF + spare % HALF) // HALF
        w[self.spare_carry] = np.array([[carry >= 1, carry >= 2]])
        self.callee.fill(w, execution, self.fork, number(flow.target))
        before = (number(flow.after_fee), number(flow.target_before))
        self.transfer.fill(w, *before, number(transaction.value), moves)


class Flow:
    """The amounts of a transaction and when they move."""

    def __init__(self, execution: Execution) -> None:
        trace = execution.trace
        transaction, block = trace.transaction, trace.environment
        self.sender = transaction.sender
        self.target = transaction.to or 0
        self.price = transaction.effective_gas_price(block.base_fee)
        self.before = trace.pre.accounts[self.sender].balance
        self.after_fee = self.before - transaction.gas_limit * self.price
        self.target_before = (
            self.after_fee - transaction.value
            if self.target == self.sender
            else trace.pre.accounts[self.target].balance
        )
        first = int(execution.schedule.clock[0])
        self.list_end = first - TARGET_TICKS
        # The end: of the sender first, then of the coinbase, which may be the same.
        used = trace.receipt.gas_used
        self.paid_back = (transaction.gas_limit - used) * self.price
        self.reward = used * (self.price - block.base_fee)
        posts = trace.post.accounts
        coinbase_after = posts[block.coinbase].balance
        sender_after = posts[self.sender].balance
        if block.coinbase == self.sender:
            sender_after -= self.reward
        self.sender_end = sender_after - self.paid_back
        self.coinbase_end = coinbase_after - self.reward


def require_provable(execution: Execution) -> None:
    """Refuse by name what these tables do not prove."""
    transaction: Transaction = execution.trace.transaction
    refused = {
        "the creation of a contract by a transaction": transaction.to is None,
        "a transaction with blobs": bool(transaction.blob_versioned_hashes),
        "a transaction with authorizations": bool(transaction.authorizations),
        "a transaction to a precompile": bool(np.any(execution.trace.calls.row < 0)),
        "fees of 2^128 wei or more": transaction.max_fee_per_gas >= HALF,
    }
    for what, found in refused.items():
        if found:
            raise NotProvableError(f"not provable yet: {what}")


class EndTransaction(TableGadget[range]):
    """One row: what the sender gets back, what the coinbase gets, what the receipt says."""

    name = "end_transaction"

    real = Bit()
    last = Bit()  # of the statement
    clock = Cell(ColumnType.U64)
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U16)
    used_before = Cell(ColumnType.U64)
    blob_gas_before = Cell(ColumnType.U64)
    log_base = Cell(ColumnType.U32)
    frame = Cell(ColumnType.U64)

    success = Bit()
    gas_left = Cell(ColumnType.U64)
    data_frame = Cell(ColumnType.U64)
    offset = Cell(ColumnType.U32)
    length = Cell(ColumnType.U32)
    undo = Uint(UNDO_BITS)
    ended_journal = Cell(ColumnType.U64)
    eor = Cell(ColumnType.U64)
    logs = Cell(ColumnType.U32)

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
        chain = (self.used_before, self.blob_gas_before)
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
            self.blob_gas_before,
            self.log_base + self.logs,
            (1 - self.last) * (self.clock + END_TICKS),
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
        c.request(FRAME_END, real, self.frame, FrameKind.ROOT_CALL, self.success, self.eor)
        c.require_zero("the end of reversion", fails * (self.clock - 1 - self.eor))
        # A failure leaves the journal with which the transaction began.
        journal = self.frame + self.success * (self.ended_journal - self.frame)
        c.request(JOURNAL, real, journal, self.refund.value, self.logs, 0)

    def _count_gas(self, c: Builder) -> None:
        field, real = TransactionField, self.real
        used = self.gas_limit - self.gas_left
        for name, cell in ((field.GAS_LIMIT, self.gas_limit), (field.FLOOR, self.floor)):
            c.request(TX, real, self.scope, name, 0, cell, 0, label=f"the {name.name.lower()}")
        # quotient < 2^64: the sum does not wrap, so the gas used is not negative
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
        flow, clock = Flow(execution), execution.schedule.end
        coinbase = number(execution.trace.environment.coinbase)
        paid, rewarded = flow.sender_end + flow.paid_back, flow.coinbase_end + flow.reward
        self.sender_balance.plan_write(self, plan, number(flow.sender), at(clock), number(paid))
        self.coinbase_balance.plan_write(self, plan, coinbase, at(clock + 1), number(rewarded))
        return range(1)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        trace, schedule = execution.trace, execution.schedule
        flow, limit = Flow(execution), trace.transaction.gas_limit
        end_row = int(trace.frames.end_row[0])
        success = int(trace.frames.success[0])
        left = int(trace.frames.gas_end[0])
        data_frame, offset, length = execution.outputs(np.array([0]))
        entry = schedule.journal_after[end_row] if success else schedule.begin
        refund = int(execution.journal.find(at(int(entry)))[0][0])
        quotient, remainder = divmod(limit - left, REFUND_QUOTIENT)
        charged = limit - left - min(quotient, refund)
        floor = intrinsic_gas(execution.fork, trace.transaction).floor
        used = trace.receipt.gas_used
        filled: list[tuple[Part, int]] = [
            (self.real, 1),
            (self.last, 1),
            (self.clock, schedule.end),
            (self.scope, SCOPE),
            (self.index, 0),
            (self.used_before, 0),
            (self.blob_gas_before, 0),
            (self.log_base, 0),
            (self.frame, schedule.begin),
            (self.success, success),
            (self.gas_left, left),
            (self.data_frame, int(data_frame[0])),
            (self.offset, int(offset[0])),
            (self.length, int(length[0])),
            (self.undo, int(schedule.undo_after[end_row])),
            (self.ended_journal, int(schedule.journal_after[end_row])),
            (self.eor, int(schedule.eor[0])),
            (self.logs, len(trace.logs)),
            (self.gas_limit, limit),
            (self.quotient, quotient),
            (self.remainder, remainder),
            (self.refund, refund),
            (self.charged, charged),
            (self.floor, floor),
            (self.used, used),
            (self.price, flow.price),
            (self.base_fee, trace.environment.base_fee),
            (self.sender, flow.sender),
            (self.coinbase, trace.environment.coinbase),
            (self.paid_back.limbs, flow.paid_back),
            (self.reward.limbs, flow.reward),
        ]
        for part, value in filled:
            w[part] = number(value)
        self.all_refunded.fill(w, at(refund), at(quotient))
        self.below_floor.fill(w, at(charged), at(floor))
        self.sender_total.fill(w, number(flow.sender_end), number(flow.paid_back))
        self.coinbase_total.fill(w, number(flow.coinbase_end), number(flow.reward))


class TransactionData(TableGadget[range]):
    """A row for each word of the data: a word of the data frame, and how many of its bytes are zero."""

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
            plan.memory.initial((frame, index), tuple(int(x) for x in number(value)[0]))
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
        w[self.scope] = SCOPE
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
        stores = np.array([execution.stores[a] for a in integers(address)], np.uint64)
        new = values(value, value, 1, SCOPE)
        plan.access(self, self.slot, plan.storage, keys(stores, key), clock, new, is_key)
        return range(len(clock))

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        address, key, is_key, clock = access_list(plan.execution)
        w[self.real] = 1
        w[self.is_key] = is_key
        w[self.scope] = SCOPE
        w[self.index] = np.arange(len(record))
        w[self.clock] = clock
        w[self.addresses] = np.cumsum(~is_key) - (~is_key).astype(np.int64)
        w[self.storage_keys] = np.cumsum(is_key) - is_key.astype(np.int64)
        w[self.address] = address
        w[self.key] = key
        self.fresh.fill(w, w[self.slot.old[5]].astype(np.uint64), is_key)


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
