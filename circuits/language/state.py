"""Accesses to accounts by steps: fields, warm marks, and how they are undone.

A *reversible* write (GADGETS.md section 3.2) in a frame that will be undone sends its inverse to a
table that performs it at the mirrored clock `eor - undo`; then the step's count `undo` goes up.
In a frame that is kept nothing is sent and the count stays.
A mark that holds the scope (transaction) in which it was set goes stale by itself (section 3.7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from circuits.buses import (
    ACCOUNT,
    FRAME_SELF,
    FRAME_STORE,
    UNDO_ACCOUNT,
)
from circuits.execution.steps import Steps
from circuits.execution.tokens import U64, Mask
from circuits.language.access import TokenAccess
from circuits.language.arrays import Array
from circuits.language.builder import Builder
from circuits.language.columns import U16, Bit, Uint
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan, keys, values
from circuits.language.witness import Witness
from circuits.language.words import Halves, Word, WordExpr
from zkevm.evm import gas
from zkevm.evm.forks import fork_named
from zkevm.plonkish.expression import ZERO, Column, ColumnType, Expr, recompose
from zkevm.trace.words import Words, words_from_ints

NONCE, BALANCE, CODE, MARK, LIFE = range(1, 6)
"""The fields of an account.  LIFE: in which scopes it was created and destroyed."""

HAD_STORAGE, SLOT = 5, 6
"""Further fields of `pre` and `post`: whether an account had storage, and a storage slot."""


@dataclass(frozen=True)
class Undoing:
    """Where the inverse of a write goes: sent where `undone` is 1, performed at `clock`."""

    undone: Expr
    clock: Expr


@dataclass(frozen=True)
class Inverses:
    """The same for the plan: which rows send an inverse, and its clock."""

    where: Mask
    clock: U64


def inverses_of(s: Steps, k: int = 0) -> Inverses:
    """Of the k-th reversible write of each step, in the count of its own frame."""
    return Inverses(s.undone, s.eor - s.undo - np.uint64(k))


class FrameFacts(Part):
    """What a step looks up of its frame for its writes: scope, static, undone, end of reversion.

    The frames table proves what it provides: `static` and `undone` are bits there.  With
    `writes` the step is one that a static frame forbids: static is 0.
    """

    def __init__(self, writes: bool = False) -> None:
        self.scope = Cell(ColumnType.U16)
        self.static = None if writes else Cell(ColumnType.BIT)
        self.undone = Bit()
        self.eor = Cell(ColumnType.U64)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".scope", self.scope
        if self.static is not None:
            yield ".static", self.static
        yield ".undone", self.undone
        yield ".eor", self.eor

    @property
    def is_static(self) -> Expr:
        """Whether the frame is static; 0 for a step that a static frame forbids."""
        return ZERO if self.static is None else self.static

    @property
    def _common(self) -> tuple[Expr | int, ...]:
        return (self.scope, self.is_static, self.undone, self.eor)

    def undoing(self, undo: Expr) -> Undoing:
        """Where the inverse of a write numbered `undo` goes."""
        return Undoing(self.undone, self.eor - undo)

    def fill(self, w: Witness, s: Steps) -> None:
        """From the frames of the steps."""
        w[self.scope] = s.execution.scope
        if self.static is not None:
            w[self.static] = s.trace.frames.static[s.frame_index]
        w[self.undone] = s.undone
        w[self.eor] = s.eor


class FrameStore(FrameFacts):
    """Looks up `frame_store`: where the frame's storage is kept."""

    def __init__(self, writes: bool = False) -> None:
        super().__init__(writes)
        self.store = Cell(ColumnType.U64)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".store", self.store
        yield from super().children()

    def use(self, c: Builder, frame: Expr, when: Expr | None = None) -> None:
        """Where `when` is 1 (default: on every real row), look `frame` up."""
        c.request(FRAME_STORE, c.real if when is None else when, frame, self.store, *self._common)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.store] = s.execution.frame_stores[s.frame_index]


class FrameSelf(FrameFacts):
    """Looks up `frame_self`: address, caller, value and depth of the frame."""

    def __init__(self, writes: bool = False) -> None:
        super().__init__(writes)
        self.address = Cell(ColumnType.FIELD)
        self.caller = Cell(ColumnType.FIELD)
        self.value = Halves()
        self.depth = Cell(ColumnType.U16)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".address", self.address
        yield ".caller", self.caller
        yield ".value", self.value
        yield ".depth", self.depth
        yield from super().children()

    def use(self, c: Builder, frame: Expr, when: Expr | None = None) -> None:
        """Where `when` is 1 (default: on every real row), look `frame` up."""
        message = (frame, self.address, self.caller, *self.value, self.depth, *self._common)
        c.request(FRAME_SELF, c.real if when is None else when, *message)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        frames = s.trace.frames
        w[self.address] = frames.address[s.frame_index]
        w[self.caller] = frames.caller[s.frame_index]
        w[self.value] = frames.value[s.frame_index]
        w[self.depth] = frames.depth[s.frame_index]


class AddressWord(Word):
    """A word in limbs whose low 160 bits are an address: what an opcode makes of an operand."""

    def __init__(self) -> None:
        self.limbs = Uint(256)
        self.lo = recompose(self.limbs.cells[:8], 16)
        self.hi = recompose(self.limbs.cells[8:], 16)
        self.address = recompose(self.limbs.cells[:10], 16)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.limbs

    def assign(self, w: Witness, values: Array) -> None:
        w[self.limbs] = values


def addresses(operands: Words) -> Words:
    """The low 160 bits of words."""
    return operands & np.array([2**64 - 1, 2**64 - 1, 2**32 - 1, 0], np.uint64)


class FieldAccess(TokenAccess):
    """A field of an account: `cells` names its values; a message's other values are 0."""

    bus = ACCOUNT
    field: int

    def read(self, c: Builder, when: Expr, address: Expr, clock: Expr) -> None:
        """Read the field, changing nothing."""
        self.use(c, when, (address, self.field), clock)

    def write(
        self,
        c: Builder,
        when: Expr,
        address: Expr,
        clock: Expr,
        new: Sequence[Expr | int],
        undoing: Undoing | None = None,
        old: Sequence[Expr | int] | None = None,
    ) -> None:
        """Read the field and set it to `new`; the inverse sets `old` (default: what was read)."""
        self.use(c, when, (address, self.field), clock, new)
        if undoing is not None:
            before = self.padded(self.old if old is None else old)
            c.send(
                UNDO_ACCOUNT,
                when * undoing.undone,
                address,
                self.field,
                *self.padded(new),
                *before,
                undoing.clock,
                label=f"{self.label} to be undone",
            )

    def padded(self, cells: Sequence[Expr | int]) -> tuple[Expr | int, ...]:
        """Value cells with zeros up to three."""
        return (*cells, *(0,) * (3 - len(cells)))

    def plan_read(
        self,
        owner: object,
        plan: Plan,
        address: Words,
        clock: U64,
        where: Mask | None = None,
    ) -> None:
        """Register reads."""
        plan.access(owner, self, plan.account, keys(address, self.field), clock, where=where)

    def plan_write(
        self,
        owner: object,
        plan: Plan,
        address: Words,
        clock: U64,
        new: U64,
        old: U64 | None = None,
        inverses: Inverses | None = None,
        where: Mask | None = None,
    ) -> None:
        """Register writes: `new` and `old` hold two limbs a cell; `inverses`: where to undo."""
        new = np.pad(new, ((0, 0), (0, 6 - new.shape[1])))
        key = keys(address, self.field)
        plan.access(owner, self, plan.account, key, clock, new, where)
        if inverses is None or old is None:
            return
        old = np.pad(old, ((0, 0), (0, 6 - old.shape[1])))
        sent = inverses.where if where is None else inverses.where & where
        plan.request(
            UNDO_ACCOUNT,
            address[sent],
            np.full(int(sent.sum()), self.field, np.uint64),
            *(new[sent, i : i + 2] for i in (0, 2, 4)),
            *(old[sent, i : i + 2] for i in (0, 2, 4)),
            inverses.clock[sent],
        )


class NonceAccess(FieldAccess):
    """The nonce."""

    field = NONCE
    cells = ("nonce",)


class BalanceAccess(FieldAccess):
    """The balance in wei."""

    field = BALANCE
    cells = ("lo", "hi")

    @property
    def word(self) -> WordExpr:
        """The balance read."""
        return WordExpr(self.old[0], self.old[1])


class CodeAccess(FieldAccess):
    """The code hash and the store."""

    field = CODE
    cells = ("hash_lo", "hash_hi", "store")

    @property
    def hash(self) -> tuple[Expr, ...]:
        """The halves of the hash read."""
        return self.old[:2]


class MarkAccess(FieldAccess):
    """The warm mark: the scope that set it, and whether the address is a precompile."""

    field = MARK
    cells = ("scope", "always")


class Freshness(Part):
    """Whether a mark was set in this scope (`same`); else it is stale: set earlier, or never."""

    def __init__(self) -> None:
        self.same = Bit()
        self.age = U16()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".same", self.same
        yield ".age", self.age

    def use(self, c: Builder, when: Expr, scope: Expr, mark: Expr) -> None:
        """Where `when` is 1: `mark <= scope`, and the bit is 1 exactly if they are equal.

        Both are below 2^16: ids of scopes.
        """
        c.require_zero(f"{self.label}: set in this scope", self.same * (scope - mark))
        c.require_zero(f"{self.label}: only where asked", self.same * (1 - when))
        c.require_equal(
            f"{self.label}: set in an earlier scope",
            when * (scope - mark - 1) + self.same,
            self.age,
        )

    def fill(self, w: Witness, scope: int, mark: NDArray[np.uint64], when: Mask) -> None:
        """From the marks found."""
        same = when & (mark == scope)
        w[self.same] = same
        w[self.age] = np.where(when & ~same, scope - 1 - mark.astype(np.int64), 0)


class AddressAccess(Part):
    """Touches an address (EIP-2929): reads its warm mark, and sets it unless it is always warm.

    `warm` is 1 if the address was warm before.  The mark of an always warm address is never set, so
    that at most one of `same` and `always` is 1.
    """

    def __init__(self) -> None:
        self.mark = MarkAccess()
        self.fresh = Freshness()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".mark", self.mark
        yield "", self.fresh

    @property
    def warm(self) -> Expr:
        """Whether the address was warm; meaningless where the access does not happen."""
        return self.fresh.same + self.mark.old[1]

    @property
    def cost(self) -> Expr:
        """The gas of the access; meaningless where it does not happen."""
        return gas.COLD_ACCOUNT - self.warm * (gas.COLD_ACCOUNT - gas.WARM_ACCESS)

    def use(
        self,
        c: Builder,
        when: Expr,
        address: Expr,
        clock: Expr,
        scope: Expr,
        undoing: Undoing | None = None,
    ) -> None:
        """Where `when` is 1, touch `address` at `clock`; reversible if `undoing` is given."""
        mark, always = self.mark.old
        self.fresh.use(c, when, scope, mark)
        new = ((1 - always) * scope, always)
        old = (self.fresh.same * scope, always)
        self.mark.write(c, when, address, clock, new, undoing, old)

    def plan(
        self,
        owner: object,
        plan: Plan,
        address: Words,
        clock: U64,
        warm: Mask | None = None,
        inverses: Inverses | None = None,
        where: Mask | None = None,
    ) -> None:
        """Register touches; `warm` (before each) is needed only with `inverses`."""
        execution = plan.execution
        always = is_always_warm(execution.trace.fork, address)
        new = values(np.where(always, 0, execution.scope), always)
        same = np.zeros(len(always), np.bool_) if warm is None else warm & ~always
        old = values(np.where(same, execution.scope, 0), always)
        self.mark.plan_write(owner, plan, address, clock, new, old, inverses, where)

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        super().complete(w, plan, owner)
        when = np.zeros(w.rows, np.bool_)
        if (access := plan.accessed(owner, self.mark)) is not None:
            when[access.where] = True
        mark = w[self.mark.old[0]].astype(np.uint64)
        self.fresh.fill(w, plan.execution.scope, mark, when)


def is_always_warm(fork: str, address: Words) -> Mask:
    """Which addresses are precompiles of the fork."""
    known = words_from_ints(sorted(fork_named(fork).precompiles))
    found: Mask = (address[:, None, :] == known[None, :, :]).all(axis=2).any(axis=1)
    return found
