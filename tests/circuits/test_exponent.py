"""EXP: honest chains, and chains that lie."""

from itertools import chain, product

import pytest

from circuits.gadgets.exponent import Exponentiate
from tests.support.transactions import altered, cell, faults, program, tables_of, trace_of
from zkevm.evm.opcodes import Op

WORD = 1 << 256
BASES = (0, 1, 2, 10, 2**128, WORD - 1, 0x1234_5678 << 200)
EXPONENTS = (0, 1, 2, 12, 255, 256, 257, 65535, 65536, 2**64 + 3, WORD - 1)


def powers(pairs) -> bytes:
    return program(*chain.from_iterable((e, b, Op.EXP, Op.POP) for b, e in pairs), Op.STOP)


def test_powers_balance() -> None:
    tables, public = tables_of(trace_of(powers(product(BASES, EXPONENTS))))
    assert faults(tables, public) == []


@pytest.mark.parametrize("column", ["result.lo", "long", "top[0]", "exponent[0]"])
def test_a_changed_cell_is_noticed(column: str) -> None:
    tables, public = tables_of(trace_of(powers([(5, 12)])))
    before = cell(tables, Exponentiate.name, 0, column)
    wrong = altered(tables, Exponentiate.name, {(0, column): before ^ 1})
    assert faults(wrong, public)


def test_audit_A5() -> None:
    """The multiplication of a step follows from the bit: 5 ** 12 is not 15625 = 5 ** 6."""
    tables, public = tables_of(trace_of(powers([(5, 12)])))
    rows = next(t.rows for t in tables if t.table.name == "exp_bit")
    for row in range(rows):
        bit = cell(tables, "exp_bit", row, "bit")
        assert faults(altered(tables, "exp_bit", {(row, "bit"): 1 - bit}), public)
        square = cell(tables, "exp_bit", row, "square.lo")
        lie = {(row, "next.lo"): square * 5}
        if bit == 0:
            assert faults(altered(tables, "exp_bit", lie), public)
