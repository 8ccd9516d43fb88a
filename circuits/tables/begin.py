"""The beginning of a transaction: what calls and creations share.

Relation.  The transaction is valid, and pays what it costs before its first instruction: yellow
           paper, section 6; EIP-1559, 2028, 2929, 2930, 3607, 3651, 7623, 7702, 7825.  The row
           checks it against the sender's account, takes the fee, marks what starts warm, charges
           the intrinsic gas, and opens the root frame.  Its clock is the frame's id, the next one
           that of the data frame that holds the data.
Argument.  The `scope` chain goes through the row: from the statement, or from the end of the
           transaction before, whose clock it takes over.  Ids of scopes rise by one, so each has
           one row.  The `list` chains go through the rows of the data and the access list, whose
           counts are compared with what the statement says.
Ensures.   The gas price and the floor are as offered to `tx`.
Limits.    Fees below 2^128 wei.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from circuits.buses import (
    ENDED,
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
from circuits.execution.authorizations import refund_of
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
    word,
)
from circuits.language.arrays import one_number, one_word
from circuits.language.birth import BIRTH_WRITES
from circuits.language.compare import AtLeast
from circuits.language.money import Price, Transfer
from circuits.language.payer import Offer, Payer
from circuits.language.state import AddressAccess, Inverses, Undoing
from circuits.language.words import address_of
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.opcodes import Op
from zkevm.evm.transaction import Transaction
from zkevm.evm.validity import intrinsic_gas
from zkevm.plonkish.expression import ZERO, Expr
from zkevm.trace.trace import FrameKind

GAS_BITS = 64
NO_CAP = 2**GAS_BITS - 1
WORD_BYTES = 32


class Beginning(TableGadget[range]):
    """A row for each transaction of its kind."""

    creates: ClassVar[bool] = False

    real = Bit()
    clock = Cell(ColumnType.U64)
    scope = Cell(ColumnType.U16)
    index = Cell(ColumnType.U16)
    used_before = Cell(ColumnType.U64)
    blob_gas_before = Cell(ColumnType.U64)
    log_base = Cell(ColumnType.U32)

    sender = Halves()
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

    payer = Payer()

    # What starts warm, and the lists.
    touch_sender = AddressAccess()
    touch_target = AddressAccess()
    touch_coinbase = AddressAccess()
    data_words = Cell(ColumnType.U32)
    zeros = Cell(ColumnType.U32)
    others = Cell(ColumnType.U32)
    list_end = Cell(ColumnType.U64)  # when the access list is done
    addresses = Cell(ColumnType.U32)
    storage_keys = Cell(ColumnType.U32)

    # Gas.
    available = Uint(GAS_BITS)
    over_floor = AtLeast(GAS_BITS)
    under_cap = AtLeast(GAS_BITS)
    block_gas_left = AtLeast(GAS_BITS)

    # The root frame.
    success = Bit()
    undone = Bit()
    eor = Cell(ColumnType.U64)
    moves = Bit()
    transfer = Transfer()

    counts = Cells(2, ColumnType.U32)

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    @property
    @abstractmethod
    def address(self) -> Expr:
        """The address that the root frame runs at."""

    @property
    def blob_count(self) -> Expr:
        """How many blobs the transaction carries."""
        return ZERO

    @property
    def authorization_count(self) -> Expr:
        """How many authorizations the transaction carries."""
        return ZERO

    @property
    def start(self) -> Expr:
        """When all lists are done."""
        return self.list_end

    @property
    def first_refund(self) -> Expr:
        """The refund that the transaction begins with."""
        return ZERO

    def declare_blobs(self, c: Builder) -> Offer | None:
        """What is offered for blobs."""
        return None

    @abstractmethod
    def accepts(self, transaction: Transaction) -> bool:
        """Whether the transaction is one that the table proves."""

    @property
    @abstractmethod
    def surcharge(self) -> Expr | int:
        """What is charged for the kind of the transaction."""

    @abstractmethod
    def declare_frame(self, c: Builder) -> None:
        """Open the root frame, and send its first state."""

    @abstractmethod
    def plan_frame(self, plan: Plan, amounts: Amounts) -> None:
        """Register the accesses of the root frame's opening."""

    @abstractmethod
    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        """Fill the columns of the root frame's opening."""

    def constrain(self, c: Builder) -> None:
        chain = (self.index, self.used_before, self.blob_gas_before, self.log_base, self.clock)
        c.receive(SCOPE_CHAIN, self.real, self.scope, Phase.BETWEEN, *chain)
        used = (self.used_before, self.blob_gas_before + gas.BLOB * self.blob_count)
        inside = (self.index, *used, self.log_base, self.clock)
        c.send(SCOPE_CHAIN, self.real, self.scope, Phase.INSIDE, *inside)
        self._look_up(c)
        price = self.price.use(c, self.base_fee, self.priority_fee, self.max_fee)
        sender = address_of(self.sender)
        offers = (Offer(self.gas_limit, price, self.max_fee), self.declare_blobs(c))
        self.payer.use(c, self.fork, sender, self.nonce, self.clock, self.value.expr, *offers)
        self._warm(c)
        self._gas(c)
        self.declare_frame(c)
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
            (field.VALUE, self.value),
            (field.NONCE, word(self.nonce)),
            (field.GAS_LIMIT, word(self.gas_limit)),
            (field.MAX_FEE, word(self.max_fee)),
            (field.PRIORITY_FEE, word(self.priority_fee)),
            (field.DATA_LENGTH, word(self.data_length)),
            (field.LIST_LENGTH, word(self.list_length)),
            (field.BLOB_COUNT, word(self.blob_count)),
            (field.AUTHORITY_COUNT, word(self.authorization_count)),
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

    def _warm(self, c: Builder) -> None:
        scope, real = self.scope, self.real
        touched = (
            (self.touch_sender, address_of(self.sender)),
            (self.touch_target, self.address),
            (self.touch_coinbase, address_of(self.coinbase)),
        )
        for tick, (touch, address) in enumerate(touched):
            touch.use(c, real, address, self.clock + tick, scope)
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
            + self.surcharge
        )
        left = self.gas_limit - intrinsic
        c.require_equal("gas is left for the root frame", self.available.value, left)
        cap = self.fork.max_transaction_gas
        self.over_floor.use(c, self.gas_limit, self._floor())
        self.under_cap.use(c, NO_CAP if cap is None else cap, self.gas_limit)
        self.block_gas_left.use(c, self.block_gas_limit - self.used_before, self.gas_limit)

    def open_frame(
        self,
        c: Builder,
        store: Expr,
        data: tuple[Expr | int, Expr | int, Expr | int],
        code: Expr,
        runs: Expr,
        first_writes: int = 0,
    ) -> None:
        """Open the root frame; where it `runs`, move the value in it and send its first state.

        Elsewhere it fails at once: no gas is left.  `first_writes` are the reversible writes of the
        frame before the value moves.
        """
        real, scope, begin, clock = self.real, self.scope, self.clock, self.start
        sender = address_of(self.sender)
        kind = FrameKind.ROOT_CREATE if self.creates else FrameKind.ROOT_CALL
        c.send(
            OPEN,
            real,
            *(begin, 0, kind, self.address, store, sender, *self.value),
            *(*data, code, self.success, 0, scope),
        )
        c.request(FRAME_CONTEXT, real, begin, 0, scope, 0, self.undone, self.eor)
        # A move of nothing changes nothing: `moves` may be 1 then.
        c.require_zero("value moves, low half", self.value.lo * (runs - self.moves))
        c.require_zero("value moves, high half", self.value.hi * (runs - self.moves))
        c.require_zero("moves is real", self.moves * (1 - runs))
        undoing = [Undoing(self.undone, self.eor - first_writes - k) for k in range(2)]
        moved = (sender, self.address, word(*(runs * half for half in self.value)))
        self.transfer.use(c, self.moves, *moved, clock + 1, undoing)
        c.send(JOURNAL_NEW, real, begin, self.first_refund, 0, 0)
        writes = (first_writes * real + 2 * self.moves) * self.undone
        state = (begin, code, 0, 0, self.available.value, 0, writes, begin)
        c.send(STATE, runs, clock + TARGET_TICKS, *state)
        c.require_zero("to fail at once is no success", (real - runs) * self.success)
        failed = (begin, clock + TARGET_TICKS, 0, 0, 0, 0, 0, 0, begin)
        c.send(ENDED, real - runs, *failed, label="it fails at once")

    def collect(self, plan: Plan) -> range:
        execution = plan.execution
        require_provable(execution)
        if not self.accepts(execution.trace.transaction):
            return range(0)
        amounts, begin = Amounts(execution), execution.schedule.begin
        clock = one_number(begin)
        sender, target = one_word(amounts.sender), one_word(amounts.target)
        coinbase = one_word(execution.trace.environment.coinbase)
        transaction = execution.trace.transaction
        nonce = one_number(transaction.nonce + 1)
        self.payer.plan(self, plan, sender, clock, nonce, one_word(amounts.after_fee))
        touches = (self.touch_sender, self.touch_target, self.touch_coinbase)
        touched = zip(touches, (sender, target, coinbase), strict=True)
        for tick, (touch, address) in enumerate(touched):
            touch.plan(self, plan, address, one_number(begin + tick))
        list_end = one_number(amounts.list_end)
        self.plan_frame(plan, amounts)
        undone = execution.schedule.undone[:1]
        moves = np.array([amounts.moves])
        eor = execution.schedule.eor[:1] - np.uint64(BIRTH_WRITES if self.creates else 0)
        inverses = [Inverses(undone & moves, eor - np.uint64(k)) for k in range(2)]
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
        entry = (begin, refund_of(execution.authorizations), 0, 0)
        plan.request(JOURNAL_NEW, *map(one_number, entry))
        return range(1)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        execution = plan.execution
        trace, schedule = execution.trace, execution.schedule
        transaction, block = trace.transaction, trace.environment
        amounts = Amounts(execution)
        data = transaction.data
        max_fee, priority = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
        zeros = data.count(0)
        keys_of_list = sum(len(e.storage_keys) for e in transaction.access_list)
        intrinsic = intrinsic_gas(self.fork, transaction)
        cap = self.fork.max_transaction_gas
        moves = np.array([amounts.moves])
        filled: list[tuple[Part, int]] = [
            (self.real, 1),
            (self.clock, schedule.begin),
            (self.scope, execution.scope),
            (self.index, trace.index),
            (self.used_before, trace.used_before.gas),
            (self.blob_gas_before, trace.used_before.blob_gas),
            (self.log_base, execution.carried.logs),
            (self.sender, amounts.sender),
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
            (self.data_words, -(-len(data) // WORD_BYTES)),
            (self.zeros, zeros),
            (self.others, len(data) - zeros),
            (self.list_end, amounts.access_end),
            (self.addresses, len(transaction.access_list)),
            (self.storage_keys, keys_of_list),
            (self.available, amounts.available),
            (self.over_floor, transaction.gas_limit - intrinsic.floor),
            (self.under_cap, (NO_CAP if cap is None else cap) - transaction.gas_limit),
            (self.block_gas_left, block.gas_limit - trace.used_before.gas - transaction.gas_limit),
            (self.success, int(trace.frames.success[0])),
            (self.undone, int(schedule.undone[0])),
            (self.eor, int(schedule.eor[0])),
            (self.moves, int(moves[0])),
        ]
        for part, value in filled:
            w[part] = one_word(value)
        self.price.fill(w, block.base_fee, priority, max_fee)
        self.payer.fill(w, execution, amounts)
        self.fill_frame(w, plan, amounts)
        before = (one_word(amounts.after_fee), one_word(amounts.target_before))
        self.transfer.fill(w, *before, one_word(transaction.value), moves)
