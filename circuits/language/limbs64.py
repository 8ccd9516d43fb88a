"""Words as four limbs of 64 bits, and the positions of their products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from circuits.language.arrays import Array, Words, limbs
from circuits.language.columns import LIMB_BITS
from circuits.language.words import LimbWord
from zkevm.plonkish.expression import Expr, recompose, total

LIMB = 1 << 64
CARRY_BITS = 80
"""Two positions, 64 bits apart, carry less than 2**68 out of 128 bits; proven below 2**80."""


def limbs64(word: LimbWord) -> list[Expr]:
    """The 64-bit limbs of a word in 16-bit limbs."""
    cells = word.limbs.cells
    return [recompose(cells[i : i + 4], LIMB_BITS) for i in range(0, 16, 4)]


def position(a: Sequence[Expr], b: Sequence[Expr], k: int) -> Expr:
    """The sum of the products a[i] * b[j] with i + j = k: at most four, below 2**130."""
    return total(a[i] * b[k - i] for i in range(4) if 0 <= k - i < 4)


def carries(a: Words, b: Words, added: Words | None = None) -> tuple[Array, Array]:
    """What `a * b + added` carries out of its low half, and out of its second half with that carry.

    Each is (n, 5): limbs of 16 bits.  Only the positions 0 to 3 of the product are looked at.
    """
    extra = np.zeros((len(a), 16), np.uint64) if added is None else limbs(added).astype(np.uint64)
    low = _carry(_position(a, b, 0), _position(a, b, 1), extra[:, :8])
    second = extra[:, 8:].copy()
    second[:, :5] += low
    return low, _carry(_position(a, b, 2), _position(a, b, 3), second)


def _position(a: Words, b: Words, k: int) -> NDArray[np.uint64]:
    """Position k as sums of 16-bit products, (n, 7): each below 2**36."""
    left, right = (np.ascontiguousarray(limbs(factor).T, np.uint64) for factor in (a, b))
    columns = np.zeros((7, len(a)), np.uint64)
    for i in range(4):
        if 0 <= k - i < 4:
            for x in range(4):
                for y in range(4):
                    columns[x + y] += left[4 * i + x] * right[4 * (k - i) + y]
    return columns.T


def _carry(first: Array, second: Array, added: Array) -> NDArray[np.uint64]:
    """Limbs 8 to 12 of first + second * 2**64 + added."""
    columns = np.zeros((len(first), 13), np.uint64)
    columns[:, :7] += first
    columns[:, 4:11] += second
    columns[:, :8] += added
    for j in range(12):
        columns[:, j + 1] += columns[:, j] >> np.uint64(LIMB_BITS)
    return columns[:, 8:] & np.uint64(0xFFFF)
