"""Calls of precompiles: of the identity, and of those that are not given what they cost.

Relation.  Yellow paper, appendix E.  The identity (address 4) returns its input; it costs 15 and 3
           for each word.  The bytes are copied into words of a data frame, which is named by the
           clock of this step and holds the return data, and from there to where the caller wants
           them.  A precompile that is given less than it costs, or an input of a length with
           which it always fails, takes all of that, moves no value and returns nothing: 0 is
           pushed.
           EIP-150, 161, 2929 as for other calls.
Argument.  Success and failure exclude each other: the gas given is at least the cost, or less.
           What is called is a precompile by its mark, and not delegated; accounts without code and
           frames are for addresses that are none.
           The data frame's words are created once, as no other step has this clock; afterwards
           nothing writes them.  Reading happens at the first tick and at the third, each before
           the write that follows from it.
Limits.    The bodies of other precompiles are not proven; that they fail only where it follows from
           the length of the input.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuits.buses import COPY, EXPAND, CopyKind
from circuits.execution.precompiles import IDENTITY, IDENTITY_PRICE, LENGTHS, PRICES, Price
from circuits.execution.tokens import U64, Mask
from circuits.gadgets.frameless_calls import Frameless, FramelessCall, Paying
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    Next,
    Plan,
    Steps,
    Uint,
    Witness,
    WordCount,
    total,
    word_count,
)
from circuits.language.arrays import integers
from circuits.language.callee import OwnCode
from circuits.language.calling import (
    Calling,
    CallWithoutValue,
    Funded,
    Giving,
    KeepingCall,
    declare_depth,
    stipend,
)
from circuits.language.compare import AtLeast, IsZeroSmall, Less
from circuits.language.memory import memory_cost
from circuits.language.state import addresses
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ZERO, Expr
from zkevm.trace.trace import CallOutcome

PRECOMPILE_TICKS = 4
"""Touch and code, and reading the input; the debit, and writing the output; the credit, and reading
it again; writing what the caller wants of it."""


class PrecompileCall(Giving, Frameless):
    """A call of a precompile."""

    outcome = CallOutcome.PRECOMPILE

    code_run = OwnCode()
    words = WordCount(Calling.data_in.size)

    def declare_precompile(self, c: Builder) -> Expr:
        """The callee is a precompile.  Returns the gas that it gets for nothing (degree 1)."""
        c.require_zero("a precompile", self.real - self.touch.mark.old[1])
        declare_depth(c, self)
        self.declare_gift(c)
        return self.free_gas

    @property
    def free_gas(self) -> Expr:
        """The stipend, where there is value."""
        return ZERO

    def gas_after_charging(self, s: Steps) -> U64:
        calls, at = s.trace.calls, calls_of(s)
        return s.next_gas + calls.gas_given[at] - calls.gas_returned[at] - stipend(s)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.words] = self.input_size_of(s)

    def input_size_of(self, s: Steps) -> U64:
        """Bytes of the input."""
        first = len(self.popped()) - 4
        found: U64 = s.pop(first + 1)[:, 0]
        return found


class WithStipend(PrecompileCall, Funded):
    """A call of a precompile with value that has to be there."""

    @property
    def free_gas(self) -> Expr:
        return gas.CALL_STIPEND * self.has_value


class Identity(PrecompileCall):
    """The identity is paid."""

    enough = AtLeast(64)
    creation = Cell(ColumnType.U64)  # what growing the data frame would cost: nobody pays it
    wants_less = Less(32)  # than there is
    copied = Cell(ColumnType.U32)
    copies_none = IsZeroSmall(32)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        chosen = super().accepts(s) & (addresses(s.pop(1)) == [IDENTITY, 0, 0, 0]).all(axis=1)
        chosen[chosen] = s.trace.calls.success[calls_of(s)[chosen]] != 0
        return np.asarray(chosen)

    def declare_identity(
        self, c: Builder, opcode: Expr | int, cost: Expr, writes: Expr | int = 0
    ) -> Next:
        """The input is returned."""
        free = self.declare_precompile(c)
        real, clock, size = self.real, self.clock, self.data_in.size
        c.require_zero("the identity", real * (self.address - IDENTITY))
        price = IDENTITY_PRICE.fixed * real + IDENTITY_PRICE.word * self.words.count
        self.enough.use(c, self.given + free, price)
        some, memory, start = self.data_in.some(c), CopyKind.MEMORY, self.data_in.start
        c.send(EXPAND, some, clock, 0, self.words.count, self.creation, label="the data frame")
        origin = (memory, self.frame, start, start + size)
        c.send(COPY, some, clock, *origin, memory, clock, 0, size, 0, 0, label="the output")
        self.wants_less.use(c, self.data_out.size, size)
        wanted = size + self.wants_less.bit * (self.data_out.size - size)
        c.require_equal("as much as is wanted and there", self.copied, wanted)
        self.copies_none.use(c, self.copied)
        place = (memory, self.frame, self.data_out.start, self.copied)
        copies = real - self.copies_none.bit
        again = (memory, clock, 0, self.copied)
        c.send(COPY, copies, clock + 2, *again, *place, 0, 0, label="what is wanted of it")
        output = (clock, 0, size)
        return self.declare_result(
            c, opcode, cost + price - free, 1, writes, output, PRECOMPILE_TICKS
        )

    def output(self, s: Steps) -> tuple[U64, U64, U64]:
        return s.clock, np.zeros(len(s), np.uint64), self.input_size_of(s)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        first = len(self.popped()) - 4
        size, words = self.input_size_of(s), word_count(self.input_size_of(s))
        some, zero = size > 0, np.zeros(len(s), np.uint64)
        plan.request(
            EXPAND, *(column[some] for column in (s.clock, zero, words, memory_cost(words)))
        )
        kind, start = zero + np.uint64(CopyKind.MEMORY), s.pop(first)[:, 0]
        whole = (s.clock, kind, s.frame, start, start + size, kind, s.clock, zero, size, zero, zero)
        plan.request(COPY, *(column[some] for column in whole))
        copied = np.minimum(size, s.pop(first + 3)[:, 0])
        later, place = s.clock + np.uint64(2), s.pop(first + 2)[:, 0]
        wanted = (later, kind, s.clock, zero, copied, kind, s.frame, place, copied, zero, zero)
        plan.request(COPY, *(column[copied > 0] for column in wanted))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        first = len(self.popped()) - 4
        size, wanted = self.input_size_of(s), s.pop(first + 3)[:, 0]
        words, copied = word_count(size), np.minimum(size, wanted)
        given = s.trace.calls.gas_given[calls_of(s)]
        fixed, of_word = np.uint64(IDENTITY_PRICE.fixed), np.uint64(IDENTITY_PRICE.word)
        w[self.enough] = given - fixed - of_word * words
        w[self.creation] = memory_cost(words)
        self.wants_less.fill(w, wanted, size)
        w[self.copied] = copied
        self.copies_none.fill(w, copied)


class IdentityCall(Identity, Paying):
    """CALL of the identity."""

    name = "identity_call"

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_costs(c)
        return self.declare_identity(c, Op.CALL, cost, self.declare_payment(c))

    @property
    def free_gas(self) -> Expr:
        return gas.CALL_STIPEND * self.has_value


class IdentityCodeCall(Identity, WithStipend, KeepingCall):
    """CALLCODE of the identity."""

    name = "identity_code_call"

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, self.declare_value(c))
        self.declare_funds(c)
        return self.declare_identity(c, Op.CALLCODE, cost)


class IdentityPlain(Identity, CallWithoutValue):
    """DELEGATECALL and STATICCALL of the identity."""

    name = "identity_plain"

    def constrain(self, c: Builder) -> Next:
        return self.declare_identity(c, self.opcode, self.declare_call(c, 0))


class Unpaid(PrecompileCall):
    """A precompile is given less than it costs, or an input of a length with which it fails."""

    priced = Bits(len(PRICES))
    sized = Bits(len(LENGTHS))
    longer = Bit()  # the input is, than it should be
    excess = Uint(48)  # of the price above the gas, or between the lengths; less one

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        unpaid, missized = self.failing(s)
        return np.asarray(super().accepts(s) & (unpaid | missized))

    def declare_unpaid(self, c: Builder, opcode: Expr | int, cost: Expr) -> Next:
        """The gas given is gone, and 0 is pushed."""
        free, size = self.declare_precompile(c), self.data_in.size
        is_priced, is_sized = total(self.priced), total(self.sized)
        c.require_equal("for one reason", is_priced + is_sized, self.real)
        prices = list(zip(self.priced, PRICES, strict=True))
        lengths = list(zip(self.sized, LENGTHS, strict=True))
        called = total(bit * price.address for bit, price in prices)
        called = called + total(bit * address for bit, (address, _) in lengths)
        c.require_zero("the precompile of this reason", self.real * self.address - called)
        # counts of words are below 2^32, so prices are below 2^40
        price = total(bit * price.fixed for bit, price in prices)
        price = price + total(bit * price.word for bit, price in prices) * self.words.count
        missing = price - is_priced * (self.given + free + 1)
        apart = is_sized * size - total(bit * length for bit, (_, length) in lengths)
        c.require_zero("longer than the right length", self.longer * (1 - is_sized))
        other = (2 * self.longer - 1) * apart - is_sized
        c.require_equal("too little gas, or another length", self.excess.value, missing + other)
        return self.declare_result(c, opcode, cost + self.given, 0, ticks=PRECOMPILE_TICKS)

    def failing(self, s: Steps) -> tuple[Mask, Mask]:
        """Which calls are not paid for, and which have an input of the wrong length."""
        called = integers(addresses(s.pop(1)))
        size = self.input_size_of(s)
        lengths = dict(LENGTHS)
        proper = np.array([lengths.get(a, n) for a, n in zip(called, size, strict=True)])
        return s.trace.calls.gas_given[calls_of(s)] < self.prices(s), proper != size

    def prices(self, s: Steps) -> U64:
        """What the precompiles cost, 0 for those that are not known."""
        known = {price.address: price for price in PRICES}
        called = [known.get(a, Price(0, 0)) for a in integers(addresses(s.pop(1)))]
        words = word_count(self.input_size_of(s))
        fixed, of_word = (
            np.array([getattr(price, name) for price in called], np.uint64)
            for name in ("fixed", "word")
        )
        return np.asarray(fixed + of_word * words, np.uint64)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        unpaid, _ = self.failing(s)
        called = np.array(integers(addresses(s.pop(1))))[:, None]
        size, lengths = self.input_size_of(s).astype(np.int64), dict(LENGTHS)
        proper = np.array([lengths.get(a, 0) for a in called[:, 0].tolist()], np.int64)
        missing = self.prices(s) - s.trace.calls.gas_given[calls_of(s)]
        w[self.priced] = unpaid[:, None] & (called == [price.address for price in PRICES])
        w[self.sized] = ~unpaid[:, None] & (called == [address for address, _ in LENGTHS])
        w[self.longer] = ~unpaid & (size > proper)
        apart = np.abs(size - proper).astype(np.uint64)
        w[self.excess] = np.where(unpaid, missing, apart) - np.uint64(1)


class UnpaidPrecompileCall(Unpaid, WithStipend, FramelessCall):
    """CALL of a precompile that fails."""

    name = "unpaid_precompile_call"

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_costs(c)
        self.declare_funds(c)
        return self.declare_unpaid(c, Op.CALL, cost)


class UnpaidPrecompileCodeCall(Unpaid, WithStipend, KeepingCall):
    """CALLCODE of a precompile that fails."""

    name = "unpaid_precompile_code_call"

    def constrain(self, c: Builder) -> Next:
        cost = self.declare_call(c, self.declare_value(c))
        self.declare_funds(c)
        return self.declare_unpaid(c, Op.CALLCODE, cost)


class UnpaidPrecompilePlain(Unpaid, CallWithoutValue):
    """DELEGATECALL and STATICCALL of a precompile that fails."""

    name = "unpaid_precompile_plain"

    def constrain(self, c: Builder) -> Next:
        return self.declare_unpaid(c, self.opcode, self.declare_call(c, 0))


def calls_of(s: Steps) -> NDArray[np.int64]:
    """The place in `trace.calls` of each step, which opened no frame."""
    found = np.searchsorted(s.trace.calls.row, s.rows)
    return np.minimum(found, len(s.trace.calls.row) - 1)


PRECOMPILE_CALLS = (
    *(IdentityCall, IdentityCodeCall, IdentityPlain),
    *(UnpaidPrecompileCall, UnpaidPrecompileCodeCall, UnpaidPrecompilePlain),
)
