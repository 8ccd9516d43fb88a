"""The account of a created contract."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from circuits.execution.execution import SCOPE
from circuits.execution.tokens import U64
from circuits.language.builder import Builder
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
from zkevm.plonkish.expression import Column, Expr
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
        self, c: Builder, address: Expr, clock: Expr, scope: Expr, undoing: Sequence[Undoing]
    ) -> None:
        """On every real row, at one clock."""
        name, real = self.label, c.real
        _, destroyed, had_storage = self.life.old
        c.require_zero(f"{name}: it had no nonce", self.nonce.old[0])
        c.require_zero(f"{name}: it had no storage", had_storage)
        halves = zip(("low", "high"), self.code.old[:2], EMPTY_HALVES, strict=True)
        for half, found, value in halves:
            c.require_equal(f"{name}: it had no code, {half} half", found, real * value)
        self.nonce.write(c, real, address, clock, (real,), undoing[0])
        self.code.read(c, real, address, clock)
        self.life.write(c, real, address, clock, (scope, destroyed, 0), undoing[1])

    def plan(
        self,
        owner: object,
        plan: Plan,
        address: Words,
        clock: U64,
        inverses: Sequence[Inverses],
    ) -> None:
        """Register the accesses."""
        one, born = (values(v, 0, 0).repeat(len(clock), axis=0) for v in (1, SCOPE))
        none = values(0, 0, 0).repeat(len(clock), axis=0)
        self.nonce.plan_write(owner, plan, address, clock, one, none, inverses[0])
        self.code.plan_read(owner, plan, address, clock)
        self.life.plan_write(owner, plan, address, clock, born, none, inverses[1])
