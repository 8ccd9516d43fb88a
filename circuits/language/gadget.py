"""The base of every gadget: one table, its relation, and how to fill it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sized
from functools import cache, cached_property
from typing import ClassVar, Generic, TypeVar

from circuits.language.builder import Builder
from circuits.language.columns import Bit
from circuits.language.part import Fixed, Part
from circuits.language.plan import Plan
from circuits.language.witness import Witness
from zkevm.plonkish.expression import Column
from zkevm.plonkish.table import Table

Record = TypeVar("Record", bound=Sized)


class Gadget(ABC):
    """One table.  Parts are class attributes, in the order of the columns."""

    name: ClassVar[str]
    height: ClassVar[int | None] = None

    @classmethod
    @cache
    def parts(cls) -> tuple[Part, ...]:
        """All parts, those of base classes first, in order of declaration.

        A part inside another one belongs to that one, even if it has a name of its own.
        """
        found: dict[str, Part] = {}
        for base in reversed(cls.__mro__):
            found |= {k: v for k, v in vars(base).items() if isinstance(v, Part)}
        inside = {id(child) for part in found.values() for child in _nested(part)}
        return tuple(part for part in found.values() if id(part) not in inside)

    @cached_property
    def table(self) -> Table:
        """The declaration as data, made once."""
        c = self.declare()
        parts = self.parts()
        return Table(
            name=self.name,
            columns=tuple(column for part in parts for column in part.columns()),
            fixed=tuple(part.column for part in parts if isinstance(part, Fixed)),
            constraints=tuple(c.constraints),
            interactions=tuple(c.interactions),
            height=self.height,
        )

    @abstractmethod
    def declare(self) -> Builder:
        """Run the declarations of the parts and of the relation."""


def _nested(part: Part) -> Iterator[Part]:
    for _, child in part.children():
        if isinstance(child, Part):
            yield child
            if not isinstance(child, Column):
                yield from _nested(child)


class TableGadget(Gadget, Generic[Record]):
    """A table that serves others: its rows follow from what they ask for.

    A subclass declares `real` (or overrides `declare` where there is no such column).
    """

    once: ClassVar[bool] = False
    """Whether it is filled once for all transactions of a statement, with the plan of the first."""

    real: Bit

    def declare(self) -> Builder:
        c = Builder(self.real)
        for part in self.parts():
            part.constrain(c)
        self.constrain(c)
        return c

    @abstractmethod
    def constrain(self, c: Builder) -> None:
        """Declare the relation."""

    @abstractmethod
    def collect(self, plan: Plan) -> Record:
        """What the rows are made of, one element a row; registers accesses and further requests."""

    @abstractmethod
    def fill(self, w: Witness, record: Record, plan: Plan) -> None:
        """Fill every column but the counts of lookups and the columns of accesses."""
