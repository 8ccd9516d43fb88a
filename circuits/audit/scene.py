"""One honest row, and what a forged row is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from circuits.audit.buses import (
    CELLS,
    DROPPABLE,
    Statements,
    key_size,
    possible,
)
from circuits.audit.polynomial import Polynomial, Row
from circuits.audit.relation import Message, Relation, _label
from zkevm.field import MODULUS
from zkevm.plonkish.table import Bus, Role

TIME = 1 << 40
"""Clocks stay below it."""


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

    With `opcodes`, those that a step gadget declares, the instruction of the code is not the honest
    row's but any other: a row that proves such a step decides what is not its own to decide.
    With `truth`, the messages (by number) of an honest row of another gadget for the same opcode,
    the row to start from is not honest: it is given what that row was given, and must agree or be
    broken.
    """

    def __init__(
        self,
        relation: Relation,
        honest: Sequence[int],
        opcodes: frozenset[int] | None = None,
        truth: Mapping[int, tuple[int, ...]] | None = None,
    ) -> None:
        self.relation = relation
        self.opcodes = opcodes
        self.honest = tuple(honest)
        self.multiplicities = [m.active(honest) for m in relation.messages]
        self.elements = [m.values(honest) for m in relation.messages]
        self.known = [truth is None or n in truth for n in range(len(relation.messages))]
        for number, message in (truth or {}).items():
            self.multiplicities[number], self.elements[number] = 1, message
        self.equations = list(self._equations())
        self.broken = {n for n, e in enumerate(self.equations) if e.forms(honest) != []}
        self.pinned = self._pinned()
        self.reads: dict[int, list[int]] = {}
        for number, equation in enumerate(self.equations):
            for place in equation.places:
                self.reads.setdefault(place, []).append(number)

    def verdict(self, row: Row, dropped: int | None = None, most: int = 1) -> Verdict:
        """Judge a row, exactly; stops once more than `most` items but `dropped` are broken."""
        broken, impossible = [], False
        for equation in self.equations:
            if equation.item == dropped and dropped is not None:
                continue
            forms = equation.forms(row)
            if forms is None or forms:
                if equation.item is None:
                    return Verdict((), True, "")
                if equation.item not in broken:
                    broken.append(equation.item)
                if len(broken) > most:
                    return Verdict(tuple(broken), True, "")
        pairs = zip(self.relation.lookup_items, self.relation.lookups, strict=True)
        for number, lookup in pairs:
            if number == dropped or number in broken:
                continue
            active = lookup.active(row)
            if active and not self.relation.statements[lookup.bus].holds(lookup.values(row)):
                broken.append(number)
                if len(broken) > most:
                    return Verdict(tuple(broken), True, "")
        return Verdict(tuple(sorted(set(broken))), impossible, self._other(row, dropped))

    def _other(self, row: Row, dropped: int | None) -> str:
        """What the row decides differently, in words; empty if nothing that matters."""
        if self.opcodes is not None:
            return self._foreign(row, dropped)
        number = self.relation.first_take - 1
        balance: dict[Bus, int] = {}
        other = ""
        for m, known, was_active, was in zip(
            self.relation.messages, self.known, self.multiplicities, self.elements, strict=True
        ):
            taken = m.interaction.role in (Role.RECEIVE, Role.REQUEST)
            number += taken
            if not known or (taken and number == dropped):
                continue
            active = m.active(row)
            name = _label(m.interaction)
            if active not in (0, 1):
                return f"{name}: multiplicity {_signed(active)}"
            now = m.values(row) if active else ()
            sign = {Role.SEND: 1, Role.RECEIVE: -1}.get(m.interaction.role, 0)
            balance[m.bus] = balance.get(m.bus, 0) + sign * (active - was_active)
            droppable = m.interaction.role is Role.SEND and m.bus.name in DROPPABLE
            other_key = taken and active and not self._same_key(m, now, was, was_active)
            if other_key and not possible(m.bus, now):
                return ""
            if not droppable and active != was_active:
                other = other or f"{name}: multiplicity {active}"
            elif active and any(now[i] != was[i] for i in m.decided):
                place = next(i for i in m.decided if now[i] != was[i])
                other = other or f"{name}: {m.bus.fields[place]} {_signed(now[place])}"
            if active and m.interaction.role is Role.RECEIVE and m.bus.name in CELLS:
                other = other or self._from_the_future(row, m, now)
        for bus, more in balance.items():
            if (
                bus.name in DROPPABLE
                and more > 0
                and any(
                    m.bus is bus and m.interaction.role is Role.RECEIVE
                    for m in self.relation.messages
                )
            ):
                other = other or f"{bus.name}: a token made of nothing"
        return other

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
        if received.interaction in self.relation.asks and self.relation.dated:
            return ""
        size = key_size(received.bus)
        clock = self._clock(row)
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

    def _same_key(
        self, m: Message, now: tuple[int, ...], was: tuple[int, ...], was_active: int
    ) -> bool:
        return was_active == 1 and all(now[i] == was[i] for i in m.key)

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
            taken = m.interaction.role in (Role.RECEIVE, Role.REQUEST)
            item += taken
            if not known:
                continue
            if m.interaction in relation.asks:
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
