"""Multilinear extensions and small interpolation over the scalar field.

Points list the coordinate of the least significant bit first.  eq(a, b) is the product over i of
a_i b_i + (1 - a_i)(1 - b_i): on bits, 1 if a = b and else 0.
"""

from collections.abc import Sequence
from functools import cache
from math import factorial

from zkevm.field import MODULUS, inverse


def powers(base: int, count: int) -> list[int]:
    """1, base, ..., base^(count - 1)."""
    result = [1] * count
    for i in range(1, count):
        result[i] = result[i - 1] * base % MODULUS
    return result


def line(at_zero: int, at_one: int, x: int) -> int:
    """The value at `x` of the line through these two."""
    return (at_zero + x * (at_one - at_zero)) % MODULUS


def eq_prefixes(a: Sequence[int], b: Sequence[int]) -> list[int]:
    """eq of the first k coordinates of two points, for k = 0, ..., the length of the shorter."""
    result = [1]
    for x, y in zip(a, b, strict=False):
        result.append(result[-1] * (1 - x - y + 2 * x * y) % MODULUS)
    return result


def zero_suffixes(point: Sequence[int], length: int) -> list[int]:
    """eq of point[k:length] and zeros, for k = 0, ..., length."""
    result = [1]
    for x in reversed(point[:length]):
        result.append(result[-1] * (1 - x) % MODULUS)
    return result[::-1]


class BlockWeights:
    """eq(point[start:], bits of a block number), remembered.

    Neighbouring blocks share their high bits, also across different starts, so a weight costs
    about one multiplication.
    """

    def __init__(self, point: Sequence[int]) -> None:
        self._point = point
        self._known: dict[tuple[int, int], int] = {}

    def __call__(self, start: int, block: int) -> int:
        """The weight of `block`, a number of len(point) - start bits."""
        if start == len(self._point):
            return 1
        known = self._known.get((start, block))
        if known is None:
            x = self._point[start]
            factor = x if block & 1 else 1 - x
            known = self(start + 1, block >> 1) * factor % MODULUS
            self._known[start, block] = known
        return known


@cache
def _node_weights(count: int) -> list[int]:
    """Inverses of the products of j - i over the other nodes i of 0, ..., count - 1."""
    return [
        inverse((-1) ** (count - 1 - j) * factorial(j) * factorial(count - 1 - j))
        for j in range(count)
    ]


def interpolate(values: Sequence[int], x: int) -> int:
    """The value at `x` of the polynomial of lowest degree with values[j] at j."""
    count = len(values)
    below = [1] * count  # products of x - i over i < j
    above = [1] * count  # products of x - i over i > j
    for j in range(1, count):
        below[j] = below[j - 1] * (x - j + 1) % MODULUS
        above[-1 - j] = above[-j] * (x - count + j) % MODULUS
    terms = zip(values, below, above, _node_weights(count), strict=True)
    return sum(v * b % MODULUS * (a * w % MODULUS) for v, b, a, w in terms) % MODULUS
