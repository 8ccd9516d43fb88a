"""Keccak-256 of bytes, asked for by a row: of a range of memory, or of lanes that the row has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.buses import ABSORB, COPY, KECCAK, CopyKind
from circuits.execution.tokens import U64
from circuits.language.builder import Builder
from circuits.language.columns import Uint
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan
from circuits.language.witness import Witness
from circuits.language.words import Halves, Word
from zkevm.evm.keccak import EMPTY_HASH, keccak256
from zkevm.plonkish.expression import Column, ColumnType, Expr, recompose
from zkevm.trace.words import Words, words_from_ints

EMPTY_HALVES = (EMPTY_HASH % 2**128, EMPTY_HASH >> 128)


class RangeHash(Part):
    """The hash of bytes in memory or in a data frame: `digest`, canonical.

    A copy takes the bytes to a sponge that the prover names, and looks up each of its lanes there;
    lanes and length determine the input, so its digest is theirs.  Of no bytes it is a constant.
    """

    def __init__(self, digest: Word | None = None) -> None:
        self.sponge = Cell(ColumnType.U32)
        self.digest = Halves() if digest is None else digest

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".sponge", self.sponge
        yield "", self.digest

    def use(
        self, c: Builder, some: Expr, none: Expr, id_: Expr, source: tuple[Expr, Expr], size: Expr
    ) -> None:
        """Where `some` is 1, of `size` > 0 bytes read at the clock `id_`; where `none` is, of none.

        `source` is the frame and the first byte.
        """
        frame, start = source
        read = (CopyKind.MEMORY, frame, start, start + size)
        into = (CopyKind.ABSORB, self.sponge, 0, size, 0, 0)
        c.send(COPY, some, id_, *read, *into, label=f"{self.label}: copy to the sponge")
        c.request(KECCAK, some, self.sponge, size, *self.digest, label=f"{self.label}: the digest")
        halves = zip(("low", "high"), self.digest, EMPTY_HALVES, strict=True)
        for name, half, value in halves:
            c.require_zero(f"{self.label} of nothing, {name} half", none * (half - value))

    def plan(
        self,
        owner: object,
        plan: Plan,
        id_: U64,
        source: tuple[U64, U64],
        inputs: Sequence[bytes | None],
    ) -> None:
        """Ask for the copies; `inputs` are the bytes, None where the hash is not asked for."""
        plan.hash(owner, self, list(inputs))
        some = np.array([bool(data) for data in inputs], np.bool_)
        size = np.array([len(data or b"") for data in inputs], np.uint64)[some]
        sponge = np.array([plan.sponges.identify(d) for d in inputs if d], np.uint64)
        frame, start = (column[some] for column in source)
        zero = np.zeros(len(size), np.uint64)
        read = (zero + np.uint64(CopyKind.MEMORY), frame, start, start + size)
        into = (zero + np.uint64(CopyKind.ABSORB), sponge, zero, size, zero, zero)
        plan.request(COPY, id_[some], *read, *into)

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        w[self.sponge], w[self.digest] = _found(w, plan, owner, self)


class AddressHash(Part):
    """The low 160 bits of a hash, `address`, of lanes that the row has."""

    def __init__(self) -> None:
        self.sponge = Cell(ColumnType.U32)
        self.low = Cell(ColumnType.U128)
        self.high = Uint(128)
        self.address: Expr = self.low + 2**128 * recompose(self.high.cells[:2], 16)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".sponge", self.sponge
        yield ".low", self.low
        yield ".high", self.high

    def use(self, c: Builder, lanes: Sequence[tuple[Expr, Expr]], length: Expr | int) -> None:
        """On every real row, of `length` bytes: `lanes` are pairs of when it is asked, and lane."""
        for place, (when, lane) in enumerate(lanes):
            label = f"{self.label}: lane {place}"
            c.request(ABSORB, when, self.sponge, place, lane, label=label)
        digest = (self.low, self.high.value)
        c.request(KECCAK, c.real, self.sponge, length, *digest, label=f"{self.label}: the digest")

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        w[self.sponge], found = _found(w, plan, owner, self)
        w[self.low], w[self.high] = found[:, :2], found[:, 2:]


def _found(w: Witness, plan: Plan, owner: object, part: Part) -> tuple[U64, Words]:
    """Sponges and digests of what a part hashes, 0 where it does not."""
    inputs = plan.hashed(owner, part) or [None] * w.rows
    sponges = (plan.sponges.identify(data) if data else 0 for data in inputs)
    digests = words_from_ints(0 if data is None else digest(data) for data in inputs)
    return np.array(list(sponges), np.uint64), digests


def digest(data: bytes) -> int:
    """Keccak-256 as a word."""
    return int.from_bytes(keccak256(data), "big")
