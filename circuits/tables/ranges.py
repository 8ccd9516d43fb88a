"""Fixed lookups: ranges, bytes, bitwise AND, powers of two.

Their values are functions of the row number, which the verifier evaluates by itself; only the count
of each row is committed.  Heights are forced: a range table one bit higher would prove a range one
bit wider.
"""

from typing import ClassVar

from circuits.buses import AND8, BYTES, POW2, RANGE16
from circuits.language import Builder, Cell, ColumnType, Fixed, Plan, TableGadget, Witness
from zkevm.plonkish.expression import ONE
from zkevm.plonkish.fixed import PowerOfTwo, RowAnd, RowBits


class FixedTable(TableGadget[range]):
    """A table all of whose rows are true statements, whatever the witness."""

    once = True
    height: ClassVar[int]

    def declare(self) -> Builder:
        c = Builder(ONE)
        self.constrain(c)
        return c

    def collect(self, plan: Plan) -> range:
        return range(1 << self.height)

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        """Only counts: nothing to fill."""


class Range16(FixedTable):
    """The numbers below 2^16."""

    name = "range16"
    height = 16

    count = Cell(ColumnType.U32)
    value = Fixed(RowBits("", 0, 16))

    def constrain(self, c: Builder) -> None:
        c.provide(RANGE16, c.real, self.count, self.value.column)


class BytePairs(FixedTable):
    """All pairs of bytes, with their AND."""

    name = "byte_pairs"
    height = 16

    count_pair = Cell(ColumnType.U32)
    count_and = Cell(ColumnType.U32)
    a = Fixed(RowBits("", 0, 8))
    b = Fixed(RowBits("", 8, 8))
    both = Fixed(RowAnd("", 8))

    def constrain(self, c: Builder) -> None:
        c.provide(BYTES, c.real, self.count_pair, self.a.column, self.b.column)
        c.provide(AND8, c.real, self.count_and, self.a.column, self.b.column, self.both.column)


class PowersOfTwo(FixedTable):
    """(k, 2^k) for k below 128."""

    name = "powers_of_two"
    height = 7

    count = Cell(ColumnType.U32)
    exponent = Fixed(RowBits("", 0, 7))
    power = Fixed(PowerOfTwo(""))

    def constrain(self, c: Builder) -> None:
        c.provide(POW2, c.real, self.count, self.exponent.column, self.power.column)
