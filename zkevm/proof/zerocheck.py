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
from types import ModuleType

from zkevm.field import MODULUS, decode_all, encode, encode_all, inner_product
from zkevm.plonkish.kernels import native_program
from zkevm.plonkish.program import Program
from zkevm.proof.circuit import ROUND_DEGREE
from zkevm.proof.layout import Layout, TableLayout
from zkevm.proof.logup_gkr import Fingerprints, LeafClaim
from zkevm.proof.messages import Channel, TableSums
from zkevm.proof.multilinear import block_weights, eq_prefixes, horner, powers, zero_suffixes
from zkevm.proof.sumcheck import sumcheck


@dataclass(frozen=True)
class ColumnClaims:
    """Table by table, the values of the witness columns at r[:height]."""

    r: list[int]
    values: list[list[int]]


def row_sum(
    channel: Channel,
    layout: Layout,
    fingerprints: Fingerprints,
    leaves: LeafClaim,
    kernels: ModuleType | None = None,
) -> ColumnClaims:
    """Reduce the claims on the leaves, and all constraints, to claims on columns.

    `kernels` compute what the columns' values are checked against, if given.
    """
    extra = layout.rounds - layout.layers
    xi = leaves.xi + [channel.challenge("xi") for _ in range(extra)]
    omega = [block_weights(leaves.xi, t.height, t.blocks) for t in layout.tables]
    sums = _split(channel, layout, leaves, xi, omega)

    theta, delta = channel.challenge("theta"), channel.challenge("delta")
    deltas = [_weights(delta, table) for table in layout.tables]
    channel.tell(lambda prover: prover.begin_rows(theta, deltas))
    claim = sum(d[1] * s.P + d[2] * s.Q for d, s in zip(deltas, sums, strict=True)) % MODULUS
    r, claim = sumcheck(channel, "rows", claim, layout.rounds, ROUND_DEGREE)

    flat = channel.scalars("columns", layout.columns, lambda prover: prover.column_values())
    values = _by_table(layout, flat)

    final = FinalRow(layout.rounds, xi, r, theta, fingerprints, kernels)
    channel.check(
        "the constraints and the leaves agree with the columns",
        lambda: (sum(map(final.term, layout.tables, values, omega, deltas)) - claim) % MODULUS == 0,
    )
    return ColumnClaims(r, values)


def _weights(delta: int, table: TableLayout) -> list[int]:
    """Powers 3t, 3t + 1, 3t + 2 of delta, where t is the table's number in the circuit."""
    first = pow(delta, 3 * table.number, MODULUS)
    return [first * power % MODULUS for power in powers(delta, 3)]


def _split(
    channel: Channel,
    layout: Layout,
    leaves: LeafClaim,
    xi: list[int],
    omega: list[list[int]],
) -> list[TableSums]:
    """Split the claims on the leaves over the tables; padding leaves are 0/1."""
    flat = channel.scalars(
        "table sums", 2 * len(layout.tables), lambda prover: prover.table_sums(xi, omega)
    )
    sums = [TableSums(P, Q) for P, Q in zip(flat[::2], flat[1::2], strict=True)]
    padding = 1 - sum(map(sum, omega))

    def holds() -> bool:
        P, Q = sum(s.P for s in sums), sum(s.Q for s in sums) + padding
        return (P - leaves.P) % MODULUS == 0 and (Q - leaves.Q) % MODULUS == 0

    channel.check("the tables' shares add up to the leaves", holds)
    return sums


def _by_table(layout: Layout, flat: Sequence[int]) -> list[list[int]]:
    values, start = [], 0
    for table in layout.tables:
        values.append(list(flat[start : start + table.program.width]))
        start += table.program.width
    return values


@dataclass(frozen=True)
class FinalRow:
    """The summand at the point r where the sumcheck ended."""

    rounds: int
    xi: list[int]
    r: list[int]
    theta: int
    fingerprints: Fingerprints
    kernels: ModuleType | None = None

    @cached_property
    def factors(self) -> list[int]:
        """Z_t(r) eq(xi, r) for a table of each height."""
        zeros = zero_suffixes(self.r, self.rounds)
        return [e * z % MODULUS for e, z in zip(eq_prefixes(self.xi, self.r), zeros, strict=True)]

    def term(
        self, table: TableLayout, cells: Sequence[int], omega: list[int], delta: list[int]
    ) -> int:
        """A table's part, from the values of its witness columns."""
        point = self.r[: table.height]
        cells = [*cells, *(column.evaluate(point) for column in table.table.fixed)]
        summands = self._summands if self.kernels is None else self._native_summands
        sums = summands(table.program, cells, omega)
        return self.factors[table.height] * inner_product(delta, sums) % MODULUS

    def _summands(self, program: Program, cells: list[int], omega: list[int]) -> list[int]:
        """Sum theta^i C_i, sum omega_j p_j, sum omega_j q_j."""
        nodes = program.run(cells)
        constraints = horner([nodes[node] for node in program.constraints], self.theta)
        interactions = program.interactions
        p = inner_product(omega, (nodes[i.numerator] for i in interactions))
        q = inner_product(
            omega,
            (self.fingerprints.of(i.bus, [nodes[m] for m in i.message]) for i in interactions),
        )
        return [constraints, p, q]

    def _native_summands(self, program: Program, cells: list[int], omega: list[int]) -> list[int]:
        fingerprints = encode(self.fingerprints.alpha), encode(self.fingerprints.beta)
        sums = native_program(self.kernels, program).summands(
            encode_all(cells), encode(self.theta), fingerprints, encode_all(omega)
        )
        return decode_all(sums)
