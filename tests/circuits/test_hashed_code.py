"""Level S2: the codes that run are those with the hashes of the accounts."""

import dataclasses

import pytest

from circuits.execution.level import Level
from circuits.machine import cells, fill
from circuits.statement import Statement, StatementError, statement
from tests.support.transactions import altered, cell, faults, program, trace_of
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.plonkish.cells import Cells

CALLEE, OTHER, DELEGATED = 0xCA11EE, 0x07E4, 0xDE1E
CALLS = tuple(x for a in (CALLEE, OTHER) for x in (0, 0, 0, 0, 0, a, 50_000, Op.CALL))
PREFIX = bytes((0xEF, 1, 0))


def at_s2(trace):
    filled = fill(trace, Level.S2)
    stated = statement(filled)
    stated.check()
    return cells(filled), stated


def check(trace):
    tables, stated = at_s2(trace)
    assert not stated.codes
    assert faults(tables, stated.messages()) == []
    return stated


@pytest.mark.parametrize(
    "length", [1, 7, 8, 9, 22, 23, 24, 31, 32, 33, 128, 129, 135, 136, 137, 160, 273]
)
def test_lengths(length):
    """Every place where a code may end: in a lane, a row, a block."""
    check(trace_of(bytes((Op.JUMPDEST,)) * length))


def test_push_data_past_the_end():
    check(trace_of(bytes((Op.PUSH32, 1, 2, 3))))


def test_code_looked_at_in_every_way():
    code = (
        *(CALLEE, Op.EXTCODESIZE, OTHER, Op.EXTCODEHASH, Op.CODESIZE, 70, 0, 3, Op.CODECOPY),
        *(40, 0, 9, CALLEE, Op.EXTCODECOPY, *CALLS),
    )
    accounts = {CALLEE: Account(code=Code(program(*range(40)))), OTHER: Account(nonce=1)}
    check(trace_of(program(*code), accounts=accounts))


def test_the_same_code_twice():
    code = Code(program(1, 2, Op.ADD))
    stated = check(
        trace_of(program(*CALLS), accounts={a: Account(code=code) for a in (CALLEE, OTHER)})
    )
    assert stated.code_rows == 2 + 1 + -(-len(program(*CALLS)) // 32)


def test_init_code_and_what_it_deploys():
    init = program(0x5B5B, 0, Op.MSTORE, 2, 30, Op.RETURN)
    word = int.from_bytes(init.ljust(32, b"\0"), "big")
    code = program(word, 0, Op.MSTORE, len(init), 0, 0, Op.CREATE, 0, 0, 0, 0, 0)
    check(trace_of(code + bytes((Op.DUP6, Op.GAS, Op.CALL))))


DELEGATIONS = (delegation_to(CALLEE), delegation_to(2**160 - 1), Code(b"\1" * 23))


@pytest.mark.parametrize("fork", ["Cancun", "Prague"])
@pytest.mark.parametrize("code", DELEGATIONS)
def test_delegations(fork, code):
    """In Cancun they are codes like others; 23 bytes may be something else."""
    accounts = {OTHER: Account(code=code), CALLEE: Account(code=Code(program(1)))}
    check(trace_of(program(*CALLS), accounts=accounts, fork=fork))


def test_a_code_that_is_nearly_a_delegation():
    for text in (PREFIX[:2] + bytes(21), PREFIX + bytes(19), PREFIX + bytes(21)):
        accounts = {OTHER: Account(code=Code(text)), CALLEE: Account(code=Code(program(1)))}
        check(trace_of(program(*CALLS), accounts=accounts, fork="Prague"))


def test_the_statement_says_its_level():
    trace = trace_of(program(1, 2, Op.ADD))
    _, stated = at_s2(trace)
    assert Statement.from_json(stated.to_json()) == stated
    listed = statement(fill(trace))
    assert (listed.level, stated.level) == (Level.S1, Level.S2)
    assert listed.digest() != stated.digest()
    for lie in (
        dataclasses.replace(stated, codes=listed.codes),
        dataclasses.replace(listed, code_rows=1),
        dataclasses.replace(stated, code_rows=2**32),
    ):
        with pytest.raises(StatementError):
            lie.check()


# Cheats.

TRACE = trace_of(
    program(*CALLS, *range(30)),
    accounts={OTHER: Account(code=delegation_to(CALLEE)), CALLEE: Account(code=Code(program(1)))},
    fork="Prague",
)


@pytest.fixture(scope="module")
def honest():
    tables, stated = at_s2(TRACE)
    assert faults(tables, stated.messages()) == []
    return tables, stated


CHEATS = [
    ("hashed_header", 0, "hash.lo", 1),
    ("hashed_header", 0, "length", 1),
    ("hashed_header", 0, "length", -1),
    ("hashed_header", 0, "sponge", 1),
    ("hashed_header", 0, "fits", 1),
    ("hashed_header", 0, "delegated", 1),
    ("hashed_header", 0, "position", 1),
    ("hashed_header", 2, "fits", -1),
    ("hashed_header", 2, "delegated", -1),
    ("hashed_header", 2, "prefix[0]", 1),
    ("hashed_header", 2, "upper[0]", 1),
    ("hashed_header", 2, "lower[0]", 1),
    ("hashed_bytecode", 0, "bytes[0]", 1),
    ("hashed_bytecode", 0, "bytes[31]", 1),
    ("hashed_bytecode", 0, "of_sponge", 1),
    ("hashed_bytecode", 0, "begins[2]", -1),
    ("hashed_bytecode", 0, "left", 1),
    ("hashed_bytecode", 0, "last", 1),
    ("hashed_bytecode", 0, "push_left[3]", 1),
    ("hashed_bytecode", 0, "instruction[0]", -1),
    ("hashed_bytecode", 0, "jumpdest[0]", 1),
]


@pytest.mark.parametrize(("table", "row", "column", "change"), CHEATS)
def test_a_changed_cell_is_noticed(honest, table, row, column, change):
    tables, stated = honest
    sizes = [cell(tables, "hashed_header", i, "length") for i in range(3)]
    assert sizes[2] == 23
    value = cell(tables, table, row, column) + change
    assert faults(altered(tables, table, {(row, column): value}), stated.messages())


def test_bytes_after_the_end(honest):
    """The last row of each code: its bytes past the end, and the lanes that it looks up."""
    tables, stated = honest
    count = next(t for t in tables if t.table.name == "hashed_bytecode").rows
    for row in range(count):
        left = cell(tables, "hashed_bytecode", row, "left")
        if left >= 32:
            continue
        lie = {(row, f"bytes[{left}]"): 0x5B}
        assert faults(altered(tables, "hashed_bytecode", lie), stated.messages())
        for lane in range(3):
            bit = cell(tables, "hashed_bytecode", row, f"begins[{lane}]")
            lie = {(row, f"begins[{lane}]"): 1 - bit}
            assert faults(altered(tables, "hashed_bytecode", lie), stated.messages())


def test_a_code_is_left_out_or_counted_twice(honest):
    tables, stated = honest
    for change in (-1, 1):
        lie = dataclasses.replace(stated, code_rows=stated.code_rows + change)
        assert faults(tables, lie.messages())
    found = next(t for t in tables if t.table.name == "hashed_header")
    short = [c[:-1] for c in found.columns]
    less = Cells(found.table, found.program, short, found.rows - 1, found.height)
    assert faults([less if t is found else t for t in tables], stated.messages())


def test_another_hash_is_stated(honest):
    """The account has another code than the one that ran."""
    tables, stated = honest
    accounts = list(stated.accounts)
    place = next(i for i, a in enumerate(accounts) if a.address == CALLEE)
    values = (accounts[place].before, accounts[place].after)
    other = [dataclasses.replace(v, code_hash=Code(b"\1").hash) for v in values]
    accounts[place] = dataclasses.replace(accounts[place], before=other[0], after=other[1])
    lie = dataclasses.replace(stated, accounts=tuple(accounts))
    assert faults(tables, lie.messages())


def test_codes_of_level_s1_need_the_statement(honest):
    """Rows that take bytes from the verifier find none at S2."""
    _, stated = honest
    listed = cells(fill(TRACE))
    assert faults(listed, stated.messages())


def test_audit_A27_a_header_is_no_row_of_bytes(honest):
    """The length of a code cannot pass for its bytes: the chain tells the two apart."""
    tables, stated = honest
    lie = {(0, "position"): 2}
    assert faults(altered(tables, "hashed_header", lie), stated.messages())
