"""256-bit words as rows of four 64-bit limbs, least significant first.

Such an array viewed as `np.uint16` gives sixteen limbs a word, as `np.uint8` thirty-two bytes.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zkevm.vectors import kernel

Words: TypeAlias = NDArray[np.uint64]
"""Shape (n, 4), C-contiguous; limb k has weight 2**(64 * k)."""

WORD_BYTES = 32
LIMBS = 4


def words_from_bytes(little_endian: bytes | bytearray) -> Words:
    """Return the words whose little-endian bytes follow one another (a view, not a copy)."""
    return np.frombuffer(little_endian, dtype="<u8").reshape(-1, LIMBS)


def words_from_big_endian(data: bytes | bytearray) -> Words:
    """Return the words whose big-endian bytes follow one another, as memory holds them."""
    reversed_bytes = np.frombuffer(data, np.uint8).reshape(-1, WORD_BYTES)[:, ::-1]
    return np.ascontiguousarray(reversed_bytes).view("<u8")


def words_from_ints(values: Iterable[int]) -> Words:
    """Return the words of the given integers, each in [0, 2**256)."""
    return words(list(values))


@kernel
def words(integers: list[int]) -> Words:
    """The same of a list; `OverflowError` for another integer."""
    return words_from_bytes(b"".join([each.to_bytes(WORD_BYTES, "little") for each in integers]))


def ints_from_words(words: Words) -> list[int]:
    """Return the integers of the given words."""
    data = np.ascontiguousarray(words).tobytes()
    return [
        int.from_bytes(data[start : start + WORD_BYTES], "little")
        for start in range(0, len(data), WORD_BYTES)
    ]
