"""Multilinear extensions and interpolation against their definitions."""

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from zkevm.field import MODULUS
from zkevm.proof.multilinear import (
    block_series,
    block_weights,
    eq_prefixes,
    falling_block_weights,
    horner,
    interpolate,
    line,
    powers,
    zero_suffixes,
)

elements = st.sampled_from([0, 1, 2, MODULUS - 1]) | st.integers(0, MODULUS - 1)
points = st.lists(elements, max_size=6)


def eq(a, b):
    pairs = zip(a, b, strict=True)
    return prod(x * y + (1 - x) * (1 - y) for x, y in pairs) % MODULUS


@given(points, points)
def test_eq_prefixes(a, b):
    shorter = min(len(a), len(b))
    assert eq_prefixes(a, b) == [eq(a[:k], b[:k]) for k in range(shorter + 1)]


@given(points)
def test_zero_suffixes(point):
    n = len(point)
    assert zero_suffixes(point, n) == [eq(point[k:], [0] * (n - k)) for k in range(n + 1)]


@given(points, st.data())
def test_block_weights(point, data):
    start = data.draw(st.integers(0, len(point)))
    ends = st.integers(0, 1 << len(point) - start)
    blocks = range(*sorted((data.draw(ends), data.draw(ends))))
    bits = [[block >> i & 1 for i in range(len(point) - start)] for block in blocks]
    expected = [eq(point[start:], b) for b in bits]
    assert block_weights(point, start, blocks) == expected
    assert block_weights(point, len(point) + 1, range(start, start)) == []


@given(points, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 5)), min_size=1))
def test_falling_block_weights(point, drawn):
    """As many as fit, each time."""
    shapes, position, room = [], 0, 1 << len(point)
    for start, most in sorted(drawn, reverse=True):
        begin = position >> start
        blocks = range(begin, begin + min(most, room - position >> start))
        shapes.append((start, blocks))
        position = blocks.stop << start
    expected = [block_weights(point, start, blocks) for start, blocks in shapes]
    assert falling_block_weights(point, shapes) == expected


@given(points, elements, st.data())
def test_block_series(point, ratio, data):
    start = data.draw(st.integers(0, len(point)))
    ends = st.integers(0, 1 << len(point) - start)
    blocks = range(*sorted((data.draw(ends), data.draw(ends))))
    weights = block_weights(point, start, blocks)
    expected = sum(weight * ratio**i for i, weight in enumerate(weights)) % MODULUS
    assert block_series(point, start, blocks, ratio) == expected


@given(st.lists(elements, max_size=30), elements)
def test_horner(coefficients, x):
    expected = sum(c * x**k for k, c in enumerate(coefficients)) % MODULUS
    assert horner(coefficients, x) == expected


@given(st.lists(elements, min_size=1, max_size=6), elements)
def test_interpolate(coefficients, x):
    def value(at):
        return sum(c * at**k for k, c in enumerate(coefficients)) % MODULUS

    values = [value(j) for j in range(len(coefficients))]
    assert interpolate(values, x) == value(x)


@given(elements, elements, elements)
def test_line(a, b, x):
    assert line(a, b, x) == interpolate([a, b], x)


def test_powers():
    assert powers(3, 5) == [1, 3, 9, 27, 81]
    assert powers(3, 0) == []
