"""Commitments against the Python curve, for every cell type at its bounds; points and powers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc.optimized_bn128 import G1, add, multiply, normalize

from tests.support.kernels import native, needs_native
from zkevm.field import MODULUS, encode

pytestmark = needs_native

TAU = 0x1234567890ABCDEF1234567890ABCDEF
COUNT = 40
INFINITY = bytes(64)

LIMITS = {
    "bit": (np.uint8, 1, 2),
    "u8": (np.uint8, 1, 1 << 8),
    "u16": (np.uint16, 1, 1 << 16),
    "u32": (np.uint32, 1, 1 << 32),
    "u64": (np.uint64, 1, 1 << 64),
    "u128": (np.uint64, 2, 1 << 128),
    "field": (np.uint64, 4, MODULUS),
}


def bases(count=COUNT):
    return native.Bases(native.powers(encode(TAU), count))


def column(kind, values):
    dtype, words, _ = LIMITS[kind]
    if words == 1:
        return np.array(values, dtype=dtype)
    cells = [[v >> 64 * i & (1 << 64) - 1 for i in range(words)] for v in values]
    return np.array(cells, dtype=dtype).reshape(-1, words)


def encoded(exponent):
    """`exponent` times the generator, by py_ecc."""
    if exponent % MODULUS == 0:
        return INFINITY
    return b"".join(int(c).to_bytes(32, "little") for c in normalize(multiply(G1, exponent)))


def in_exponent(values, offset=0):
    return sum(v * pow(TAU, offset + i, MODULUS) for i, v in enumerate(values)) % MODULUS


@pytest.mark.parametrize("kind", LIMITS)
def test_bounds_of_every_type(kind):
    limit = LIMITS[kind][2]
    edges = [0, 1, limit - 1, limit // 2, limit // 2 - 1, limit - 1, 0]
    for values in ([], [0], [1], [limit - 1], [0] * COUNT, [limit - 1] * COUNT, edges):
        for offset in (0, COUNT - len(values)):
            point = bases().msm(column(kind, values), offset)
            assert point == encoded(in_exponent(values, offset))


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_pieces_of_mixed_types(data):
    kinds = data.draw(st.lists(st.sampled_from(sorted(LIMITS)), max_size=5))
    pieces, exponent, offset = [], 0, 0
    for kind in kinds:
        limit = LIMITS[kind][2]
        values = data.draw(st.lists(st.integers(0, limit - 1), max_size=8))
        pieces.append((offset, column(kind, values)))
        exponent += in_exponent(values, offset)
        offset += len(values)
    both = native.commit(bases(), [pieces, pieces[::-1]])
    assert both == [encoded(exponent)] * 2


@pytest.mark.parametrize("size", [300, 5000])
def test_large_sums_of_every_type(size):
    """Large enough for wide windows; repeated bases make equal and opposite points meet."""
    rng = np.random.default_rng(size)
    for tau in (TAU, 1, MODULUS - 1):
        points = native.Bases(native.powers(encode(tau), size))
        powers = [pow(tau, i, MODULUS) for i in range(size)]
        for kind, (_, _, limit) in LIMITS.items():
            values = [int.from_bytes(rng.bytes(32), "little") % limit for _ in range(size)]
            exponent = sum(v * p for v, p in zip(values, powers, strict=True))
            assert points.msm(column(kind, values)) == encoded(exponent)


def test_points_need_not_be_aligned():
    memory = np.zeros(64 * COUNT + 1, dtype=np.uint8)
    memory[1:] = native.powers(encode(TAU), COUNT).reshape(-1)
    odd = native.Bases(memory[1:].reshape(COUNT, 64))
    assert odd.msm(np.array([1, 2], dtype=np.uint8)) == encoded(1 + 2 * TAU)


def test_powers_are_montgomery_points_of_the_curve():
    points = native.powers(encode(TAU), COUNT)
    assert points.shape == (COUNT, 64)
    assert native.check_on_curve(points) == -1
    assert native.check_on_curve(points[:0]) == -1
    x, y = normalize(add(G1, multiply(G1, TAU - 1)))
    modulus = x.field_modulus
    expected = [int(c) * (1 << 256) % modulus for c in (x, y)]
    words = bytes(points[1])
    assert [int.from_bytes(words[i : i + 32], "little") for i in (0, 32)] == expected
    for row, change in ((0, 1), (7, 255)):
        bad = points.copy()
        bad[row, 3] ^= change
        assert native.check_on_curve(bad) == row
    bad = points.copy()
    bad[5] = 0  # infinity is not a power of tau
    assert native.check_on_curve(bad) == 5
    bad = points.copy()
    bad[6] = 255  # coordinates above the modulus
    assert native.check_on_curve(bad) == 6
    with pytest.raises(ValueError, match="modulus"):
        native.Bases(bad)
