"""One honest row, and what a forged row is held against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuits.audit.buses import (
    CELLS,
    COMPLETE,
    DROPPABLE,
    acceptable,
    available,
    guarantee,
    key_size,
)
from circuits.audit.equation import (
    Equation,
    functional,
    places,
    so_often,
    told,
    told_word,
    vanishing,
    where,
)
from circuits.audit.polynomial import Row, cell, combined
from circuits.audit.relation import Message, Relation, _label
from circuits.audit.reviewed import CREATORS
from zkevm.field import MODULUS, signed
from zkevm.plonkish.table import Role

TAKING = (Role.RECEIVE, Role.REQUEST)
TIME = 1 << 40
"""Clocks stay below it."""

World = dict[tuple[str, tuple[int, ...]], tuple[int, ...]]
"""What tables state on lookup buses: the message by bus and key."""


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
    A `loose` scene gives nothing: what the row takes may be whatever others could hand it.
    """

    def __init__(
        self,
        relation: Relation,
        honest: Sequence[int],
        world: World | None = None,
        opcodes: frozenset[int] | None = None,
        truth: Mapping[int, tuple[int, ...]] | None = None,
        refused: str = "",
        *,
        loose: bool = False,
    ) -> None:
        self.relation = relation
        self.world = world or {}
        self.refused = refused
        self.opcodes = opcodes
        self.honest = honest = (*honest, *self._slack_values(honest))
        self.multiplicities = [m.active(honest) for m in relation.messages]
        self.elements = [m.values(honest) for m in relation.messages]
        self.is_honest = truth is None
        self.is_padding = not any(honest[: relation.width])
        self.loose = loose
        self._bounds_without: dict[int | None, dict[int, int]] = {}
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

    def bounds_without(self, dropped: int | None) -> dict[int, int]:
        """The least bound of each column, without one item: proven here, or by who hands it."""
        if dropped not in self._bounds_without:
            bounds = self.relation.bounds_without(dropped, padding=self.is_padding)
            for number, m in enumerate(self.relation.takes, self.relation.first_take):
                for place in m.given if number != dropped else ():
                    bound = guarantee(m.bus, m.bus.fields[place])
                    column = m.elements[place].column
                    if bound is not None and column is not None:
                        bounds[column] = min(bound, bounds.get(column, MODULUS))
            self._bounds_without[dropped] = bounds
        return self._bounds_without[dropped]

    def _slack_values(self, row: Sequence[int]) -> Iterator[int]:
        """What the expressions that are looked up say; 0 where that is out of bounds."""
        for slack in self.relation.slacks.values():
            value = slack.polynomial.value(row)
            yield value if value < self.relation.bounds_without(None)[slack.place] else 0

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
            if not self._is_true(lookup, row):
                broken.add(number)
            if len(broken) > most:
                return Verdict(tuple(broken), True, "")
        return Verdict(tuple(sorted(broken)), False, self._other(row, dropped))

    def is_false_alone(self, row: Row, item: int) -> bool:
        """Whether the row says something, and breaks this declaration and nothing else.

        All other equations are known to hold.
        """
        relation = self.relation
        if item < relation.first_lookup:
            false = relation.constraints[item].value(row) != 0
        elif item >= relation.first_take:
            false = self._is_told_wrong(row, relation.takes[item - relation.first_take])
        else:
            false = any(
                not self._is_true(lookup, row)
                for number, lookup in zip(relation.lookup_items, relation.lookups, strict=True)
                if number == item
            )
        return (
            false
            and any(m.active(row) for m in relation.messages)
            and not self.verdict(row, item, most=0, solved=True).broken
            and self._is_possible(row, item)
        )

    def _is_told_wrong(self, row: Row, m: Message) -> bool:
        """Whether nobody says what the row takes: another value under the honest row's key."""
        if not m.active(row):
            return False
        now, size = m.values(row), len(m.key)
        if m.bus.name in COMPLETE:
            return self.world.get((m.bus.name, now[:size])) != now
        number = self.relation.messages.index(m)
        was = self.elements[number]
        same = self.multiplicities[number] == 1 and now[:size] == was[:size]
        return same and any(now[place] != was[place] for place in m.given)

    def _is_true(self, lookup: Message, row: Row) -> bool:
        statements = self.relation.statements[lookup.bus]
        return not lookup.active(row) or statements.holds(lookup.values(row))

    def _changed(self, row: Row) -> list[int]:
        return [p for p, (was, now) in enumerate(zip(self.honest, row, strict=True)) if was != now]

    def _false_lookups(self) -> set[int]:
        """Lookups that the row to start from breaks: none if it is honest."""
        lookups = enumerate(self.relation.lookups)
        return {n for n, lookup in lookups if not self._is_true(lookup, self.honest)}

    def _other(self, row: Row, dropped: int | None) -> str:
        """What the row decides differently, in words; empty if nothing that matters."""
        times = self._times(row)
        if times or self._is_excused(row) or not self._is_possible(row, dropped):
            return times
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

    def _times(self, row: Row) -> str:
        """A message that is not sent, received or asked for once or not at all."""
        for m in self.relation.messages:
            if m.active(row) not in (0, 1):
                return f"{_label(m.interaction)}: multiplicity {signed(m.active(row))}"
        return ""

    def _differs(self, row: Row, m: Message, was_active: int, was: tuple[int, ...]) -> str:
        """How one message differs from the honest row's in what the row decides."""
        active, name = m.active(row), _label(m.interaction)
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
                return f"{name}: {m.bus.fields[place]} {signed(now[place])}"
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
            for p, conditions in self.relation.free
            if not any(row[condition] for condition in conditions)
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
                world = {} if self.loose else self.world
                if not same and world and world.get((m.bus.name, key), unknown) != now:
                    return False
            fits = available if m.interaction.role in TAKING else acceptable
            if not fits(m.bus, now) or self._is_told_otherwise(row, m, now):
                return False
        return True

    def _is_told_otherwise(self, row: Row, m: Message, now: tuple[int, ...]) -> bool:
        """Whether the honest row takes, by another part, another token of a cell: there is one."""
        size, receives = len(m.key), m.interaction.role is Role.RECEIVE
        if m.bus.name not in CELLS or not receives or self.loose:
            return False
        held = zip(self.relation.messages, self.multiplicities, self.elements, strict=True)
        told = [(o, was) for o, active, was in held if active == 1 and was[:size] == now[:size]]
        told = [t for t in told if (t[0].bus, t[0].interaction.role) == (m.bus, Role.RECEIVE)]
        if len(told) != 1 or told[0][0] is m or told[0][0].active(row):
            return False
        return any(told[0][1][place] != now[place] for place in m.given)

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
        for given in self._told_by.values():
            if any(item == dropped for p in given for item, _ in self.relation.bounds.get(p, ())):
                own |= given
        return self.pinned - own

    def _pinned(self) -> frozenset[int]:
        relation = self.relation
        pinned = set(range(relation.width, relation.width + len(relation.table.fixed)))
        for i in relation.table.interactions:
            if i.count is not None:
                pinned.add(relation.position[i.count])
        self._told_by: dict[int, frozenset[int]] = {}
        if self.loose:
            return frozenset(pinned)
        for number, m in enumerate(relation.takes, relation.first_take):
            if m.interaction in relation.asks or self._always(m):
                told = {p for place in m.given for p in told_word(m.elements[place])}
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
            yield Equation(item, frozenset(whole.degrees), vanishing(whole, parts), ((whole, 0),))
        for number, lookup in zip(relation.lookup_items, relation.lookups, strict=True):
            statements = relation.statements[lookup.bus]
            if statements.inputs < len(lookup.elements):
                yield Equation(number, places(lookup), functional(lookup, statements))
        for slack in relation.slacks.values():
            difference = combined(slack.polynomial, 1, cell(slack.place), -1)
            reads = places(slack.lookup) | {slack.place}
            yield Equation(None, reads, where(slack.lookup, difference), ((difference, 0),))
        item = relation.first_take - 1
        for m, known, active, was in zip(
            relation.messages, self.known, self.multiplicities, self.elements, strict=True
        ):
            taken = m.interaction.role in TAKING
            item += taken
            if not known or self.loose:
                continue
            if m.interaction in relation.asks:
                times = so_often(m.multiplicity, active)
                yield Equation(None, frozenset(m.multiplicity.degrees), times)
            if active != 1:
                continue
            guard = m.key if taken and m.interaction not in relation.asks else ()
            if not taken and m.interaction.role is Role.SEND:
                guard = m.decided
            for place in m.given:
                if self._is_opcode(m, place):
                    continue
                forms = told(m, guard, was, place)
                wanted = ((m.elements[place], was[place]),)
                yield Equation(item if taken else None, places(m), forms, wanted)
