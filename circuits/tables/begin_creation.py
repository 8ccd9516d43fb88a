"""The beginning of a transaction that creates a contract.

Relation.  As in `begin`; 32000 more, and 2 a word of the init code (EIP-3860), which is the data;
           the address follows from the sender and the transaction's nonce, is warm, and becomes a
           contract in the root frame (yellow paper, section 7).
Argument.  The statement says of a creation that it is one, and names no recipient.  The code that
           runs is the one listed with the hash of the data.  If the address is taken (EIP-684,
           7610) the frame ends at once, with no gas left; else it is proven to be free.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import TX, TransactionField
from circuits.execution.amounts import Amounts
from circuits.language import Builder, Plan, Witness
from circuits.language.arrays import one_number, one_word
from circuits.language.birth import BIRTH_WRITES, Birth, Taken
from circuits.language.callee import CodeInfo, listed_code
from circuits.language.compare import AtLeast, IsZeroSmall
from circuits.language.contract_address import NonceAddress
from circuits.language.hashing import RangeHash
from circuits.language.state import Inverses, Undoing
from circuits.language.words import address_of
from circuits.tables.begin import Beginning
from zkevm.evm import gas
from zkevm.evm.transaction import Transaction
from zkevm.plonkish.expression import Expr


class BeginCreation(Beginning):
    """A row for each creation."""

    name = "begin_creation"
    creates = True

    name_hash = NonceAddress()
    small = AtLeast(16)
    no_data = IsZeroSmall(32)
    init = RangeHash()
    init_code = CodeInfo()
    birth = Birth()
    taken = Taken(birth)

    @property
    def address(self) -> Expr:
        return self.name_hash.address

    def accepts(self, transaction: Transaction) -> bool:
        return transaction.to is None

    @property
    def surcharge(self) -> Expr:
        return gas.TRANSACTION_CREATE * self.real + gas.INIT_CODE_WORD * self.data_words

    def declare_frame(self, c: Builder) -> None:
        creation = (self.scope, TransactionField.CREATION, 0, 1, 0)
        c.request(TX, self.real, *creation, label="there is no recipient")
        self.name_hash.use(c, address_of(self.sender), self.nonce)
        self.small.use(c, self.fork.max_init_code_size, self.data_length)
        self.no_data.use(c, self.data_length)
        some, none = self.real - self.no_data.bit, self.no_data.bit
        source = (self.clock + 1, self.list_end * 0)
        self.init.use(c, some, none, self.list_end, source, self.data_length)
        self.init_code.use(c, self.real, self.init.digest)
        collides, clock, birth = self.taken.use(c), self.list_end, self.birth
        # at most one reason is named, and none on padding
        c.require_zero("it collides or not", collides * (self.real - collides))
        runs = self.real - collides
        undoing = [Undoing(runs * self.undone, self.eor - k) for k in range(BIRTH_WRITES)]
        birth.use(c, runs, self.address, clock, self.scope, undoing)
        code = self.init_code.code
        self.open_frame(c, birth.store, (0, 0, 0), code, runs, BIRTH_WRITES)

    def plan_frame(self, plan: Plan, amounts: Amounts) -> None:
        execution, clock = plan.execution, one_number(amounts.list_end)
        schedule, transaction = execution.schedule, execution.trace.transaction
        sender, nonce = one_word(transaction.sender), one_number(transaction.nonce)
        self.name_hash.plan(self, plan, sender, nonce)
        source = (one_number(schedule.begin + 1), one_number(0))
        self.init.plan(self, plan, clock, source, [transaction.data])
        target = one_word(amounts.target)
        if not len(execution.trace.rows):
            self.birth.plan_read(self, plan, target, clock)
            return
        inverses = [
            Inverses(schedule.undone[:1], schedule.eor[:1] - np.uint64(k))
            for k in range(BIRTH_WRITES)
        ]
        self.birth.plan(self, plan, target, clock, inverses)

    def fill_frame(self, w: Witness, plan: Plan, amounts: Amounts) -> None:
        trace = plan.execution.trace
        transaction, size = trace.transaction, len(trace.transaction.data)
        self.name_hash.fill(w, one_word(transaction.sender), one_number(transaction.nonce))
        w[self.small] = one_number(self.fork.max_init_code_size - size)
        self.no_data.fill(w, one_number(size))
        self.taken.fill(w, np.array([len(trace.rows) == 0]))
        place = int(trace.frames.code[0])
        self.init_code.fill(w, [listed_code(plan.execution, place)])
