"""Whether an account to which value moves is new to the state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.execution.tokens import U64, Mask
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Part,
    Plan,
    Uint,
    Witness,
    total,
)
from circuits.language.arrays import integers
from circuits.language.state import (
    BalanceAccess,
    NonceAccess,
)
from zkevm.evm import gas
from zkevm.plonkish.expression import Column, Expr
from zkevm.trace.words import Words, words_from_ints


class NewAccount(Part):
    """Whether an account to which value moves is dead (EIP-161), so that it has to be paid for.

    It lives if one of nonce, balance and code is proven not to be zero.
    """

    def __init__(self) -> None:
        self.nonce = NonceAccess()
        self.balance = BalanceAccess()
        self.dead = Bit()
        self.lives_by = Bits(4)
        self.rest = Uint(128)  # what is not zero, less one

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".nonce", self.nonce
        yield ".balance", self.balance
        yield ".dead", self.dead
        yield ".lives_by", self.lives_by
        yield ".rest", self.rest

    def use(self, c: Builder, when: Expr, address: Expr, clock: Expr, code: Expr) -> None:
        """Where `when` is 1, of the account with this code id (0: no code)."""
        self.nonce.read(c, when, address, clock)
        self.balance.read(c, when, address, clock)
        facts = (self.nonce.old[0], *self.balance.word, code)
        lives = total(self.lives_by)
        c.require_equal(f"{self.label}: it lives or is dead", lives + self.dead, when)
        for name, fact in zip(("nonce", "low", "high", "code"), facts, strict=True):
            c.require_zero(f"{self.label}: dead, so without {name}", self.dead * fact)
        chosen = total(bit * fact for bit, fact in zip(self.lives_by, facts, strict=True))
        c.require_equal(f"{self.label}: it lives by this", chosen - lives, self.rest.value)

    @property
    def cost(self) -> Expr:
        """What a new account costs."""
        return gas.NEW_ACCOUNT * self.dead

    def plan(self, owner: object, plan: Plan, address: Words, clock: U64, where: Mask) -> None:
        """Register the reads."""
        self.nonce.plan_read(owner, plan, address, clock, where)
        self.balance.plan_read(owner, plan, address, clock, where)

    def fill(self, w: Witness, code: Sequence[int], where: Mask) -> None:
        """From the code ids; the fields have been read already."""
        nonce, lo, hi = (integers(w[cell]) for cell in (self.nonce.old[0], *self.balance.old))
        dead, by, rest = [], np.zeros((w.rows, 4), np.bool_), []
        for i, facts in enumerate(zip(nonce, lo, hi, code, strict=True)):
            living = [k for k, fact in enumerate(facts) if fact]
            dead.append(bool(where[i]) and not living)
            by[i, living[:1]] = where[i]
            rest.append(facts[living[0]] - 1 if living and where[i] else 0)
        w[self.dead] = np.array(dead, np.bool_)
        w[self.lives_by] = by
        w[self.rest] = words_from_ints(rest)
