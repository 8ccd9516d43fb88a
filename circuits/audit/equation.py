"""What a repair can solve: equations between the cells of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from circuits.audit.buses import Statements
from circuits.audit.polynomial import Polynomial, Row
from circuits.audit.relation import Message

Form = tuple[Polynomial, int]
"""A polynomial and the value it should have."""


@dataclass(frozen=True, eq=False)
class Equation:
    """Something that a repair can solve: `forms` lists what would make it true, none if it is.

    None for `forms` says that it is broken beyond repair.  `item` is its declaration, if it has
    one.
    """

    item: int | None
    places: frozenset[int]
    forms: Callable[[Row], list[Form] | None]
    wanted: tuple[Form, ...] = ()
    """What is true of it wherever it holds and is not guarded."""


def vanishing(whole: Polynomial, parts: Sequence[Polynomial]) -> Callable[[Row], list[Form] | None]:
    """The product is zero: one of its parts is."""
    forms: list[Form] = [(part, 0) for part in parts]
    return lambda row: forms if whole.value(row) else []


def where(lookup: Message, difference: Polynomial) -> Callable[[Row], list[Form] | None]:
    """The slack of a lookup is its expression, where it is looked up."""
    forms: list[Form] = [(difference, 0)]
    return lambda row: forms if lookup.active(row) and difference.value(row) else []


def so_often(multiplicity: Polynomial, active: int) -> Callable[[Row], list[Form] | None]:
    """The row does take what it was handed, or nothing; how often is judged apart."""
    forms: list[Form] = [(multiplicity, 1 if active else 0)]
    return lambda row: [] if bool(multiplicity.value(row)) == bool(active) else forms


def told(
    m: Message, guard: Sequence[int], was: tuple[int, ...], place: int
) -> Callable[[Row], list[Form] | None]:
    """Element `place` is what it was, as long as the message is asked for under the same key."""
    poly, target = m.elements[place], was[place]
    forms: list[Form] = [(poly, target)]

    def found(row: Row) -> list[Form]:
        if poly.value(row) == target or not m.active(row):
            return []
        return forms if all(m.elements[i].value(row) == was[i] for i in guard) else []

    return found


def functional(m: Message, statements: Statements) -> Callable[[Row], list[Form] | None]:
    """The elements after the inputs are what the fixed table says of these."""
    inputs, outputs = m.elements[: statements.inputs], m.elements[statements.inputs :]

    def found(row: Row) -> list[Form] | None:
        if not m.active(row):
            return []
        stated = statements.outputs.get(tuple(e.value(row) for e in inputs))
        if stated is None:
            return None
        pairs = zip(outputs, stated, strict=True)
        return [(e, v) for e, v in pairs if e.value(row) != v]

    return found


def places(m: Message) -> frozenset[int]:
    """The columns that a message reads."""
    return frozenset(p for e in (m.multiplicity, *m.elements) for p in e.degrees)


def told_word(poly: Polynomial) -> tuple[int, ...]:
    """The cells that an element tells: its only column, or the digits of a number."""
    return tuple(poly.degrees) if len(poly.degrees) == 1 or _is_number(poly) else ()


def _is_number(poly: Polynomial) -> bool:
    slopes = sorted((poly.slopes or {0: 2}).values())
    return slopes in ([1 << bits * i for i in range(len(slopes))] for bits in (8, 16))
