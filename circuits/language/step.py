"""Gadgets whose rows are executed steps.

The base class turns a step's declared operands, its opcode, its cost and what it changes into the
messages of the step: it receives `state`, looks its opcode up in the code, receives the tokens of
what it pops, sends those of what it pushes, and sends the next `state` at a later clock.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from circuits.buses import FETCH, STACK, STATE
from circuits.execution.steps import Steps
from circuits.language.builder import Builder
from circuits.language.columns import U16, Bit
from circuits.language.gadget import Gadget
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan
from circuits.language.witness import Witness
from circuits.language.words import Halves, LimbWord, Word, WordExpr
from zkevm.plonkish.expression import Column, ColumnType, Expr, lift
from zkevm.trace.trace import Halt

STACK_BITS = 10


@dataclass(frozen=True)
class Next:
    """What a step does to the state.

    opcode    looked up at pc as an instruction; None if the gadget reads the code by itself
    gas       charged
    pc ... code   the next state's, where it is not what follows from the rest
    push      a word pushed, given as expressions (declare `Pushed` for one in columns of its own)
    ticks     how far the clock moves, a positive constant
    ends      the step ends its frame: no state is sent
    jumpdest  whether the opcode is JUMPDEST
    """

    opcode: Expr | int | None
    gas: Expr | int
    pc: Expr | int | None = None
    sp: Expr | int | None = None
    msize: Expr | int | None = None
    undo: Expr | int | None = None
    journal: Expr | int | None = None
    frame: Expr | int | None = None
    code: Expr | int | None = None
    push: WordExpr | Word | None = None
    ticks: int = 1
    ends: bool = False
    jumpdest: Expr | int = 0


class Popped(Part):
    """A word that the step takes from the stack: the k-th `Popped` is the k-th from the top.

    Canonical already: whoever pushed it proved that.  By default two halves; given limbs or
    bytes, it has those as its columns.
    """

    def __init__(self, columns: Word | None = None) -> None:
        self.word = Halves() if columns is None else columns
        self.gap = U16()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.word
        yield ".gap", self.gap

    @property
    def lo(self) -> Expr:
        """The low half."""
        return self.word.lo

    @property
    def hi(self) -> Expr:
        """The high half."""
        return self.word.hi

    @property
    def expr(self) -> WordExpr:
        """The word as expressions."""
        return self.word.expr

    def receive(self, c: Builder, when: Expr, frame: Expr, index: Expr, clock: Expr) -> None:
        """Take the token of stack cell `index`."""
        message = (frame, index, self.lo, self.hi, clock - 1 - self.gap)
        c.receive(STACK, when, *message, label=f"pop {self.label}")


class Peeked(Popped):
    """A word that the step reads anywhere in the stack: the gadget receives and sends its token."""


class Pushed(Part):
    """The word that the step puts on the stack, proven canonical here (by default in limbs)."""

    def __init__(self, columns: Word | None = None) -> None:
        self.word = LimbWord() if columns is None else columns

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.word

    @property
    def lo(self) -> Expr:
        """The low half."""
        return self.word.lo

    @property
    def hi(self) -> Expr:
        """The high half."""
        return self.word.hi

    @property
    def expr(self) -> WordExpr:
        """The word as expressions."""
        return self.word.expr


class StepGadget(Gadget):
    """A table with a row for each executed step of its kind."""

    opcodes: ClassVar[tuple[int, ...]]
    halts: ClassVar[tuple[Halt, ...]] = ()
    """The exceptional halts that the gadget proves; with none, it proves steps that go well."""

    real = Bit()
    clock = Cell(ColumnType.U64)
    frame = Cell(ColumnType.U64)
    code = Cell(ColumnType.U32)
    pc = Cell(ColumnType.U32)
    sp = Cell(ColumnType.U16)
    gas = Cell(ColumnType.U64)
    msize = Cell(ColumnType.U32)
    undo = Cell(ColumnType.U32)
    journal = Cell(ColumnType.U64)

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        """Which steps lie in the gadget's domain.  Soundness never depends on it."""
        return np.ones(len(s), np.bool_)

    @abstractmethod
    def constrain(self, c: Builder) -> Next:
        """Declare the relation, and say what the step does to the state."""

    def plan(self, s: Steps, plan: Plan) -> None:
        """Register the accesses and requests of the steps (stack apart)."""

    def fill(self, w: Witness, s: Steps) -> None:
        """Fill the columns that neither the state, nor operands and results, nor accesses give."""

    def declare(self) -> Builder:
        c = Builder(self.real)
        for part in self.parts():
            part.constrain(c)
        step = self.constrain(c)
        self._declare_state(c, step)
        self._declare_stack(c, step)
        return c

    def popped(self) -> list[Popped]:
        """The operands, top first."""
        return [p for p in self.parts() if isinstance(p, Popped) and not isinstance(p, Peeked)]

    def peeked(self) -> list[Peeked]:
        """The words read elsewhere, in the order of the trace's reads."""
        return [p for p in self.parts() if isinstance(p, Peeked)]

    def pushed(self) -> Pushed | None:
        """The result, if it has columns of its own."""
        return next((p for p in self.parts() if isinstance(p, Pushed)), None)

    def _declare_state(self, c: Builder, step: Next) -> None:
        present = (self.clock, self.frame, self.code, self.pc, self.sp, self.gas)
        rest = (self.msize, self.undo, self.journal)
        c.receive(STATE, self.real, *present, *rest)
        if step.opcode is not None:
            opcode = lift(step.opcode)
            c.request(
                FETCH,
                self.real,
                self.code,
                self.pc,
                opcode,
                1,
                step.jumpdest,
                label="the opcode at pc",
            )
        if step.ends:
            return
        pushes = step.push is not None or self.pushed() is not None
        default = {
            "clock": self.clock + step.ticks,
            "pc": self.pc + 1,
            "sp": self.sp - len(self.popped()) + int(pushes),
            "gas": self.gas - step.gas,
        }
        fields = []
        for field in STATE.fields:
            given = None if field in ("clock", "gas") else getattr(step, field)
            fields.append(given if given is not None else default.get(field, getattr(self, field)))
        c.send(STATE, self.real, *fields)

    def _declare_stack(self, c: Builder, step: Next) -> None:
        popped, pushed = self.popped(), self.pushed()
        for k, operand in enumerate(popped):
            operand.receive(c, self.real, self.frame, self.sp - 1 - k, self.clock)
        result = pushed if step.push is None else step.push
        if result is None:
            return
        index = self.sp - len(popped)
        c.send(STACK, self.real, self.frame, index, result.lo, result.hi, self.clock, label="push")
        if not popped:
            c.require_range("room on the stack", self.real, self.sp, STACK_BITS)

    def assign(self, s: Steps, plan: Plan) -> Witness:
        """All columns for these steps."""
        w = Witness(len(s))
        w[self.real] = 1
        fields = (getattr(self, field) for field in STATE.fields)
        w.cells.update(zip(fields, s.state, strict=True))
        for k, operand in enumerate([*self.popped(), *self.peeked()]):
            w[operand.word] = s.pop(k)
            w[operand.gap] = s.pop_gap(k)
        if (pushed := self.pushed()) is not None:
            w[pushed.word] = s.written()
        for part in self.parts():
            part.complete(w, plan, self)
        self.fill(w, s)
        return w
