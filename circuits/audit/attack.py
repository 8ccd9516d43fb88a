"""The attack on one table: lies, repairs, and what they show of each declaration."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from circuits.audit.polynomial import Polynomial
from circuits.audit.relation import Item, Message, Relation
from circuits.audit.repair import Repairer
from circuits.audit.rows import Sample
from circuits.audit.scene import Equation, Form, Scene
from zkevm.field import MODULUS
from zkevm.plonkish.table import Role, Table

HALF = 1 << 128
LIES = 600
EFFORTS = (10, 80)
"""Steps of a search: few for every lie first."""
NOTABLE = (0, 1, 2, MODULUS - 1, 1 << 8, 1 << 16, 1 << 64, 1 << 127, HALF - 1, HALF)
STEPS = (
    1,
    -1,
    2,
    1 << 8,
    -(1 << 8),
    1 << 15,
    1 << 16,
    -(1 << 16),
    1 << 64,
    -(1 << 64),
    HALF,
    -HALF,
)


@dataclass(frozen=True)
class Forgery:
    """A row that decides something else, and how it differs from the honest one."""

    lie: str
    other: str
    changes: tuple[tuple[str, int, int], ...]
    """Column, honest value, forged value."""

    def __str__(self) -> str:
        shown = ", ".join(f"{name}: {a} -> {b}" for name, a, b in self.changes[:6])
        return f"{self.lie}: {self.other} [{shown}{', ...' if len(self.changes) > 6 else ''}]"


@dataclass
class Report:
    """What the attack on a table showed."""

    table: Table
    items: list[Item]
    holes: list[Forgery] = field(default_factory=list)
    dishonest: list[str] = field(default_factory=list)
    needed: dict[int, Forgery] = field(default_factory=dict)
    rows: int = 0
    seconds: float = 0.0

    @property
    def idle(self) -> list[Item]:
        """Declarations whose loss let no lie pass, and whose bus would not miss them."""
        unused = [item for n, item in enumerate(self.items) if n not in self.needed]
        return [item for item in unused if item.kind != Role.RECEIVE.value]

    @property
    def balancing(self) -> list[Item]:
        """Receives that decide nothing on the row; without them a token could be taken twice."""
        unused = [item for n, item in enumerate(self.items) if n not in self.needed]
        return [item for item in unused if item.kind == Role.RECEIVE.value]


@dataclass(frozen=True)
class Lie:
    """Where a search starts: cells changed, or a goal to reach."""

    name: str
    cells: tuple[tuple[int, int], ...] = ()
    goals: tuple[Equation, ...] = ()


@dataclass(frozen=True)
class Target:
    """A table with the samples to attack it from; `opcodes` are those of a step gadget.

    `more` samples are tried only for declarations that the others leave idle.
    """

    relation: Relation
    samples: Sequence[Sample]
    more: Sequence[Sample] = ()
    opcodes: frozenset[int] | None = None


def attack(target: Target, lies: int = LIES) -> Report:
    """Look for holes from each row, then for a use of each declaration that met none on the way.

    `lies` are tried on each row, and on each declaration from a few and again from more rows.
    """
    start = time.monotonic()
    relation = target.relation
    report = Report(relation.table, relation.items)
    scenes = _scenes(target, target.samples)
    for scene, sample in zip(scenes, target.samples, strict=False):
        verdict = scene.verdict(scene.honest, most=100)
        if sample.truth is None and (verdict.broken or verdict.impossible or verdict.other):
            broken = ", ".join(relation.items[n].label for n in verdict.broken)
            report.dishonest.append(f"{broken} {verdict.other} impossible={verdict.impossible}")
    report.rows = len(target.samples) + len(target.more)
    for scene in scenes:
        _find_holes(scene, report, lies)
    for some in (scenes, _scenes(target, target.more)):
        for number in range(len(relation.items)):
            if number not in report.needed:
                forgery = _find_use(some, number, lies)
                if forgery is not None:
                    report.needed[number] = forgery
    report.seconds = time.monotonic() - start
    return report


def _scenes(target: Target, samples: Sequence[Sample]) -> list[Scene]:
    """A scene for each sample, and for two of them the one that leaves the opcode open."""
    relation, opcodes = target.relation, target.opcodes
    scenes = [Scene(relation, s.row, s.world, truth=s.truth, refused=s.refused) for s in samples]
    if opcodes is not None and relation.fetch is not None:
        honest = [s for s in samples if s.truth is None]
        scenes += [Scene(relation, s.row, s.world, opcodes) for s in honest[:2]]
    return scenes


def _find_holes(scene: Scene, report: Report, most: int) -> None:
    """Lies that pass, and by the way lies that only one declaration rejects."""
    repairer = Repairer(scene)
    places = _free_places(scene)
    small = _changes(scene, places, STEPS[:2])
    goals = _goals(scene, STEPS)
    lies = chain((Lie("as it is"),), small, goals, _changes(scene, places, STEPS[2:]))
    for lie in islice(lies, most):
        for row in attempts(repairer, lie):
            verdict = scene.verdict(row, solved=True)
            if verdict.impossible or not verdict.other:
                continue
            if not verdict.broken:
                report.holes.append(_forgery(scene, lie, verdict.other, row))
                break
            if len(verdict.broken) == 1:
                (item,) = verdict.broken
                report.needed.setdefault(item, _forgery(scene, lie, verdict.other, row))


def _find_use(scenes: Sequence[Scene], item: int, most: int) -> Forgery | None:
    """A lie that passes once `item` is left out: quick searches first, then longer ones."""
    for effort in EFFORTS:
        searches = [_lies_about(scene, item) for scene in scenes]
        turns = _in_turns(list(zip(scenes, searches, strict=True)))
        for scene, lie in islice(turns, most):
            for row in attempts(Repairer(scene, dropped=item, effort=effort), lie):
                verdict = scene.verdict(row, dropped=item, most=0, solved=True)
                if not verdict.broken and not verdict.impossible and verdict.other:
                    return _forgery(scene, lie, verdict.other, row)
    return None


def _in_turns(searches: list[tuple[Scene, Iterator[Lie]]]) -> Iterator[tuple[Scene, Lie]]:
    """A lie of each search, and again."""
    while searches:
        for search in list(searches):
            scene, lies = search
            if (lie := next(lies, None)) is None:
                searches.remove(search)
            else:
                yield scene, lie


def attempts(repairer: Repairer, lie: Lie, most: int = 6) -> Iterator[list[int]]:
    """Rows that tell the lie, repaired in different ways, at most so many."""
    row = list(repairer.scene.honest)
    for place, value in lie.cells:
        row[place] = value
    if lie.goals:
        repairer = Repairer(repairer.scene, repairer.dropped, lie.goals)
    kept = frozenset(place for place, _ in lie.cells)
    for number, repaired in enumerate(repairer.repairs(row, kept)):
        if number == most:
            return
        yield repaired


def _lies_about(scene: Scene, item: int) -> Iterator[Lie]:
    """Lies likely to need the item left out: several kinds in turns, the small ones first."""
    yield Lie("as it is")
    own = sorted(_places_of(scene.relation, item) - scene.held(item))
    near = {p for e in scene.equations if e.places & set(own) for p in e.places}
    other = sorted(near - set(own) - scene.held(item))
    yield from _moves(scene, [*own, *other])
    for steps in (STEPS[:2], STEPS[2:]):
        kinds = [_changes(scene, own, steps), _changes(scene, other, steps)]
        kinds += [_goals(scene, steps)]
        yield from (lie for _, lie in _in_turns([(scene, kind) for kind in kinds]))


def _places_of(relation: Relation, item: int) -> set[int]:
    if item < relation.first_lookup:
        return set(relation.constraints[item].degrees)
    pairs = zip(relation.lookup_items, relation.lookups, strict=True)
    messages = [m for number, m in pairs if number == item]
    if item >= relation.first_take:
        messages = [relation.takes[item - relation.first_take]]
    return {p for m in messages for e in (m.multiplicity, *m.elements) for p in e.degrees}


def _free_places(scene: Scene) -> list[int]:
    return [p for p in range(scene.relation.width) if p not in scene.pinned]


def _changes(scene: Scene, places: Sequence[int], steps: Sequence[int]) -> Iterator[Lie]:
    """One cell changed: to an edge value, or by a step; or two limbs exchanged."""
    columns = scene.relation.table.columns
    for place in places:
        held = scene.honest[place]
        values = [(held + step) % MODULUS for step in steps]
        if len(steps) > 2:
            values += [*NOTABLE, -held % MODULUS, *scene.honest[place + 1 : place + 2]]
        for value in dict.fromkeys(values):
            if value != held:
                yield Lie(f"{columns[place].name} = {_short(value)}", ((place, value),))


def _moves(scene: Scene, places: Sequence[int]) -> Iterator[Lie]:
    """Another bit of a group set instead of the one that is."""
    relation = scene.relation
    names = [c.name for c in relation.table.columns]
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


def _goals(scene: Scene, steps: Sequence[int]) -> Iterator[Lie]:
    """Other values of what the row decides: an element, or a word off by the modulus."""
    for m, active, was in zip(
        scene.relation.messages, scene.multiplicities, scene.elements, strict=True
    ):
        name = f"{m.interaction.role.value} {m.bus.name}"
        if m.multiplicity.degrees and m.interaction not in scene.relation.asks:
            yield Lie(f"{name}: {1 - active} times", goals=(_goal(m.multiplicity, 1 - active),))
        if active != 1:
            continue
        for low in m.decided:
            if m.bus.fields[low].endswith("lo") and low + 1 in m.decided:
                yield from _words(name, m, low, was)
        for place in m.decided:
            if m.elements[place].degrees:
                for step in steps:
                    target = (was[place] + step) % MODULUS
                    yield Lie(
                        f"{name}: {m.bus.fields[place]} {step:+}",
                        goals=(_goal(m.elements[place], target),),
                    )


def _words(name: str, m: Message, low: int, was: tuple[int, ...]) -> Iterator[Lie]:
    whole = was[low] + was[low + 1] * HALF
    for step in (MODULUS, -MODULUS, 1 << 255, 1 << 253):
        other = (whole + step) % (1 << 256)
        goals = (
            _goal(m.elements[low], other % HALF),
            _goal(m.elements[low + 1], other // HALF),
        )
        yield Lie(f"{name}: word {_short(step % MODULUS)} more", goals=goals)
    shifted = (was[low] + HALF, (was[low + 1] - 1) % MODULUS)
    goals = (_goal(m.elements[low], shifted[0]), _goal(m.elements[low + 1], shifted[1]))
    yield Lie(f"{name}: low half not canonical", goals=goals)


def _goal(poly: Polynomial, target: int) -> Equation:
    forms: list[Form] = [(poly, target % MODULUS)]
    return Equation(
        None,
        frozenset(poly.degrees),
        lambda row: [] if poly.value(row) == target % MODULUS else forms,
        tuple(forms),
    )


def _forgery(scene: Scene, lie: Lie, other: str, row: Sequence[int]) -> Forgery:
    columns = scene.relation.table.columns
    changes = tuple(
        (column.name, was, now)
        for column, was, now in zip(columns, scene.honest, row, strict=False)
        if was != now
    )
    return Forgery(lie.name, other, changes)


def _short(value: int) -> str:
    if value > MODULUS // 2:
        return f"-{_short(MODULUS - value)}"
    return str(value) if value < 1 << 20 else f"0x{value:x}"
