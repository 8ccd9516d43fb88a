"""Layouts: blocks are aligned, disjoint and complete, whatever the heights."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import toy
from zkevm.errors import VerificationError
from zkevm.proof.layout import lay_out, lay_out_segments

FORCED = [table.height for table in toy.circuit().tables]
some_heights = st.tuples(
    *(st.none() | (st.integers(0, 8) if n is None else st.just(n)) for n in FORCED)
).filter(lambda heights: any(n is not None for n in heights))


@given(some_heights, st.integers(1, 12))
def test_cells_and_leaves_are_covered_once(heights, m):
    try:
        layout = lay_out(toy.circuit(), heights, m)
    except VerificationError as error:
        assert "too many stack polynomials" in str(error)  # noqa: PT017
        return
    cells, leaves = [], []
    for table in layout.tables:
        size = min(table.height, m)
        for pieces in table.columns:
            assert [chunk for _, _, chunk in pieces] == list(range(1 << table.height - size))
            for polynomial, block, _ in pieces:
                assert block << size < 1 << m
                start = (polynomial << m) + (block << size)
                cells += range(start, start + (1 << size))
        for block in table.blocks:
            leaves += range(block << table.height, (block + 1) << table.height)
    assert cells == list(range(len(cells)))
    assert leaves == list(range(len(leaves)))
    assert layout.stacks - 1 == (len(cells) - 1) >> m
    assert layout.layers == max(1, (len(leaves) - 1).bit_length())
    order = [(-table.height, table.number) for table in layout.tables]
    assert order == sorted(order)
    assert layout.rounds == max(table.height for table in layout.tables)


HONEST = (3, 6, 4, 3, 0, None)


@pytest.mark.parametrize(
    ("heights", "m", "fault"),
    [
        (HONEST[:-1], 5, "5 heights for 6 tables"),
        ((*HONEST, None), 5, "7 heights"),
        ((9, *HONEST[1:]), 5, "table mul: height 9"),
        ((-1, *HONEST[1:]), 5, "table mul: height -1"),
        ((3, 6, 5, 3, 0, None), 5, "table range: height 5, not 4"),
        ((None,) * 6, 5, "no table is present"),
        (HONEST, 0, "out of bounds"),
        (HONEST, 13, "out of bounds"),
        ((8, 8, 4, 3, 0, None), 1, "too many stack polynomials"),
    ],
)
def test_forbidden_shapes(heights, m, fault):
    with pytest.raises(VerificationError, match=fault):
        lay_out(toy.circuit(), heights, m)


@pytest.mark.parametrize("count", [0, 4])
def test_segments_are_bounded(count):
    circuit = toy.circuit(replace(toy.BOUNDS, segments=3))
    assert len(lay_out_segments(circuit, [HONEST] * 3, 5)) == 3
    with pytest.raises(VerificationError, match=f"{count} segments: out of bounds"):
        lay_out_segments(circuit, [HONEST] * count, 5)
