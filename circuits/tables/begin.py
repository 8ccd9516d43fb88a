"""The beginning of a transaction.

Relation.  The transaction is valid, and pays what it costs before its first instruction: yellow
           paper, section 6; EIP-1559, 2028, 2929, 2930, 3607, 3651, 7623, 7702, 7825.  The row
           checks it against the sender's account, takes the fee, marks what starts warm, charges
           the intrinsic gas, and opens the root frame.  Its clock is the frame's id, the next one
           that of the data frame that holds the data.
Argument.  The `scope` chain goes through the row; the `list` chains through the rows of the data
           and the access list, whose counts are compared with what the statement says.
Ensures.   The gas price and the floor are as offered to `tx`.
Limits.    Fees below 2^128 wei.  No creation, no blobs, no authorizations, no precompile called.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import (
    CODE_INFO,
    ENV,
    FRAME_CONTEXT,
    JOURNAL_NEW,
    LIST,
    LIST_START,
    OPEN,
    STATE,
    TX,
    ListKind,
    Phase,
    TransactionField,
)
from circuits.buses import SCOPE as SCOPE_CHAIN
from circuits.execution.amounts import TARGET_TICKS, Amounts, require_provable
from circuits.execution.execution import SCOPE
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
    TableGadget,
    Uint,
    Witness,
    total,
    values,
    word,
)
from circuits.language.arrays import one_number, one_word
from circuits.language.callee import CalleeCode, code_facts
from circuits.language.compare import AtLeast
from circuits.language.money import HALF, Cost, Debit, Price, Transfer
from circuits.language.state import (
    AddressAccess,
    BalanceAccess,
    CodeAccess,
    Inverses,
    NonceAccess,
    Undoing,
)
from circuits.language.words import address_of
from zkevm.evm import gas
from zkevm.evm.code import DELEGATION_LENGTH, EMPTY_CODE
from zkevm.evm.fork import Fork
from zkevm.evm.opcodes import Op
from zkevm.evm.validity import intrinsic_gas
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import BEGIN, FrameKind

GAS_BITS = 64
NO_CAP = 2**GAS_BITS - 1
WORD_BYTES = 32
EMPTY_HASH = word(EMPTY_CODE.hash % HALF, EMPTY_CODE.hash >> 128)


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

    price = Price()

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
        price = self.price.use(c, self.base_fee, self.priority_fee, self.max_fee)
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
        amounts, begin = Amounts(execution), execution.schedule.begin
        clock = one_number(begin)
        sender, target = one_word(amounts.sender), one_word(amounts.target)
        coinbase = one_word(execution.trace.environment.coinbase)
        transaction = execution.trace.transaction
        self.nonce_access.plan_write(
            self, plan, sender, clock, values(np.array([transaction.nonce + 1], np.uint64))
        )
        self.balance.plan_write(self, plan, sender, clock, one_word(amounts.after_fee))
        self.sender_code.plan_read(self, plan, sender, clock)
        for tick, (touch, address) in enumerate(
            (
                (self.touch_sender, sender),
                (self.touch_target, target),
                (self.touch_coinbase, coinbase),
            )
        ):
            touch.plan(self, plan, address, one_number(begin + tick))
        list_end = one_number(amounts.list_end)
        self.callee.plan(self, plan, self.fork, target, (0,), list_end)
        undone = execution.schedule.undone[:1]
        moves = np.array([transaction.value > 0])
        inverses = [
            Inverses(undone & moves, execution.schedule.eor[:1] - np.uint64(k)) for k in range(2)
        ]
        self.transfer.plan(
            self,
            plan,
            (sender, one_word(amounts.after_fee)),
            (target, one_word(amounts.target_before)),
            one_word(transaction.value),
            list_end + np.uint64(1),
            inverses,
            moves,
        )
        one, none = one_number(begin), one_number(0)
        plan.request(JOURNAL_NEW, one, none, none, none)
        return range(1)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        trace, schedule = execution.trace, execution.schedule
        transaction, block = trace.transaction, trace.environment
        amounts = Amounts(execution)
        data = transaction.data
        max_fee, priority = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
        most = transaction.gas_limit * max_fee
        spare = amounts.before - most - transaction.value
        zeros = data.count(0)
        keys_of_list = sum(len(e.storage_keys) for e in transaction.access_list)
        intrinsic = intrinsic_gas(self.fork, transaction)
        cap = self.fork.max_transaction_gas
        facts = code_facts(execution, amounts.sender, BEGIN)
        moves = np.array([transaction.value > 0])
        filled: list[tuple[Part, int]] = [
            (self.real, 1),
            (self.clock, schedule.begin),
            (self.scope, SCOPE),
            (self.index, 0),
            (self.used_before, 0),
            (self.blob_gas_before, 0),
            (self.log_base, 0),
            (self.sender, amounts.sender),
            (self.target, amounts.target),
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
            (self.next_nonce, transaction.nonce + 1),
            (self.spare, spare),
            (self.sender_delegated, int(facts.delegated)),
            (self.sender_code_id, facts.code),
            (self.sender_delegate, facts.target),
            (self.data_words, -(-len(data) // WORD_BYTES)),
            (self.zeros, zeros),
            (self.others, len(data) - zeros),
            (self.list_end, amounts.list_end),
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
            w[part] = one_word(value)
        self.price.fill(w, block.base_fee, priority, max_fee)
        self.fee.fill(w, one_word(transaction.gas_limit * amounts.price))
        self.after_fee.fill(
            w, one_word(amounts.before), one_word(transaction.gas_limit * amounts.price)
        )
        self.most.fill(w, one_word(most))
        carry = (most % HALF + transaction.value % HALF + spare % HALF) // HALF
        w[self.spare_carry] = np.array([[carry >= 1, carry >= 2]])
        self.callee.fill(w, execution, self.fork, one_word(amounts.target), (0,))
        before = (one_word(amounts.after_fee), one_word(amounts.target_before))
        self.transfer.fill(w, *before, one_word(transaction.value), moves)
