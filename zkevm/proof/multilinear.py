"""Multilinear extensions and small interpolation over the scalar field.

Points list the coordinate of the least significant bit first.  eq(a, b) is the product over i of
a_i b_i + (1 - a_i)(1 - b_i): on bits, 1 if a = b and else 0.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

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


def block_weights(point: Sequence[int], start: int, blocks: range, factor: int = 1) -> list[int]:
    """`factor` times eq(point[start:], bits of a block number), for blocks that follow one another.

    A block number has len(point) - start bits; without blocks, start may be larger.
    """
    if start >= len(point):
        return [factor] * len(blocks)
    above = range(blocks.start >> 1, blocks.stop + 1 >> 1)
    parents = block_weights(point, start + 1, above, factor)
    x = point[start]
    weights: list[int] = []
    for parent in parents:
        of_odd = parent * x % MODULUS
        weights += ((parent - of_odd) % MODULUS, of_odd)
    return weights[blocks.start & 1 :][: len(blocks)]


def block_series(point: Sequence[int], start: int, blocks: range, ratio: int) -> int:
    """The sum over i of ratio^i times eq(point[start:], bits of blocks[i]).

    Two blocks that differ in the lowest bit only are one of half the number: so it takes steps for
    the bits, and not for the blocks.
    """
    point = point[start:]
    before, after = _suffix_weights(point, blocks.start - 1), _suffix_weights(point, blocks.stop)

    def series(level: int, blocks: range, ratio: int) -> int:
        if not blocks or level == len(point):
            return len(blocks)
        x = point[level]
        pairs = range(blocks.start + 1 >> 1, blocks.stop >> 1)
        total = (1 - x + x * ratio) * series(level + 1, pairs, ratio * ratio % MODULUS)
        if blocks.start & 1:
            total = x * before[level + 1] + ratio * total
        if blocks.stop & 1:
            last = (1 - x) * after[level + 1]
            total += pow(ratio, len(blocks) - 1, MODULUS) * last
        return total % MODULUS

    return series(0, blocks, ratio)


def _suffix_weights(point: Sequence[int], block: int) -> list[int]:
    """eq(point[k:], the bits of `block` from bit k on) for k = 0, ..., len(point)."""
    result = [1]
    for k in reversed(range(len(point))):
        result.append(result[-1] * (point[k] if block >> k & 1 else 1 - point[k]) % MODULUS)
    return result[::-1]


def horner(coefficients: Sequence[int], x: int) -> int:
    """The value at `x` of the polynomial with these coefficients, the constant one first."""
    value = 0
    for coefficient in reversed(coefficients):
        value = (value * x + coefficient) % MODULUS
    return value


@cache
def _inverses(count: int) -> list[int]:
    """1 / 1, ..., 1 / count."""
    return [inverse(i) for i in range(1, count + 1)]


def interpolate(values: Sequence[int], x: int) -> int:
    """The value at `x` of the polynomial of lowest degree with values[j] at j.

    By Newton, the sum over k of (x choose k) times the k-th difference of the values.
    """
    result, binomial, differences = 0, 1, list(values)
    for k, inverse_of_next in enumerate(_inverses(len(values))):
        result += binomial * differences[0]
        binomial = binomial * (x - k) % MODULUS * inverse_of_next % MODULUS
        differences = [b - a for a, b in pairwise(differences)]
    return result % MODULUS
