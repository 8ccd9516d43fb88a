"""Amounts of wei: what gas costs, and moving it between accounts.

Bounds.  A gas amount is below 2^64 and a price below 2^128, so a product is below 2^192; halves are
         below 2^128 and sums of three of them below 2^130: residues are integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.execution.tokens import U64, Mask
from circuits.language.arrays import integers, one_word
from circuits.language.builder import Builder
from circuits.language.columns import Bit, Uint
from circuits.language.compare import AtLeast
from circuits.language.part import Part
from circuits.language.plan import Plan
from circuits.language.state import BalanceAccess, Inverses, Undoing
from circuits.language.witness import Witness
from circuits.language.words import LimbWord, Word, WordExpr
from zkevm.plonkish.expression import Column, Expr, recompose
from zkevm.trace.words import Words, words_from_ints

PRICE_BITS = 128
HALF, WORD = 2**128, 2**256


class Price(Part):
    """What a unit of gas costs (EIP-1559): the base fee and a tip, at most the fee cap in all."""

    def __init__(self) -> None:
        self.capped = Bit()
        self.slack = Uint(PRICE_BITS)  # how far the smaller is below the other
        self.tip = Uint(PRICE_BITS)
        self.fee_over_priority = AtLeast(PRICE_BITS)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".capped", self.capped
        yield ".slack", self.slack
        yield ".tip", self.tip
        yield ".fee_over_priority", self.fee_over_priority

    def use(self, c: Builder, base_fee: Expr, priority_fee: Expr, max_fee: Expr) -> Expr:
        """On every real row, the price is min(max_fee, base_fee + priority_fee).  Returns it."""
        uncapped = base_fee + priority_fee
        above = uncapped - max_fee
        price = base_fee + self.tip.value
        c.require_zero(f"{self.label}: capped is real", self.capped * (1 - c.real))
        # both ends are below 2^129: the distance does not wrap
        signed = (2 * self.capped - 1) * above
        c.require_equal(f"{self.label}: capped if above", self.slack.value, signed)
        c.require_equal(f"{self.label}: the smaller", price, uncapped - self.capped * above)
        self.fee_over_priority.use(c, max_fee, priority_fee)
        return price

    def fill(self, w: Witness, base_fee: int, priority_fee: int, max_fee: int) -> None:
        """For one row."""
        above = base_fee + priority_fee - max_fee
        tip = min(max_fee - base_fee, priority_fee)
        w[self.capped] = np.array([above >= 0])
        for part, value in (
            (self.slack, abs(above)),
            (self.tip, tip),
            (self.fee_over_priority, max_fee - priority_fee),
        ):
            w[part] = one_word(value)


class Cost(Part):
    """An amount of gas below 2^64 times a price below 2^128, as a word."""

    def __init__(self) -> None:
        self.limbs = Uint(64 + PRICE_BITS)
        self.word = WordExpr(
            recompose(self.limbs.cells[:8], 16), recompose(self.limbs.cells[8:], 16)
        )

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.limbs

    def use(self, c: Builder, gas: Expr, price: Expr) -> None:
        """On every row, the word is `gas * price`."""
        c.require_equal(f"{self.label} of the gas", gas * price, self.limbs.value)

    def fill(self, w: Witness, cost: Words) -> None:
        """From the product."""
        w[self.limbs] = cost


class Debit(Part):
    """A word taken from another, which is not smaller: `word` is what is left."""

    def __init__(self) -> None:
        self.word = LimbWord()
        self.borrow = Bit()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.word
        yield ".borrow", self.borrow

    def use(self, c: Builder, before: WordExpr | Word, amount: WordExpr | Word) -> None:
        """On every row, `word + amount = before`, over the integers."""
        after, borrow = self.word, self.borrow
        low = before.lo + borrow * HALF
        c.require_equal(f"{self.label}: low half", after.lo + amount.lo, low)
        c.require_equal(f"{self.label}: high half", after.hi + amount.hi + borrow, before.hi)

    def fill(self, w: Witness, before: Words, amount: Words) -> None:
        """From the two words."""
        pairs = list(zip(integers(before), integers(amount), strict=True))
        w[self.word] = words_from_ints((b - a) % WORD for b, a in pairs)
        w[self.borrow] = np.array([b % HALF < a % HALF for b, a in pairs], np.bool_)


class Credit(Part):
    """A word added to another, whose sum does not overflow: `word`."""

    def __init__(self) -> None:
        self.word = LimbWord()
        self.carry = Bit()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.word
        yield ".carry", self.carry

    def use(self, c: Builder, before: WordExpr | Word, amount: WordExpr | Word) -> None:
        """On every row, `word = before + amount`, over the integers."""
        after, carry = self.word, self.carry
        low = after.lo + carry * HALF
        c.require_equal(f"{self.label}: low half", before.lo + amount.lo, low)
        c.require_equal(f"{self.label}: high half", before.hi + amount.hi + carry, after.hi)

    def fill(self, w: Witness, before: Words, amount: Words) -> None:
        """From the two words."""
        pairs = list(zip(integers(before), integers(amount), strict=True))
        w[self.word] = words_from_ints((b + a) % WORD for b, a in pairs)
        w[self.carry] = np.array([b % HALF + a % HALF >= HALF for b, a in pairs], np.bool_)


class Transfer(Part):
    """Moves wei from one account to another: two reversible writes, at a clock and at the next."""

    def __init__(self) -> None:
        self.payer = BalanceAccess()
        self.left = Debit()
        self.payee = BalanceAccess()
        self.total = Credit()

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".payer", self.payer
        yield ".left", self.left
        yield ".payee", self.payee
        yield ".total", self.total

    def use(
        self,
        c: Builder,
        when: Expr,
        payer: Expr,
        payee: Expr,
        amount: WordExpr | Word,
        clock: Expr,
        undoing: Sequence[Undoing],
    ) -> None:
        """Where `when` is 1, move `amount`, which is 0 elsewhere."""
        self.left.use(c, self.payer.word, amount)
        self.payer.write(c, when, payer, clock, tuple(self.left.word), undoing[0])
        self.total.use(c, self.payee.word, amount)
        self.payee.write(c, when, payee, clock + 1, tuple(self.total.word), undoing[1])

    def plan(
        self,
        owner: object,
        plan: Plan,
        payer: tuple[Words, Words],
        payee: tuple[Words, Words],
        amount: Words,
        clock: U64,
        inverses: Sequence[Inverses],
        where: Mask,
    ) -> None:
        """Register the writes; payer and payee are given with their balances before each write."""
        amounts = integers(amount)
        left = words_from_ints(
            (b - a) % WORD for b, a in zip(integers(payer[1]), amounts, strict=True)
        )
        total = words_from_ints(
            (b + a) % WORD for b, a in zip(integers(payee[1]), amounts, strict=True)
        )
        self.payer.plan_write(owner, plan, payer[0], clock, left, payer[1], inverses[0], where)
        self.payee.plan_write(
            owner, plan, payee[0], clock + np.uint64(1), total, payee[1], inverses[1], where
        )

    def fill(self, w: Witness, payer: Words, payee: Words, amount: Words, where: Mask) -> None:
        """From the balances before; all are 0 where nothing moves."""
        payer, payee, amount = (np.where(where[:, None], x, 0) for x in (payer, payee, amount))
        self.left.fill(w, payer, amount)
        self.total.fill(w, payee, amount)
