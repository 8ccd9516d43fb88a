"""Which of the addresses below 2^9 are precompiles of the fork."""

from circuits.buses import PRECOMPILE
from circuits.language import Builder, Cell, ColumnType, Fixed, total
from circuits.tables.ranges import FixedTable
from zkevm.evm.fork import Fork
from zkevm.plonkish.fixed import RowBits, RowIsOneOf


class Precompiles(FixedTable):
    """(address, whether it is a precompile)."""

    name = "precompiles"
    height = 9

    count = Cell(ColumnType.U32)
    address = Fixed(RowBits("", 0, 9))
    first = Fixed(RowIsOneOf("", range(1, 11)))
    bls12 = Fixed(RowIsOneOf("", range(11, 18)))  # EIP-2537
    p256 = Fixed(RowIsOneOf("", (256,)))  # EIP-7951

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    def constrain(self, c: Builder) -> None:
        known = frozenset(self.fork.precompiles)
        groups = (self.first.column, self.bls12.column, self.p256.column)
        present = [g for g in groups if isinstance(g, RowIsOneOf) and known.issuperset(g.rows)]
        if known != {row for group in present for row in group.rows}:
            raise ValueError(f"{self.fork.name} has precompiles that no group lists")
        c.provide(PRECOMPILE, c.real, self.count, self.address.column, total(present))
