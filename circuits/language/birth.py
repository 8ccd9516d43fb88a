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


class Site(Part):
    """The account at which a contract is to be created: its nonce, its code and its life."""

    def __init__(self) -> None:
        self.nonce = NonceAccess()
        self.code = CodeAccess()
        self.life = LifeAccess()
        self.store: Expr = self.code.old[2]

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".nonce", self.nonce
        yield ".code", self.code
        yield ".life", self.life

    def read(self, c: Builder, when: Expr, address: Expr, clock: Expr) -> None:
        """Where `when` is 1, at one clock."""
        for field in (self.nonce, self.code, self.life):
            field.read(c, when, address, clock)

    def plan_read(self, owner: object, plan: Plan, address: Words, clock: U64) -> None:
        """Register the reads."""
        for field in (self.nonce, self.code, self.life):
            field.plan_read(owner, plan, address, clock)


class Birth(Site):
    """An account becomes a contract: it was none, has nonce 1 then, and was created in this scope.

    Relation.  No nonce, no code and no storage before (EIP-684, 7610); the storage that is its own
               stays (`store`).  EIP-161: nonce 1.  EIP-6780: the mark of creation.
    Argument.  No slot of an account without nonce and code can have been written since the claim
               that it had no storage: only its own code writes there.
    """

    def use(
        self,
        c: Builder,
        when: Expr,
        address: Expr,
        clock: Expr,
        scope: Expr,
        undoing: Sequence[Undoing],
    ) -> None:
        """On every real row, read the account at one clock; where `when` is 1, it is created.

        `undoing` is clear where it is not.
        """
        name, real = self.label, c.real
        nonce, (created, destroyed, had_storage) = self.nonce.old[0], self.life.old
        c.require_zero(f"{name}: it had no nonce", when * nonce)
        c.require_zero(f"{name}: it had no storage", when * had_storage)
        halves = zip(("low", "high"), self.code.hash, EMPTY_HALVES, strict=True)
        for half, found, value in halves:
            c.require_zero(f"{name}: it had no code, {half} half", when * (found - value))
        born = (created + when * (scope - created), destroyed, had_storage)
        self.nonce.write(c, real, address, clock, (nonce + when,), undoing[0])
        self.code.read(c, real, address, clock)
        self.life.write(c, real, address, clock, born, undoing[1])

    def plan(
        self,
        owner: object,
        plan: Plan,
        address: Words,
        clock: U64,
        inverses: Sequence[Inverses],
    ) -> None:
        """Register the accesses of rows that all create."""
        created = plan.execution.created_before(address)
        scope, none = np.full(len(clock), plan.execution.scope), np.zeros(len(clock), np.uint64)
        one, zero = values(none + np.uint64(1)), values(none)
        self.nonce.plan_write(owner, plan, address, clock, one, zero, inverses[0])
        self.code.plan_read(owner, plan, address, clock)
        born, old = values(scope, none, none), values(created, none, none)
        self.life.plan_write(owner, plan, address, clock, born, old, inverses[1])


class Taken(Part):
    """No contract can be created at a site: it has a nonce, a code, or had storage."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.by = Bits(3)
        self.rest = Uint(64)  # of the nonce, less one
        self.no_code = IsEqualWord()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".by", self.by
        yield ".rest", self.rest
        yield ".no_code", self.no_code

    def use(self, c: Builder) -> Expr:
        """Returns how many of the three are named; each that is holds of what the site has read."""
        name, site = self.label, self.site
        by_nonce, by_code, by_storage = self.by
        named = total(self.by)
        rest = by_nonce * (site.nonce.old[0] - 1)
        c.require_equal(f"{name} by a nonce", self.rest.value, rest)
        self.no_code.use(c, WordExpr(*site.code.hash), word(*EMPTY_HALVES), named)
        c.require_zero(f"{name} by a code", by_code * self.no_code.bit)
        c.require_zero(f"{name} by storage", by_storage * (1 - site.life.old[2]))
        return named

    def fill(self, w: Witness, where: Mask) -> None:
        """From the fields, which have been read already."""
        nonce = w[self.site.nonce.old[0]].astype(np.uint64) * where
        empty = words([EMPTY_HASH]).repeat(w.rows, axis=0)
        self.no_code.fill(w, w.word(*self.site.code.old[:2]), empty, where)
        reason = np.where(nonce > 0, 0, np.where(w[self.no_code.bit], 2, 1))
        w[self.by] = (reason[:, None] == np.arange(3)) & where[:, None]
        w[self.rest] = nonce - (nonce > 0)
