"""What every gadget and table has to be, read off its declaration."""

import ast
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import circuits.gadgets
import circuits.tables
from circuits.audit.buses import fixed_statements
from circuits.audit.relation import Relation
from circuits.buses import BUSES, ORDER
from circuits.language import Gadget
from circuits.machine import all_gadgets, circuit, tables
from scripts.accept_golden import FOLDER, golden_texts
from zkevm.evm.forks import FORKS
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.expression import ColumnType
from zkevm.plonkish.program import compile_table
from zkevm.plonkish.table import MAX_DEGREE, Bus, BusKind, Role, Table, leaves

TABLES = list({id(table): table for fork in FORKS for table in tables(fork)}.values())
"""Those that forks share once."""

every_table = pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)


def zero_row(table: Table) -> Cells:
    """All rows that padding can be: zeros, once for each value of the fixed columns."""
    height = table.height or 0
    zeros = [np.zeros(1 << height, np.uint8) for _ in table.columns]
    return Cells(table, compile_table(table), zeros, 1 << height, height)


@every_table
def test_declaration_has_no_faults(table):
    assert table.faults() == []


@pytest.mark.parametrize("fork", FORKS)
def test_circuit_is_sound(fork):
    circuit(fork).check()


@every_table
def test_labels_are_unique_and_say_something(table):
    labels = [c.label for c in table.constraints]
    assert len(labels) == len(set(labels))
    assert all(len(label.split()) > 1 for label in labels)


@every_table
def test_zero_row_is_legal(table):
    cells = zero_row(table)
    for constraint, node in zip(table.constraints, cells.program.constraints, strict=True):
        assert not cells.node(node).any(), constraint.label


@every_table
def test_zero_row_is_silent(table):
    cells = zero_row(table)
    pairs = zip(table.interactions, cells.program.interactions, strict=True)
    for interaction, nodes in pairs:
        assert not cells.node(nodes.numerator).any(), interaction.label


@every_table
def test_degrees_are_in_budget(table):
    assert max((e.degree for _, e in table.expressions()), default=0) <= MAX_DEGREE


@every_table
def test_a_multiplicity_is_of_columns_and_a_count_is_used_once(table):
    counts = [i.count for i in table.interactions if i.count is not None]
    assert len(counts) == len(set(counts))
    for i in table.interactions:
        assert (i.count is not None) == (i.role is Role.PROVIDE), i.label


@every_table
def test_a_table_may_occur_in_every_segment(table):
    """A forced height says how many rows a segment has, not a proof: such a table only states facts
    that hold however often they are stated."""
    if table.height is None:
        return
    for i in table.interactions:
        assert i.role is Role.PROVIDE
        assert set(leaves(i.message)) <= set(table.fixed)


@every_table
def test_only_the_statement_begins_an_order(table):
    """Each row that sends a token of an order has taken one of it: so there is one path."""
    roles = Counter(i.role for i in table.interactions if i.bus is ORDER)
    assert roles[Role.SEND] <= roles[Role.RECEIVE]


@pytest.mark.parametrize("fork", FORKS)
def test_names_and_buses(fork):
    names = [table.name for table in tables(fork)]
    assert len(names) == len(set(names))
    used = {i.bus for table in tables(fork) for i in table.interactions}
    assert used <= set(BUSES)
    asked = {i.bus for t in tables(fork) for i in t.interactions if i.role is Role.REQUEST}
    provided = {i.bus for t in tables(fork) for i in t.interactions if i.role is Role.PROVIDE}
    assert asked <= provided, "lookups that nobody answers"


OF_THE_STATEMENT = {
    "lane", "log", "pre", "post", "code_claim", "code_data", "public", "receipt",
}  # fmt: skip
"""Token buses whose other side is the statement's."""


@pytest.mark.parametrize("fork", FORKS)
def test_no_bus_has_one_side_only(fork):
    roles: dict[Bus, set[Role]] = {}
    for table in tables(fork):
        for i in table.interactions:
            roles.setdefault(i.bus, set()).add(i.role)
    assert {bus.name for bus, sides in roles.items() if len(sides) < 2} <= OF_THE_STATEMENT
    assert all(bus.kind is BusKind.TOKEN for bus, sides in roles.items() if len(sides) < 2)


HINTS = ("high", "dead")
"""Bits that no constraint makes one: which half a comparison looks at, whatever it is; a product
of bits."""


@every_table
def test_a_bit_is_proven_or_told(table):
    """A cell stored as a bit is one by a constraint, or by what the row takes or looks up."""
    relation = Relation(table, fixed_statements("Osaka"))
    taken = (*relation.takes, *relation.lookups)
    told = {place for m in taken for e in m.elements for place in e.degrees}
    proven = {place for place, limits in relation.bounds.items() if any(b == 2 for _, b in limits)}
    free = [
        column.name
        for place, column in enumerate(table.columns)
        if column.type is ColumnType.BIT and place not in told | proven
    ]
    assert [name for name in free if name.split(".")[-1] not in HINTS] == []


CHOSEN = ("created", "creation", "clock", "returned_clock", "pre_nonce", "pre_balance", "pre_hash")
"""Cells that the row only tells: clocks of creation, which the first access bounds; claims that the
statement takes or proves."""


@every_table
def test_a_column_that_is_only_told_is_known(table):
    """Every other column stands in a constraint, or in what the row takes or looks up."""
    held = [c.expr for c in table.constraints]
    for i in table.interactions:
        if i.role in (Role.RECEIVE, Role.REQUEST):
            held += [i.multiplicity, *i.message]
    counts = {i.count for i in table.interactions}
    free = set(table.columns) - set(leaves(held)) - counts
    assert {c.name.split("[")[0].split(".")[0] for c in free} <= set(CHOSEN)


def gadget_classes(cls: type = Gadget) -> set[type]:
    found = set()
    for sub in cls.__subclasses__():
        if sub.__module__.startswith("circuits.") and "name" in vars(sub):
            found.add(sub)
        found |= gadget_classes(sub)
    return found


def test_audit_A44_every_gadget_is_registered():
    for package in (circuits.gadgets, circuits.tables):
        for path in Path(package.__path__[0]).glob("*.py"):
            __import__(f"{package.__name__}.{path.stem}")
    registered = {type(g) for fork in FORKS for g in all_gadgets(fork)}
    assert {c.__name__ for c in gadget_classes()} == {c.__name__ for c in registered}


def test_audit_A31_no_declaration_reads_another_row():
    """Expressions are made of columns of one row: there is nothing that could name another."""
    source = Path(circuits.gadgets.__path__[0]).parent.parent / "zkevm/plonkish/expression.py"
    names = {n.name for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, ast.ClassDef)}
    assert names == {
        "ColumnType", "Expr", "Const", "Column", "Binary", "Sum", "Difference", "Product"
    }  # fmt: skip


def test_golden_text_is_unchanged():
    texts = golden_texts()
    accepted = {path.name: path.read_text() for path in FOLDER.glob("*.txt")}
    differing = sorted(
        name for name in texts.keys() | accepted.keys() if texts.get(name) != accepted.get(name)
    )
    assert differing == [], "read the change, then run scripts/accept_golden.py"
