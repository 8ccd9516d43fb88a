"""Bugs that audits have found in other zkEVMs, tried on ours: memory, copies, hashes, statements.

Each test plants the bug's forgery in an honest row or table and requires that something rejects it,
however it is repaired (GADGETS.md, section 13).
"""

from functools import cache

import numpy as np
import pytest

from circuits.audit.attack import attempts
from circuits.audit.lies import Lie
from circuits.audit.programs import EDGES, NUMBER, call
from circuits.audit.repair import Repairer
from circuits.audit.rows import table_rows
from circuits.audit.scene import Scene
from circuits.language import Plan
from circuits.machine import cells, columns, step_gadgets
from circuits.statement import statement
from tests.support.forgeries import FORK, cells_of, filled, known, rejected, rows
from zkevm.evm.opcodes import Op
from zkevm.plonkish.checker import imbalances, violations

HALF = 1 << 128
WORD = 1 << 256
POP = bytes((Op.POP,))
DATA = bytes(range(1, 71))


@pytest.mark.parametrize("op", [Op.ADDMOD, Op.MULMOD])
def test_audit_A1_modulus_zero(op):
    """The operands' sum or product passes for the result where the modulus is 0."""
    first, second = 2**200 + 7, 2**100 + 9
    wrong = (first + second if op is Op.ADDMOD else first * second) % WORD
    code = call(op, first, second, 0)
    assert rejected("modular", code, cells_of(wrong, "result"))
    assert rejected("modular", code, cells_of(wrong, "result") | {"is_zero": 0})


@pytest.mark.parametrize("index", [2**8, 2**16, 2**64, 2**128, 2**255])
def test_audit_A8_index_by_its_low_byte(index):
    for position in (0, 31):
        assert rejected("byte", call(Op.BYTE, index, WORD - 1), {f"place.bits[{position}]": 1})


def passes(name, other, code):
    """How a step that `other` proves passes for one of `name`, taking the same tokens."""
    (gadget,) = (g for g in step_gadgets(FORK) if g.name == name)
    ours, theirs, found = known()[name], known()[other], filled(code)
    honest = rows(code)[other][0]
    w = gadget.assign(found.execution.steps(found.rows[other][:1]), Plan(found.execution))
    (row,) = table_rows(gadget.table, columns(gadget, w), w, 1)
    truth = {}
    for bus in ("state", "stack", "fetch", "returned"):
        mine, taken = (
            [n for n, m in enumerate(r.messages) if m.bus.name == bus and m.interaction in takes]
            for r, takes in ((r, {m.interaction for m in r.takes}) for r in (ours, theirs))
        )
        truth |= {
            n: theirs.messages[k].values(honest.row) for n, k in zip(mine, taken, strict=False)
        }
    scene = Scene(ours, row, honest.world, truth=truth, refused="is another's")
    repairs = attempts(Repairer(scene, width=8, effort=400), Lie("as it is"), most=50)
    verdicts = [scene.verdict(row, solved=True, most=0) for row in repairs]
    return [v.other for v in verdicts if not v.broken and not v.impossible and v.other]


@pytest.mark.parametrize("offset", [1, 2**32, 2**64, 2**128])
def test_audit_A18_return_data_out_of_bounds_of_no_size(offset):
    """An offset past the end halts, even for no bytes; it is not copied."""
    code = call(Op.RETURNDATACOPY, 0, offset, 0)
    assert passes("returndatacopy", "returndata_out_of_bounds", code) == []


def test_audit_A18_return_data_within_bounds_does_not_halt():
    code = call(Op.RETURNDATACOPY, 0, 0, 0)
    assert passes("returndata_out_of_bounds", "returndatacopy", code) == []
    assert passes("returndatacopy", "returndatacopy", code) != []


def with_table(tables, name, change):
    """The tables, one of them with other columns or another count of rows."""
    (old,) = (t for t in tables if t.table.name == name)
    columns, count = change(old)
    changed = type(old)(old.table, old.program, columns, count, old.height)
    return [changed if t is old else t for t in tables]


def refused(tables, public):
    return any(violations(t, 1) for t in tables) or bool(imbalances(tables, public, 1))


@cache
def storing():
    """A program that reads memory, and tables with room for one more row."""
    read = call(Op.MLOAD, 0) + POP
    return filled(call(Op.MSTORE, 0, 77) + read * 3, DATA)


def test_audit_A20_row_of_memory_that_nobody_asked_for():
    """A step twice, a copy of a token: no row stands outside the buses."""
    honest, public = cells(storing()), statement(storing()).messages()
    assert not refused(honest, public)

    def twice(table):
        assert table.rows < 1 << table.height
        return [np.concatenate([c, c[:1]]) for c in table.columns], table.rows + 1

    assert refused(with_table(honest, "mload_aligned", twice), public)


@pytest.mark.parametrize("offset", [69, 70, 71, 2**32, 2**64, 2**128 + 1])
def test_audit_A22_end_of_the_call_data(offset):
    code = call(Op.CALLDATALOAD, offset)
    inside = offset < len(DATA)
    assert rejected("calldataload", code, {"within.outside": int(inside)}, data=DATA)
    for count in (offset % 32 + 2, offset % 32, 64):
        marked = {f"marked[{i}]": int(i < count) for i in range(64)}
        assert rejected("calldataload", code, marked, data=DATA)


@pytest.mark.parametrize("wrong", [NUMBER - 2, NUMBER - 256])
def test_audit_A26_hash_of_another_block(wrong):
    digest = EDGES[-1] >> NUMBER - wrong
    forged = {"hash.lo": digest % HALF, "hash.hi": digest >> 128}
    assert rejected("block_hash", call(Op.BLOCKHASH, NUMBER - 1), forged)
    assert rejected("block_hash", call(Op.BLOCKHASH, NUMBER), forged | {"inside": 1, "late": 0})


@pytest.mark.parametrize("size", [1, 7, 8, 135])
def test_audit_A28_padding_moved(size):
    code = call(Op.KECCAK256, 0, size) + POP
    byte, lane = size % 8, size // 8
    for other in ((byte + 1) % 8, (byte - 1) % 8):
        forged = {f"end_byte[{byte}]": 0, f"end_byte[{other}]": 1}
        assert rejected("first_block", code, forged)
    forged = {f"end_lane[{lane}]": 0, f"end_lane[{(lane + 1) % 17}]": 1}
    assert rejected("first_block", code, forged)


def test_audit_A29_input_without_its_length():
    """The digest of 05 is not that of 00 05, nor of 05 00."""
    stored = call(Op.MSTORE8, 1, 5)
    both = stored + b"".join(call(Op.KECCAK256, *x) + POP for x in ((1, 1), (0, 2), (1, 2)))
    found = rows(both)["keccak256"]
    names = [c.name for c in known()["keccak256"].table.columns]
    of = [{n: s.row[names.index(n)] for n in ("digest.lo", "digest.hi", "sponge")} for s in found]
    for row, other in ((0, 1), (1, 0), (1, 2), (2, 0)):
        assert rejected("keccak256", both, of[other], row)


@pytest.mark.parametrize("offset", [1, 31])
def test_audit_A30_alignment_off_by_one(offset):
    code = call(Op.MSTORE, offset, 2**255 + 77) + call(Op.MLOAD, offset)
    for other in (offset - 1, (offset + 1) % 32):
        forged = {f"offset.shift[{offset}]": 0, f"offset.shift[{other}]": 1}
        assert rejected("memory_word", code, forged)


def test_audit_A35_address_split_otherwise():
    """A limb of an account's address more, the next one less."""
    code = call(Op.BALANCE, 0xC0FFEE)
    count = len(rows(code)["accounts"])
    names = [c.name for c in known()["accounts"].table.columns]
    for row in range(count):
        held = dict(zip(names, rows(code)["accounts"][row].row, strict=False))
        for low, high, step in (
            ("index[0]", "page[0]", 2**9),
            ("page[0]", "upper[0]", 2**7),
            ("upper[0]", "upper[1]", 2**16),
        ):
            assert rejected("accounts", code, {low: held[low] + step, high: held[high] - 1}, row)


@pytest.mark.parametrize("column", ["key", "field", "index", "value.lo", "value.hi"])
def test_audit_A37_A38_A43_every_value_of_the_statement_counts(column):
    """Chain id, sender, each field of block and transaction: what is offered is what is stated."""
    honest, public = cells(storing()), statement(storing()).messages()
    (table,) = (t for t in honest if t.table.name == "public_values")
    place = [c.name for c in table.table.columns].index(column)
    for row in range(table.rows):

        def bent(old, row=row):
            changed = list(old.columns)
            changed[place] = changed[place].copy()
            changed[place][row] += 1
            return changed, old.rows

        assert refused(with_table(honest, "public_values", bent), public)


@pytest.mark.parametrize("end", ["first", "last"])
def test_audit_A39_word_of_the_data_left_out(end):
    honest, public = cells(storing()), statement(storing()).messages()

    def cut(old):
        kept = slice(1, None) if end == "first" else slice(None, -1)
        return [c[kept] for c in old.columns], old.rows - 1

    assert refused(with_table(honest, "transaction_data", cut), public)


def test_audit_A39_data_that_starts_at_two():
    honest, public = cells(storing()), statement(storing()).messages()

    def later(old):
        place = [c.name for c in old.table.columns].index("index")
        changed = list(old.columns)
        changed[place] = changed[place] + 1
        return changed, old.rows

    assert refused(with_table(honest, "transaction_data", later), public)
