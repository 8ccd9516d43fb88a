"""Accesses to storage and transient slots by steps, and how they are undone.

As for accounts (`circuits.language.state`): every touch of a storage slot and every write of a
transient one is reversible, and what an earlier transaction left is stale.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from circuits.buses import UNDO_STORAGE, UNDO_TRANSIENT
from circuits.execution.events import events_at
from circuits.execution.steps import Steps
from circuits.language.access import StorageAccess, TransientAccess
from circuits.language.arrays import Array, high, low
from circuits.language.builder import Builder
from circuits.language.part import Part
from circuits.language.plan import Plan, keys, values
from circuits.language.state import FrameStore, Freshness, inverses_of
from circuits.language.witness import Witness
from circuits.language.words import Word, WordExpr
from zkevm.plonkish.expression import Column, Expr
from zkevm.trace.trace import StateEventKind
from zkevm.trace.words import Words


class SlotAccess(Part):
    """Touches a storage slot (EIP-2929): reads value, original and warm mark, and sets the mark.

    A stale token stands for a clean slot: its original value is its value, and it is cold.
    """

    def __init__(self) -> None:
        self.slot = StorageAccess()
        self.fresh = Freshness()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.slot
        yield "", self.fresh

    @property
    def current(self) -> WordExpr:
        """The value."""
        return WordExpr(self.slot.old[0], self.slot.old[1])

    @property
    def original(self) -> WordExpr:
        """The value when the transaction began (degree 2)."""
        value, stored, same = self.slot.old[0:2], self.slot.old[2:4], self.fresh.same
        return WordExpr(*(v + same * (o - v) for v, o in zip(value, stored, strict=True)))

    @property
    def warm(self) -> Expr:
        """Whether the slot was warm (degree 2)."""
        return self.fresh.same * self.slot.old[4]

    def use(
        self,
        c: Builder,
        frame: FrameStore,
        key: WordExpr | Word,
        clock: Expr,
        undo: Expr,
        new: WordExpr | Word | None = None,
        original: WordExpr | Word | None = None,
    ) -> None:
        """On every real row, touch the slot and set it to `new` (default: leave it).

        `original` replaces the expression of that name, where it is needed at degree 1.
        """
        self.fresh.use(c, c.real, frame.scope, self.slot.old[5])
        before = self.original if original is None else original
        after = self.current if new is None else new
        cell = (frame.store, *key)
        token = (*after, *before, 1, frame.scope)
        self.slot.use(c, c.real, cell, clock, token)
        undoing = frame.undoing(undo)
        c.send(
            UNDO_STORAGE,
            c.real * undoing.undone,
            *cell,
            *after,
            *self.current,
            *before,
            self.warm,
            frame.scope,
            undoing.clock,
            label=f"{self.label} to be undone",
        )

    def plan(self, owner: object, plan: Plan, s: Steps, key: Words) -> None:
        """Register the touches of SLOAD and SSTORE steps, at their clocks."""
        event = events_at(s.trace, s.rows, StateEventKind.STORAGE)
        warm = events_at(s.trace, s.rows, StateEventKind.WARM_SLOT).old[:, 0]
        store = s.execution.frame_stores[s.frame_index]
        new = values(event.new, event.original, 1, s.execution.scope)
        plan.access(owner, self.slot, plan.storage, keys(store, key), s.clock, new)
        inverses = inverses_of(s)
        sent = inverses.where
        plan.request(
            UNDO_STORAGE,
            store[sent],
            *split(key[sent]),
            *split(event.new[sent]),
            *split(event.old[sent]),
            *split(event.original[sent]),
            warm[sent],
            np.full(int(sent.sum()), s.execution.scope, np.uint64),
            inverses.clock[sent],
        )

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        super().complete(w, plan, owner)
        mark, every = w[self.slot.old[5]].astype(np.uint64), np.ones(w.rows, np.bool_)
        self.fresh.fill(w, plan.execution.scope, mark, every)


class TransientSlotAccess(Part):
    """Reads or writes a transient slot (EIP-1153); a stale token stands for the value 0."""

    def __init__(self) -> None:
        self.slot = TransientAccess()
        self.fresh = Freshness()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.slot
        yield "", self.fresh

    @property
    def current(self) -> WordExpr:
        """The value (degree 2)."""
        same = self.fresh.same
        return WordExpr(same * self.slot.old[0], same * self.slot.old[1])

    def read(self, c: Builder, frame: FrameStore, key: WordExpr | Word, clock: Expr) -> None:
        """On every real row, read the slot: its token becomes one of this scope."""
        self._use(c, frame, key, clock, self.current)

    def write(
        self,
        c: Builder,
        frame: FrameStore,
        key: WordExpr | Word,
        clock: Expr,
        undo: Expr,
        new: WordExpr | Word,
    ) -> None:
        """On every real row, set the slot to `new`: a reversible write."""
        self._use(c, frame, key, clock, new)
        undoing = frame.undoing(undo)
        cell = (frame.store, *key, *new, *self.current, frame.scope)
        sent = c.real * undoing.undone
        c.send(UNDO_TRANSIENT, sent, *cell, undoing.clock, label=f"{self.label} to be undone")

    def _use(
        self,
        c: Builder,
        frame: FrameStore,
        key: WordExpr | Word,
        clock: Expr,
        new: WordExpr | Word,
    ) -> None:
        self.fresh.use(c, c.real, frame.scope, self.slot.old[2])
        self.slot.use(c, c.real, (frame.store, *key), clock, (*new, frame.scope))

    def plan(self, owner: object, plan: Plan, s: Steps, key: Words, writes: bool) -> None:
        """Register the accesses of TLOAD or TSTORE steps, at their clocks."""
        event = events_at(s.trace, s.rows, StateEventKind.TRANSIENT)
        store = s.execution.frame_stores[s.frame_index]
        new = values(event.new, s.execution.scope)
        plan.access(owner, self.slot, plan.transient, keys(store, key), s.clock, new)
        if not writes:
            return
        inverses = inverses_of(s)
        sent = inverses.where
        plan.request(
            UNDO_TRANSIENT,
            store[sent],
            *split(key[sent]),
            *split(event.new[sent]),
            *split(event.old[sent]),
            np.full(int(sent.sum()), s.execution.scope, np.uint64),
            inverses.clock[sent],
        )

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        super().complete(w, plan, owner)
        mark, every = w[self.slot.old[2]].astype(np.uint64), np.ones(w.rows, np.bool_)
        self.fresh.fill(w, plan.execution.scope, mark, every)


def split(words: Words) -> tuple[Array, Array]:
    """The halves of words."""
    return low(words), high(words)
