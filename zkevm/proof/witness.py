"""The cells of a segment: what a prover knows, as arrays, as a file, and as a digest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zkevm.errors import FileError
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.expression import ColumnType
from zkevm.proof.circuit import Circuit
from zkevm.proof.messages import Heights


@dataclass(frozen=True)
class TableWitness:
    """The cells of a table: a typed array for each column, of at most 2^height rows."""

    columns: Sequence[NDArray[Any]]
    height: int


@dataclass(frozen=True)
class Witness:
    """The present tables of a segment by name."""

    tables: Mapping[str, TableWitness]

    @classmethod
    def of(cls, tables: Sequence[Cells]) -> "Witness":
        """That of filled tables."""
        return cls({each.table.name: TableWitness(each.columns, each.height) for each in tables})

    def digest(self) -> bytes:
        """A hash of all cells and how they are stored."""
        state = sha256()
        for name, table in sorted(self.tables.items()):
            state.update(f"{name} {table.height} {len(table.columns)}\n".encode())
            for column in table.columns:
                state.update(f"{column.dtype.str} {column.shape}\n".encode())
                state.update(np.ascontiguousarray(column).data)
        return state.digest()

    def save(self, path: Path) -> None:
        """Write a file for `load`.  Raises `FileError`."""
        arrays: dict[str, NDArray[Any]] = {}
        for name, table in self.tables.items():
            for i, column in enumerate(table.columns):
                arrays[f"{name} {table.height} {i}"] = column
        try:
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
        except OSError as error:
            raise FileError(f"cannot write {path}: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> "Witness":
        """Read what `save` wrote."""
        tables: dict[str, TableWitness] = {}
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                name, height, _ = key.split()
                columns = tables.setdefault(name, TableWitness([], int(height))).columns
                tables[name] = TableWitness([*columns, arrays[key]], int(height))
        return cls(tables)


def heights_of(circuit: Circuit, witness: Witness) -> Heights:
    """The heights in the order of the circuit, None for a table that is absent."""
    unknown = set(witness.tables) - {table.name for table in circuit.tables}
    if unknown:
        raise ValueError(f"no such table in circuit {circuit.name}: {sorted(unknown)}")
    tables = [witness.tables.get(table.name) for table in circuit.tables]
    return tuple(None if table is None else table.height for table in tables)


def wide_cells(circuit: Circuit, witness: Witness) -> int:
    """How many of the cells given are not bits."""
    return sum(
        len(cells)
        for source in circuit.tables
        if source.name in witness.tables
        for column, cells in zip(
            source.table.columns, witness.tables[source.name].columns, strict=True
        )
        if column.type is not ColumnType.BIT
    )
