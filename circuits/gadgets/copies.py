"""CALLDATACOPY, CODECOPY, EXTCODECOPY and MCOPY.

Relation.  Each charges 3 a word, grows memory to the end of what it touches, and asks for a copy of
           its bytes, unless there are none.
           CALLDATACOPY, CODECOPY, EXTCODECOPY: bytes past the end of the source are zero; the last
           pays for touching the account (EIP-2929) and follows no delegation (EIP-7702).
           MCOPY (EIP-5656): as if all bytes were read before any is written.
Argument.  A copy reads at the step's clock and writes at the next tick; the step takes two.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace

import numpy as np

from circuits.buses import CODE_LENGTH, COPY, FRAME_DATA, CopyKind
from circuits.execution.events import events_at
from circuits.execution.tokens import U64
from circuits.language import (
    Builder,
    Cell,
    ColumnType,
    Expr,
    Growth,
    Larger,
    MemoryRange,
    Next,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Witness,
    WordCount,
    range_end,
)
from circuits.language.callee import CodeFacts, CodeInfo, codes_of
from circuits.language.compare import Less
from circuits.language.copying import after_copy, request_copy
from circuits.language.state import (
    AddressAccess,
    AddressWord,
    CodeAccess,
    FrameStore,
    addresses,
    inverses_of,
)
from circuits.language.within import Within, lies_within
from zkevm.evm import gas
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import StateEventKind
from zkevm.trace.words import Words


class PoppedAddressWord(Popped):
    """An operand whose low 160 bits are an address."""

    def __init__(self) -> None:
        self.parts = AddressWord()
        super().__init__(self.parts)
        self.address: Expr = self.parts.address


class CopyFrom(StepGadget):
    """What copies of call data and code share: a source of `length` bytes that begins at `base`."""

    kind: CopyKind
    opcode: Op

    to = Popped()
    offset = Popped()
    size = Popped()
    target = MemoryRange(to, size)
    growth = Growth(target.end)
    words = WordCount(target.size)
    length = Cell(ColumnType.U32)
    within = Within(offset)
    origin = Cell(ColumnType.U32)  # the offset, or the length if that is less
    short = Less(32)  # the source ends first
    copied = Cell(ColumnType.U32)  # bytes that are there

    @abstractmethod
    def source(self, c: Builder) -> tuple[Expr, Expr | int]:
        """Look up `length`; returns what is copied from and where it begins."""

    @abstractmethod
    def sources(self, s: Steps) -> tuple[U64, U64, U64]:
        """The same as numbers: id, base, length."""

    def operands(self, s: Steps) -> tuple[Words, Words, Words]:
        """Destination, offset and size."""
        return s.pop(0), s.pop(1), s.pop(2)

    def constrain(self, c: Builder) -> Next:
        source, base = self.source(c)
        inside = self.within.use(c, self.length)
        origin = inside * self.offset.lo + self.within.outside * self.length
        c.require_equal("where the copy begins", self.origin, origin)
        there = self.length - self.origin
        self.short.use(c, there, self.size.lo)
        copied = self.size.lo + self.short.bit * (there - self.size.lo)
        c.require_equal("as much as is there", self.copied, copied)
        index = base + self.origin
        c.send(
            COPY,
            self.target.some(c),
            *(self.clock, self.kind, source, index, index + self.copied),
            *(CopyKind.MEMORY, self.frame, self.target.start, self.size.lo, 0, 0),
        )
        return after_copy(self.opcode, self.words, self.growth)

    def plan(self, s: Steps, plan: Plan) -> None:
        source, base, length = self.sources(s)
        to, offset, size = self.operands(s)
        origin = origins(offset, length)
        index = base + origin
        end = index + np.minimum(length - origin, size[:, 0])
        dest = (CopyKind.MEMORY, s.frame, to[:, 0])
        request_copy(plan, s, (self.kind, source, index, end), dest, size[:, 0])
        self.growth.plan(s, plan, range_end(to, size))

    def fill(self, w: Witness, s: Steps) -> None:
        _, _, length = self.sources(s)
        to, offset, size = self.operands(s)
        origin = origins(offset, length)
        there = length - origin
        self.target.fill(w, to, size)
        self.growth.fill(w, s, range_end(to, size))
        w[self.words] = size[:, 0]
        w[self.length] = length
        self.within.fill(w, offset, length)
        w[self.origin] = origin
        self.short.fill(w, there, size[:, 0])
        w[self.copied] = np.minimum(there, size[:, 0])


def origins(offset: Words, length: U64) -> U64:
    """Where the copies begin: at the offset, or at the end of the source if that is less."""
    return np.where(lies_within(offset, length), offset[:, 0], length)


class CallDataCopy(CopyFrom):
    """CALLDATACOPY."""

    name = "calldatacopy"
    opcodes = (Op.CALLDATACOPY,)
    opcode = Op.CALLDATACOPY
    kind = CopyKind.MEMORY

    data_frame = Cell(ColumnType.U64)
    base = Cell(ColumnType.U32)

    def source(self, c: Builder) -> tuple[Expr, Expr | int]:
        c.request(FRAME_DATA, self.real, self.frame, self.data_frame, self.base, self.length)
        return self.data_frame, self.base

    def sources(self, s: Steps) -> tuple[U64, U64, U64]:
        return s.execution.call_data(s.frame_index)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.data_frame], w[self.base], _ = self.sources(s)


class CodeCopy(CopyFrom):
    """CODECOPY."""

    name = "codecopy"
    opcodes = (Op.CODECOPY,)
    opcode = Op.CODECOPY
    kind = CopyKind.CODE

    def source(self, c: Builder) -> tuple[Expr, Expr | int]:
        c.request(CODE_LENGTH, self.real, self.code, self.length)
        return self.code, 0

    def sources(self, s: Steps) -> tuple[U64, U64, U64]:
        lengths = np.array([*map(len, s.trace.codes), 0], np.uint64)
        length = lengths[s.trace.frames.code[s.frame_index]]
        return s.code, np.zeros(len(s), np.uint64), length


class ExtCodeCopy(CopyFrom):
    """EXTCODECOPY: the account is the first operand."""

    name = "extcodecopy"
    opcodes = (Op.EXTCODECOPY,)
    opcode = Op.EXTCODECOPY
    kind = CopyKind.CODE

    account = PoppedAddressWord()
    here = FrameStore()
    touch = AddressAccess()
    code_hash = CodeAccess()
    info = CodeInfo()

    def popped(self) -> list[Popped]:
        return [self.account, self.to, self.offset, self.size]

    def operands(self, s: Steps) -> tuple[Words, Words, Words]:
        return s.pop(1), s.pop(2), s.pop(3)

    def source(self, c: Builder) -> tuple[Expr, Expr | int]:
        self.code_hash.read(c, self.real, self.account.address, self.clock)
        self.info.use(c, self.real, self.code_hash.hash)
        c.require_equal("the length of the code", self.length, self.info.length)
        return self.info.code, 0

    def constrain(self, c: Builder) -> Next:
        step = super().constrain(c)
        self.here.use(c, self.frame)
        undoing, scope = self.here.undoing(self.undo), self.here.scope
        self.touch.use(c, self.real, self.account.address, self.clock, scope, undoing)
        cost = step.gas - gas.VERY_LOW + self.touch.cost
        return replace(step, gas=cost, undo=self.undo + self.here.undone)

    def sources(self, s: Steps) -> tuple[U64, U64, U64]:
        facts = facts_of(s)
        code = np.array([f.code for f in facts], np.uint64)
        length = np.array([f.length for f in facts], np.uint64)
        return code, np.zeros(len(s), np.uint64), length

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        warm = events_at(s.trace, s.rows, StateEventKind.WARM_ACCOUNT).old[:, 0] != 0
        address = addresses(s.pop(0))
        self.touch.plan(self, plan, address, s.clock, warm, inverses_of(s))
        self.code_hash.plan_read(self, plan, address, s.clock)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.here.fill(w, s)
        self.info.fill(w, facts_of(s))


def facts_of(s: Steps) -> list[CodeFacts]:
    """Of the codes of the accounts that EXTCODECOPY names."""
    return codes_of(s.execution, addresses(s.pop(0)), s.rows)


class MemoryCopy(StepGadget):
    """MCOPY."""

    name = "mcopy"
    opcodes = (Op.MCOPY,)

    to = Popped()
    offset = Popped()
    size = Popped()
    target = MemoryRange(to, size)
    origin = MemoryRange(offset, size)
    larger = Larger(target.end, origin.end)
    growth = Growth(larger.value)
    words = WordCount(target.size)

    def constrain(self, c: Builder) -> Next:
        c.send(
            COPY,
            self.target.some(c),
            *(self.clock, CopyKind.MEMORY, self.frame, self.origin.start, self.origin.end),
            *(CopyKind.MEMORY, self.frame, self.target.start, self.size.lo, 0, 0),
        )
        return after_copy(Op.MCOPY, self.words, self.growth)

    def plan(self, s: Steps, plan: Plan) -> None:
        size, index = s.pop(2)[:, 0], s.pop(1)[:, 0]
        source = (CopyKind.MEMORY, s.frame, index, index + size)
        request_copy(plan, s, source, (CopyKind.MEMORY, s.frame, s.pop(0)[:, 0]), size)
        self.growth.plan(s, plan, np.maximum(*ends(s)))

    def fill(self, w: Witness, s: Steps) -> None:
        self.target.fill(w, s.pop(0), s.pop(2))
        self.origin.fill(w, s.pop(1), s.pop(2))
        self.larger.fill(w, *ends(s))
        self.growth.fill(w, s, np.maximum(*ends(s)))
        w[self.words] = s.pop(2)[:, 0]


def ends(s: Steps) -> tuple[U64, U64]:
    """The ends of both ranges of MCOPY."""
    return range_end(s.pop(0), s.pop(2)), range_end(s.pop(1), s.pop(2))
