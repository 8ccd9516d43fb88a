"""Where searches start: cells changed, and goals to reach."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from circuits.audit.equation import Equation, Form
from circuits.audit.polynomial import Polynomial
from circuits.audit.relation import Message, Relation
from circuits.audit.scene import Scene
from zkevm.field import MODULUS, signed

HALF = 1 << 128
FEW_INPUTS = 128
MANY = 12
"""Cells of one declaration; of more, only a few are lied about."""

NOTABLE = (MODULUS - 1, 0, 1, 2, 1 << 8, 1 << 16, 1 << 64, 1 << 127, HALF - 1, HALF)
STEPS = (
    1, -1, 2, 1 << 8, -(1 << 8), 1 << 15, 1 << 16, -(1 << 16), 1 << 64, -(1 << 64), HALF, -HALF,
)  # fmt: skip
AMOUNTS = (1, -1, 2, 1 << 16, -(1 << 16), 1 << 64, HALF, -HALF)
"""By how much a constraint is broken."""


@dataclass(frozen=True)
class Lie:
    """Where a search starts: cells changed, or a goal to reach."""

    name: str
    cells: tuple[tuple[int, int], ...] = ()
    goals: tuple[Equation, ...] = ()


def breaches(scene: Scene, item: int) -> Iterator[Lie]:
    """The item broken by an amount, perhaps with a bit of it changed; and lies about its cells."""
    yield from _turns([_broken(scene, item), own_lies(scene, item)])


def all_lies(scene: Scene, item: int) -> Iterator[Lie]:
    """A bit that is none, the item broken, lies about its cells, and about those near."""
    yield from _no_bit(scene, item)
    yield from _turns([_broken(scene, item), own_lies(scene, item), near_lies(scene, item)])


def _broken(scene: Scene, item: int) -> Iterator[Lie]:
    relation = scene.relation
    if item < relation.first_lookup:
        poly = relation.constraints[item]
        bits = [p for p in poly.degrees if scene.bounds_without(item).get(p) == 2]
        for amount in AMOUNTS:
            yield Lie(f"broken by {short(amount % MODULUS)}", goals=(goal(poly, amount),))
        for place in bits[:MANY]:
            for amount in AMOUNTS[:2]:
                name = f"{relation.names[place]} changed, broken by {amount}"
                cells = ((place, 1 - scene.honest[place]),)
                yield Lie(name, cells, (goal(poly, amount),))
        if len(parts := relation.factors[item]) > 1 < len(poly.degrees):
            yield Lie("no factor is zero", goals=tuple(goal(part, 1) for part in parts))
        return
    if item >= relation.first_take:
        yield from _mistold(scene, relation.takes[item - relation.first_take])
        return
    pairs = zip(relation.lookup_items, relation.lookups, strict=True)
    kinds = [_outside(scene, m) for number, m in pairs if number == item]
    yield from _turns(kinds[:MANY])


def _mistold(scene: Scene, m: Message) -> Iterator[Lie]:
    """Another message than the honest row's under the same key."""
    row, present = list(scene.honest), goal(m.multiplicity, 1)
    for place in m.given:
        poly = m.elements[place]
        slopes = poly.slopes_at(row, [p for p, degree in poly.degrees.items() if degree == 1])
        sizes = sorted({abs(signed(slope)) for slope in slopes.values() if slope})[:MANY]
        for step in [sign * size for size in sizes for sign in (1, -1)]:
            name = f"{m.interaction.label}: {m.bus.fields[place]} {step:+}"
            yield Lie(name, goals=(goal(poly, poly.value(row) + step), present))


def _no_bit(scene: Scene, item: int) -> Iterator[Lie]:
    """A cell that is no bit, but something else that solves an equation about it."""
    relation = scene.relation
    if item >= relation.first_lookup or len(relation.constraints[item].degrees) > 1:
        return
    (place,) = relation.constraints[item].degrees
    about = [scene.equations[n] for n in scene.reads[place]]
    forms = [form for e in about if e.item != item for form in e.wanted]
    other = Equation(None, frozenset((place,)), lambda row: [] if row[place] > 1 else forms)
    yield Lie("no bit", goals=(other,))


def _outside(scene: Scene, m: Message) -> Iterator[Lie]:
    """Values that a fixed table does not state."""
    statements = scene.relation.statements[m.bus]
    present = goal(m.multiplicity, 1)
    for poly, limit in zip(m.elements, statements.bounds, strict=True):
        if not poly.degrees:
            continue
        scale = min((abs(signed(s)) for s in (poly.slopes or {0: 1}).values()), default=1)
        least = (limit - 1) // scale + 1
        values = (least, -1, least + 1, 2 * least - 1, -least, 1 << 16, _inverse(scale))
        for value in (*values, *_fractions(scene, poly)):
            name = f"request {m.bus.name}: {short(value % MODULUS)}"
            yield Lie(name, goals=(goal(poly, value * scale), present))
    if statements.inputs < len(m.elements):
        poly = m.elements[-1]
        for step in STEPS[:2]:
            value = poly.value(scene.honest) + step
            yield Lie(f"request {m.bus.name}: {step:+}", goals=(goal(poly, value), present))


def _fractions(scene: Scene, poly: Polynomial) -> Iterator[int]:
    """Values of a cell that are no integers, but become so by what multiplies it elsewhere."""
    if len(poly.degrees) != 1:
        return
    (place,) = poly.degrees
    messages = (*scene.relation.lookups, *scene.relation.messages)
    slopes = {abs(signed((e.slopes or {}).get(place, 1))) for m in messages for e in m.elements}
    for slope in sorted(slopes - {1}):
        yield from (_inverse(slope), scene.honest[place] + _inverse(slope))


def own_lies(scene: Scene, item: int) -> Iterator[Lie]:
    """Lies about the cells that the item reads; of many, about the first and the last."""
    yield Lie("as it is")
    own = sorted(_places_of(scene.relation, item) - scene.held(item))
    if len(own) > MANY:
        own = [*own[:3], *own[-2:]]
    cells = changes(scene, own, STEPS, item)
    kinds = [_moves(scene, own), cells] if len(own) > 1 else [cells]
    yield from _turns([*kinds, _taken_back(scene, own, item)])


def near_lies(scene: Scene, item: int) -> Iterator[Lie]:
    """Lies about cells that share an equation with the item, and about what is decided."""
    own = sorted(_places_of(scene.relation, item) - scene.held(item))
    near = {p for e in scene.equations if e.places & set(own) for p in e.places}
    bounds = scene.bounds_without(item)
    other = sorted(near - set(own) - scene.held(item), key=lambda p: (bounds.get(p) == 2, p))
    for steps in (STEPS[:2], STEPS[2:]):
        yield from _turns(
            [
                changes(scene, own, steps, item),
                changes(scene, other, steps, item),
                goals(scene, steps),
                _moves(scene, other),
                _inputs(scene, other),
            ]
        )


def _turns(kinds: list[Iterator[Lie]]) -> Iterator[Lie]:
    """A lie of each kind, and again."""
    while kinds:
        for kind in list(kinds):
            if (lie := next(kind, None)) is None:
                kinds.remove(kind)
            else:
                yield lie


def _places_of(relation: Relation, item: int) -> set[int]:
    if item < relation.first_lookup:
        return set(relation.constraints[item].degrees)
    pairs = zip(relation.lookup_items, relation.lookups, strict=True)
    messages = [m for number, m in pairs if number == item]
    if item >= relation.first_take:
        messages = [relation.takes[item - relation.first_take]]
    return {p for m in messages for e in (m.multiplicity, *m.elements) for p in e.degrees}


def free_places(scene: Scene) -> list[int]:
    """The columns that the prover controls."""
    return [p for p in range(scene.relation.width) if p not in scene.pinned]


def changes(
    scene: Scene, places: Sequence[int], steps: Sequence[int], item: int | None = None
) -> Iterator[Lie]:
    """One cell changed: to an edge value, or by a step; or two limbs exchanged.

    Values that something else than the item forbids are left out.
    """
    names, bounds = scene.relation.names, scene.bounds_without(item)
    kinds = []
    for place in places:
        held = scene.honest[place]
        values = [(held + step) % MODULUS for step in steps]
        if len(steps) > 2:
            values = [*NOTABLE, *values, -held % MODULUS, *scene.honest[place + 1 : place + 2]]
        bound = bounds.get(place, MODULUS)
        different = [v for v in dict.fromkeys(values) if v != held and v < bound]
        kinds.append(_cell_lies(names[place], place, different))
    yield from _turns(kinds)


def _cell_lies(name: str, place: int, values: Sequence[int]) -> Iterator[Lie]:
    for value in values:
        yield Lie(f"{name} = {short(value)}", ((place, value),))


def _moves(scene: Scene, places: Sequence[int]) -> Iterator[Lie]:
    """Another bit of a group set instead of the one that is."""
    relation = scene.relation
    names = relation.names
    bits = {p for p, b in relation.bounds_without(None).items() if b == 2}
    groups: dict[str, list[int]] = {}
    for place in range(relation.width):
        if place in bits:
            groups.setdefault(relation.group[place], []).append(place)
    chosen = {relation.group[p] for p in places if p in bits}
    for group in chosen:
        for held in (p for p in groups[group] if scene.honest[p] == 1):
            for place in (p for p in groups[group] if scene.honest[p] == 0):
                cells = ((held, 0), (place, 1))
                yield Lie(f"{names[place]} for {names[held]}", cells)


def _taken_back(scene: Scene, places: Sequence[int], item: int) -> Iterator[Lie]:
    """Bits of a group set, and taken from one that is none any more: their sum stays.

    Two of them that it lies between come first, and bits that are set already.
    """
    relation, bounds = scene.relation, scene.bounds_without(item)
    bits = {p for p, b in relation.bounds_without(None).items() if b == 2}
    for freed in (p for p in places if p in bits and p not in bounds):
        group = [p for p in bits if relation.group[p] == relation.group[freed] and p != freed]
        held = {p for p in (*group, freed) if scene.honest[p]}
        chosen = list(combinations(sorted(group), 2))
        chosen.sort(key=lambda pair: (held.isdisjoint(pair), abs(sum(pair) - 2 * freed)))
        for some in (*chosen, *((p,) for p in group if not held)):
            names = ", ".join(relation.names[p] for p in some)
            cells = dict.fromkeys(held, 0) | dict.fromkeys(some, 1)
            cells[freed] = (len(held) - len(some)) % MODULUS
            yield Lie(f"{names} without {relation.names[freed]}", tuple(cells.items()))


def _inputs(scene: Scene, places: Sequence[int]) -> Iterator[Lie]:
    """Another input of a fixed function of few, alone and with another bit of a group set."""
    relation = scene.relation
    moves = [lie.cells for lie in _moves(scene, places)]
    for lookup in relation.lookups:
        statements = relation.statements[lookup.bus]
        inputs = lookup.elements[: statements.inputs]
        if len(statements.outputs) > FEW_INPUTS or any(len(e.degrees) != 1 for e in inputs):
            continue
        (place,) = inputs[0].degrees
        for values in statements.outputs:
            for cells in ((), *moves):
                yield Lie(f"{relation.names[place]} = {values[0]}", (*cells, (place, values[0])))


def goals(scene: Scene, steps: Sequence[int]) -> Iterator[Lie]:
    """Other values of what the row decides: an element, or a word off by the modulus."""
    messages = scene.relation.messages
    whole = [
        m.multiplicity.degrees.keys() for m in messages if m.interaction in scene.relation.asks
    ]
    for m, active, was in zip(
        scene.relation.messages, scene.multiplicities, scene.elements, strict=True
    ):
        name = f"{m.interaction.role.value} {m.bus.name}"
        free = m.multiplicity.degrees.keys() - scene.pinned
        if free and m.multiplicity.degrees.keys() not in whole:
            yield Lie(f"{name}: {1 - active} times", goals=(goal(m.multiplicity, 1 - active),))
        if active != 1:
            continue
        for low in m.decided:
            if m.bus.fields[low].endswith("lo") and low + 1 in m.decided:
                yield from _words(name, m, low, was)
        for place in m.decided:
            if m.elements[place].degrees.keys() - scene.pinned:
                for step in steps:
                    target = (was[place] + step) % MODULUS
                    yield Lie(
                        f"{name}: {m.bus.fields[place]} {step:+}",
                        goals=(goal(m.elements[place], target),),
                    )


def _words(name: str, m: Message, low: int, was: tuple[int, ...]) -> Iterator[Lie]:
    whole = was[low] + was[low + 1] * HALF
    for step in (MODULUS, -MODULUS, 1 << 255, 1 << 253):
        other = (whole + step) % (1 << 256)
        goals = (
            goal(m.elements[low], other % HALF),
            goal(m.elements[low + 1], other // HALF),
        )
        yield Lie(f"{name}: word {short(step % MODULUS)} more", goals=goals)
    shifted = (was[low] + HALF, (was[low + 1] - 1) % MODULUS)
    goals = (goal(m.elements[low], shifted[0]), goal(m.elements[low + 1], shifted[1]))
    yield Lie(f"{name}: low half not canonical", goals=goals)


def goal(poly: Polynomial, target: int) -> Equation:
    """That a polynomial has a value."""
    forms: list[Form] = [(poly, target % MODULUS)]
    return Equation(
        None,
        frozenset(poly.degrees),
        lambda row: [] if poly.value(row) == target % MODULUS else forms,
        tuple(forms),
    )


def short(value: int) -> str:
    """A number, signed, in hexadecimal if it is large."""
    if value > MODULUS // 2:
        return f"-{short(MODULUS - value)}"
    return str(value) if value < 1 << 20 else f"0x{value:x}"


def _inverse(value: int) -> int:
    return pow(value, -1, MODULUS)
