"""Multilinear extensions and small interpolation over the scalar field.

Points list the coordinate of the least significant bit first.  eq(a, b) is the product over i of
a_i b_i + (1 - a_i)(1 - b_i): on bits, 1 if a = b and else 0.
"""

from collections.abc import Sequence
from functools import cache
from math import factorial, isqrt
from operator import mul, sub

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


def block_weights(point: Sequence[int], start: int, blocks: range) -> list[int]:
    """eq(point[start:], bits of a block number), for blocks that follow one another.

    A block number has len(point) - start bits; without blocks, start may be larger.
    """
    if start >= len(point):
        return [1] * len(blocks)
    above = range(blocks.start >> 1, blocks.stop + 1 >> 1)
    weights = _split(block_weights(point, start + 1, above), point[start])
    return weights[blocks.start & 1 :][: len(blocks)]


def falling_block_weights(
    point: Sequence[int], shapes: Sequence[tuple[int, range]]
) -> list[list[int]]:
    """`block_weights` for each start and blocks; starts fall, and blocks begin where others end.

    One descent serves all: at a level it has the weights of what is still to come.
    """
    last_start, last_blocks = shapes[-1]
    end = last_blocks.stop << last_start
    level, first, weights = len(point), 0, [1]
    result = []
    for start, blocks in shapes:
        while level > start:
            level -= 1
            odd = (blocks.start << start >> level) - 2 * first
            first = 2 * first + odd
            weights = _split(weights, point[level])[odd:][: -(-end >> level) - first]
        result.append(weights[: len(blocks)])
        first, weights = blocks.stop, weights[len(blocks) :]
    return result


def _split(weights: Sequence[int], x: int) -> list[int]:
    """From eq of some coordinates and numbers of as many bits to one more of each, the lowest."""
    children: list[int] = []
    for weight in weights:
        of_odd = weight * x % MODULUS
        children += ((weight - of_odd) % MODULUS, of_odd)
    return children


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
    """The value at `x` of the polynomial with these coefficients, the constant one first.

    In sums of as many terms as there are sums: each is reduced once.
    """
    terms = isqrt(len(coefficients)) + 1
    low = powers(x, terms)
    high = low[-1] * x % MODULUS
    value = 0
    for start in reversed(range(0, len(coefficients), terms)):
        value = (value * high + sum(map(mul, low, coefficients[start : start + terms]))) % MODULUS
    return value


@cache
def _factorial_inverse(n: int) -> int:
    return inverse(factorial(n))


def interpolate(values: Sequence[int], x: int) -> int:
    """The value at `x` of the polynomial of lowest degree with values[j] at j.

    By Newton, the sum over k of (x choose k) times the k-th difference of the values: nested, and
    multiplied by the factorial of the degree until the end.
    """
    degree = len(values) - 1
    heads = [values[0]]
    while len(values) > 1:
        values = list(map(sub, values[1:], values))
        heads.append(values[0])
    result, factor = heads.pop(), 1
    for k in range(degree - 1, -1, -1):
        factor *= k + 1
        result = (factor * heads[k] + (x - k) * result) % MODULUS
    return result * _factorial_inverse(degree) % MODULUS
