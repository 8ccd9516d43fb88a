"""The sum over rows: every constraint holds on every row, and the leaves are what the rows say.

One sumcheck over N variables for all tables.  For table t of 2^n rows, with x the row,
    Z_t(x) eq(xi, x) [ delta^3t     sum_i theta^i C_i
                     + delta^(3t+1) sum_j omega_j p_j
                     + delta^(3t+2) sum_j omega_j q_j ](columns at x),
summed over all x and t, is sum_t delta^(3t+1) P_t + delta^(3t+2) Q_t.  C_i are the constraints, so
their part is 0; p_j, q_j are the fractions of interaction j; omega_j = eq(xi[n:], its leaf block).
Z_t(x) = product over i >= n of (1 - x_i) puts a small table at the zero corner of the cube.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from operator import add
from types import ModuleType

from zkevm.field import MODULUS, decode, decode_all, encode, encode_all, inner_product
from zkevm.plonkish.kernels import native_program
from zkevm.plonkish.program import Program
from zkevm.proof.circuit import ROUND_DEGREE
from zkevm.proof.layout import Layout
from zkevm.proof.logup_gkr import Fingerprints, LeafClaim
from zkevm.proof.messages import Channel, TableSums
from zkevm.proof.multilinear import (
    block_series,
    eq_prefixes,
    falling_block_weights,
    horner,
    powers,
    zero_suffixes,
)
from zkevm.proof.sumcheck import sumcheck
from zkevm.transcript import integers


@dataclass(frozen=True)
class ColumnClaims:
    """Table by table, the values of the witness columns at r[:height], in words."""

    r: list[int]
    words: bytes

    @cached_property
    def values(self) -> list[int]:
        """The values as numbers."""
        return integers(self.words)

    def combined(self, eta: int, kernels: ModuleType | None = None) -> int:
        """The sum over all columns j of eta^j v_j; by the kernels, if given."""
        if kernels is None:
            return horner(self.values, eta)
        return decode(kernels.horner(self.words, encode(eta)))


def row_sum(
    channel: Channel,
    layout: Layout,
    fingerprints: Fingerprints,
    leaves: LeafClaim,
) -> ColumnClaims:
    """Reduce the claims on the leaves, and all constraints, to claims on columns."""
    extra = layout.rounds - layout.layers
    xi = leaves.xi + [channel.challenge("xi") for _ in range(extra)]
    sums = _split(channel, layout, leaves, xi)

    theta, delta = channel.challenge("theta"), channel.challenge("delta")
    deltas = _weights(delta, layout)
    channel.tell(lambda prover: prover.begin_rows(theta, deltas))
    claim = sum(d[1] * s.P + d[2] * s.Q for d, s in zip(deltas, sums, strict=True)) % MODULUS
    r, claim = sumcheck(channel, "rows", claim, layout.rounds, ROUND_DEGREE)

    words = channel.scalar_words("columns", layout.columns, lambda prover: prover.column_values())
    columns = ColumnClaims(r, words)

    final = FinalRow(layout, xi, r, theta, fingerprints)
    channel.check(
        "the constraints and the leaves agree with the columns",
        lambda: (final.value(columns, deltas, channel.kernels) - claim) % MODULUS == 0,
    )
    return columns


def _weights(delta: int, layout: Layout) -> list[list[int]]:
    """Powers 3t, 3t + 1, 3t + 2 of delta, where t is a table's number in the circuit."""
    numbers = [table.number for table in layout.tables]
    up_to_last = powers(delta, 3 * max(numbers) + 3)
    return [up_to_last[3 * t : 3 * t + 3] for t in numbers]


def interaction_weights(layout: Layout, xi: Sequence[int]) -> list[list[int]]:
    """omega: for each interaction of each table eq(xi[n:], its leaf block)."""
    shapes = [(table.height, table.blocks) for table in layout.tables]
    return falling_block_weights(xi[: layout.layers], shapes)


def _split(channel: Channel, layout: Layout, leaves: LeafClaim, xi: list[int]) -> list[TableSums]:
    """Split the claims on the leaves over the tables; padding leaves are 0/1."""
    flat = channel.scalars(
        "table sums",
        2 * len(layout.tables),
        lambda prover: prover.table_sums(xi, interaction_weights(layout, xi)),
    )
    sums = [TableSums(P, Q) for P, Q in zip(flat[::2], flat[1::2], strict=True)]
    padding = 1 - block_series(leaves.xi, 0, range(layout.leaves), 1)

    def holds() -> bool:
        P, Q = sum(s.P for s in sums), sum(s.Q for s in sums) + padding
        return (P - leaves.P) % MODULUS == 0 and (Q - leaves.Q) % MODULUS == 0

    channel.check("the tables' shares add up to the leaves", holds)
    return sums


@dataclass(frozen=True)
class FinalRow:
    """The summand at the point r where the sumcheck ended."""

    layout: Layout
    xi: list[int]
    r: list[int]
    theta: int
    fingerprints: Fingerprints

    def value(
        self,
        columns: ColumnClaims,
        deltas: Sequence[list[int]],
        kernels: ModuleType | None = None,
    ) -> int:
        """The sum over all tables, from the values of their columns.

        `kernels` compute the tables' sums, if given.
        """
        tables = self.layout.tables
        fixed = [[c.evaluate(self.r[: t.height]) for c in t.table.fixed] for t in tables]
        if kernels is None:
            sums = self._sums(columns, fixed)
        else:
            sums = self._native_sums(columns, fixed, kernels)
        terms = map(inner_product, deltas, sums)
        return inner_product((self._factors[t.height] for t in tables), terms)

    @cached_property
    def _factors(self) -> list[int]:
        """Z_t(r) eq(xi, r) for a table of each height."""
        zeros = zero_suffixes(self.r, self.layout.rounds)
        return [e * z % MODULUS for e, z in zip(eq_prefixes(self.xi, self.r), zeros, strict=True)]

    def _sums(self, columns: ColumnClaims, fixed: Sequence[list[int]]) -> list[list[int]]:
        """Sum theta^i C_i, sum omega_j p_j, sum omega_j q_j, for each table."""
        programs = (table.program for table in self.layout.tables)
        values = iter(columns.values)
        witness = (list(islice(values, table.program.width)) for table in self.layout.tables)
        cells = map(add, witness, fixed)
        return list(map(self._sums_of, programs, cells, interaction_weights(self.layout, self.xi)))

    def _sums_of(self, program: Program, cells: list[int], omega: list[int]) -> list[int]:
        nodes = program.run(cells)
        constraints = horner([nodes[node] for node in program.constraints], self.theta)
        interactions = program.interactions
        p = inner_product(omega, (nodes[i.numerator] for i in interactions))
        q = inner_product(
            omega,
            (self.fingerprints.of(i.bus, [nodes[m] for m in i.message]) for i in interactions),
        )
        return [constraints, p, q]

    def _native_sums(
        self, columns: ColumnClaims, fixed: Sequence[list[int]], kernels: ModuleType
    ) -> list[list[int]]:
        tables = [
            (native_program(kernels, t.program), t.height, t.blocks.start)
            for t in self.layout.tables
        ]
        fingerprints = encode(self.fingerprints.alpha), encode(self.fingerprints.beta)
        encoded = kernels.summands(
            tables,
            columns.words,
            encode_all(chain.from_iterable(fixed)),
            encode(self.theta),
            fingerprints,
            encode_all(self.xi[: self.layout.layers]),
        )
        sums = decode_all(encoded)
        return [sums[i : i + 3] for i in range(0, len(sums), 3)]
