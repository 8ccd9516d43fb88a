"""Fixed columns: public values that nobody commits to, because the verifier evaluates them itself.

Each is a function of the row number alone.  `values(height)` lists it for the prover, and
`evaluate(point)` is its multilinear extension at a point whose first coordinate belongs to the
least significant bit of the row number.  So a verifying key depends on no trusted setup.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.field import MODULUS
from zkevm.plonkish.expression import Expr


class FixedColumn(Expr):
    """A public column, a leaf of expressions like any other."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.degree = 1

    def __repr__(self) -> str:
        return self.name

    @abstractmethod
    def values(self, height: int) -> NDArray[Any]:
        """The 2^height values, as an unsigned integer array."""

    @abstractmethod
    def evaluate(self, point: Sequence[int]) -> int:
        """The multilinear extension of `values(len(point))` at `point`."""

    @abstractmethod
    def describe(self) -> bytes:
        """What enters the digest of the circuit: it determines the values."""


class RowBits(FixedColumn):
    """Bits [start, start + width) of the row number, as a number."""

    __slots__ = ("start", "width")

    def __init__(self, name: str, start: int, width: int) -> None:
        super().__init__(name)
        self.start = start
        self.width = width

    def values(self, height: int) -> NDArray[Any]:
        rows = np.arange(1 << height, dtype=np.uint32)
        return (rows >> np.uint32(self.start)) & np.uint32((1 << self.width) - 1)

    def evaluate(self, point: Sequence[int]) -> int:
        bits = point[self.start : self.start + self.width]
        return sum(x << i for i, x in enumerate(bits)) % MODULUS

    def describe(self) -> bytes:
        return f"row bits {self.start} {self.width}".encode()


class RowAnd(FixedColumn):
    """The bitwise AND of bits [0, width) and [width, 2 * width) of the row number."""

    __slots__ = ("width",)

    def __init__(self, name: str, width: int) -> None:
        super().__init__(name)
        self.width = width

    def values(self, height: int) -> NDArray[Any]:
        rows = np.arange(1 << height, dtype=np.uint32)
        return rows & (rows >> np.uint32(self.width)) & np.uint32((1 << self.width) - 1)

    def evaluate(self, point: Sequence[int]) -> int:
        low, high = point[: self.width], point[self.width : 2 * self.width]
        return sum(a * b << i for i, (a, b) in enumerate(zip(low, high, strict=True))) % MODULUS

    def describe(self) -> bytes:
        return f"row and {self.width}".encode()


class RowIsZero(FixedColumn):
    """Whether bits [start, start + width) of the row number are all zero."""

    __slots__ = ("start", "width")

    def __init__(self, name: str, start: int, width: int) -> None:
        super().__init__(name)
        self.start = start
        self.width = width

    def values(self, height: int) -> NDArray[Any]:
        rows = np.arange(1 << height, dtype=np.uint32)
        bits = (rows >> np.uint32(self.start)) & np.uint32((1 << self.width) - 1)
        return np.asarray(bits == 0, np.uint8)

    def evaluate(self, point: Sequence[int]) -> int:
        product = 1
        for x in point[self.start : self.start + self.width]:
            product = product * (1 - x) % MODULUS
        return product

    def describe(self) -> bytes:
        return f"row is zero {self.start} {self.width}".encode()


class RowIsOneOf(FixedColumn):
    """1 on the listed rows, 0 on the others."""

    __slots__ = ("rows",)

    def __init__(self, name: str, rows: Sequence[int]) -> None:
        super().__init__(name)
        self.rows = tuple(sorted(rows))

    def values(self, height: int) -> NDArray[Any]:
        return np.isin(np.arange(1 << height), self.rows).astype(np.uint8)

    def evaluate(self, point: Sequence[int]) -> int:
        result = 0
        for row in self.rows:
            product = 1
            for i, x in enumerate(point):
                product = product * (x if row >> i & 1 else 1 - x) % MODULUS
            result += product
        return result % MODULUS

    def describe(self) -> bytes:
        return f"row is one of {self.rows}".encode()


class Listed(FixedColumn):
    """Values listed one by one, the last one repeated up to a power of two, then all again.

    So padding rows state what other rows state.  The verifier folds the list (a multiplication a
    value): for short lists.
    """

    __slots__ = ("listed", "width")

    def __init__(self, name: str, listed: Sequence[int]) -> None:
        super().__init__(name)
        self.width = max(0, (len(listed) - 1).bit_length())
        padding = [listed[-1]] * ((1 << self.width) - len(listed))
        self.listed = np.array([*listed, *padding], dtype=np.uint64)

    def values(self, height: int) -> NDArray[Any]:
        return np.tile(self.listed, 1 << height - self.width)

    def evaluate(self, point: Sequence[int]) -> int:
        layer = [int(v) for v in self.listed]
        for x in point[: self.width]:
            pairs = zip(layer[::2], layer[1::2], strict=True)
            layer = [(a + x * (b - a)) % MODULUS for a, b in pairs]
        return layer[0]

    def describe(self) -> bytes:
        return b"listed " + self.listed.astype("<u8").tobytes()


class PowerOfTwo(FixedColumn):
    """2^row.  For heights up to 7 the integer; the verifier's closed form is a product."""

    __slots__ = ()

    def values(self, height: int) -> NDArray[Any]:
        powers = np.zeros((1 << height, 2), dtype=np.uint64)
        for row in range(1 << height):
            powers[row, row // 64] = 1 << row % 64
        return powers

    def evaluate(self, point: Sequence[int]) -> int:
        product = 1
        for i, x in enumerate(point):
            product = product * (1 + x * ((1 << (1 << i)) - 1)) % MODULUS
        return product

    def describe(self) -> bytes:
        return b"power of two"
