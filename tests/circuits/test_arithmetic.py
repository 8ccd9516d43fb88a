"""Arithmetic and bits on edge words, through whole transactions: every bus balances."""

from itertools import chain, product

import pytest

from tests.support.transactions import faults, program, tables_of, trace_of
from zkevm.evm.opcodes import ARITY, Op

WORD = 1 << 256
BLOCK = 19_000_000
EDGES = (0, 1, 2, 30, 31, 32, 255, 256, 2**64, 2**128 - 1, 2**128, 2**255, 2**255 + 1, WORD - 1)
FEW = (0, 1, 3, 2**128, 2**255, WORD - 2, WORD - 1)
TWO = (
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "MOD",
    "SDIV",
    "SMOD",
    "LT",
    "GT",
    "SLT",
    "SGT",
    "EQ",
    "AND",
    "OR",
    "XOR",
    "SHL",
    "SHR",
    "SAR",
    "BYTE",
    "SIGNEXTEND",
)


def calls(op: Op, operands) -> bytes:
    return program(*chain.from_iterable((*reversed(o), op, Op.POP) for o in operands), Op.STOP)


@pytest.mark.parametrize("name", TWO)
def test_two_operands(name: str) -> None:
    tables, public = tables_of(trace_of(calls(Op[name], product(EDGES, repeat=2))))
    assert faults(tables, public) == []


@pytest.mark.parametrize("name", ["ISZERO", "NOT", "CLZ"])
def test_one_operand(name: str) -> None:
    assert ARITY[Op[name]].inputs == 1
    tables, public = tables_of(trace_of(calls(Op[name], product(EDGES)), fork="Osaka"))
    assert faults(tables, public) == []


@pytest.mark.parametrize("name", ["ADDMOD", "MULMOD"])
def test_three_operands(name: str) -> None:
    tables, public = tables_of(trace_of(calls(Op[name], product(FEW, repeat=3))))
    assert faults(tables, public) == []


@pytest.mark.parametrize("name", ["BLOCKHASH", "BLOBHASH"])
def test_hashes_of_blocks_and_blobs(name: str) -> None:
    numbers = (*EDGES, *range(BLOCK - 258, BLOCK + 2), 2**128 + BLOCK - 1)
    tables, public = tables_of(trace_of(calls(Op[name], product(numbers))))
    assert faults(tables, public) == []
