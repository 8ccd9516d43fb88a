"""Keccak-256: the witness against a library, and what its tables reject."""

from functools import cache

import numpy as np
import pytest
from eth_hash.auto import keccak

from circuits.buses import ABSORB, KECCAK, ORDER, OrderOf
from circuits.execution.keccak import LANES, RATE, Sponges, permute
from circuits.language import Plan, Witness
from circuits.machine import columns
from circuits.tables.keccak import FirstBlock, KeccakF, NextBlock, RoundConstants
from circuits.tables.ranges import BytePairs
from tests.support.kernels import native, needs_native
from tests.support.transactions import altered, cell, faults
from zkevm.plonkish.cells import Cells, height_of
from zkevm.plonkish.checker import count_lookups
from zkevm.plonkish.program import compile_table
from zkevm.proof import PublicMessage

LENGTHS = [0, 1, 7, 8, 64, 134, 135, 136, 137, 271, 272, 273, 500]
TABLES = (FirstBlock(), NextBlock(), KeccakF(), RoundConstants(), BytePairs())
PROGRAMS = {gadget: compile_table(gadget.table) for gadget in TABLES}


def data(length, seed=1):
    return np.random.default_rng(seed + length).bytes(length)


@cache
def tables_of(*inputs):
    """The tables of some inputs, and what an asker looks up of each: its digest and its lanes."""
    plan = Plan(None)
    asked = []
    for text in inputs:
        sponge = plan.sponges.identify(text)
        digest = int.from_bytes(keccak(text), "big")
        asked.append((KECCAK, (sponge, len(text), digest % 2**128, digest >> 128)))
        for i in range(0, len(text), 8):
            lane = int.from_bytes(text[i : i + 8].ljust(8, b"\0"), "big")
            asked.append((ABSORB, (sponge, i // 8, lane)))
    records = [(gadget, gadget.collect(plan)) for gadget in TABLES]
    filled = []
    for gadget, record in records:
        if len(record):
            w = Witness(len(record))
            gadget.fill(w, record, plan)
            filled.append((gadget, w))

    def taken():
        return [
            Cells(g.table, PROGRAMS[g], columns(g, w), w.rows, height_of(g.table, w.rows))
            for g, w in filled
        ]

    numbered = (OrderOf.KECCAK_BLOCKS, 0, 0, 0)
    public = [
        PublicMessage(ORDER, 1, (*numbered, 1)),
        PublicMessage(ORDER, -1, (*numbered, 1 + plan.sponges.count)),
    ]
    counts = count_lookups(taken())
    for (_, w), counted in zip(filled, counts, strict=True):
        for column, values in counted.items():
            w.store(column, values)
    answer(filled, asked)
    public += [PublicMessage(bus, 1, message) for bus, message in asked]
    return taken(), public


def answer(filled, asked):
    """Count what the asker looks up in the provider's columns."""
    for gadget, w in filled:
        if not isinstance(gadget, FirstBlock | NextBlock):
            continue
        number, last = w[gadget.number], w[gadget.last]
        sponge = number if isinstance(gadget, FirstBlock) else w[gadget.sponge]
        depth = number.astype(np.int64) - sponge
        digests = np.zeros(w.rows, np.uint32)
        lanes = np.zeros((w.rows, len(gadget.lane_counts)), np.uint32)
        for bus, message in asked:
            at = sponge == message[0]
            if bus is KECCAK:
                digests += at & (last == 1)
            else:
                block, lane = divmod(message[1], 17)
                lanes[:, lane] += at & (depth == block)
        w[gadget.digest_count] = digests
        w[gadget.lane_counts] = lanes


@pytest.mark.parametrize("length", LENGTHS)
def test_digest(length):
    assert faults(*tables_of(data(length))) == []


def test_many_inputs_at_once():
    inputs = [data(length) for length in (0, 64, 135, 300)]
    assert faults(*tables_of(*inputs, inputs[1], inputs[3])) == []


@needs_native
@pytest.mark.parametrize("count", [0, 1, 50])
def test_the_kernel_permutes_as_the_rounds_do(count):
    states = np.random.default_rng(count).integers(2**64, size=(count, LANES), dtype=np.uint64)
    assert np.array_equal(native.keccak_f(states), permute(states).output)


def test_sponges_are_shared():
    sponges = Sponges()
    assert [sponges.identify(x) for x in (b"", b"a", b"", bytes(RATE), b"b")] == [1, 2, 1, 3, 5]


@pytest.mark.parametrize("length", [64, 272])
def test_wrong_digest(length):
    tables, public = tables_of(data(length))
    wrong = [
        PublicMessage(p.bus, p.multiplicity, (*p.values[:2], p.values[2] ^ 1, p.values[3]))
        if p.bus is KECCAK
        else p
        for p in public
    ]
    assert faults(tables, wrong)


def test_audit_a28_padding_moved():
    """The pad byte one place later, in a block with room."""
    tables, public = tables_of(data(62))
    changes = {(0, "end_byte[6]"): 0, (0, "end_byte[7]"): 1, (0, "left"): 63}
    assert faults(altered(tables, "first_block", changes), public)


def test_audit_a29_length_is_part_of_the_question():
    """A zero byte more, or less, is another input."""
    text = data(40) + bytes(8)
    tables, public = tables_of(text)
    for length in (40, 47, 49, 56):
        wrong = [
            PublicMessage(p.bus, p.multiplicity, (p.values[0], length, *p.values[2:]))
            if p.bus is KECCAK
            else p
            for p in public
        ]
        assert faults(tables, wrong)


def test_second_padding_block_is_not_dropped():
    tables, public = tables_of(data(RATE))
    assert faults(altered(tables, "first_block", {(0, "last"): 1}), public)
    assert faults([t for t in tables if t.table.name != "next_block"], public)


@pytest.mark.parametrize("rounds", [23, 25])
def test_number_of_rounds(rounds):
    tables, public = tables_of(b"abc")
    row, number = (23, 22) if rounds == 25 else (22, 24)
    assert faults(altered(tables, "keccak_f", {(row, "round"): number}), public)


def test_permutations_are_not_exchanged():
    tables, public = tables_of(b"one", b"two")
    changes = {(row, "permutation"): 2 if row < 24 else 1 for row in range(24, 48)}
    assert faults(altered(tables, "keccak_f", {**changes, (23, "permutation"): 2}), public)
    digests = {
        (row, f"digest[{i}]"): cell(tables, "first_block", 1 - row, f"digest[{i}]")
        for row in (0, 1)
        for i in range(32)
    }
    assert faults(altered(tables, "first_block", digests), public)


@pytest.mark.parametrize("column", ["parity", "mixed", "theta", "constant", "chi"])
def test_every_kind_of_bit_matters(column):
    tables, public = tables_of(b"abc")
    rng = np.random.default_rng(3)
    size = {"parity": 320, "mixed": 320, "theta": 1600, "constant": 7, "chi": 7}[column]
    for place in rng.choice(size, 3, replace=False):
        row, name = int(rng.integers(24)), f"{column}[{place}]"
        bit = cell(tables, "keccak_f", row, name)
        assert faults(altered(tables, "keccak_f", {(row, name): 1 - bit}), public)


@pytest.mark.parametrize("table", ["first_block", "next_block"])
def test_every_byte_of_a_block_matters(table):
    tables, public = tables_of(data(200))
    names = ["data[0]", "data[63]", "data[64]", "data[135]", "digest[0]", "digest[31]", "left"]
    names += ["before[0]", "both[135]", "capacity[0]", "sponge"] * (table == "next_block")
    for name in names:
        value = cell(tables, table, 0, name)
        assert faults(altered(tables, table, {(0, name): value ^ 1}), public)
