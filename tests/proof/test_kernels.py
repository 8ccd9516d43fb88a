"""The native kernels against the reference ones, on circuits and cells drawn at random.

A proof is a function of its circuit and its cells, so both have to make the same one to the last
byte: that compares commitments, fractions, sums over rows, stacking and opening at once.  Buses
need not balance for that, but constraints hold: the native sum over rows uses that they do.
"""

from dataclasses import dataclass
from operator import add, mul, sub

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support import reference_kernels, toy
from tests.support.kernels import native, needs_native
from zkevm.curve import g1
from zkevm.field import MODULUS, encode
from zkevm.plonkish.expression import (
    Binary,
    Column,
    ColumnType,
    Const,
    Difference,
    Product,
    Sum,
)
from zkevm.plonkish.fixed import Listed, RowAnd, RowBits
from zkevm.plonkish.table import Bus, BusKind, Constraint, Interaction, Role, Table, singly
from zkevm.proof import Circuit, PublicMessage, TableWitness, Witness, prove
from zkevm.proof.layout import lay_out
from zkevm.proof.logup_gkr import Fingerprints
from zkevm.proof.multilinear import block_series
from zkevm.proof.protocol import Statement
from zkevm.proof.prover import _rows
from zkevm.proof.stacking import block_sums
from zkevm.proof.sumcheck import sumcheck
from zkevm.proof.verifier import _sum
from zkevm.proof.zerocheck import ColumnClaims, FinalRow
from zkevm.transcript import WORD, ProofReader, cut, encode_point, word, words_of

pytestmark = needs_native

BUSES = tuple(
    Bus(f"bus {n}", number, BusKind.TOKEN, tuple("abcdefg"[:n]))
    for n, number in ((1, 1), (2, 9), (5, 2**32 - 1))
)
DTYPES = {
    ColumnType.BIT: np.uint8,
    ColumnType.U8: np.uint8,
    ColumnType.U16: np.uint16,
    ColumnType.U32: np.uint32,
    ColumnType.U64: np.uint64,
}
LIMITS = {
    ColumnType.BIT: 2,
    ColumnType.U8: 1 << 8,
    ColumnType.U16: 1 << 16,
    ColumnType.U32: 1 << 32,
    ColumnType.U64: 1 << 64,
    ColumnType.U128: 1 << 128,
    ColumnType.FIELD: MODULUS,
}


def numbers(limit):
    edges = [v for v in (0, 1, 2, limit - 1, limit - 2, limit // 2) if 0 <= v < limit]
    return st.sampled_from(edges) | st.integers(0, limit - 1)


@st.composite
def expressions(draw, leaves, degree):
    """A polynomial in the leaves of at most this degree."""
    terms = draw(st.lists(st.lists(st.sampled_from(leaves), max_size=degree), max_size=3))
    result = draw(numbers(MODULUS)) + 0 * leaves[0]
    for term in terms:
        product = draw(numbers(MODULUS))
        for factor in term:
            product = factor * product
        result = result + product if draw(st.booleans()) else result - product
    return result


@st.composite
def tables(draw, name):
    """A table with columns of all types.

    Its last two columns are results: with the values of the two expressions returned, all
    constraints hold, whatever is drawn for the other columns.
    """
    kinds = draw(st.lists(st.sampled_from(ColumnType), min_size=1, max_size=4))
    columns = [Column(f"c{i}", kind) for i, kind in enumerate(kinds)]
    fixed = draw(
        st.sampled_from(
            [(), (RowBits("bits", 1, 2),), (RowAnd("and", 1), Listed("listed", [3, 1, 2**64 - 1]))]
        )
    )
    height = draw(st.integers(2, 5)) if fixed else None
    factor, leaves = st.sampled_from(columns), [*columns, *fixed]

    def silent(degree):
        """Zero on the zero row."""
        return st.builds(mul, factor, expressions(leaves, degree - 1))

    cubic, quadratic = draw(silent(3)) + sum(columns), draw(silent(2))
    results = Column("cubic"), Column("quadratic")
    constraints = [
        Constraint("cubic", cubic - results[0]),
        Constraint("quadratic", draw(factor) * (results[1] - quadratic)),
    ]
    constraints += [
        Constraint(f"{column} is boolean", column * (1 - column))
        for column in columns
        if column.type is ColumnType.BIT
    ]
    interactions = []
    for bus in draw(st.lists(st.sampled_from(BUSES), max_size=3)):
        message = tuple(draw(expressions([*leaves, *results], 3)) for _ in bus.fields)
        role = draw(st.sampled_from([Role.SEND, Role.RECEIVE]))
        interactions.append(
            Interaction(bus, role, draw(silent(3)), message, f"{len(interactions)}")
        )
    own = Table(name, (*columns, *results), fixed, tuple(constraints), tuple(interactions), height)
    return own, (cubic, quadratic)


def evaluate(expr, row):
    """The value of an expression, where `row` maps columns to cells."""
    if isinstance(expr, Const):
        return expr.value
    if isinstance(expr, Binary):
        left, right = evaluate(expr.left, row), evaluate(expr.right, row)
        return {Sum: add, Difference: sub, Product: mul}[type(expr)](left, right) % MODULUS
    return row[expr]


@st.composite
def table_witnesses(draw, table, results):
    height = draw(st.integers(0, 5)) if table.height is None else table.height
    given = table.columns[:-2]
    cells = [draw(cell_arrays(column.type, 1 << height)) for column in given]
    values = dict(zip(given, (reference_kernels.cells(c, height) for c in cells), strict=True))
    values |= {column: [int(v) for v in column.values(height)] for column in table.fixed}
    rows = [{column: v[i] for column, v in values.items()} for i in range(max(map(len, cells)))]
    cells += [reference_kernels.words([evaluate(e, row) for row in rows]) for e in results]
    return TableWitness(cells, height)


@st.composite
def cell_arrays(draw, kind, rows):
    values = draw(st.lists(numbers(LIMITS[kind]), max_size=rows))
    if kind in DTYPES:
        return np.array(values, dtype=DTYPES[kind])
    size = 2 if kind is ColumnType.U128 else 4
    words = [[v >> 64 * i & (1 << 64) - 1 for i in range(size)] for v in values]
    return np.array(words, dtype=np.uint64).reshape(-1, size)


@dataclass(frozen=True)
class Example:
    circuit: Circuit
    witness: Witness
    public: list


def said(bus, multiplicity, values, data):
    """Messages that hold data, or none and one that holds none."""
    if data and len(values) >= 3:
        return PublicMessage(bus, multiplicity, values[3:], data)
    return PublicMessage(bus, multiplicity, values)


@st.composite
def examples(draw):
    own = [draw(tables(f"t{i}")) for i in range(draw(st.integers(1, 3)))]
    present = {
        table.name: draw(table_witnesses(table, results))
        for i, (table, results) in enumerate(own)
        if i == 0 or draw(st.booleans())
    }
    public = draw(
        st.lists(
            st.sampled_from(BUSES).flatmap(
                lambda bus: st.builds(
                    said,
                    st.just(bus),
                    st.integers(-5, 5),
                    st.tuples(*(numbers(MODULUS) for _ in bus.fields)),
                    st.binary(max_size=70),
                )
            ),
            max_size=2,
        )
    )
    return Example(
        Circuit("random", tuple(table for table, _ in own), BUSES, toy.BOUNDS),
        Witness(present),
        public,
    )


@given(examples(), st.integers(1, 6))
def test_proofs_are_equal(example, m):
    arguments = example.circuit, [example.witness], example.public, b"", toy.srs(m)
    assert prove(*arguments, kernels=native) == prove(*arguments, kernels=reference_kernels)


def layout_of(example):
    heights = [
        example.witness.tables[t.name].height if t.name in example.witness.tables else None
        for t in example.circuit.tables
    ]
    return lay_out(example.circuit, heights, 6)


def both_rows(example):
    """The rows of all present tables, for each of the kernels."""
    return [
        [
            _rows(k, t, example.witness.tables[t.table.name].columns)
            for t in layout_of(example).tables
        ]
        for k in (native, reference_kernels)
    ]


@given(examples())
def test_rows_are_equal(example):
    for fast, slow in zip(*both_rows(example), strict=True):
        nodes, rows = range(len(slow.program.nodes)), len(slow.nodes)
        for a, b in zip(fast.evaluate(nodes, rows), slow.evaluate(nodes, rows), strict=True):
            assert np.array_equal(a, b)
        assert sorted(fast.violations(1000)) == sorted(slow.violations(1000))


@given(examples(), st.randoms(use_true_random=False))
def test_summands_are_equal(example, source):
    def elements(count):
        return [source.randrange(MODULUS) for _ in range(count)]

    layout = layout_of(example)
    xi, r = elements(max(layout.rounds, layout.layers)), elements(layout.rounds)
    final = FinalRow(layout, xi, r, *elements(1), Fingerprints(*elements(2)))
    words = words_of(elements(layout.columns))
    deltas = [elements(3) for _ in layout.tables]
    columns = ColumnClaims(r, words)
    assert final.value(columns, deltas, native) == final.value(columns, deltas)
    assert columns.combined(*xi[:1], native) == columns.combined(*xi[:1])
    for other in (words + bytes(WORD), words[WORD:]):
        with pytest.raises(ValueError, match="cells"):
            final.value(ColumnClaims(r, other), deltas, native)


@given(st.integers(1, 4), st.lists(numbers(MODULUS), min_size=1, max_size=3), numbers(MODULUS))
def test_sumchecks_are_equal(degree, firsts, claim):
    messages = words_of(first + i for first in firsts for i in range(degree))
    assume(max(cut(messages)) < word(MODULUS))
    ends = []
    for kernels in (native, None):
        reader = ProofReader("test", messages, kernels)
        reader.absorb_bytes("before", b"abc")
        end = sumcheck(reader, "round", claim, len(firsts), degree)
        reader.finish()
        ends.append((*end, reader.challenge("after")))
    assert ends[0] == ends[1]


@given(st.lists(st.tuples(st.integers(0, 9), numbers(MODULUS)), max_size=6))
def test_combinations_of_points_are_equal(terms):
    points = [g1.multiply(g1.GENERATOR, factor) for factor, _ in terms]
    scalars = [scalar for _, scalar in terms]
    assert _sum(points, scalars, native) == _sum(points, scalars, None)
    assert native.are_on_curve(b"".join(map(encode_point, points)))


@given(st.lists(numbers(MODULUS), max_size=6), numbers(MODULUS), st.data())
def test_block_series_are_equal(point, ratio, data):
    ends = st.integers(0, 1 << len(point))
    blocks = range(*sorted((data.draw(ends), data.draw(ends))))
    for size in range(len(point) + 1):
        blocks = range(blocks.start >> size, blocks.stop >> size)
        expected = block_series(point, size, blocks, ratio)
        assert block_sums(point, ratio, native)(size, blocks) == expected


@given(examples(), numbers(MODULUS), numbers(MODULUS))
def test_sums_of_fractions_are_equal(example, alpha, beta):
    statement = Statement(example.circuit, (), example.public, b"", b"")
    public = list(singly(example.public))
    opposites = [Fingerprints(0, beta).of(p.bus.number, p.values) for p in public]
    for each in (alpha, *(-opposite % MODULUS for opposite in opposites[:1])):
        fingerprints = Fingerprints(each, beta)
        expected = statement.sum_of_fractions(fingerprints, None)
        assert statement.sum_of_fractions(fingerprints, native) == expected
        assert (expected is None) == (-each % MODULUS in opposites)


@given(examples())
def test_imbalances_are_equal(example):
    """The same messages are out of balance, whichever occurrence is named."""
    fast, slow = both_rows(example)
    said = list(singly(example.public))
    public = [(m.bus.number, m.multiplicity, b"".join(map(encode, m.values))) for m in said]

    def messages(kernels, tables):
        found = set()
        for t, j, row, bus in kernels.imbalance(tables, public, 1000):
            if t == -1:
                found.add((bus, said[j].values))
                continue
            values = slow[t].nodes[row]
            nodes = slow[t].program.interactions[j].message
            found.add((bus, tuple(values[node] for node in nodes)))
        return found

    assert messages(native, fast) == messages(reference_kernels, slow)


@given(examples(), st.data())
def test_lookup_counts_are_equal(example, data):
    fast, slow = both_rows(example)
    places = [
        (t, j) for t, table in enumerate(slow) for j in range(len(table.program.interactions))
    ]
    providers = data.draw(st.lists(st.sampled_from(places), unique=True)) if places else []
    counts, unanswered = native.count_lookups(fast, providers)
    expected, missing = reference_kernels.count_lookups(slow, providers)
    assert [list(c) for c in counts] == [list(c) for c in expected]
    assert sorted(unanswered) == sorted(missing)
