"""What the parties exchange: the statement's public messages, the proof, the prover's answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from zkevm.curve import G1Point
from zkevm.field import MODULUS
from zkevm.plonkish.table import PublicMessage
from zkevm.transcript import Transcript

__all__ = ["Channel", "Commitments", "Head", "Heights", "Proof", "Prover", "PublicMessage"]

Heights: TypeAlias = tuple[int | None, ...]
"""The shape of a segment: log2 of the rows of each table in the order of the circuit.

None: the table is absent, which is to say all zero.
"""


@dataclass(frozen=True)
class Proof:
    """A proof for the circuit with this digest.

    heights   the shape of each segment
    m         log2 of the size of a stack polynomial
    messages  the prover's messages, as `zkevm.proof.protocol` orders them
    """

    circuit_digest: bytes
    heights: tuple[Heights, ...]
    m: int
    messages: bytes


class Children(NamedTuple):
    """The two children of a node of the fraction tree, or their extensions at a point."""

    p0: int
    p1: int
    q0: int
    q1: int

    @property
    def numerator(self) -> int:
        """Of the sum p0/q0 + p1/q1."""
        return (self.p0 * self.q1 + self.p1 * self.q0) % MODULUS

    @property
    def denominator(self) -> int:
        """Of the sum p0/q0 + p1/q1."""
        return self.q0 * self.q1 % MODULUS


class TableSums(NamedTuple):
    """P_t and Q_t: a table's share of the claims on the leaves."""

    P: int
    Q: int


class Prover(Protocol):
    """The prover's part in a segment, in the order of the protocol: each answer is one message.

    `round` and `bind` belong to the sumcheck begun last.
    """

    def plant(self, alpha: int, beta: int) -> None:
        """Grow the fraction tree under these challenges."""

    def root(self) -> Sequence[int]:
        """p_1[0], p_1[1], q_1[0], q_1[1]."""

    def begin_layer(self, layer: int, xi: Sequence[int], lambda_: int) -> None:
        """Begin the sumcheck from layer `layer` to the next."""

    def round(self) -> Sequence[int]:
        """s(0), s(2), ..., s(degree) of the present round."""

    def bind(self, challenge: int) -> None:
        """Fix the top variable."""

    def children(self) -> Sequence[int]:
        """p(rho, 0), p(rho, 1), q(rho, 0), q(rho, 1) where the layer's sumcheck ended."""

    def table_sums(self, xi: Sequence[int], omega: Sequence[Sequence[int]]) -> Sequence[int]:
        """P_t, Q_t of each table, for the weights omega of its interactions."""

    def begin_rows(self, theta: int, delta: Sequence[Sequence[int]]) -> None:
        """Begin the sumcheck over rows; delta holds three weights for each table."""

    def column_values(self) -> Sequence[int]:
        """Each witness column at the end of the sumcheck over rows, table after table."""

    def begin_stacking(self, eta: int, r: Sequence[int]) -> None:
        """Begin the sumcheck that reduces the columns' values to the stack polynomials'."""

    def stack_values(self) -> Sequence[int]:
        """e_k: the stack polynomials at u."""

    def folds(self, gamma: int, u: Sequence[int]) -> Sequence[G1Point]:
        """[A_1], ..., [A_(m-1)]."""

    def negative_values(self, r: int) -> Sequence[int]:
        """A_i(-r^(2^i))."""

    def quotient(self, nu: int) -> G1Point:
        """[Q]."""

    def witness(self, z: int) -> G1Point:
        """[W]."""


Channel: TypeAlias = Transcript[Prover]
"""The transcript of one segment."""

Commitments: TypeAlias = Sequence[Sequence[G1Point]]
"""C_k of each segment: its stack polynomials."""

Head: TypeAlias = Transcript[Commitments]
"""The transcript that all segments share.  All that its prover knows is the commitments."""
