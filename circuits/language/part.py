"""Parts: what a table's body declares."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from zkevm.plonkish.expression import Column, ColumnType
from zkevm.plonkish.fixed import FixedColumn

if TYPE_CHECKING:
    from circuits.language.arrays import Array
    from circuits.language.builder import Builder
    from circuits.language.plan import Plan
    from circuits.language.witness import Witness


class Part:
    """Columns under one name, with the constraints that belong to them alone.

    A part is declared in the body of a table's class.  It may contain parts.
    """

    label = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.rename(name)

    def rename(self, name: str) -> None:
        """Name the part and everything in it."""
        self.label = name
        for suffix, child in self.children():
            if isinstance(child, Part):
                child.rename(f"{name}{suffix}")
            else:
                child.name = f"{name}{suffix}"

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        """Columns and parts inside, in order, each with what follows the part's name."""
        yield from ()

    def columns(self) -> Iterator[Column]:
        """The columns in layout order."""
        for _, child in self.children():
            if isinstance(child, Part):
                yield from child.columns()
            else:
                yield child

    def constrain(self, c: Builder) -> None:
        """Declare what holds whatever the table says of the part: the ranges of its cells."""
        for _, child in self.children():
            if isinstance(child, Part):
                child.constrain(c)

    def complete(self, w: Witness, plan: Plan, owner: object) -> None:
        """Fill what follows from the accesses that `owner`, a gadget, has registered."""
        for part in self.compound:
            part.complete(w, plan, owner)

    @cached_property
    def compound(self) -> tuple[Part, ...]:
        """The parts inside that are more than a cell."""
        inside = (child for _, child in self.children())
        return tuple(c for c in inside if isinstance(c, Part) and not isinstance(c, Column))

    def assign(self, w: Witness, values: Array) -> None:
        """Fill the columns from one array."""
        raise TypeError(f"{self.label}: fill its columns one by one")


class Cell(Column, Part):
    """One cell whose range nobody proves here: received, or determined by constraints."""

    def __init__(self, type: ColumnType = ColumnType.FIELD) -> None:
        super().__init__("", type)

    def rename(self, name: str) -> None:
        self.name = self.label = name

    def columns(self) -> Iterator[Column]:
        yield self

    def assign(self, w: Witness, values: Array) -> None:
        w.store(self, values)


class Fixed(Part):
    """A fixed column of a table whose height is forced."""

    def __init__(self, column: FixedColumn) -> None:
        self.column = column

    def rename(self, name: str) -> None:
        self.label = self.column.name = name
