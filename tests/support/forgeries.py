"""Forgeries of one row: planted, repaired, judged."""

from functools import cache

from circuits.audit.attack import attempts
from circuits.audit.lies import Lie
from circuits.audit.programs import run
from circuits.audit.repair import Repairer
from circuits.audit.rows import rows_of, world_of
from circuits.audit.samples import relations
from circuits.audit.scene import Scene
from circuits.machine import fill, tables
from zkevm.field import MODULUS

FORK = "Cancun"
TABLES = {table.name: table for table in tables(FORK)}


@cache
def known():
    """The relation of every table."""
    return relations(FORK)


@cache
def filled(code, data=b""):
    """The tables of an execution of this code."""
    return fill(run(code, data, fork=FORK))


@cache
def rows(code, data=b""):
    """Its rows, by table."""
    world = world_of(filled(code, data), known())
    return rows_of(filled(code, data), known(), world)


def scene(name, code, row=0, data=b""):
    """A row of a table, in an execution of this code."""
    sample = rows(code, data)[name][row]
    return Scene(known()[name], sample.row, sample.world)


def cells_of(word, name, bits=16, count=16):
    """The limbs of a number as cells `name[i]`."""
    return {f"{name}[{i}]": word >> bits * i & (1 << bits) - 1 for i in range(count)}


def lie(scene, changes):
    """The lie that some cells, by name, hold other values."""
    places = {c.name: i for i, c in enumerate(scene.relation.table.columns)}
    return Lie("the bug", tuple((places[name], value % MODULUS) for name, value in changes.items()))


def accepted(scene, changes, dropped=None):
    """Repairs of the changed row that nothing rejects, in words; without one declaration."""
    found = []
    repairer = Repairer(scene, dropped, width=8, effort=400)
    for row in attempts(repairer, lie(scene, changes), most=50):
        verdict = scene.verdict(row, dropped, most=0)
        if not verdict.broken and not verdict.impossible and verdict.other:
            found.append(verdict.other)
    return found


def rejected(name, code, changes, row=0, data=b""):
    """The honest row passes, the forged one does not, however it is repaired."""
    honest = scene(name, code, row, data)
    verdict = honest.verdict(honest.honest)
    assert not verdict.broken
    assert not verdict.other
    return accepted(honest, changes) == []


def rejected_by(label, name, code, changes):
    """The forged row is rejected, and would not be without the declaration of this label."""
    honest = scene(name, code)
    (item,) = [n for n, i in enumerate(honest.relation.items) if i.label == label]
    return rejected(name, code, changes) and accepted(honest, changes, item) != []
