"""The account of a created contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.execution.tokens import U64, Mask
from circuits.language.arrays import words
from circuits.language.builder import Builder
from circuits.language.columns import Bits, Uint
from circuits.language.compare import IsEqualWord
from circuits.language.hashing import EMPTY_HALVES
from circuits.language.part import Part
from circuits.language.plan import Plan, values
from circuits.language.state import (
    LIFE,
    CodeAccess,
    FieldAccess,
    Inverses,
    NonceAccess,
    Undoing,
)
from circuits.language.witness import Witness
from circuits.language.words import WordExpr, word
from zkevm.evm.keccak import EMPTY_HASH
from zkevm.plonkish.expression import Column, Expr, total
from zkevm.trace.words import Words

BIRTH_WRITES = 2
"""The nonce and the life: reversible, in the count of the frame that creates."""


class LifeAccess(FieldAccess):
    """In which scopes an account was created and destroyed, and whether it had storage before."""

    field = LIFE
    cells = ("created", "destroyed", "had_storage")


class Birth(Part):
    """An account becomes a contract: it was none, has nonce 1 then, and was created in this scope.

    Relation.  No nonce, no code and no storage before (EIP-684, 7610); the storage that is its own
               stays (`store`).  EIP-161: nonce 1.  EIP-6780: the mark of creation.
    Argument.  No slot of an account without nonce and code can have been written since the claim
               that it had no storage: only its own code writes there.
    """

    def __init__(self) -> None:
        self.nonce = NonceAccess()
        self.code = CodeAccess()
        self.life = LifeAccess()
        self.store: Expr = self.code.old[2]

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".nonce", self.nonce
        yield ".code", self.code
        yield ".life", self.life

    def use(
        self,
        c: Builder,
        when: Expr,
        address: Expr,
        clock: Expr,
        scope: Expr,
        undoing: Sequence[Undoing],
    ) -> None:
        """Where `when` is 1, at one clock."""
        name = self.label
        _, destroyed, had_storage = self.life.old
        c.require_zero(f"{name}: it had no nonce", when * self.nonce.old[0])
        c.require_zero(f"{name}: it had no storage", when * had_storage)
        halves = zip(("low", "high"), self.code.hash, EMPTY_HALVES, strict=True)
        for half, found, value in halves:
            c.require_zero(f"{name}: it had no code, {half} half", when * (found - value))
        self.nonce.write(c, when, address, clock, (1,), undoing[0])
        self.code.read(c, when, address, clock)
        self.life.write(c, when, address, clock, (scope, destroyed, 0), undoing[1])

    def plan(
        self,
        owner: object,
        plan: Plan,
        address: Words,
        clock: U64,
        inverses: Sequence[Inverses],
        where: Mask | None = None,
    ) -> None:
        """Register the accesses."""
        created = plan.execution.created_before(address)
        scope, none = np.full(len(clock), plan.execution.scope), np.zeros(len(clock), np.uint64)
        one, zero = values(none + np.uint64(1)), values(none)
        self.nonce.plan_write(owner, plan, address, clock, one, zero, inverses[0], where)
        self.code.plan_read(owner, plan, address, clock, where)
        born, old = values(scope, none, none), values(created, none, none)
        self.life.plan_write(owner, plan, address, clock, born, old, inverses[1], where)


class Taken(Part):
    """No contract can be created at an address: it has a nonce, a code, or had storage."""

    def __init__(self) -> None:
        self.by = Bits(3)
        self.nonce = NonceAccess()
        self.rest = Uint(64)  # of the nonce, less one
        self.code = CodeAccess()
        self.no_code = IsEqualWord()
        self.life = LifeAccess()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".by", self.by
        yield ".nonce", self.nonce
        yield ".rest", self.rest
        yield ".code", self.code
        yield ".no_code", self.no_code
        yield ".life", self.life

    def use(self, c: Builder, when: Expr, address: Expr, clock: Expr) -> None:
        """Where the boolean `when` is 1, by one of the three."""
        name = self.label
        by_nonce, by_code, by_storage = self.by
        for field in (self.nonce, self.code, self.life):
            field.read(c, when, address, clock)
        c.require_equal(f"{name} by something", total(self.by), when)
        rest = by_nonce * (self.nonce.old[0] - 1)
        c.require_equal(f"{name} by a nonce", self.rest.value, rest)
        self.no_code.use(c, WordExpr(*self.code.hash), word(*EMPTY_HALVES), when)
        c.require_zero(f"{name} by a code", by_code * self.no_code.bit)
        c.require_zero(f"{name} by storage", by_storage * (1 - self.life.old[2]))

    def plan(
        self, owner: object, plan: Plan, address: Words, clock: U64, where: Mask | None = None
    ) -> None:
        """Register the reads."""
        for field in (self.nonce, self.code, self.life):
            field.plan_read(owner, plan, address, clock, where)

    def fill(self, w: Witness, where: Mask) -> None:
        """From the fields, which have been read already."""
        nonce = w[self.nonce.old[0]].astype(np.uint64)
        empty = words([EMPTY_HASH]).repeat(w.rows, axis=0)
        self.no_code.fill(w, w.word(*self.code.old[:2]), empty, where)
        reason = np.where(nonce > 0, 0, np.where(w[self.no_code.bit], 2, 1))
        w[self.by] = (reason[:, None] == np.arange(3)) & where[:, None]
        w[self.rest] = nonce - (nonce > 0)
