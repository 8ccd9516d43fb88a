"""Which declarations a machine can see to be redundant: others say what they say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import product

from circuits.audit.buses import guarantee
from circuits.audit.polynomial import Polynomial, factors
from circuits.audit.relation import Message, Relation
from circuits.audit.reviewed import IMPLIED, OF_BITS, PADDING, TESTED, TOLD, redundancy
from zkevm.field import MODULUS, signed
from zkevm.plonkish.table import Role

POINTS, GENERATOR = 3, 5
FEW_BITS = 8
"""Of so many bits all values are looked at."""


def reason(relation: Relation, item: int) -> str:
    """Why a declaration is redundant, as a machine or a review says; empty if none does."""
    if is_implied(relation, item):
        return IMPLIED
    if is_of_test(relation, item):
        return TESTED
    if is_of_bits(relation, item):
        return OF_BITS
    if is_told(relation, item):
        return TOLD
    reviewed = redundancy(relation.table.name, relation.items[item].label)
    return reviewed or (PADDING if is_of_padding(relation, item) else "")


def is_implied(relation: Relation, item: int) -> bool:
    """Whether a factor of a constraint is what another constraint says is zero."""
    if item >= relation.first_lookup:
        return False
    own = relation.table.constraints[item].expr
    said = [c.expr for c in relation.table.constraints if c.expr is not own]
    return any(factor is expr for factor in factors(own) for expr in said)


def is_of_test(relation: Relation, item: int) -> bool:
    """Whether it says that the result of a comparison of words is a bit (`IsEqualWord`)."""
    name = relation.items[item].label.removesuffix(" is a bit")
    said = {i.label for i in relation.items}
    parts = ("low halves agree if set", "high halves agree if set", "a half differs if clear")
    return said.issuperset((f"{name} is a bit", *(f"{name}: {part}" for part in parts)))


def is_told(relation: Relation, item: int) -> bool:
    """Whether it says that the column of real rows is a bit, and nobody states another number.

    A row takes something as often as that column says, and what it takes tells the column:
    itself, or a large multiple of it with something small, where the column is an integer.
    """
    if item >= relation.first_lookup or set(relation.constraints[item].degrees) != {relation.real}:
        return False
    bounds = _bounds_of_real_rows(relation, item)
    most = min(_size_of_real(relation, c, bounds) for c in relation.constraints)
    told = ((m.elements[i], guarantee(m.bus, m.bus.fields[i])) for m, i in _told(relation))
    return any(limit and _leaves_a_bit(relation, e, limit, bounds, most) for e, limit in told)


def _leaves_a_bit(
    relation: Relation, element: Polynomial, limit: int, bounds: Mapping[int, int], most: int
) -> bool:
    """Whether an element below a limit has the column of real rows 0 times or once."""
    own, slopes = _slopes(relation, element)
    if element.value([0] * len(relation.names)):
        return False
    if not slopes and own == 1:
        return limit == 2
    rest = sum(slope * bounds.get(place, MODULUS) for place, slope in slopes.items())
    return rest < own and limit <= 2 * own and 2 * own * most < MODULUS


def _size_of_real(relation: Relation, constraint: Polynomial, bounds: Mapping[int, int]) -> int:
    """What the column of real rows is below as a sum of integers, if a constraint says so."""
    own, slopes = _slopes(relation, constraint)
    if own not in (1, MODULUS - 1):
        return MODULUS
    constant = constraint.value([0] * len(relation.names))
    sizes = (abs(signed(s)) * bounds.get(place, MODULUS) for place, s in slopes.items())
    return abs(signed(constant)) + sum(sizes)


def _slopes(relation: Relation, poly: Polynomial) -> tuple[int, dict[int, int]]:
    """Of the column of real rows, and of the others, if a polynomial is linear."""
    slopes = dict(poly.slopes or {})
    return slopes.pop(relation.real or 0, 0), slopes


def _told(relation: Relation) -> list[tuple[Message, int]]:
    """What every real row is told: messages, with the place of an element."""
    every = [m for m in relation.takes if m.multiplicity.column == relation.real]
    return [(m, place) for m in every for place in m.given]


def _bounds_of_real_rows(relation: Relation, dropped: int) -> dict[int, int]:
    """What columns are below on real rows, without one item: by others, or proven here."""
    proven = relation.of_real_rows.union(range(relation.first_lookup)) - {dropped}
    limits = [(p, b) for p, found in relation.bounds.items() for i, b in found if i in proven]
    for m, place in _told(relation):
        limit, column = guarantee(m.bus, m.bus.fields[place]), m.elements[place].column
        limits += [] if limit is None or column is None else [(column, limit)]
    return {p: min(b for place, b in limits if place == p) for p, _ in limits}


def is_of_padding(relation: Relation, item: int) -> bool:
    """Whether a constraint holds on every real row as it is, and padding says nothing anyway.

    Polynomials of small degree are taken to vanish if they do at points without structure.
    """
    if relation.real is None or item >= relation.first_lookup:
        return False
    if set(relation.constraints[item].degrees) == {relation.real}:  # that it is one or the other
        return False
    if not _vanish(relation, [relation.constraints[item]], 1):
        return False
    said = [m.multiplicity for m in relation.messages if m.interaction.role is not Role.REQUEST]
    return _vanish(relation, said, 0, _zeros_of_padding(relation, item))


def _zeros_of_padding(relation: Relation, dropped: int) -> frozenset[int]:
    """Cells that other constraints say are zero on padding: alone, or as a sum of bits."""
    zeros, before = {relation.real or 0}, 0
    bounds = relation.bounds_without(dropped, padding=True)
    others = [c for n, c in enumerate(relation.constraints) if n != dropped]
    while len(zeros) > before:
        before = len(zeros)
        for constraint in others:
            left = _read_besides(relation, constraint, zeros)
            are_bits = all(bounds.get(p) == 2 for p in left)
            if are_bits and len(left) <= FEW_BITS:
                allowed = _bits_allowed(relation, constraint, sorted(left))
                zeros |= {p for p in left if not any(bits[p] for bits in allowed)}
            elif are_bits or len(left) == 1:
                zeros |= left if _is_their_sum(relation, constraint, left) else set()
    return frozenset(zeros)


def _bits_allowed(
    relation: Relation, constraint: Polynomial, places: Sequence[int]
) -> list[Mapping[int, int]]:
    """The values of some bits for which, all else zero, a constraint holds."""
    row = [0] * (relation.width + len(relation.table.fixed))
    found: list[Mapping[int, int]] = []
    for values in product((0, 1), repeat=len(places)):
        for place, value in zip(places, values, strict=True):
            row[place] = value
        if not constraint.value(row):
            found.append(dict(zip(places, values, strict=True)))
    return found


def is_of_bits(relation: Relation, item: int) -> bool:
    """Whether it says of a cell to be a bit that a constraint gives as a function of bits.

    For all values of these, the constraint determines the cell, and as 0 or 1.
    """
    own = relation.constraints[item] if item < relation.first_lookup else None
    if own is None or len(own.degrees) != 1:
        return False
    if len(_bits_allowed(relation, own, [*own.degrees])) < 2:
        return False
    (place,) = own.degrees
    bits = {p for p, bound in relation.bounds_without(item, padding=True).items() if bound == 2}
    return any(
        constraint is not own
        and constraint.degrees.get(place) == 1
        and len(constraint.degrees) <= FEW_BITS
        and bits >= constraint.degrees.keys() - {place}
        and _gives_bit(relation, constraint, place)
        for constraint in relation.constraints
    )


def _gives_bit(relation: Relation, constraint: Polynomial, place: int) -> bool:
    """Whether a constraint leaves one value, 0 or 1, to a cell for all values of the others."""
    others = sorted(constraint.degrees.keys() - {place})
    allowed = _bits_allowed(relation, constraint, [*others, place])
    given = {tuple(bits[p] for p in others) for bits in allowed}
    return len(given) == len(allowed) == 1 << len(others)


def _read_besides(relation: Relation, constraint: Polynomial, zeros: Collection[int]) -> set[int]:
    """The cells that a polynomial still depends on where some are zero."""
    row = [pow(GENERATOR, place + 1, MODULUS) for place in range(relation.width)]
    row = [0 if place in zeros else value for place, value in enumerate(row)]
    slopes = constraint.slopes_at(row, constraint.degrees.keys() - set(zeros))
    return {place for place, slope in slopes.items() if slope}


def _is_their_sum(relation: Relation, constraint: Polynomial, places: Collection[int]) -> bool:
    """Whether, all else zero, a polynomial is a multiple of the sum of some cells."""
    row = [0] * (relation.width + len(relation.table.fixed))
    for place in places:
        row[place] = 1
    slope = constraint.value(row) * pow(len(places), -1, MODULUS) if places else 0
    for place in places:
        row[place] = pow(GENERATOR, place + 1, MODULUS)
    return slope != 0 and (constraint.value(row) - slope * sum(row)) % MODULUS == 0


def _vanish(
    relation: Relation, polynomials: Sequence[Polynomial], real: int, zeros: Collection[int] = ()
) -> bool:
    """Whether polynomials vanish where the column of real rows has a value, and some have 0."""
    width = len(relation.table.columns) + len(relation.table.fixed)
    for point in range(1, POINTS + 1):
        row = [pow(GENERATOR, point * (place + 1), MODULUS) for place in range(width)]
        row = [0 if place in zeros else value for place, value in enumerate(row)]
        row[relation.real or 0] = real
        if any(p.value(row) for p in polynomials):
            return False
    return True
