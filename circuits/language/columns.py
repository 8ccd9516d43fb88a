"""Column kinds.  A kind says the range of its cells and who proves it.

`Cell` (in `part`) is the only kind that proves nothing: for what a bus guarantees or constraints
fix. Checked kinds look their cells up on every real row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from circuits.buses import BYTES, RANGE16
from circuits.language.arrays import Array
from circuits.language.builder import Builder
from circuits.language.part import Cell, Part
from circuits.language.witness import Witness
from zkevm.plonkish.expression import Column, ColumnType, Expr, recompose, total

if TYPE_CHECKING:
    from circuits.language.plan import Plan

LIMB_BITS = 16


class Bit(Cell):
    """A cell in {0, 1}, proven here."""

    def __init__(self) -> None:
        super().__init__(ColumnType.BIT)

    def constrain(self, c: Builder) -> None:
        c.require_zero(f"{self.name} is a bit", self * (self - 1))


class U16(Cell):
    """A cell below 2^16, proven here."""

    def __init__(self) -> None:
        super().__init__(ColumnType.U16)

    def constrain(self, c: Builder) -> None:
        c.request(RANGE16, c.real, self)


class Row(Part):
    """Several cells of one kind: `cells[i]`."""

    kind: type[Cell] = Cell
    type = ColumnType.FIELD

    def __init__(self, count: int) -> None:
        self.cells: tuple[Cell, ...] = tuple(self._make() for _ in range(count))

    def _make(self) -> Cell:
        return self.kind() if self.kind is not Cell else Cell(self.type)

    def __getitem__(self, i: int) -> Cell:
        return self.cells[i]

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[Cell]:
        return iter(self.cells)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        for i, cell in enumerate(self.cells):
            yield f"[{i}]", cell

    def assign(self, w: Witness, values: Array) -> None:
        """From an (n, count) array."""
        w.store_all(self.cells, values)

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        """Nothing: no cell follows from accesses."""


class Cells(Row):
    """Unproven cells of one type."""

    def __init__(self, count: int, type: ColumnType) -> None:
        self.type = type
        super().__init__(count)


class Bits(Row):
    """Cells in {0, 1}, proven here."""

    kind = Bit


class OneHot(Bits):
    """Bits of which exactly one is set on a real row, none on padding."""

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        c.require_equal(f"{self.label} is one-hot", total(self.cells), c.real)

    def select(self, values: Iterable[Expr | int]) -> Expr:
        """The value at the set position."""
        return total(bit * value for bit, value in zip(self.cells, values, strict=True))

    def assign(self, w: Witness, values: Array) -> None:
        """From the (n,) positions, or from an (n, count) array."""
        if values.ndim == 1:
            values = values[:, None] == np.arange(len(self.cells))
        super().assign(w, values)


class Uint(Row):
    """A number in [0, 2^bits), proven here by 16-bit limbs; a narrower top limb is looked up twice.

    `value` is the number, linear in the limbs.
    """

    kind = U16

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(-(-bits // LIMB_BITS))

    @property
    def value(self) -> Expr:
        """The number."""
        return recompose(self.cells, LIMB_BITS)

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        if spare := -self.bits % LIMB_BITS:
            c.request(RANGE16, c.real, self.cells[-1] * (1 << spare))

    def assign(self, w: Witness, values: Array) -> None:
        """From numbers (n,), halves or words, or the limbs themselves (n, count)."""
        as_limbs = values.ndim == 2 and values.shape[1] not in (2, 4)
        if as_limbs:
            super().assign(w, values)
        else:
            w.store_pieces(self.cells, LIMB_BITS, values)


class Bytes(Row):
    """Cells below 2^8, proven here two by two.  `value` is the number, least significant first."""

    type = ColumnType.U8

    @property
    def value(self) -> Expr:
        """The number."""
        return recompose(self.cells, 8)

    def constrain(self, c: Builder) -> None:
        cells = list(self.cells)
        for a, b in zip(cells[::2], cells[1::2], strict=False):
            c.request(BYTES, c.real, a, b)
        if len(cells) % 2:
            c.request(BYTES, c.real, cells[-1], 0)

    def assign(self, w: Witness, values: Array) -> None:
        """From numbers (n,), halves, words, or the bytes themselves (n, count) uint8."""
        if values.dtype == np.uint8 and values.ndim == 2:
            super().assign(w, values)
        else:
            w.store_pieces(self.cells, 8, values)
