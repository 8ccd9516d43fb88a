"""Provers that lie about copies, hashes and logs, and repair all that follows from the lie."""

import numpy as np
import pytest

from circuits.execution.copies import Moves, moves
from circuits.execution.steps import Steps
from circuits.gadgets import copies as copy_gadgets
from circuits.gadgets import hashing
from circuits.language import memory
from circuits.tables import copy as copy_tables
from tests.circuits.test_copies import CALLEE, DATA, FILL, RETURNS
from tests.support.transactions import faults, program, tables_of, trace_of
from zkevm.evm.code import Code
from zkevm.evm.instructions import environment
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.trace.trace import Halt

CALL = [0, 0, 0, 0, 0, CALLEE, 100_000, Op.CALL, Op.POP]
READ = [0, Op.MLOAD, 32, Op.MLOAD, 64, Op.MLOAD, 96, Op.MLOAD]


def trace(*items, callee=RETURNS):
    return trace_of(program(*items), data=DATA, accounts={CALLEE: Account(code=Code(callee))})


def is_rejected(of, lie):
    """Honest, the trace has no fault; after the lie it has."""
    assert faults(*tables_of(of)) == []
    lie()
    return bool(faults(*tables_of(of)))


def flip(words, row, byte):
    """Change the lowest bit of a byte of a word, counted as memory has them."""
    changed = words.copy()
    changed[row, (31 - byte) // 8] ^= np.uint64(1 << (31 - byte) % 8 * 8)
    return changed


@pytest.mark.parametrize("byte", [0, 4, 5, 30, 31])
@pytest.mark.parametrize("word", [0, 1, 2])
@pytest.mark.parametrize("offset", [3, 5, 7])
def test_other_bytes_written(monkeypatch, offset, word, byte):
    """CALLDATACOPY of 70 bytes to byte 5: a byte copied, or one that should stay, is another."""
    honest = copy_tables.words_left

    def lying(execution, rows):
        places = np.flatnonzero(~rows.primes)
        return flip(honest(execution, rows), places[word], byte)

    def lie():
        monkeypatch.setattr(copy_tables, "words_left", lying)

    assert is_rejected(trace(*FILL, 70, offset, 5, Op.CALLDATACOPY, *READ), lie)


@pytest.mark.parametrize("op", [Op.CALLDATACOPY, Op.CODECOPY])
def test_past_the_end_is_zero(monkeypatch, op):
    """The source ends inside a word, and what lies behind it is copied as well."""
    length = len(DATA) if op == Op.CALLDATACOPY else len(program(*FILL, 64, 0, 0, op))

    def lying(self, s):
        source, base, found = self.honest(s)
        return source, base, found + 8

    def lie():
        for gadget in (copy_gadgets.CallDataCopy, copy_gadgets.CodeCopy):
            monkeypatch.setattr(gadget, "honest", gadget.sources, raising=False)
            monkeypatch.setattr(gadget, "sources", lying)

    assert is_rejected(trace(*FILL, 64, length - 40, 0, op), lie)


@pytest.mark.parametrize("by", [-1, 1])
@pytest.mark.parametrize("offset", [0, 4])
def test_where_the_source_ends(monkeypatch, offset, by):
    """Zeros begin a byte too early or too late."""
    honest = Moves.valid.func

    def lie():
        off = property(lambda self: np.clip(honest(self) + by, 0, 32))
        monkeypatch.setattr(Moves, "valid", off)

    assert is_rejected(trace(*FILL, 70, 50 + offset, 0, Op.CALLDATACOPY), lie)


@pytest.mark.parametrize("by", [-1, 1])
def test_size(monkeypatch, by):
    """A byte less, or more."""

    def lie():
        def lying(*request):
            *rest, size = request
            return moves(*rest, size + by)

        monkeypatch.setattr(copy_tables, "moves", lying)

    assert is_rejected(trace(*FILL, 40, 1, 0, Op.CALLDATACOPY, *READ), lie)


@pytest.mark.parametrize("offset", [1, 31])
@pytest.mark.parametrize("by", [-1, 1])
def test_audit_a30_alignment(monkeypatch, offset, by):
    """Bytes shifted by one place more or less."""

    def lie():
        def lying(*request):
            found = moves(*request)
            shift = np.where(found.u > 0, np.clip(found.u + by, 1, 31), 0)
            return Moves(**{**found.__dict__, "u": shift})

        monkeypatch.setattr(copy_tables, "moves", lying)

    at = (offset - by) % 32 or 2
    assert is_rejected(trace(*FILL, 64, at, 0, Op.CALLDATACOPY), lie)


def test_first_word_left_out(monkeypatch):
    """The row that reads the first of two source words is left out: its bytes would be zero."""

    def lie():
        def lying(*request):
            found = moves(*request)
            kept = ~found.primes
            fields = {name: column[kept] for name, column in found.__dict__.items()}
            return Moves(**{**fields, "primed": np.arange(len(fields["id"])) > 0})

        monkeypatch.setattr(copy_tables, "moves", lying)

    assert is_rejected(trace(64, 4, 0, Op.CALLDATACOPY), lie)


def test_next_word_not_read(monkeypatch):
    """A source word is left out: the bytes after the carry would be zero."""

    def lie():
        honest = Moves.reads.func
        monkeypatch.setattr(Moves, "reads", property(lambda m: honest(m) & (m.nth != 1)))

    assert is_rejected(trace(64, 4, 0, Op.CALLDATACOPY), lie)


def test_overlap_backwards(monkeypatch):
    """MCOPY forward over itself, byte by byte: later words get what the copy has just written."""
    of = trace(*FILL, 64, 0, 32, Op.MCOPY, *READ)

    def lie():
        honest = copy_tables.words_left

        def lying(execution, rows):
            found = honest(execution, rows).copy()
            found[1] = found[0]
            return found

        monkeypatch.setattr(copy_tables, "words_left", lying)

    assert is_rejected(of, lie)


def test_digest_of_another_sponge(monkeypatch):
    """Two inputs of one length: each is given the other's sponge."""
    of = trace(*FILL, 64, 0, Op.KECCAK256, 64, 32, Op.KECCAK256)

    def lie():
        honest = hashing.sponges
        monkeypatch.setattr(hashing, "sponges", lambda s, plan: honest(s, plan)[::-1].copy())

    assert is_rejected(of, lie)


REVERTS = program(*FILL, 40, 0, Op.LOG0, 0, 0, Op.REVERT)


def test_log_of_a_failed_frame(monkeypatch):
    """Kept frames emit logs, undone ones do not: `undone` is that of the frame."""
    of = trace(*CALL, 0, 0, Op.LOG0, callee=REVERTS)

    def lie():
        monkeypatch.setattr(Steps, "undone", property(lambda s: s.undo > 9))

    assert is_rejected(of, lie)


@pytest.mark.parametrize(("offset", "size"), [(71, 0), (68, 3), (2**32, 0), (2**128, 0)])
def test_audit_a18_return_data_has_bounds(monkeypatch, offset, size):
    """An interpreter that takes the return data, 70 bytes, to be longer."""
    longer = lambda data: len(data) + 2**200  # noqa: E731
    monkeypatch.setattr(environment, "len", longer, raising=False)
    of = trace(*CALL, size, offset, 0, Op.RETURNDATACOPY)
    assert of.frames.success[0]
    assert faults(*tables_of(of))


@pytest.mark.parametrize(("offset", "size"), [(70, 0), (0, 70), (3, 67)])
def test_audit_a18_no_halt_within_the_bounds(monkeypatch, offset, size):
    """An interpreter that takes the return data, 70 bytes, to be shorter."""
    monkeypatch.setattr(environment, "len", lambda data: len(data) - 1, raising=False)
    of = trace(*CALL, size, offset, 0, Op.RETURNDATACOPY)
    assert of.frames.halt[0] == Halt.RETURNDATA_OUT_OF_BOUNDS
    assert faults(*tables_of(of))


def test_cost_of_words(monkeypatch):
    """A word too few is paid for."""
    of = trace(65, 0, 0, Op.CALLDATACOPY)

    def lie():
        honest = memory.word_count
        monkeypatch.setattr(memory, "word_count", lambda size: honest(size) - np.uint64(1))

    assert is_rejected(of, lie)
