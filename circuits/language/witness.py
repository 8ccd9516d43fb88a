"""The cells of one table, column by column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.language.part import Part
from zkevm.plonkish.expression import Column
from zkevm.vectors import narrow, pieces


class Witness:
    """Assign a part an array, and its columns are filled: `w[part] = values`.

    `rows` counts the rows in use; those below are zero.
    """

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.cells: dict[Column, NDArray[Any]] = {}

    def __setitem__(self, part: Part, values: Any) -> None:
        part.assign(self, np.asarray(values))

    def __getitem__(self, column: Column) -> NDArray[Any]:
        return self.cells[column]

    def store(self, column: Column, values: Any) -> None:
        """Keep a column: (n,) unsigned, (n, 2) or (n, 4) uint64; a scalar is repeated."""
        array = np.asarray(values)
        if array.ndim == 0:
            array = np.full(self.rows, array)
        if array.dtype.kind not in "bui" or len(array) != self.rows:
            raise ValueError(f"{column.name}: {array.dtype} {array.shape} for {self.rows} rows")
        if array.dtype.kind == "i" and array.size and int(array.min()) < 0:
            raise ValueError(f"{column.name}: negative cells; give field elements")
        self.cells[column] = _narrow(array)

    def store_all(self, columns: Sequence[Column], values: NDArray[Any]) -> None:
        """Keep columns whose cells lie side by side, (n, count); what lies beyond is left out."""
        if values.dtype.itemsize > 1 or len(values) != self.rows:
            for i, column in enumerate(columns):
                self.store(column, values[:, i])
        else:
            octets = np.ascontiguousarray(values.T[: len(columns)]).view(np.uint8)
            self.cells.update(zip(columns, octets, strict=True))

    def store_pieces(self, columns: Sequence[Column], bits: int, values: NDArray[Any]) -> None:
        """Keep columns that are pieces of numbers (n,), halves or words, the lowest first."""
        if len(values) != self.rows:
            raise ValueError(f"{columns[0].name}: {len(values)} cells for {self.rows} rows")
        whole = np.ascontiguousarray(values, np.uint64)
        self.cells.update(zip(columns, pieces(whole, bits, len(columns)), strict=True))

    def word(self, lo: Column, hi: Column) -> NDArray[np.uint64]:
        """The words (n, 4) in two columns of halves that are filled."""
        out = np.zeros((self.rows, 4), np.uint64)
        for start, cells in ((0, self.cells[lo]), (2, self.cells[hi])):
            half = cells[:, None] if cells.ndim == 1 else cells
            out[:, start : start + half.shape[1]] = half
        return out

    def missing(self, columns: tuple[Column, ...]) -> list[str]:
        """Names of the columns that nobody filled."""
        return [c.name for c in columns if c not in self.cells]


def joined(parts: Sequence[Witness]) -> Witness:
    """The rows of several witnesses of one table, one after the other."""
    if len(parts) == 1:
        return parts[0]
    w = Witness(sum(part.rows for part in parts))
    for column in parts[0].cells:
        pieces = [part.cells[column] for part in parts]
        width = max(piece.shape[1] if piece.ndim == 2 else 1 for piece in pieces)
        if width > 1:
            flat = [piece.reshape(len(piece), -1) for piece in pieces]
            pieces = [np.pad(piece, ((0, 0), (0, width - piece.shape[1]))) for piece in flat]
        w.cells[column] = np.concatenate(pieces)
    return w


def _narrow(array: NDArray[Any]) -> NDArray[Any]:
    """The same cells in the smallest type that holds them: the cost of a cell follows its value."""
    if array.itemsize == 1:
        return np.ascontiguousarray(array, np.uint8)
    unsigned = np.dtype(f"u{array.itemsize}")
    return narrow(np.ascontiguousarray(array).view(unsigned))
