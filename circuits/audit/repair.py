"""Repairing a bent row: every broken equation is solved for a cell that the prover controls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from circuits.audit.equation import Equation, Form
from circuits.audit.polynomial import Polynomial, combined
from circuits.audit.scene import Scene
from zkevm.field import MODULUS, signed

Change = tuple[tuple[int, int], ...]
"""Cells with their new values."""

LIMB = 1 << 16
LARGE = 1 << 128
LARGEST_SYSTEM = 40
CANDIDATES = 16
"""Solutions of one equation that are looked at; those that break least are followed."""

TURNS = 7
"""How often a sum of digits may wrap round the field and still be tried."""


@dataclass
class Repairer:
    """Searches repairs on one scene, with one item left out and perhaps goals added.

    `width` limits the solutions followed for one equation, `effort` the steps of one search.
    """

    scene: Scene
    dropped: int | None = None
    goals: tuple[Equation, ...] = ()
    width: int = 4
    effort: int = 60

    def __post_init__(self) -> None:
        relation = self.scene.relation
        self.bound = self.scene.bounds_without(self.dropped)
        padding = self.scene.is_padding
        self.lifted = relation.bounds_without(None, padding=padding).keys() - self.bound.keys()
        """Columns that only the item left out bounds."""
        self.held = self.scene.held(self.dropped)
        self.equations = [*self.scene.equations, *self.goals]
        self.reads = self.scene.reads
        if self.goals:
            self.reads = dict(self.reads)
            for number, goal in enumerate(self.goals, len(self.scene.equations)):
                for place in goal.places:
                    self.reads[place] = [*self.reads.get(place, []), number]

    def repairs(self, row: list[int], kept: frozenset[int]) -> Iterator[list[int]]:
        """Rows without a broken equation, keeping the cells `kept`."""
        changed = [p for p, (a, b) in enumerate(zip(row, self.scene.honest, strict=True)) if a != b]
        broken: dict[int, list[Form]] = {}
        numbers = self.scene.broken | {n for p in changed for n in self.reads.get(p, ())}
        numbers |= set(range(len(self.scene.equations), len(self.equations)))
        if not self._renew(row, numbers, broken):
            return
        self.left = self.effort
        yield from self._search(row, kept | self.held, broken)

    def _renew(self, row: list[int], numbers: set[int], broken: dict[int, list[Form]]) -> bool:
        """Bring `broken` up to date; False if an equation is beyond repair."""
        for number in numbers:
            equation = self.equations[number]
            if equation.item is not None and equation.item == self.dropped:
                continue
            forms = equation.forms(row)
            if forms is None:
                return False
            if forms:
                broken[number] = forms
            else:
                broken.pop(number, None)
        return True

    def _search(
        self, row: list[int], kept: frozenset[int], broken: dict[int, list[Form]]
    ) -> Iterator[list[int]]:
        self.left -= 1
        if self.left < 0:
            return
        if not broken:
            yield row
            return
        number = min(broken, key=lambda n: (self._freedom(n, kept), n))
        found: list[tuple[int, int, list[int], frozenset[int], dict[int, list[Form]]]] = []
        changes = self._changes(row, kept, number, broken[number])
        for change in islice(changes, CANDIDATES):
            bent = row.copy()
            for place, value in change:
                bent[place] = value
            rest = dict(broken)
            touched = {n for place, _ in change for n in self.reads.get(place, ())}
            if self._renew(bent, touched | {number}, rest) and number not in rest:
                places = {p for p, _ in change}
                entry = (len(rest), len(found), bent, kept | places, rest)
                found.append(entry)
                if not rest:
                    break
        found.sort(key=lambda entry: entry[:2])
        for _, _, bent, held, rest in found[: self.width]:
            yield from self._search(bent, held, rest)

    def _freedom(self, number: int, kept: frozenset[int]) -> int:
        return len(self.equations[number].places - kept)

    def _changes(
        self, row: list[int], kept: frozenset[int], number: int, forms: list[Form]
    ) -> Iterator[Change]:
        """Ways to make one of the forms true: one cell, or limbs together; the likeliest first."""
        found: list[tuple[int, Change]] = []
        if self.lifted:
            yield from self._system(row, kept)
        for poly, target in forms:
            yield from self._eliminating(row, kept, number, (poly, target), self.lifted)
        for poly, target in forms:
            places = [p for p, d in poly.degrees.items() if d == 1 and p not in kept]
            slopes = {p: s for p, s in poly.slopes_at(row, places).items() if s}
            missing = (target - poly.value(row)) % MODULUS
            for place, slope in slopes.items():
                bound = self.bound.get(place, MODULUS)
                if bound == 2:
                    step = 1 - 2 * row[place]
                    if row[place] < 2 and (step * slope - missing) % MODULUS == 0:
                        found.append((len(self.reads.get(place, ())), ((place, 1 - row[place]),)))
                    continue
                value = (row[place] + _solution(slope, missing)) % MODULUS
                if value < bound:
                    found.append((len(self.reads.get(place, ())), ((place, value),)))
            found += [(4, change) for change in self._moves(row, poly, slopes, missing)]
            together = self._together(row, poly, target, slopes)
            found += [(3 * len(change), change) for change in together]
            if not found:
                found += [(5, change) for change in self._raised(row, poly, places, missing)]
        found.sort(key=lambda entry: entry[0])
        yield from dict.fromkeys(change for _, change in found)
        for poly, target in forms:
            unbounded = {p for p in poly.degrees if p not in self.bound}
            yield from self._eliminating(row, kept, number, (poly, target), unbounded - self.lifted)

    def _moves(
        self, row: list[int], poly: Polynomial, slopes: dict[int, int], missing: int
    ) -> Iterator[Change]:
        """Another bit of a group set instead of one that is."""
        if poly.slopes is None:
            return
        group = self.scene.relation.group
        bits = [p for p in slopes if self.bound.get(p) == 2]
        wanted: dict[tuple[str, int], list[int]] = {}
        for place in bits:
            if row[place] == 0:
                wanted.setdefault((group[place], slopes[place]), []).append(place)
        for held in (p for p in bits if row[p] == 1):
            for place in wanted.get((group[held], (missing + slopes[held]) % MODULUS), ()):
                yield ((held, 0), (place, 1))

    def _raised(
        self, row: list[int], poly: Polynomial, places: Sequence[int], missing: int
    ) -> Iterator[Change]:
        """A cell raised by one, so that another has a slope: both are factors that vanish."""
        for place in places if poly.slopes is None else ():
            bent = row.copy()
            bent[place] += 1
            others = [p for p in places if p != place and p not in self.bound]
            slopes = poly.slopes_at(bent, others) if self._allows(place, bent[place]) else {}
            for other, slope in slopes.items():
                if slope:
                    value = (row[other] + _solution(slope, missing)) % MODULUS
                    yield ((place, bent[place]), (other, value))

    def _allows(self, place: int, value: int) -> bool:
        return value < self.bound.get(place, MODULUS)

    def _system(self, row: list[int], kept: frozenset[int]) -> Iterator[Change]:
        """All equations about the cells that lost their bounds, solved for these together."""
        unknowns = sorted(self.lifted - kept)
        numbers = sorted({n for p in unknowns for n in self.reads.get(p, ())})
        if len(unknowns) < 2 or len(numbers) > LARGEST_SYSTEM:
            return
        rows = []
        for number in numbers:
            equation = self.equations[number]
            if equation.wanted and (equation.item is None or equation.item != self.dropped):
                poly, target = equation.wanted[0]
                places = [p for p in unknowns if poly.degrees.get(p) == 1]
                slopes = {p: s for p, s in poly.slopes_at(row, places).items() if s}
                rows.append((slopes, (target - poly.value(row)) % MODULUS))
        solution = _solved(rows)
        if solution:
            yield tuple((p, (row[p] + step) % MODULUS) for p, step in solution.items())

    def _eliminating(
        self,
        row: list[int],
        kept: frozenset[int],
        number: int,
        form: Form,
        places: AbstractSet[int],
    ) -> Iterator[Change]:
        """A cell without bounds that two equations share: the two without it, then that cell."""
        poly, target = form
        for place in places:
            if poly.degrees.get(place) != 1 or place in kept:
                continue
            (slope,) = poly.slopes_at(row, (place,)).values()
            for other in self.reads.get(place, ()):
                equation = self.equations[other]
                if other == number or not slope or equation.item == self.dropped is not None:
                    continue
                for second, aim in equation.wanted[:1]:
                    if second.degrees.get(place) == 1:
                        yield from self._both(row, kept, place, (poly, target), (second, aim))

    def _both(
        self, row: list[int], kept: frozenset[int], place: int, first: Form, second: Form
    ) -> Iterator[Change]:
        (slope,) = first[0].slopes_at(row, (place,)).values()
        (other,) = second[0].slopes_at(row, (place,)).values()
        if not other:
            return
        poly = combined(first[0], other, second[0], -slope)
        target = other * first[1] - slope * second[1]
        digits = [p for p, d in poly.degrees.items() if d == 1 and p not in kept and p != place]
        slopes = {p: s for p, s in poly.slopes_at(row, digits).items() if s}
        for change in self._together(row, poly, target, slopes):
            bent = row.copy()
            for p, value in change:
                bent[p] = value
            (slope,) = first[0].slopes_at(bent, (place,)).values()
            if slope:
                step = _solution(slope, first[1] - first[0].value(bent))
                yield (*change, (place, (row[place] + step) % MODULUS))

    def _together(
        self, row: list[int], poly: Polynomial, target: int, slopes: dict[int, int]
    ) -> Iterator[Change]:
        """Bounded cells with integer slopes, as digits of what the others leave."""
        small = {p for p in slopes if self.bound.get(p, MODULUS) <= LIMB or p in self.lifted}
        all_digits = {p: signed(s) for p, s in slopes.items() if p in small}
        groups = {self.scene.relation.group[p] for p in all_digits if self._digit_bound(p) > 2}
        if len(groups) < 2:
            yield from self._as_digits(row, poly, target, all_digits)
            return
        for group in sorted(groups):
            some = {
                p: s
                for p, s in all_digits.items()
                if self._digit_bound(p) == 2 or self.scene.relation.group[p] == group
            }
            yield from self._as_digits(row, poly, target, some)
        yield from self._as_digits(row, poly, target, all_digits)

    def _digit_bound(self, place: int) -> int:
        """What a digit is below; one without a bound is tried as a large one."""
        return self.bound.get(place, LARGE)

    def _as_digits(
        self, row: list[int], poly: Polynomial, target: int, digits: dict[int, int]
    ) -> Iterator[Change]:
        if len(digits) < 2 or (poly.slopes is None and not _is_linear(row, poly, digits)):
            return
        held = sum(s * row[p] for p, s in digits.items())
        rest = signed((target - poly.value(row) + held) % MODULUS)
        order = sorted(digits, key=lambda p: -abs(digits[p]))
        scales = [(digits[p], self._digit_bound(p)) for p in order]
        low = sum(s * (b - 1) for s, b in scales if s < 0)
        high = sum(s * (b - 1) for s, b in scales if s > 0)
        for turns in range(-((rest - low) // MODULUS), (high - rest) // MODULUS + 1)[:TURNS]:
            for prefer_high in (False, True):
                whole = rest + turns * MODULUS
                values = _digits(whole, scales, low, high, prefer_high)
                if values is not None:
                    change = tuple(zip(order, values, strict=True))
                    if any(row[p] != value for p, value in change):
                        yield change


def _solved(rows: list[tuple[dict[int, int], int]]) -> dict[int, int] | None:
    """A solution of linear equations (slopes, sum), undetermined cells 0; None if there is none."""
    pivots: list[tuple[int, dict[int, int], int]] = []
    for given, amount in rows:
        slopes, rest = dict(given), amount
        for place, other, total in pivots:
            if factor := slopes.pop(place, 0):
                for p, s in other.items():
                    slopes[p] = (slopes.get(p, 0) - factor * s) % MODULUS
                rest = (rest - factor * total) % MODULUS
        slopes = {p: s for p, s in slopes.items() if s}
        if not slopes:
            if rest:
                return None
            continue
        place = min(slopes)
        scale = _inverse(slopes.pop(place))
        pivots.append(
            (place, {p: s * scale % MODULUS for p, s in slopes.items()}, rest * scale % MODULUS)
        )
    found: dict[int, int] = {}
    for place, other, total in reversed(pivots):
        value = (total - sum(s * found.get(p, 0) for p, s in other.items())) % MODULUS
        if value:
            found[place] = value
    return found


def _is_linear(row: list[int], poly: Polynomial, digits: dict[int, int]) -> bool:
    """Whether the polynomial is linear in all these cells at once, near this row."""
    bent = row.copy()
    for place in digits:
        bent[place] += 1
    return (poly.value(bent) - poly.value(row) - sum(digits.values())) % MODULUS == 0


def _digits(
    target: int, scales: list[tuple[int, int]], low: int, high: int, prefer_high: bool
) -> list[int] | None:
    """Values below their bounds with `sum of scale * value = target`, largest scale first.

    `low` and `high` are the least and the largest sum there is.
    """
    found = []
    for scale, bound in scales:
        reach = scale * (bound - 1)
        if reach < 0:
            low -= reach
        else:
            high -= reach
        first, last = _range(target, scale, low, high)
        first, last = max(first, 0), min(last, bound - 1)
        if first > last:
            return None
        value = last if prefer_high else first
        found.append(value)
        target -= scale * value
    return found if target == 0 else None


def _range(target: int, scale: int, low: int, high: int) -> tuple[int, int]:
    """The integers v with low <= target - scale * v <= high."""
    if scale > 0:
        return -((high - target) // scale), (target - low) // scale
    return -((target - low) // -scale), (high - target) // -scale


def _solution(slope: int, target: int) -> int:
    """x with slope * x = target, reduced."""
    if slope == 1:
        return target % MODULUS
    if slope == MODULUS - 1:
        return -target % MODULUS
    return target * _inverse(slope) % MODULUS


@lru_cache(1 << 16)
def _inverse(value: int) -> int:
    return pow(value, -1, MODULUS)
