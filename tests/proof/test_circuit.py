"""Circuits: what is refused at once, and what the digest depends on."""

from dataclasses import replace

import pytest

from tests.support import toy
from zkevm.plonkish.expression import Column
from zkevm.plonkish.fixed import Listed, RowBits
from zkevm.plonkish.table import Bus, BusKind, Constraint, Interaction, Role, Table
from zkevm.proof import Bounds, Circuit, CircuitError

X, Y = Column("x"), Column("y")
FIXED = RowBits("row", 0, 2)
BUS = Bus("bus", 1, BusKind.TOKEN, ("value",))


def send(multiplicity, *message, bus=BUS):
    return Interaction(bus, Role.SEND, multiplicity, message, "send")


def table(constraints=(), interactions=(), fixed=(), columns=(X,), height=None, name="t"):
    labelled = tuple(Constraint(f"c{i}", c) for i, c in enumerate(constraints))
    return Table(name, columns, fixed, labelled, interactions, height)


@pytest.mark.parametrize(
    ("tables", "fault"),
    [
        ([table([X - 1])], "zero row breaks: c0"),
        ([table([X - FIXED], fixed=(FIXED,), height=2)], "zero row breaks"),
        ([table([X * FIXED - 2 + FIXED * FIXED], fixed=(FIXED,), height=2)], "zero row breaks"),
        ([table([X], (send(X + 1, X),))], "zero row is not silent"),
        ([table([X], (send(FIXED, X),), fixed=(FIXED,), height=2)], "zero row is not silent"),
        ([table([X * FIXED], fixed=(FIXED,))], "no forced height"),
        ([table([X * X * X * X])], "degree 4"),
        ([table([X], (send(X, X, X),))], "message of 2 elements"),
        ([table([X], (send(X, X, bus=replace(BUS, number=2)),))], "not of this circuit"),
        ([table([X], height=99)], "height 99"),
        ([table([FIXED * 0 + 0], columns=(), fixed=(), height=1)], "no column"),
        ([table([X]), table([X])], "table name used twice: t"),
        ([table([X + Y])], "column of another table"),
    ],
)
def test_faults(tables, fault):
    with pytest.raises(CircuitError, match=fault):
        Circuit("faulty", tuple(tables), (BUS,)).check()


@pytest.mark.parametrize("number", [0, 1 << 32, -1])
def test_bus_numbers(number):
    with pytest.raises(CircuitError, match="bus number"):
        Circuit("faulty", (table([X]),), (replace(BUS, number=number),))


def test_bus_numbers_are_distinct():
    with pytest.raises(CircuitError, match="bus number used twice: 1"):
        Circuit("faulty", (table([X]),), (BUS, replace(BUS, name="other")))


def test_sound_circuits():
    """Fixed columns may gate, and stand alone in messages."""
    Circuit(
        "sound",
        (table([X * (FIXED - 1)], (send(X * FIXED, FIXED + 7),), fixed=(FIXED,), height=2),),
        (BUS,),
    ).check()


def digest(**changes):
    first = table([X * (X - 1)], (send(X, X),), fixed=(FIXED,), height=2)
    arguments = {"name": "c", "tables": (first,), "buses": (BUS,), "bounds": Bounds()}
    circuit = Circuit(**(arguments | changes))
    return circuit.digest([0] * len(circuit.tables))


def test_digest_depends_on_all_equations():
    other_bus = replace(BUS, number=2)
    digests = [
        digest(),
        digest(name="d"),
        digest(tables=()),
        digest(tables=(table([X * (X - 1)], (send(X, X),), fixed=(FIXED,), height=3),)),
        digest(tables=(table([X * (X - 2)], (send(X, X),), fixed=(FIXED,), height=2),)),
        digest(tables=(table([X * (X - 1)], (send(X, X + 1),), fixed=(FIXED,), height=2),)),
        digest(tables=(table([X * (X - 1)], (send(2 * X, X),), fixed=(FIXED,), height=2),)),
        digest(tables=(table([X * (X - 1)], (), fixed=(FIXED,), height=2),)),
        digest(tables=(table([X * (X - 1)], (send(X, X),), height=2),)),
        digest(tables=(table([X * (X - 1)], (send(X, X),), fixed=(RowBits("", 1, 2),), height=2),)),
        digest(
            tables=(table([X * (X - 1)], (send(X, X),), fixed=(Listed("", [1, 2]),), height=2),)
        ),
        digest(buses=(BUS, other_bus)),
        digest(buses=(BUS, replace(other_bus, fields=("a", "b")))),
        digest(bounds=Bounds(height=23)),
        digest(bounds=Bounds(smallest_stack=12)),
        digest(bounds=Bounds(largest_stack=19)),
        digest(bounds=Bounds(stacks=512)),
        digest(bounds=Bounds(segments=255)),
        digest(bounds=Bounds(public_messages=7)),
    ]
    assert len(set(digests)) == len(digests)


def test_digest_does_not_depend_on_names_of_columns():
    first, *rest = toy.circuit().tables
    renamed = Circuit(
        "toy", (replace(toy.mul_table(), name=first.name), *rest), toy.BUSES, toy.BOUNDS
    )
    heights = [0] * len(renamed.tables)
    assert renamed.digest(heights) == toy.circuit().digest(heights)


def test_digest_is_of_the_tables_that_are_present():
    first, second = table([X * (X - 1)]), table([X * (X - 2)], name="u")
    other = table([X * (X - 3)], name="u")
    both, changed = (Circuit("c", (first, last), (BUS,)) for last in (second, other))
    assert both.digest([5, None]) == both.digest([0, None]) == changed.digest([0, None])
    digests = {both.digest(heights) for heights in ([0, 0], [0, None], [None, 0], [None, None])}
    assert len(digests) == 4
    assert both.digest([None, 0]) != changed.digest([None, 0])
    assert both.digest([0, 0]) != changed.digest([0, 0])
    assert both.digest([0, None], [None, 0]) == both.digest([0, 0])


def test_a_table_is_declared_when_it_is_present():
    """Else it need not even be sound: `check` looks at all."""
    broken = table([X - 1], name="broken")
    circuit = Circuit("c", (table([X]), broken), (BUS,))
    circuit.digest([0, None])
    with pytest.raises(CircuitError, match="zero row breaks"):
        circuit.digest([0, 0])
    with pytest.raises(CircuitError, match="zero row breaks"):
        circuit.check()
