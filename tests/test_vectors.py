"""Vectors rearranged: the kernels do what their definitions in numpy say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.language.arrays import inverses
from tests.support.kernels import native, needs_native
from zkevm import vectors
from zkevm.field import MODULUS
from zkevm.trace.words import ints_from_words, words

EDGES = (0, 1, 0xFF, 0x100, 0xFFFF, 1 << 16, (1 << 32) - 1, 1 << 32, (1 << 64) - 1)
LARGE = 1 << 17
"""Cells that are shared out among threads."""


@st.composite
def columns(draw, widths=(1, 2, 4), items=("u1", "u2", "u4", "u8")):
    width = draw(st.sampled_from(widths))
    dtype = np.dtype(draw(st.sampled_from(items))) if width == 1 else np.dtype("u8")
    top = draw(st.sampled_from([e for e in EDGES if e <= np.iinfo(dtype).max]))
    cells = draw(st.lists(st.lists(st.integers(0, top), min_size=width, max_size=width)))
    array = np.array(cells, dtype).reshape(-1, width)
    array[:, draw(st.integers(1, width)) :] = 0
    return array if width > 1 else array[:, 0].copy()


def same(found, expected):
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
        return
    assert found.dtype == expected.dtype
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, expected)


def check(function, *arguments):
    plain = function.__wrapped__
    expected = plain(*arguments)
    same(function(*arguments), expected)
    return expected


@needs_native
@given(st.lists(st.sampled_from(EDGES) | st.integers(0, (1 << 256) - 1)))
def test_words_of_integers(integers):
    assert ints_from_words(check(words, integers)) == integers


@needs_native
@pytest.mark.parametrize("integer", [-1, 1 << 256, 1 << 300])
def test_other_integers_are_no_words(integer):
    for function in (words, words.__wrapped__):
        with pytest.raises(OverflowError):
            function([integer])


@needs_native
@given(columns(), st.data())
def test_cells_by_place(column, data):
    last = len(column) - 1
    places = data.draw(st.lists(st.integers(0, last))) if len(column) else []
    dtype = data.draw(st.sampled_from([np.uint32, np.int64]))
    taken = check(vectors.take, column, np.array(places, dtype))
    assert len(taken) == len(places)
    check(vectors.gather, [column, column[:, None].reshape(column.shape)], np.array(places, dtype))


@needs_native
@pytest.mark.parametrize("dtype", [np.bool_, np.int64, np.int32, np.uint16])
def test_cells_keep_their_type(dtype):
    column = np.array([0, 1, 1, 0]).astype(dtype)
    check(vectors.take, column if dtype is np.bool_ else column - dtype(1), np.array([3, 0]))


@needs_native
@given(columns())
def test_the_smallest_type(column):
    narrowed = check(vectors.narrow, column)
    same(vectors.narrow(narrowed), narrowed)


@needs_native
@given(columns(items=("u8",)), st.sampled_from([8, 16, 64, 128]), st.data())
def test_pieces(column, bits, data):
    whole = 64 * (column.shape[1] if column.ndim == 2 else 1) // bits
    check(vectors.pieces, column, bits, data.draw(st.integers(0, whole)))


@needs_native
@given(st.lists(st.sampled_from([0, 1, 7, 1 << 31, (1 << 32) - 1])))
def test_the_previous_equal_key(keys):
    before = check(vectors.previous, np.array(keys, np.uint32))
    for place, key in enumerate(keys):
        earlier = [i for i in range(place) if keys[i] == key]
        assert before[place] == (earlier[-1] if earlier else -1)


@needs_native
@given(st.lists(st.integers(0, 5)))
def test_items_by_their_counts(counts):
    items, times = check(vectors.spread, np.array(counts, np.int64))
    pairs = [(item, time) for item, count in enumerate(counts) for time in range(count)]
    assert list(zip(items.tolist(), times.tolist(), strict=True)) == pairs


@needs_native
def test_many_cells():
    random = np.random.default_rng(1)
    words = random.integers(0, 1 << 64, (LARGE, 4), np.uint64)
    words[:, 1:3] >>= np.uint64(60)
    places = random.permutation(LARGE)
    check(vectors.take, words, places)
    check(vectors.gather, [words, words[:, 1].copy()], places)
    for bits in (8, 16, 64, 128):
        check(vectors.pieces, words, bits, 256 // bits)
    check(vectors.previous, places.astype(np.uint32) % 1000)


@needs_native
@given(columns(), st.data())
def test_inverses_of_differences(column, data):
    column = column[:, :2].copy() if column.ndim == 2 else column
    other = column[np.array(data.draw(st.permutations(range(len(column)))), np.int64)]
    found = check(inverses, column, other)
    for lhs, rhs, inverse in zip(*map(integers, (column, other, found)), strict=True):
        assert (lhs - rhs) * inverse % MODULUS == (lhs != rhs)


def integers(array):
    rows = array if array.ndim == 2 else array[:, None]
    return [sum(int(word) << 64 * k for k, word in enumerate(row)) for row in rows]


@needs_native
def test_what_is_malformed_is_refused():
    numbers, words = np.arange(4, dtype=np.uint64), np.ones((4, 4), np.uint64)
    refused = [
        lambda: native.take(numbers, np.array([4])),
        lambda: native.take(numbers, np.array([-1])),
        lambda: native.take(numbers, np.array([0.5])),
        lambda: native.take(numbers.astype(">u8"), np.array([0])),
        lambda: native.take(words[:, :3].copy(), np.array([0])),
        lambda: native.gather([numbers[::2]], np.array([0])),
        lambda: native.gather([numbers, words], np.array([[0]])),
        lambda: native.narrow(numbers.astype(np.float64)),
        lambda: native.pieces(numbers, 12, 1),
        lambda: native.pieces(numbers, 16, 5),
        lambda: native.pieces(numbers.astype(np.uint32), 16, 1),
        lambda: native.previous(numbers),
        lambda: native.spread(np.array([1 << 32])),
        lambda: native.spread(np.array([-1])),
        lambda: native.inverses(numbers, numbers[:2].copy()),
        lambda: native.inverses(np.full((1, 4), (1 << 64) - 1, np.uint64), words[:1].copy()),
    ]
    for call in refused:
        with pytest.raises(ValueError, match=r"."):
            call()
