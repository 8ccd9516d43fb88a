"""Columns of numbers as numpy arrays.

A *word* array is (n, 4) uint64: 256 bits in little-endian limbs.  A half is (n, 2) uint64, a field
element (n, 4) uint64 below the modulus, a small number (n,) of any unsigned type.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.field import MODULUS, batch_inverse
from zkevm.trace.words import Words, words_from_ints
from zkevm.vectors import kernel

Array = NDArray[Any]
Mask = NDArray[np.bool_]

__all__ = [
    "Array",
    "Mask",
    "Words",
    "extend",
    "field",
    "fits",
    "from_limbs",
    "from_octets",
    "high",
    "integers",
    "inverses",
    "is_zero",
    "limbs",
    "low",
    "octets",
    "signed_field",
    "top_limbs",
    "words",
]

words = words_from_ints


def integers(array: Array) -> list[int]:
    """Any array of this page as Python integers."""
    if array.ndim == 1:
        return [int(v) for v in array]
    raw = np.ascontiguousarray(array, dtype="<u8")
    size = raw.shape[1] * 8
    data = raw.tobytes()
    return [int.from_bytes(data[i : i + size], "little") for i in range(0, len(data), size)]


def limbs(array: Array) -> NDArray[np.uint16]:
    """16-bit limbs, least significant first: 16 of a word, 8 of a half, 4 of a uint64."""
    return _pieces(array, np.dtype("<u2"))


def octets(array: Array) -> NDArray[np.uint8]:
    """Bytes, least significant first: 32 of a word, 16 of a half, 8 of a uint64."""
    return _pieces(array, np.dtype("u1"))


def _pieces(array: Array, dtype: np.dtype[Any]) -> Array:
    raw = np.ascontiguousarray(array)
    if raw.ndim == 1:
        raw = raw.astype("<u8")[:, None]
    return raw.view(dtype).reshape(len(raw), raw.shape[1] * 8 // dtype.itemsize)


def from_limbs(array: Array) -> Array:
    """Words, halves or numbers from 16, 8 or 4 limbs of 16 bits."""
    raw = np.ascontiguousarray(array.astype("<u2")).view("<u8")
    return raw[:, 0] if raw.shape[1] == 1 else raw


def from_octets(array: Array) -> Array:
    """Words, halves or numbers from 32, 16 or 8 bytes, least significant first."""
    raw = np.ascontiguousarray(array.astype("u1")).view("<u8")
    return raw[:, 0] if raw.shape[1] == 1 else raw


def low(array: Words) -> Array:
    """The low halves of words."""
    return np.ascontiguousarray(array[:, :2])


def high(array: Words) -> Array:
    """The high halves of words."""
    return np.ascontiguousarray(array[:, 2:])


def extend(array: Array) -> Words:
    """Small numbers or halves as words."""
    if array.ndim == 1:
        array = array.astype(np.uint64)[:, None]
    return np.pad(array, ((0, 0), (0, 4 - array.shape[1])))


def is_zero(array: Array) -> NDArray[np.bool_]:
    """Which rows are zero."""
    zero = array == 0
    return np.asarray(zero if array.ndim == 1 else zero.all(axis=1), np.bool_)


def fits(array: Array, bits: int) -> NDArray[np.bool_]:
    """Which rows are below 2^bits, for a multiple of 16."""
    return np.asarray((limbs(array)[:, bits // 16 :] == 0).all(axis=1), np.bool_)


def field(values: Iterable[int]) -> Words:
    """Integers, negative ones too, as field elements."""
    return words(v % MODULUS for v in values)


def signed_field(array: Array) -> Array:
    """An int64 array as field elements; as uint64 where nothing is negative."""
    if not len(array) or int(array.min()) >= 0:
        return array.astype(np.uint64)
    out = words([0]).repeat(len(array), axis=0)
    out[:, 0] = np.abs(array).astype(np.uint64)
    negative = array < 0
    out[negative] = field(int(v) for v in array[negative])
    return out


@kernel
def inverses(left: Array, right: Array) -> Words:
    """1 / (left - right) in the field, 0 for 0, of columns of unsigned numbers or elements."""
    pairs = zip(integers(left), integers(right), strict=True)
    differences = [(a - b) % MODULUS for a, b in pairs]
    nonzero = list(set(differences) - {0})
    known = {0: 0, **dict(zip(nonzero, batch_inverse(nonzero), strict=True))}
    return words(known[difference] for difference in differences)


def one_word(value: int) -> Words:
    """One row with a word."""
    return words([value])


def one_number(value: int) -> NDArray[np.uint64]:
    """One row with a number below 2^64."""
    return np.array([value], np.uint64)


def top_limbs(array: Words) -> NDArray[np.int64]:
    """The place of the highest 16-bit limb that is not zero, -1 for none."""
    nonzero = limbs(array)[:, ::-1] != 0
    places = nonzero.shape[1] - 1 - nonzero.argmax(axis=1)
    return np.where(nonzero.any(axis=1), places, -1)
