"""Exceptional halts of opcodes that read or write the state.

Relation.  Out of gas: the cost, which depends on the warm mark found, is greater than the gas; the
           mark is left as it was.  SSTORE also halts with no more gas than the stipend of a call
           (EIP-2200).  In a static frame (EIP-214) what writes the state halts.
Argument.  After a success with more cost than gas the running gas is negative, with which no frame
           can end but by an exceptional halt: so nothing of such a success survives.  The stipend
           and `static` are checked by success, too, the opposite way.
Assumes.   A cost is below 2^16, so a gas that is short of it by more is negative already.
"""

import numpy as np

from circuits.buses import FRAME_CONTEXT
from circuits.execution.tokens import Mask
from circuits.gadgets.storage import write_cost
from circuits.language import (
    U16,
    Builder,
    Cell,
    ColumnType,
    Expr,
    Halves,
    Next,
    OneHot,
    Plan,
    Popped,
    Steps,
    StorageAccess,
    Witness,
    keys,
    select,
    word,
)
from circuits.language.arrays import signed_field
from circuits.language.compare import IsEqualWord, IsZeroWord
from circuits.language.halt import ExceptionalHalt
from circuits.language.state import (
    AddressWord,
    FrameStore,
    Freshness,
    MarkAccess,
    addresses,
)
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import Halt

WRITES = (
    Op.SSTORE,
    Op.TSTORE,
    *(Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4),
    *(Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT),
)
QUERIES = (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH)


class SlotOutOfGas(ExceptionalHalt):
    """What SLOAD and SSTORE share: the slot's mark is read."""

    halts = (Halt.OUT_OF_GAS,)

    key = Popped()
    here = FrameStore()
    slot = StorageAccess()
    fresh = Freshness()
    shortfall = U16()

    def look(self, c: Builder) -> Expr:
        """Read the slot, changing nothing.  Returns whether it is warm (degree 2)."""
        self.here.use(c, self.frame)
        self.fresh.use(c, self.real, self.here.scope, self.slot.old[5])
        self.slot.use(c, self.real, (self.here.store, *self.key.expr), self.clock)
        return self.fresh.same * self.slot.old[4]

    def plan(self, s: Steps, plan: Plan) -> None:
        store = s.execution.frame_stores[s.frame_index]
        plan.access(self, self.slot, plan.storage, keys(store, s.pop(0)), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        self.here.fill(w, s)
        mark, every = w[self.slot.old[5]].astype(np.uint64), np.ones(len(s), np.bool_)
        self.fresh.fill(w, s.execution.scope, mark, every)

    def warm(self, w: Witness) -> Mask:
        """Which slots are warm."""
        return np.asarray((w[self.fresh.same] != 0) & (w[self.slot.old[4]] != 0))


class SloadOutOfGas(SlotOutOfGas):
    """SLOAD that cannot be paid."""

    name = "sload_out_of_gas"
    opcodes = (Op.SLOAD,)

    def constrain(self, c: Builder) -> Next:
        saved = self.look(c) * (gas.COLD_SLOT - gas.WARM_ACCESS)
        missing = self.real * (gas.COLD_SLOT - 1) - saved - self.gas
        c.require_equal("gas is short of the cost", self.shortfall, missing)
        return self.halt(c, Op.SLOAD)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        cost = np.where(self.warm(w), gas.WARM_ACCESS, gas.COLD_SLOT)
        w[self.shortfall] = signed_field(cost - 1 - s.gas.astype(np.int64))


class SstoreOutOfGas(SlotOutOfGas):
    """SSTORE that cannot be paid."""

    name = "sstore_out_of_gas"
    opcodes = (Op.SSTORE,)

    new = Popped()
    original = Halves()
    same = IsEqualWord()  # current and new
    clean = IsEqualWord()  # original and current
    original_zero = IsZeroWord()

    def accepts(self, s: Steps) -> Mask:
        return np.asarray(s.gas > gas.STORAGE_STIPEND)

    def constrain(self, c: Builder) -> Next:
        warm = self.look(c)
        current, stored = word(*self.slot.old[:2]), word(*self.slot.old[2:4])
        original = select(self.fresh.same, stored, current)
        c.require_equal("original value, low half", self.original.lo, original.lo)
        c.require_equal("original value, high half", self.original.hi, original.hi)
        self.same.use(c, current, self.new.expr)
        self.clean.use(c, self.original, current)
        self.original_zero.test(c, self.original)
        surcharge = write_cost(self.same.bit, self.clean.bit, self.original_zero.bit)
        cost = self.real * (gas.COLD_SLOT + gas.WARM_ACCESS) + surcharge - warm * gas.COLD_SLOT
        c.require_equal("gas is short of the cost", self.shortfall, cost - self.real - self.gas)
        return self.halt(c, Op.SSTORE)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        current, stored = w.word(*self.slot.old[:2]), w.word(*self.slot.old[2:4])
        original = np.where((w[self.fresh.same] != 0)[:, None], stored, current)
        w[self.original] = original
        self.same.fill(w, current, s.pop(1))
        self.clean.fill(w, original, current)
        w[self.original_zero] = original
        bits = (w[t.bit].astype(np.int64) for t in (self.same, self.clean, self.original_zero))
        cost = gas.WARM_ACCESS + write_cost(*bits) + np.where(self.warm(w), 0, gas.COLD_SLOT)
        w[self.shortfall] = signed_field(cost - 1 - s.gas.astype(np.int64))


class SstoreStipend(ExceptionalHalt):
    """SSTORE with no more gas than the stipend of a call."""

    name = "sstore_stipend"
    opcodes = (Op.SSTORE,)
    halts = (Halt.OUT_OF_GAS,)

    key = Popped()
    new = Popped()
    shortfall = U16()

    def accepts(self, s: Steps) -> Mask:
        return np.asarray(s.gas <= gas.STORAGE_STIPEND)

    def constrain(self, c: Builder) -> Next:
        missing = self.real * gas.STORAGE_STIPEND - self.gas
        c.require_equal("no more gas than the stipend", self.shortfall, missing)
        return self.halt(c, Op.SSTORE)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.shortfall] = signed_field(gas.STORAGE_STIPEND - s.gas.astype(np.int64))


class AccountOutOfGas(ExceptionalHalt):
    """BALANCE, EXTCODESIZE or EXTCODEHASH that cannot be paid."""

    name = "account_out_of_gas"
    opcodes = QUERIES
    halts = (Halt.OUT_OF_GAS,)

    kind = OneHot(len(QUERIES))
    account = Popped(AddressWord())
    here = FrameStore()
    mark = MarkAccess()
    fresh = Freshness()
    shortfall = U16()

    def constrain(self, c: Builder) -> Next:
        operand = self.account.word
        if not isinstance(operand, AddressWord):
            raise TypeError("the operand is not taken apart as an address")
        self.here.use(c, self.frame)
        scope, always = self.mark.old
        self.fresh.use(c, self.real, self.here.scope, scope)
        self.mark.read(c, self.real, operand.address, self.clock)
        saved = (self.fresh.same + always) * (gas.COLD_ACCOUNT - gas.WARM_ACCESS)
        missing = self.real * (gas.COLD_ACCOUNT - 1) - saved - self.gas
        c.require_equal("gas is short of the cost", self.shortfall, missing)
        return self.halt(c, self.kind.select(list(QUERIES)))

    def plan(self, s: Steps, plan: Plan) -> None:
        self.mark.plan_read(self, plan, addresses(s.pop(0)), s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        scope, always = (w[cell].astype(np.uint64) for cell in self.mark.old)
        self.here.fill(w, s)
        self.fresh.fill(w, s.execution.scope, scope, np.ones(len(s), np.bool_))
        warm = (w[self.fresh.same] != 0) | (always != 0)
        cost = np.where(warm, gas.WARM_ACCESS, gas.COLD_ACCOUNT)
        w[self.kind] = s.opcode[:, None] == np.array(QUERIES)
        w[self.shortfall] = signed_field(cost - 1 - s.gas.astype(np.int64))


class FrameIsStatic(ExceptionalHalt):
    """What halts in a static frame share: the frame is one."""

    halts = (Halt.STATIC_VIOLATION,)

    depth = Cell(ColumnType.U16)
    scope = Cell(ColumnType.U16)
    undone = Cell(ColumnType.BIT)
    eor = Cell(ColumnType.U64)

    def look(self, c: Builder) -> None:
        """Look the frame up as a static one."""
        context = (self.depth, self.scope, 1, self.undone, self.eor)
        c.request(FRAME_CONTEXT, self.real, self.frame, *context)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.depth] = s.trace.frames.depth[s.frame_index]
        w[self.scope] = s.execution.scope
        w[self.undone] = s.undone
        w[self.eor] = s.eor


class StaticWrite(FrameIsStatic):
    """An opcode that writes the state, in a static frame."""

    name = "static_write"
    opcodes = WRITES

    kind = OneHot(len(WRITES))

    def constrain(self, c: Builder) -> Next:
        self.look(c)
        return self.halt(c, self.kind.select(list(WRITES)))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.kind] = s.opcode[:, None] == np.array(WRITES)


class StaticCall(FrameIsStatic):
    """CALL with value in a static frame."""

    name = "static_call"
    opcodes = (Op.CALL,)

    requested = Popped()
    callee = Popped()
    value = Popped()
    no_value = IsZeroWord()

    def constrain(self, c: Builder) -> Next:
        self.look(c)
        self.no_value.test(c, self.value.expr)
        c.require_zero("value is sent", self.no_value.bit)
        return self.halt(c, Op.CALL)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.no_value] = s.pop(2)
