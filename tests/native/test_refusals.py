"""Malformed arguments raise ValueError, and nothing panics or reads past an end."""

import numpy as np
import pytest

from tests.support.kernels import native, needs_native
from zkevm.field import MODULUS, encode

pytestmark = needs_native

ONE, TWO = encode(1), encode(2)
INFINITY = native and native.Lines(bytes(128))
TOO_LARGE = MODULUS.to_bytes(32, "little")
BITS = np.array([0, 1, 1], dtype=np.uint8)
NODES = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0], [4, 0, 1], [3, 3, 2]], dtype=np.uint32)


def bases():
    return native.Bases(native.powers(TWO, 8))


def program(**changes):
    arguments = {
        "width": 2,
        "fixed": 0,
        "nodes": NODES,
        "constants": ONE,
        "constraints": [4],
        "interactions": [(1, 0, [1, 3])],
    } | changes
    return native.Program(*arguments.values())


def rows(height=2, columns=(BITS, BITS)):
    return native.Rows(program(constraints=[]), list(columns), height)


def rounds(messages, degree):
    return native.sumcheck((b"", b"", b""), b"", (b"", b""), messages, degree, ONE)


COLUMNS = {
    "signed": np.array([1], dtype=np.int64),
    "floating": np.array([1.0]),
    "boolean": np.array([True]),
    "big endian": np.array([1], dtype=">u4"),
    "three words": np.zeros((2, 3), dtype=np.uint64),
    "two words of 32 bits": np.zeros((2, 2), dtype=np.uint32),
    "scalar": np.array(1, dtype=np.uint8),
    "cube": np.zeros((1, 1, 1), dtype=np.uint8),
    "strided": np.zeros(6, dtype=np.uint16)[::2],
    "transposed": np.zeros((4, 5), dtype=np.uint64).T[:4].T,
    "unaligned": np.zeros(9, dtype=np.uint8)[1:].view(np.uint64),
    "field element too large": np.full((1, 4), (1 << 64) - 1, dtype=np.uint64),
    "objects": np.array([1], dtype=object),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_of_other_types(name):
    for use in (
        lambda c: bases().msm(c),
        lambda c: native.commit(bases(), [[(0, c)]]),
        lambda c: native.Rows(program(), [c, c], 3),
        lambda c: native.StackedSum([(c, 1, ONE, [(0, 0, 0)])], 1, 1, ONE),
        lambda c: native.Opening(bases(), [[(0, c)]], 1, ONE, ONE),
    ):
        with pytest.raises(ValueError, match=r"column|canonical"):
            use(COLUMNS[name])


REFUSED = {
    "states with a lane too few": lambda: native.keccak_f(np.zeros((2, 24), np.uint64)),
    "states of other numbers": lambda: native.keccak_f(np.zeros((2, 25), np.int64)),
    "tau too large": lambda: native.powers(TOO_LARGE, 1),
    "tau too short": lambda: native.powers(ONE[1:], 1),
    "two taus": lambda: native.powers(ONE + ONE, 1),
    "too many powers": lambda: native.powers(ONE, 1 << 40),
    "points of 63 bytes": lambda: native.Bases(np.zeros((1, 63), dtype=np.uint8)),
    "points of words": lambda: native.check_on_curve(np.zeros((1, 64), dtype=np.uint16)),
    "pairing of half a point": lambda: native.pairing_check(bytes(65), [INFINITY]),
    "pairing of two points with one": lambda: native.pairing_check(bytes(128), [INFINITY]),
    "pairing of a point off the curve": lambda: native.pairing_check(ONE + ONE, [INFINITY]),
    "lines of half a point": lambda: native.Lines(bytes(64)),
    "lines of a point off G2": lambda: native.Lines(ONE + bytes(96)),
    "sum of half a point": lambda: native.combination(bytes(65), bytes(32)),
    "sum of a point off the curve": lambda: native.combination(ONE + ONE, bytes(32)),
    "sum of two points, one scalar": lambda: native.combination(bytes(128), bytes(32)),
    "sum with half a scalar": lambda: native.combination(bytes(64), bytes(16)),
    "sum with a scalar too large": lambda: native.combination(bytes(64), b"\xff" * 32),
    "sumcheck of no round": lambda: rounds(b"", 1),
    "sumcheck of half a round": lambda: rounds(bytes(96), 2),
    "sumcheck of degree 0": lambda: rounds(bytes(32), 0),
    "sumcheck of a word too large": lambda: rounds(b"\xff" * 32, 1),
    "sumcheck of half a word": lambda: rounds(bytes(48), 1),
    "no message": lambda: native.sum_of_fractions([(bytes(32), None)], ONE, ONE),
    "half a message": lambda: native.sum_of_fractions([(bytes(80), b"")], ONE, ONE),
    "too few bases": lambda: bases().msm(BITS, 6),
    "an offset that overflows": lambda: bases().msm(BITS, (1 << 64) - 1),
    "node of a later node": lambda: program(nodes=np.array([[2, 0, 1]], dtype=np.uint32)),
    "node of no column": lambda: program(nodes=np.array([[1, 2, 0]], dtype=np.uint32)),
    "node of no constant": lambda: program(constants=b""),
    "no such operation": lambda: program(nodes=np.array([[5, 0, 0]], dtype=np.uint32)),
    "nodes of 64 bits": lambda: program(nodes=NODES.astype(np.uint64)),
    "constant too large": lambda: program(constants=TOO_LARGE),
    "constraint of no node": lambda: program(constraints=[5]),
    "numerator of no node": lambda: program(interactions=[(1, 5, [])]),
    "message of no node": lambda: program(interactions=[(1, 0, [5])]),
    "degree 2^20": lambda: program(
        nodes=np.array([[1, 0, 0], *([4, i, i] for i in range(20))], dtype=np.uint32)
    ),
    "too few columns": lambda: rows(columns=[BITS]),
    "too many rows": lambda: rows(height=1),
    "height 60": lambda: rows(height=60),
    "values of no node": lambda: rows().evaluate([5], 1),
    "values past the last row": lambda: rows().evaluate([0], 5),
    "provider of no table": lambda: native.count_lookups([rows()], [(1, 0)]),
    "provider of no interaction": lambda: native.count_lookups([rows()], [(0, 1)]),
    "public element too large": lambda: native.imbalance([], [(1, 1, TOO_LARGE)], 1),
    "alpha too large": lambda: native.Fractions([rows()], TOO_LARGE, ONE),
    "too few coordinates": lambda: native.RowSum([rows()], ONE, ONE, ONE, ONE, 4),
    "too few weights": lambda: native.RowSum([rows()], ONE, ONE, ONE * 2, b"", 4),
    "degree 0": lambda: native.RowSum([rows()], ONE, ONE, ONE * 2, ONE, 0),
    "stack size 2^60": lambda: native.StackedSum([], 1, 60, ONE),
    "no such polynomial": lambda: native.StackedSum([(BITS, 2, ONE, [(1, 0, 0)])], 1, 3, ONE * 2),
    "no such block": lambda: native.StackedSum([(BITS, 2, ONE, [(0, 2, 0)])], 1, 3, ONE * 2),
    "no such chunk": lambda: native.StackedSum([(BITS, 2, ONE, [(0, 0, 1)])], 1, 3, ONE * 2),
    "a short point": lambda: native.StackedSum([(BITS, 2, ONE, [(0, 0, 0)])], 1, 3, ONE),
    "opening of too much": lambda: native.Opening(bases(), [], 4, ONE, ONE * 4),
    "opening at a short point": lambda: native.Opening(bases(), [], 3, ONE, ONE * 2),
    "opening of no variable": lambda: native.Opening(bases(), [], 0, ONE, b""),
    "a piece past the end": lambda: native.Opening(bases(), [[(6, BITS)]], 3, ONE, ONE * 3),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    with pytest.raises(ValueError, match=r".+: .+|^no memory"):
        REFUSED[name]()


def test_fractions_out_of_turn():
    fractions = native.Fractions([rows()], ONE, TWO)
    assert fractions.layers == 2
    for call in (
        fractions.round,
        lambda: fractions.bind(ONE),
        fractions.children,
        lambda: fractions.begin_layer(2, ONE * 2, ONE),
        lambda: fractions.begin_layer(1, ONE * 2, ONE),
    ):
        with pytest.raises(ValueError, match="out of turn"):
            call()
    fractions.begin_layer(1, TWO, ONE)
    for call in (fractions.children, lambda: fractions.bind(ONE)):
        with pytest.raises(ValueError, match="out of turn"):
            call()
    fractions.round()
    fractions.bind(TWO)
    fractions.children()
    with pytest.raises(ValueError, match="out of turn"):
        fractions.begin_layer(1, TWO, ONE)


def test_sums_and_openings_out_of_turn():
    row_sum = native.RowSum([rows()], ONE, ONE, TWO * 2, ONE, 4)
    stacked = native.StackedSum([], 1, 1, b"")
    opening = native.Opening(bases(), [], 3, ONE, TWO * 3)
    for call in (
        row_sum.round,
        lambda: row_sum.bind(ONE),
        row_sum.column_values,
        stacked.values,
        lambda: opening.quotient(ONE),
        lambda: opening.witness(ONE),
    ):
        with pytest.raises(ValueError, match="out of turn"):
            call()
    with pytest.raises(ValueError, match="degree"):
        native.RowSum([rows()], ONE, ONE, TWO * 2, ONE, 2).begin(ONE, [ONE * 3])
    with pytest.raises(ValueError, match="delta"):
        row_sum.begin(ONE, [ONE * 2])


def test_empty_inputs():
    assert native.commit(bases(), []) == []
    assert native.commit(bases(), [[]]) == [bytes(64)]
    assert native.count_lookups([], []) == ([], [])
    assert native.imbalance([], [], 5) == []
    fractions = native.Fractions([], ONE, TWO)
    assert (fractions.layers, fractions.root()) == (1, encode(0) * 2 + ONE * 2)
    empty = native.RowSum([], ONE, ONE, b"", b"", 4)
    assert empty.table_sums() == b""
    empty.begin(ONE, [])
    assert empty.column_values() == []
