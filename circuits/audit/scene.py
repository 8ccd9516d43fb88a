"""One honest row, and what a forged row is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuits.audit.buses import (
    CELLS,
    COMPLETE,
    DROPPABLE,
    Statements,
    acceptable,
    available,
    key_size,
)
from circuits.audit.polynomial import Polynomial, Row
from circuits.audit.relation import Message, Relation, _label
from circuits.audit.reviewed import CREATORS
from zkevm.field import MODULUS
from zkevm.plonkish.table import Role

TAKING = (Role.RECEIVE, Role.REQUEST)
TIME = 1 << 40
"""Clocks stay below it."""


World = dict[tuple[str, tuple[int, ...]], tuple[int, ...]]
"""What tables state on lookup buses: the message by bus and key."""

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


@dataclass(frozen=True)
class Verdict:
    """What a row breaks, and whether it decides something else than the honest row."""

    broken: tuple[int, ...]
    impossible: bool
    other: str


class Scene:
    """One honest row of a relation, with everything that a forged row is held against.

    `world` holds what other tables state: a lookup under another key finds that or, if they state
    nothing there, whatever the prover likes.
    With `opcodes`, those that a step gadget declares, the instruction of the code is not the honest
    row's but any other: a row that proves such a step decides what is not its own to decide.
    With `truth`, the messages (by number) of an honest row of another gadget for the same opcode,
    the row to start from is not honest: it is given what that row was given, and must agree or be
    broken.  With `refused`, too, the step is not the gadget's to prove at all; the text says why.
    """

    def __init__(
        self,
        relation: Relation,
        honest: Sequence[int],
        world: World | None = None,
        opcodes: frozenset[int] | None = None,
        truth: Mapping[int, tuple[int, ...]] | None = None,
        refused: str = "",
    ) -> None:
        self.relation = relation
        self.world = world or {}
        self.refused = refused
        self.opcodes = opcodes
        self.honest = tuple(honest)
        self.multiplicities = [m.active(honest) for m in relation.messages]
        self.elements = [m.values(honest) for m in relation.messages]
        self.is_honest = truth is None
        self.known = [truth is None or n in truth for n in range(len(relation.messages))]
        for number, message in (truth or {}).items():
            self.multiplicities[number], self.elements[number] = 1, message
        self.equations = list(self._equations())
        self.broken = {n for n, e in enumerate(self.equations) if e.forms(honest) != []}
        self.pinned = self._pinned()
        self.false_lookups = self._false_lookups()
        self.reads: dict[int, list[int]] = {}
        for number, equation in enumerate(self.equations):
            for place in equation.places:
                self.reads.setdefault(place, []).append(number)

    def verdict(
        self, row: Row, dropped: int | None = None, most: int = 1, *, solved: bool = False
    ) -> Verdict:
        """Judge a row, exactly; stops once more than `most` items but `dropped` are broken.

        `solved` says that all equations are known to hold.
        """
        broken: set[int] = set()
        for equation in () if solved else self.equations:
            if equation.item == dropped and dropped is not None:
                continue
            if equation.forms(row) != []:
                if equation.item is None:
                    return Verdict((), True, "")
                broken.add(equation.item)
        relation = self.relation
        touched = {n for p in self._changed(row) for n in relation.lookups_of.get(p, ())}
        for n in touched | self.false_lookups:
            number, lookup = relation.lookup_items[n], relation.lookups[n]
            if number == dropped or number in broken:
                continue
            if lookup.active(row) and not relation.statements[lookup.bus].holds(lookup.values(row)):
                broken.add(number)
            if len(broken) > most:
                return Verdict(tuple(broken), True, "")
        return Verdict(tuple(sorted(broken)), False, self._other(row, dropped))

    def _changed(self, row: Row) -> list[int]:
        return [p for p, (was, now) in enumerate(zip(self.honest, row, strict=True)) if was != now]

    def _false_lookups(self) -> set[int]:
        """Lookups that the row to start from breaks: none if it is honest."""
        return {
            n
            for n, lookup in enumerate(self.relation.lookups)
            if lookup.active(self.honest)
            and not self.relation.statements[lookup.bus].holds(lookup.values(self.honest))
        }

    def _other(self, row: Row, dropped: int | None) -> str:
        """What the row decides differently, in words; empty if nothing that matters."""
        if self._is_excused(row) or not self._is_possible(row, dropped):
            return ""
        if self.refused:
            return f"proves a step that {self.refused}"
        if self.opcodes is not None:
            return self._foreign(row, dropped)
        number = self.relation.first_take - 1
        for m, known, was_active, was in zip(
            self.relation.messages, self.known, self.multiplicities, self.elements, strict=True
        ):
            taken = m.interaction.role in TAKING
            number += taken
            if not known or (taken and number == dropped):
                continue
            if other := self._differs(row, m, was_active, was):
                return other
        return self._made_of_nothing(row)

    def _differs(self, row: Row, m: Message, was_active: int, was: tuple[int, ...]) -> str:
        """How one message differs from the honest row's in what the row decides."""
        active, name = m.active(row), _label(m.interaction)
        if active not in (0, 1):
            return f"{name}: multiplicity {_signed(active)}"
        if m.interaction.role is Role.REQUEST:
            return ""  # asking another true statement decides nothing
        droppable = m.interaction.role is Role.SEND and m.bus.name in DROPPABLE
        if active != was_active and not droppable:
            return f"{name}: multiplicity {active}"
        if not active:
            return ""
        now = m.values(row)
        for place in m.decided:
            if now[place] != was[place]:
                return f"{name}: {m.bus.fields[place]} {_signed(now[place])}"
        dated = m.bus.name in CELLS and self.relation.table.name not in CREATORS
        received = m.interaction.role is Role.RECEIVE
        return self._from_the_future(row, m, now) if received and dated else ""

    def _made_of_nothing(self, row: Row) -> str:
        """A token sent on a droppable bus, where none is received."""
        for name in DROPPABLE:
            on_bus = [m for m in self.relation.messages if m.bus.name == name]
            counts = dict.fromkeys((Role.SEND, Role.RECEIVE), 0)
            for m in on_bus:
                counts[m.interaction.role] += m.active(row)
            takes = any(m.interaction.role is Role.RECEIVE for m in on_bus)
            if takes and counts[Role.SEND] > counts[Role.RECEIVE]:
                return f"{name}: a token made of nothing"
        return ""

    def _is_excused(self, row: Row) -> bool:
        """Whether the row uses a freedom that a review allows, within the column's bounds."""
        bounds = self.relation.bounds_without(None)
        return any(
            row[p] != self.honest[p] and row[p] < bounds.get(p, MODULUS)
            for p, condition in self.relation.free
            if condition is None or row[condition] == 0
        )

    def _is_possible(self, row: Row, dropped: int | None) -> bool:
        """Whether others could state and take what the row asks for and sends anew."""
        number = self.relation.first_take - 1
        for m, was_active, was in zip(
            self.relation.messages, self.multiplicities, self.elements, strict=True
        ):
            number += m.interaction.role in TAKING
            if (number == dropped and m.interaction.role in TAKING) or not m.active(row):
                continue
            now = m.values(row)
            if self.is_honest and now == was and was_active:
                continue
            if m.interaction.role is Role.REQUEST:
                key = now[: len(m.key)]
                unknown = () if m.bus.name in COMPLETE else now
                same = self.is_honest and was_active == 1 and key == was[: len(m.key)]
                if not same and self.world and self.world.get((m.bus.name, key), unknown) != now:
                    return False
            fits = available if m.interaction.role in TAKING else acceptable
            if not fits(m.bus, now):
                return False
        return True

    def _foreign(self, row: Row, dropped: int | None) -> str:
        """The instruction that the row passes for, if it is not one of its gadget's."""
        for number, m in enumerate(self.relation.takes, self.relation.first_take):
            if m.interaction is self.relation.fetch and number == dropped:
                return "proves a step of any opcode"
            if m.interaction is self.relation.fetch and m.active(row) == 1:
                byte = m.elements[m.bus.fields.index("byte")].value(row)
                if byte < 256 and byte not in (self.opcodes or ()):
                    return f"proves a step of opcode 0x{byte:02x}"
        return ""

    def _from_the_future(self, row: Row, received: Message, now: tuple[int, ...]) -> str:
        size = key_size(received.bus)
        clock = None if received.interaction in self.relation.asks else self._clock(row)
        for m in self.relation.messages:
            if m.bus is received.bus and m.interaction.role is Role.SEND and m.active(row):
                sent = m.values(row)
                if sent[:size] == now[:size]:
                    clock = sent[-1]
        if clock is None or (clock - now[-1] - 1) % MODULUS < TIME:
            return ""
        return f"{_label(received.interaction)}: a token from the future"

    def _clock(self, row: Row) -> int | None:
        for m in self.relation.messages:
            if m.interaction in self.relation.asks and "clock" in m.bus.fields:
                return m.elements[m.bus.fields.index("clock")].value(row)
        return None

    def _is_opcode(self, m: Message, place: int) -> bool:
        """Whether the element is the step's own instruction, which the scene leaves open."""
        own = m.bus.name == "fetch" and m.interaction is self.relation.fetch
        return self.opcodes is not None and own and m.bus.fields[place] == "byte"

    def held(self, dropped: int | None) -> frozenset[int]:
        """Columns that repairs leave alone: fixed ones, counts, what the row is told directly."""
        if dropped is None:
            return self.pinned
        own = set(self._told_by.get(dropped, ()))
        for told in self._told_by.values():
            if any(item == dropped for p in told for item, _ in self.relation.bounds.get(p, ())):
                own |= told
        return self.pinned - own

    def _pinned(self) -> frozenset[int]:
        relation = self.relation
        pinned = set(range(relation.width, len(self.honest)))
        for i in relation.table.interactions:
            if i.count is not None:
                pinned.add(relation.position[i.count])
        self._told_by: dict[int, frozenset[int]] = {}
        for number, m in enumerate(relation.takes, relation.first_take):
            if m.interaction in relation.asks or self._always(m):
                told = {p for place in m.given for p in _told_word(m.elements[place])}
                self._told_by[number] = frozenset(told)
                pinned |= told
        return frozenset(pinned)

    def _always(self, m: Message) -> bool:
        """Whether the row cannot but receive this: a step's operand."""
        return (
            m.interaction.role is Role.RECEIVE
            and m.active(self.honest) == 1
            and (m.bus.name == "stack" and len(m.multiplicity.degrees) == 1)
        )

    def _equations(self) -> Iterator[Equation]:
        relation = self.relation
        for item, (whole, parts) in enumerate(
            zip(relation.constraints, relation.factors, strict=True)
        ):
            yield Equation(item, frozenset(whole.degrees), _vanishing(whole, parts), ((whole, 0),))
        for number, lookup in zip(relation.lookup_items, relation.lookups, strict=True):
            statements = relation.statements[lookup.bus]
            if statements.inputs < len(lookup.elements):
                yield Equation(number, _places(lookup), _functional(lookup, statements))
        item = relation.first_take - 1
        for m, known, active, was in zip(
            relation.messages, self.known, self.multiplicities, self.elements, strict=True
        ):
            taken = m.interaction.role in TAKING
            item += taken
            if not known:
                continue
            if m.interaction in relation.asks and active:
                yield Equation(None, frozenset(m.multiplicity.degrees), _present(m.multiplicity))
            if active != 1:
                continue
            guard = m.key if taken and m.interaction not in relation.asks else ()
            if not taken and m.interaction.role is Role.SEND:
                guard = m.decided
            for place in m.given:
                if self._is_opcode(m, place):
                    continue
                forms = _told(m, guard, was, place)
                wanted = ((m.elements[place], was[place]),)
                yield Equation(item if taken else None, _places(m), forms, wanted)


def _vanishing(
    whole: Polynomial, parts: Sequence[Polynomial]
) -> Callable[[Row], list[Form] | None]:
    forms: list[Form] = [(part, 0) for part in parts]
    return lambda row: forms if whole.value(row) else []


def _present(multiplicity: Polynomial) -> Callable[[Row], list[Form] | None]:
    """The row does take what it was handed; how often is judged apart."""
    forms: list[Form] = [(multiplicity, 1)]
    return lambda row: [] if multiplicity.value(row) else forms


def _told(
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


def _functional(m: Message, statements: Statements) -> Callable[[Row], list[Form] | None]:
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


def _places(m: Message) -> frozenset[int]:
    return frozenset(p for e in (m.multiplicity, *m.elements) for p in e.degrees)


def _told_word(poly: Polynomial) -> tuple[int, ...]:
    """The cells that an element tells: its only column, or the digits of a number."""
    return tuple(poly.degrees) if len(poly.degrees) == 1 or _is_number(poly) else ()


def _is_number(poly: Polynomial) -> bool:
    slopes = sorted((poly.slopes or {0: 2}).values())
    return slopes in ([1 << bits * i for i in range(len(slopes))] for bits in (8, 16))


def _signed(value: int) -> int:
    return value - MODULUS if value > MODULUS // 2 else value
