"""The attack on one table: lies, repairs, and what they show of each declaration."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

from circuits.audit.buses import CELLS
from circuits.audit.lies import (
    STEPS,
    Lie,
    all_lies,
    breaches,
    changes,
    free_places,
    goal,
    goals,
    near_lies,
    own_lies,
)
from circuits.audit.redundant import reason
from circuits.audit.relation import Item, Relation
from circuits.audit.repair import Repairer
from circuits.audit.rows import Sample
from circuits.audit.scene import Scene, World
from zkevm.plonkish.table import Role, Table

LIES = 160
NEAR = 300
"""Lies about what lies near a declaration, once those about its own cells have failed."""

LAST = 1500
"""Lies about a declaration that nothing has been found of."""

TRIALS = 3
"""Rows that break a declaration alone, of which one is to show what comes of it."""

FEW, ROWS = 4, 8
"""Scenes of a search near a declaration, and of a loose one."""

QUICK, LONG = 10, 25
"""Steps of a search: few for the many lies, more for the few."""


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
    alone: dict[int, Forgery] = field(default_factory=dict)
    """Declarations that a row breaks which keeps all others, whatever comes of it."""

    redundant: dict[int, str] = field(default_factory=dict)
    """Idle declarations, with the reason."""

    rows: int = 0
    seconds: float = 0.0

    @property
    def idle(self) -> list[Item]:
        """Declarations that no row was found to break alone, though nothing says why."""
        shown = self.needed.keys() | self.alone.keys() | self.redundant.keys()
        return [item for n, item in enumerate(self.items) if n not in shown]

    @property
    def rate(self) -> float:
        """The share of the declarations whose loss shows, of those that are not redundant."""
        shown = len(self.needed.keys() | self.alone.keys())
        return shown / (shown + len(self.idle)) if self.items else 1.0


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

    `lies` are tried on each row, and on each declaration.
    """
    start = time.process_time()
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
    every = [*scenes, *_scenes(target, target.more, padding=False)]
    loose = [
        Scene(relation, _cells(scene), scene.world, loose=True)
        for scene in every
        if scene.is_honest and scene.opcodes is None
    ]
    some = [*loose[:ROWS], *(s for s in loose[ROWS:] if s.is_padding)]
    for number in range(len(relation.items)):
        if number not in report.needed:
            _find_use(number, every, some, report, lies)
    for number in range(len(relation.items)):
        if number in report.needed or number in report.alone:
            continue
        if why := reason(relation, number):
            report.redundant[number] = why
        elif _takes_of_a_cell(relation, number, scenes):
            report.alone[number] = Forgery("as it is", "where the cell holds something else", ())
        elif lies >= LIES:
            _break_alone(number, loose, all_lies, LAST, report)
    report.seconds = time.process_time() - start
    return report


def padding_holes(relation: Relation) -> list[Forgery]:
    """What a row that takes no work can be made to send, receive or offer: each message in turn."""
    scene = _padding(relation, {})
    said = [m for m in relation.messages if m.interaction.role is not Role.REQUEST]
    lies = [Lie(m.interaction.label, goals=(goal(m.multiplicity, 1),)) for m in said]
    return [
        _forgery(scene, lie, "padding that speaks", row)
        for lie in lies
        for row in attempts(Repairer(scene, width=8, effort=LONG), lie)
        if any(m.active(row) for m in said) and not scene.verdict(row, solved=True).broken
    ]


def _padding(relation: Relation, world: World) -> Scene:
    return Scene(relation, (0,) * (relation.width + len(relation.table.fixed)), world)


def _scenes(target: Target, samples: Sequence[Sample], *, padding: bool = True) -> list[Scene]:
    """A scene for each sample, for two of them one that leaves the opcode open, and for padding."""
    relation, opcodes = target.relation, target.opcodes
    scenes = [Scene(relation, s.row, s.world, truth=s.truth, refused=s.refused) for s in samples]
    honest = [s for s in samples if s.truth is None]
    if opcodes is not None and relation.fetch is not None:
        scenes += [Scene(relation, s.row, s.world, opcodes) for s in honest[:2]]
    if honest and padding:
        scenes.append(_padding(relation, honest[0].world))
    return scenes


def _cells(scene: Scene) -> tuple[int, ...]:
    """The honest row without its slacks."""
    table = scene.relation.table
    return scene.honest[: len(table.columns) + len(table.fixed)]


def _find_holes(scene: Scene, report: Report, most: int) -> None:
    """Lies that pass, and by the way lies that only one declaration rejects."""
    repairer = Repairer(scene)
    places = free_places(scene)
    small = changes(scene, places, STEPS[:2])
    large = changes(scene, places, STEPS[2:])
    lies = chain((Lie("as it is"),), small, goals(scene, STEPS), large)
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


def _find_use(
    item: int, scenes: Sequence[Scene], loose: Sequence[Scene], report: Report, most: int
) -> None:
    """What the item forbids: another decision, or at least a row that only it rejects."""
    if _forge(item, scenes, own_lies, most, QUICK, report):
        return
    if item not in report.needed:
        _break_alone(item, loose, breaches, most, report)
    if item not in report.needed:
        near = NEAR // 3 if item in report.alone else NEAR
        some = [s for s in scenes if s.is_honest]
        _forge(
            item,
            [*some[:FEW], *(s for s in some if s.is_padding)],
            near_lies,
            near,
            LONG,
            report,
        )


def _takes_of_a_cell(relation: Relation, item: int, scenes: Sequence[Scene]) -> bool:
    """Whether an honest row takes what a cell holds, which might be anything else.

    Then the same row breaks that it takes it, and nothing else.
    """
    if item < relation.first_take:
        return False
    m = relation.takes[item - relation.first_take]
    held = m.interaction.role is Role.RECEIVE and m.bus.name in CELLS and m.given
    return bool(held) and any(m.active(s.honest) == 1 for s in scenes if s.is_honest)


def _forge(
    item: int,
    scenes: Sequence[Scene],
    telling: Callable[[Scene, int], Iterator[Lie]],
    most: int,
    effort: int,
    report: Report,
) -> bool:
    """Look for a row that decides something else once the item is left out."""
    turns = _in_turns([(scene, telling(scene, item)) for scene in scenes])
    for scene, lie in islice(turns, most):
        for row in attempts(Repairer(scene, dropped=item, effort=effort), lie):
            verdict = scene.verdict(row, dropped=item, most=0, solved=True)
            if not verdict.broken and not verdict.impossible and verdict.other:
                report.needed[item] = _forgery(scene, lie, verdict.other, row)
                return True
    return False


def _break_alone(
    item: int,
    loose: Sequence[Scene],
    telling: Callable[[Scene, int], Iterator[Lie]],
    most: int,
    report: Report,
) -> None:
    """Look for any row that breaks the item alone; best one that decides what it must not."""
    turns = _in_turns([(scene, telling(scene, item)) for scene in loose])
    found = 0
    for scene, lie in islice(turns, most):
        for row in attempts(Repairer(scene, dropped=item, effort=LONG), lie):
            if not scene.is_false_alone(row, item):
                continue
            report.alone.setdefault(item, _forgery(scene, lie, "breaks this alone", row))
            if other := _truth_differs(scene, row):
                report.needed[item] = _forgery(scene, lie, other, row)
            found += 1
            break
        if item in report.needed or found == TRIALS:
            return


def _truth_differs(scene: Scene, row: list[int]) -> str:
    """How a row that breaks something decides otherwise than one that is given the same."""
    relation = scene.relation
    given = {
        n: m.values(row)
        for n, m in enumerate(relation.messages)
        if m.interaction.role in (Role.RECEIVE, Role.REQUEST) and m.active(row) == 1
    }
    same = Scene(relation, row[: len(_cells(scene))], truth=given)
    for true in attempts(Repairer(same, effort=LONG), Lie("as it is"), most=2):
        verdict = same.verdict(true, solved=True, most=0)
        if verdict.broken or verdict.impossible:
            continue
        for m in relation.messages:
            if m.interaction.role not in (Role.SEND, Role.PROVIDE):
                continue
            label = f"{m.interaction.label} of a row that is given the same"
            if m.active(row) != m.active(true):
                return f"{label}: multiplicity {m.active(true)}"
            now, then = m.values(row, m.decided), m.values(true, m.decided)
            if m.active(row) and now != then:
                return f"{label}: {then}, here {now}"
    return ""


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


def _forgery(scene: Scene, lie: Lie, other: str, row: Sequence[int]) -> Forgery:
    columns = scene.relation.table.columns
    changes = tuple(
        (column.name, was, now)
        for column, was, now in zip(columns, scene.honest, row, strict=False)
        if was != now
    )
    return Forgery(lie.name, other, changes)
