"""Toy circuits of every shape, with honest witnesses.

Products of numbers below 16 are looked up by their user, who publishes some; a table of one row
asks for the square of five.  There are tables of several heights, of one row, without interactions,
absent ones, with fixed columns, and lookups with counts.
"""

from functools import cache

import numpy as np

from tests.support import reference_kernels
from tests.support.tampering import Case
from zkevm.plonkish.expression import Column, ColumnType
from zkevm.plonkish.fixed import Listed, RowBits
from zkevm.plonkish.table import Bus, BusKind, Constraint, Interaction, Role, Table, singly
from zkevm.proof import Bounds, Circuit, PublicMessage, TableWitness, Witness, prove
from zkevm.srs.powers_of_tau import of_tau

TAU = 0x1F2E3D4C5B6A79881726354453627180
STATEMENT = b"five products"

MUL = Bus("mul", 1, BusKind.TOKEN, ("a", "b", "c"))
RANGE = Bus("range", 2, BusKind.LOOKUP, ("value",))
PUBLIC = Bus("public", 3, BusKind.TOKEN, ("value",))
SQUARE = Bus("square", 7, BusKind.LOOKUP, ("root", "square"))
BUSES = (MUL, RANGE, PUBLIC, SQUARE)

BOUNDS = Bounds(height=8, smallest_stack=1, largest_stack=12, stacks=1024, public_messages=50)


def columns(names, kind=ColumnType.U16):
    return [Column(name, kind) for name in names.split()]


def boolean(column):
    return Constraint(f"{column.name} is boolean", column * (1 - column))


def interaction(bus, role, multiplicity, *message, count=None):
    return Interaction(bus, role, multiplicity, message, f"{role.value} {bus.name}", count)


def mul_table():
    real, a, b, c = columns("real a b c")
    return Table(
        "mul",
        (real, a, b, c),
        (),
        (boolean(real), Constraint("c is a b", real * (a * b - c))),
        (
            interaction(MUL, Role.RECEIVE, real, a, b, c),
            interaction(RANGE, Role.REQUEST, real, a),
            interaction(RANGE, Role.REQUEST, real, b),
        ),
    )


def user_table():
    real, publish = columns("real publish", ColumnType.BIT)
    a, b, c = columns("a b c")
    return Table(
        "user",
        (real, a, b, c, publish),
        (),
        (
            boolean(real),
            boolean(publish),
            Constraint("only real rows publish", publish * (1 - real)),
        ),
        (
            interaction(MUL, Role.SEND, real, a, b, c),
            interaction(PUBLIC, Role.SEND, publish, c),
        ),
    )


def range_table():
    (count,) = columns("count", ColumnType.U32)
    value = RowBits("value", 0, 4)
    provide = interaction(RANGE, Role.PROVIDE, count, value, count=count)
    return Table("range", (count,), (value,), (), (provide,), height=4)


def squares_table():
    (count,) = columns("count", ColumnType.U32)
    root = Listed("root", range(6))
    square = Listed("square", [k * k for k in range(6)])
    provide = interaction(SQUARE, Role.PROVIDE, count, root, square, count=count)
    return Table("squares", (count,), (root, square), (), (provide,), height=3)


def single_table():
    real, square, next_ = columns("real square next", ColumnType.FIELD)
    return Table(
        "single",
        (real, square, next_),
        (),
        (boolean(real), Constraint("next follows", real * (next_ - square - 1))),
        (
            interaction(SQUARE, Role.REQUEST, real, 5 + 0 * real, square),
            interaction(PUBLIC, Role.SEND, real, next_),
        ),
    )


def quiet_table():
    (flag,) = columns("flag", ColumnType.BIT)
    return Table("quiet", (flag,), (), (boolean(flag),), ())


@cache
def circuit(bounds=BOUNDS):
    tables = (
        mul_table(),
        user_table(),
        range_table(),
        squares_table(),
        single_table(),
        quiet_table(),
    )
    return Circuit("toy", tables, BUSES, bounds)


@cache
def srs(m, tau=TAU):
    """A setup of 2^m powers: with so few, stack polynomials have 2^m cells."""
    return of_tau(tau, 1 << m)


def publish(*values):
    return [PublicMessage(PUBLIC, -1, (value,)) for value in values]


def cell_lists():
    """The honest cells: five products, their user, who publishes 27, and 5^2 + 1, published."""
    a, b = [3, 5, 7, 2, 9], [4, 5, 2, 8, 3]
    product = [[1] * 5, a, b, [x * y for x, y in zip(a, b, strict=True)]]
    return {
        "mul": [list(column) for column in product],
        "user": [*(list(column) for column in product), [0, 0, 0, 0, 1]],
        "range": [[(a + b).count(value) for value in range(16)]],
        "squares": [[0, 0, 0, 0, 0, 1, 0, 0]],
        "single": [[1], [25], [26]],
    }


HEIGHTS = {"mul": 3, "user": 6, "range": 4, "squares": 3, "single": 0, "quiet": 2}
OUTPUT = (27, 26)


def witness(edits=(), heights=(), **extra):
    """The honest witness after `edits` (table, column, row, value)."""
    lists = cell_lists() | extra
    size = HEIGHTS | dict(heights)
    for table, column, row, value in edits:
        cells = lists[table][column]
        cells += [0] * (row + 1 - len(cells))
        cells[row] = value
    return Witness(
        {
            name: TableWitness([np.array(c, dtype=np.uint64) for c in columns], size[name])
            for name, columns in lists.items()
        }
    )


def split(edits=()):
    """The same in two segments: the user and the squares are alone in the second one."""
    tables = dict(witness(edits).tables)
    second = {name: tables.pop(name) for name in ("user", "squares")}
    return [Witness(tables), Witness(second)]


def prove_split(m=5, kernels=reference_kernels):
    """Prove the honest example in two segments; it says some data, and takes it back."""
    data = PublicMessage(MUL, 1, (), bytes(range(40)))
    taken = [message._replace(multiplicity=-1) for message in singly([data])]
    own, public = circuit(), [*publish(*OUTPUT), data, *taken]
    proof = prove(own, split(), public, STATEMENT, srs(m), kernels=kernels)
    return Case(own, proof, public, STATEMENT, srs(m).verifier)


def prove_toy(m=5, public=None, kernels=reference_kernels, **changes):
    """Prove the honest example."""
    public = publish(*OUTPUT) if public is None else public
    own = circuit()
    proof = prove(own, [witness(**changes)], public, STATEMENT, srs(m), kernels=kernels)
    return Case(own, proof, public, STATEMENT, srs(m).verifier)
