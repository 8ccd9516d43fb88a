"""SLOAD, SSTORE, TLOAD and TSTORE.

Relation.  EIP-2929: a slot is cold until its first touch in the transaction.  EIP-2200 and 3529:
           with `original` the value when the transaction began, `current` and `new` the values
           before and after SSTORE,
               cost   = 100 if current = new or current != original, else 20000 if original = 0,
                        else 2900;  and 2100 more for a cold slot
               refund = 0 if current = new, else the sum of
                        4800 * ([new = 0] - [current = 0]) if original != 0, and
                        19900 or 2800 (original = 0 or not) if new = original
           EIP-1153: transient slots hold 0 when a transaction begins.
Argument.  The slot's token holds value, original value and mark; what it says of an earlier
           transaction is stale.  A failing frame sends the inverse of every touch.
Assumes.   Words popped and words in storage are canonical: so sums and differences of halves are
           integers.
"""

from typing import TypeVar

import numpy as np

from circuits.execution.events import events_at
from circuits.execution.tokens import Mask
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Next,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Witness,
)
from circuits.language.arrays import Array, inverses, is_zero, signed_field
from circuits.language.compare import AtLeast, IsEqualWord, IsZeroWord
from circuits.language.journal import JournalChange
from circuits.language.slots import SlotAccess, TransientSlotAccess
from circuits.language.state import FrameStore
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import StateEventKind

GAS_BITS = 64
FIRST_WRITE_REFUND = gas.STORAGE_SET - gas.WARM_ACCESS  # of a slot that was 0 and is so again
WRITE_REFUND = gas.STORAGE_RESET - gas.WARM_ACCESS


class Sload(StepGadget):
    """SLOAD: reads a slot and marks it warm."""

    name = "sload"
    opcodes = (Op.SLOAD,)

    key = Popped()
    here = FrameStore()
    slot = SlotAccess()

    def constrain(self, c: Builder) -> Next:
        self.here.use(c, self.frame)
        self.slot.use(c, self.here, self.key.expr, self.clock, self.undo)
        cost = gas.COLD_SLOT - self.slot.warm * (gas.COLD_SLOT - gas.WARM_ACCESS)
        undo = self.undo + self.here.undone
        return Next(opcode=Op.SLOAD, gas=cost, push=self.slot.current, undo=undo)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.slot.plan(self, plan, s, s.pop(0))

    def fill(self, w: Witness, s: Steps) -> None:
        self.here.fill(w, s)


class SstoreSame(StepGadget):
    """SSTORE of the value that the slot holds."""

    name = "sstore_same"
    opcodes = (Op.SSTORE,)

    key = Popped()
    new = Popped()
    here = FrameStore(writes=True)
    slot = SlotAccess()
    over_stipend = AtLeast(GAS_BITS)

    def accepts(self, s: Steps) -> Mask:
        event = events_at(s.trace, s.rows, StateEventKind.STORAGE)
        same: Mask = (event.old == event.new).all(axis=1)
        return same

    def constrain(self, c: Builder) -> Next:
        self.here.use(c, self.frame)
        self.over_stipend.use(c, self.gas, gas.STORAGE_STIPEND + 1)
        current = self.slot.current
        c.require_equal("nothing changes, low half", self.new.lo, current.lo)
        c.require_equal("nothing changes, high half", self.new.hi, current.hi)
        self.slot.use(c, self.here, self.key.expr, self.clock, self.undo)
        cost = gas.WARM_ACCESS + (1 - self.slot.warm) * gas.COLD_SLOT
        return Next(opcode=Op.SSTORE, gas=cost, undo=self.undo + self.here.undone)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.slot.plan(self, plan, s, s.pop(0))

    def fill(self, w: Witness, s: Steps) -> None:
        self.here.fill(w, s)
        w[self.over_stipend] = s.gas - np.uint64(gas.STORAGE_STIPEND + 1)


class Sstore(StepGadget):
    """SSTORE of any value."""

    name = "sstore"
    opcodes = (Op.SSTORE,)

    key = Popped()
    new = Popped()
    here = FrameStore(writes=True)
    slot = SlotAccess()
    original = Halves()
    over_stipend = AtLeast(GAS_BITS)
    same = IsEqualWord()  # current and new
    clean = IsEqualWord()  # original and current
    restored = IsEqualWord()  # original and new
    original_zero = IsZeroWord()
    current_zero = IsZeroWord()
    new_zero = IsZeroWord()
    refund = Cell(ColumnType.U64)
    refund_inverse = Cell(ColumnType.FIELD)
    refunds = Bit()
    journal_change = JournalChange()

    def constrain(self, c: Builder) -> Next:
        self.here.use(c, self.frame)
        self.over_stipend.use(c, self.gas, gas.STORAGE_STIPEND + 1)
        current, new, original = self.slot.current, self.new.expr, self.original
        c.require_equal("original value, low half", original.lo, self.slot.original.lo)
        c.require_equal("original value, high half", original.hi, self.slot.original.hi)
        self.slot.use(c, self.here, self.key.expr, self.clock, self.undo, new, original)
        self.same.use(c, current, new)
        self.clean.use(c, original, current)
        self.restored.use(c, original, new)
        self.original_zero.test(c, original)
        self.current_zero.test(c, current)
        self.new_zero.test(c, new)
        c.require_equal("the refund of EIP-3529", self.refund, self._refund())
        c.require_zero("a refund that is not zero counts", self.refund * (1 - self.refunds))
        c.require_equal("no other counts", self.refund * self.refund_inverse, self.refunds)
        journal = self.journal_change.use(
            c, self.refunds, self.journal, self.clock, refund=self.refund
        )
        cold = (1 - self.slot.warm) * gas.COLD_SLOT
        surcharge = write_cost(self.same.bit, self.clean.bit, self.original_zero.bit)
        cost = gas.WARM_ACCESS + cold + surcharge
        undo = self.undo + self.here.undone
        return Next(opcode=Op.SSTORE, gas=cost, undo=undo, journal=journal)

    def _refund(self) -> Expr:
        # A restored slot is not the same: so its value was not the original one.
        cleared = (1 - self.original_zero.bit) * (self.new_zero.bit - self.current_zero.bit)
        back = WRITE_REFUND + self.original_zero.bit * (FIRST_WRITE_REFUND - WRITE_REFUND)
        change = gas.STORAGE_CLEAR_REFUND * cleared + self.restored.bit * back
        return (1 - self.same.bit) * change

    def plan(self, s: Steps, plan: Plan) -> None:
        self.slot.plan(self, plan, s, s.pop(0))
        refund = refunds(s)
        self.journal_change.plan(plan, s, refund=refund, where=refund != 0)

    def fill(self, w: Witness, s: Steps) -> None:
        event = events_at(s.trace, s.rows, StateEventKind.STORAGE)
        current, new, original = event.old, event.new, event.original
        refund = refunds(s)
        self.here.fill(w, s)
        w[self.over_stipend] = s.gas - np.uint64(gas.STORAGE_STIPEND + 1)
        w[self.original] = original
        self.same.fill(w, current, new)
        self.clean.fill(w, original, current)
        self.restored.fill(w, original, new)
        w[self.original_zero], w[self.current_zero] = original, current
        w[self.new_zero] = new
        element = signed_field(refund)
        w[self.refund], w[self.refunds] = element, refund != 0
        w[self.refund_inverse] = inverses(element, np.zeros_like(element))
        self.journal_change.fill(w, s, refund != 0)


Number = TypeVar("Number", Expr, Array)


def write_cost(same: Number, clean: Number, original_zero: Number) -> Number:
    """What a write costs over a warm read, from bits: the first change of a slot is dear."""
    first = gas.STORAGE_RESET + original_zero * (gas.STORAGE_SET - gas.STORAGE_RESET)
    surcharge: Number = (1 - same) * clean * (first - gas.WARM_ACCESS)
    return surcharge


def refunds(s: Steps) -> Array:
    """What each SSTORE adds to the refund counter (may be negative)."""
    event = events_at(s.trace, s.rows, StateEventKind.STORAGE)
    current, new, original = event.old, event.new, event.original
    cleared = is_zero(new).astype(np.int64) - is_zero(current)
    back = np.where(is_zero(original), FIRST_WRITE_REFUND, WRITE_REFUND)
    change = gas.STORAGE_CLEAR_REFUND * np.where(is_zero(original), 0, cleared)
    change += np.where((original == new).all(axis=1), back, 0)
    return np.asarray(np.where((current == new).all(axis=1), 0, change))


class Tload(StepGadget):
    """TLOAD: reads a transient slot."""

    name = "tload"
    opcodes = (Op.TLOAD,)

    key = Popped()
    here = FrameStore()
    slot = TransientSlotAccess()

    def constrain(self, c: Builder) -> Next:
        self.here.use(c, self.frame)
        self.slot.read(c, self.here, self.key.expr, self.clock)
        return Next(opcode=Op.TLOAD, gas=gas.WARM_ACCESS, push=self.slot.current)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.slot.plan(self, plan, s, s.pop(0), writes=False)

    def fill(self, w: Witness, s: Steps) -> None:
        self.here.fill(w, s)


class Tstore(StepGadget):
    """TSTORE: writes a transient slot."""

    name = "tstore"
    opcodes = (Op.TSTORE,)

    key = Popped()
    new = Popped()
    here = FrameStore(writes=True)
    slot = TransientSlotAccess()

    def constrain(self, c: Builder) -> Next:
        self.here.use(c, self.frame)
        self.slot.write(c, self.here, self.key.expr, self.clock, self.undo, self.new.expr)
        undo = self.undo + self.here.undone
        return Next(opcode=Op.TSTORE, gas=gas.WARM_ACCESS, undo=undo)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.slot.plan(self, plan, s, s.pop(0), writes=True)

    def fill(self, w: Witness, s: Steps) -> None:
        self.here.fill(w, s)
