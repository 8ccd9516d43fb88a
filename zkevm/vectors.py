"""Vectors: cells by their places, words in pieces, columns in their smallest type.

The functions say in numpy what the kernels of their names do, which take over where they are
installed. A *column* is (n,) unsigned, (n, 2) or (n, 4) uint64: numbers, halves, words. *Places*
and counts are (n,) int64 or unsigned; they are not negative.
"""

from collections.abc import Callable, Sequence
from functools import wraps
from importlib import import_module
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
P = ParamSpec("P")
R = TypeVar("R")


def native() -> ModuleType | None:
    """The native module, None where it is not installed."""
    try:
        return import_module("zkevm._native")
    except ImportError:
        return None


def kernel(plain: Callable[P, R]) -> Callable[P, R]:
    """The kernel of this name, or the function itself where there is none."""

    @wraps(plain)
    def chosen(*arguments: P.args, **named: P.kwargs) -> R:
        kernels = native()
        function: Callable[P, R] = getattr(kernels, plain.__name__) if kernels else plain
        return function(*arguments, **named)

    return chosen


@kernel
def take(column: Array, places: Array) -> Array:
    """The cells at these places, in their type, which may also be signed or boolean."""
    return column.take(places, axis=0)


@kernel
def gather(columns: Sequence[Array], places: Array) -> list[Array]:
    """The cells of each column at these places, in the smallest type that holds them."""
    return [narrow(column.take(places, axis=0)) for column in columns]


@kernel
def narrow(column: Array) -> Array:
    """The same cells in the smallest type that holds them."""
    while column.ndim == 2 and not column[:, column.shape[1] // 2 :].any():
        column = column[:, : column.shape[1] // 2] if column.shape[1] > 2 else column[:, 0]
    if column.ndim == 1:
        top = int(column.max()) if column.size else 0
        for dtype in (np.uint8, np.uint16, np.uint32):
            if top <= np.iinfo(dtype).max:
                return np.ascontiguousarray(column, dtype)
    return np.ascontiguousarray(column, np.uint64)


@kernel
def pieces(column: Array, bits: int, count: int) -> list[Array]:
    """The `count` lowest pieces of 8, 16, 64 or 128 bits of cells of 64 bits or more.

    The lowest piece first; each is a column, in the smallest type that holds its cells.
    """
    rows = column if column.ndim == 2 else column[:, None]
    if bits == 128:
        cut = [rows[:, 2 * i : 2 * i + 2] for i in range(count)]
    else:
        cut = list(rows.view(f"<u{bits // 8}").T[:count])
    return [narrow(np.ascontiguousarray(piece)) for piece in cut]


@kernel
def previous(keys: NDArray[np.uint32]) -> NDArray[np.int64]:
    """For each key the place of the last one before that is equal to it, or -1."""
    order = np.argsort(keys, kind="stable")
    same = keys[order[1:]] == keys[order[:-1]]
    before = np.full(len(keys), -1)
    before[order[1:][same]] = order[:-1][same]
    return before


@kernel
def spread(counts: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Each i of `counts` as often as its count says, and how many times it came before."""
    items = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    first = np.cumsum(counts) - counts
    times = np.arange(len(items)) - np.repeat(first, counts)
    return items, times.astype(np.uint32)
