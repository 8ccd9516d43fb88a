"""Provers that choose the cells of whole rows, and repair all that follows from them.

Every other row is honest, and counts of lookups are as they should be.
"""

from dataclasses import replace

import pytest

from circuits.gadgets.stack import Push, Push0
from circuits.language.arrays import words
from circuits.machine import cells, circuit, fill
from circuits.statement import statement
from circuits.tables.push_data import PushData4
from tests.support.transactions import (
    SENDER,
    altered,
    cell,
    faults,
    program,
    recounted,
    saying,
    tables_of,
    trace_of,
)
from zkevm.evm import gas
from zkevm.evm.code import Code
from zkevm.evm.forks import fork_named
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.state import Account
from zkevm.field import MODULUS
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.checker import violations

WORD = bytes(range(1, 33))


def row_of(name, values):
    """A table of one row: cells by the names of their columns, 0 where not given."""
    key = circuit("Cancun")
    [compiled] = key.named({name})
    table = compiled.table
    assert set(values) <= {c.name for c in table.columns}
    columns = [words([values.get(c.name, 0) % MODULUS]) for c in table.columns]
    return Cells(table, compiled.program, columns, 1, 0)


def faults_of_log(byte, u, start):
    """What is wrong if LOG0 of byte 5 of memory has another byte: the source is shifted by `u`."""
    of = trace_of(program(int.from_bytes(WORD, "big"), 0, Op.MSTORE, 1, 5, Op.LOG0))
    filled = fill(of)
    moved = WORD[u:].ljust(32, b"\0")
    shift = {(row, f"shift[{k - 1}]"): int(k == u) for row in range(2) for k in (5, u)}
    halves = (moved[16:], moved[:16])
    carry = {(1, f"carry[{i}]"): int.from_bytes(half, "big") for i, half in enumerate(halves)}
    tables = altered(cells(filled), "copy_shift", {**shift, **carry, (0, "start"): start})
    patch = {(0, f"moved[{31 - i}]"): b for i, b in enumerate(moved)}
    tables = recounted(altered(tables, "copy_patch", patch))
    honest = statement(filled)
    (log,) = honest.transactions[0].receipt.logs
    stated = saying(honest, logs=(replace(log, data=bytes([byte])),))
    return faults(tables, stated.messages())


def test_a_log_of_the_right_byte():
    """The forged rows are honest ones where the shift is right."""
    assert faults_of_log(WORD[5], 5, 0) == []


@pytest.mark.parametrize("u", [1, 4, 6, 31])
def test_a_log_of_another_byte(u):
    """A first row that moves nothing, for a destination where this shift would be right."""
    assert faults_of_log(WORD[u], u, 5 - u)


def test_push0_costs_2(monkeypatch):
    """PUSH0 as a PUSH of no bytes, which costs 3."""
    monkeypatch.setitem(ARITY, Op.PUSH0, ARITY[Op.PUSH1])
    monkeypatch.setattr(Push0, "opcodes", ())
    monkeypatch.setattr(Push, "opcodes", (Op.PUSH0, *Push.opcodes))
    monkeypatch.setattr(PushData4, "smallest", 0)
    of = trace_of(program(Op.PUSH0, Op.PUSH0), rules=replace(fork_named("Cancun")))
    assert of.receipt.gas_used == 21_000 + 2 * gas.VERY_LOW
    assert faults(*tables_of(of))


def test_a_collision_has_one_reason():
    """With two, the row would send its messages twice and take back the state that it sends."""
    there = Account(nonce=1, code=Code(b"\0"))
    of = trace_of(b"", to=None, data=b"\0", accounts={contract_address(SENDER, 7): there})
    tables, name = tables_of(of)[0], "begin_creation"
    inverse = "taken.no_code.inverse"
    changes = {(0, "taken.by[1]"): 1, (0, inverse): 2 * cell(tables, name, 0, inverse)}
    forged = next(t for t in altered(tables, name, changes) if t.table.name == name)
    broken = {v.label for v in violations(forged)}
    assert {"it collides or not", "birth: it had no nonce"} <= broken


def test_padding_answers_no_lookup():
    """5 < 3, with a limb of 2^128, which a row that is none says to be below 2^16."""

    def lying(frame):
        frame.stack[-2:] = [1]

    fork = fork_named("Cancun")
    rules = replace(fork, instructions={**fork.instructions, Op.LT: lying})
    of = trace_of(program(3, 5, Op.LT, 0, Op.MSTORE, 32, 0, Op.LOG0), rules=rules)
    tables, public = tables_of(of)
    limbs = {(0, f"less.difference[{i}]"): {0: 2, 8: 2**128}.get(i, 0) for i in range(16)}
    borrows = {(0, "less.borrow[0]"): 0, (0, "less.borrow[1]"): 1}
    tables = altered(tables, "less_than", {**limbs, **borrows})
    said = {"range.huge": 1, "range.by[0]": 1, "range.some[0]": 1, "words[0]": 2**112}
    repaired = {"range.rest[0]": -1, "range.excess[0]": -(2**45), "shortfall[0]": 1}
    padding = row_of("memory_out_of_gas", said | repaired)
    found = faults(recounted([*tables, padding]), public)
    assert found == ["memory_out_of_gas row 0: range: a range of a real row"]
