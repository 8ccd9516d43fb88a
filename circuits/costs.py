"""What a row of a table costs the prover: a model from the widths of cells and from interactions.

Microseconds on one core, measured for each kind of cell. A cell that is zero costs far less than
said here, so this is a ceiling for comparing gadgets, not a forecast of proving time.
"""

from typing import Final

from zkevm.plonkish.expression import ColumnType
from zkevm.plonkish.table import Table

CELL_MICROSECONDS: Final = {
    ColumnType.BIT: 0.04,
    ColumnType.U8: 0.075,
    ColumnType.U16: 0.075,
    ColumnType.U32: 0.15,
    ColumnType.U64: 0.15,
    ColumnType.U128: 0.5,
    ColumnType.FIELD: 0.9,
}
INTERACTION_MICROSECONDS: Final = 0.085


def row_cost(table: Table) -> float:
    """Microseconds of proving time for one row of the table."""
    cells = sum(CELL_MICROSECONDS[column.type] for column in table.columns)
    return cells + INTERACTION_MICROSECONDS * len(table.interactions)
