"""A cheating executor: it runs something else than the EVM, and proves honestly what it ran.

One instruction does wrong once, or one number of the trace is another; everything that follows is
computed from there, as is the statement.  The checker, or the filling of the tables, must refuse.
"""

import dataclasses
import itertools
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from circuits.machine import cells, fill
from circuits.statement import StatementError, statement
from tests.support.transactions import program, trace_of
from zkevm.evm.code import Code
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.state import Account
from zkevm.evm.statetest import load_case
from zkevm.field import MODULUS
from zkevm.plonkish.checker import imbalances, violations
from zkevm.trace.recorder import record

WORD = 1 << 256
CHILD, FAILING = 0xC1, 0xC2
FIXTURES = Path(__file__).resolve().parent.parent.parent / "fixtures"

MAIN = program(
    7, 5, Op.ADD, 3, Op.MUL, 2, Op.SWAP1, Op.SUB, Op.DUP1, Op.ISZERO, Op.NOT, Op.AND,  # words
    2**200 + 9, 77, Op.SWAP1, Op.DIV, Op.XOR, 1, Op.SHL, 0, Op.MSTORE,  # and into memory
    9, 33, Op.MSTORE8, 1, Op.MLOAD, Op.POP, Op.MSIZE, Op.POP,
    3, Op.SLOAD, 1, Op.ADD, 3, Op.SSTORE, 4, Op.SLOAD, Op.POP, 8, 1, Op.TSTORE, 1, Op.TLOAD, Op.POP,
    Op.CALLER, Op.ADDRESS, Op.EQ, Op.POP, Op.CALLVALUE, Op.POP, Op.NUMBER, Op.POP, Op.GAS, Op.POP,
    5, 32, 0, Op.LOG1,
    32, 0, 4, 0, 0, CHILD, 100_000, Op.CALL, Op.POP,
    0, 0, 4, 0, 0, FAILING, 60_000, Op.CALL, Op.POP,
    Op.RETURNDATASIZE, Op.POP,
    9, 6, Op.LT, Op.PC, 7, Op.ADD, Op.JUMPI, Op.INVALID, Op.INVALID, Op.JUMPDEST, Op.STOP,
)  # fmt: skip
CHILD_CODE = program(0, Op.CALLDATALOAD, 2, Op.SSTORE, 11, 0, Op.MSTORE, 32, 0, Op.RETURN)
FAILING_CODE = program(1, 5, Op.SSTORE, 5, 0, Op.MSTORE, 32, 0, Op.REVERT)


def run(rules=None):
    accounts = {CHILD: Account(code=Code(CHILD_CODE)), FAILING: Account(code=Code(FAILING_CODE))}
    return trace_of(
        MAIN, accounts=accounts, storage={3: 9, 4: 1}, value=3, data=b"\1\2\3\4", rules=rules
    )


@cache
def honest():
    return run()


def refused(trace):
    """Whether no proof comes of a trace, with the statement that goes with it."""
    try:
        filled = fill(trace)
        tables, public = cells(filled), statement(filled).messages()
    except (ValueError, IndexError, KeyError, OverflowError, StatementError):
        return True
    return any(violations(t, 1) for t in tables) or bool(imbalances(tables, public, 1))


def digest(trace):
    """What the tables are filled from, to tell whether a cheat changed anything."""
    parts = [trace.rows, trace.written, trace.memory, trace.state, trace.frames, trace.refunds]
    arrays = [getattr(p, f.name) for p in parts for f in dataclasses.fields(p)]
    rest = (trace.logs, trace.hashes, trace.receipt, trace.post, trace.calls.output)
    return tuple(a.tobytes() for a in arrays), repr(rest)


def test_the_honest_trace_is_accepted():
    assert not refused(honest())


# A wrong instruction.


def result(difference):
    def cheat(frame, instruction):
        instruction(frame)
        frame.stack[-1] = (frame.stack[-1] + difference) % WORD

    return cheat


def operand(k):
    def cheat(frame, instruction):
        frame.stack[-1 - k] ^= 1
        instruction(frame)

    return cheat


def gas(difference):
    def cheat(frame, instruction):
        instruction(frame)
        frame.gas += difference

    return cheat


def skip_a_byte(frame, instruction):
    instruction(frame)
    frame.pc += 1


def once_more(frame, instruction):
    pc = frame.pc - 1
    instruction(frame)
    if not vars(frame.machine).setdefault("repeated", False):
        frame.machine.repeated = True
        frame.pc = pc


def cheats_of(op):
    arity = ARITY[op]
    calls = op in {Op.CALL, Op.STATICCALL, Op.DELEGATECALL}
    if arity.outputs and not calls:
        yield from ((f"result{d:+}", result(d)) for d in (1, 1 << 128, MODULUS))
    if not Op.DUP1 <= op <= Op.SWAP16:
        yield from ((f"operand {k}", operand(k)) for k in range(arity.inputs))
    ends = op in {Op.STOP, Op.RETURN, Op.REVERT}
    if not ends:
        yield from ((f"gas{d:+}", gas(d)) for d in (1, -1, 2000))
    if not ends and not calls:
        yield "a byte skipped", skip_a_byte
    if Op.PUSH0 <= op <= Op.PUSH32:
        yield "done twice", once_more


EXECUTED = sorted({Op(int(op)) for op in np.unique(run().rows.op) if op < 256})
WRONG = [(op, name, cheat) for op in EXECUTED for name, cheat in cheats_of(op)]


def cheated(op, cheat, nth=0):
    """The trace of an executor that cheats at the nth time it runs `op`."""
    fork = fork_named("Cancun")
    count = itertools.count()
    instruction = fork.instructions[op]

    def wrong(frame):
        if next(count) == nth:
            cheat(frame, instruction)
        else:
            instruction(frame)

    return run(dataclasses.replace(fork, instructions={**fork.instructions, op: wrong}))


def sampled(cases):
    """One in six on every run, the others on long ones."""
    return [
        pytest.param(*case, id=name, marks=[pytest.mark.slow] if number % 6 else [])
        for number, (name, *case) in enumerate(cases)
    ]


@pytest.mark.parametrize(
    ("op", "cheat"), sampled((f"{op.name} {name}", op, cheat) for op, name, cheat in WRONG)
)
def test_wrong_instruction(op, cheat):
    try:
        trace = cheated(op, cheat)
    except (IndexError, ValueError, RuntimeError):
        pytest.skip("the executor cannot go on from there")
    if digest(trace) == digest(honest()):
        pytest.skip("makes no difference here")
    assert refused(trace)


# A trace that nobody executed.


def with_column(trace, part, name, change):
    """The trace with a column of a part changed by a function on a copy of it."""
    held = getattr(trace, part)
    column = getattr(held, name).copy()
    changed = change(column)
    column = column if changed is None else changed
    return dataclasses.replace(trace, **{part: dataclasses.replace(held, **{name: column})})


def add(where, difference):
    def change(column):
        column[where] += np.array(difference).astype(column.dtype)

    return change


def row_of(op, nth=0):
    return int(np.flatnonzero(honest().rows.op == op)[nth])


def rows_changed():
    """One number of one row, or of all rows from there on."""
    last = len(honest().rows)
    for name, op in itertools.product(
        ("gas", "pc", "sp", "msize"), (Op.MUL, Op.MSTORE8, Op.SLOAD, Op.LT)
    ):
        row = row_of(op)
        yield f"{name} at {op.name}", "rows", name, add(row, 1)
        yield f"{name} from {op.name} on", "rows", name, add(slice(row, last), 1)
    for old, new in ((Op.ADD, Op.SUB), (Op.LT, Op.GT), (Op.CALLER, Op.ADDRESS), (Op.SHL, Op.SHR)):
        yield f"{old.name} as {new.name}", "rows", "op", add(row_of(old), new - old)


def rows_moved():
    """Rows left out, done twice, in another order."""
    for op in (Op.MUL, Op.POP, Op.JUMPDEST, Op.SLOAD):
        row = row_of(op)
        yield f"{op.name} left out", lambda r, at=row: np.delete(r, at)
        yield f"{op.name} twice", lambda r, at=row: np.insert(r, at, r[at])
    swapped = [row_of(Op.LT), row_of(Op.LT) + 1]
    yield "LT after the next", lambda r: put(r, swapped, r[swapped[::-1]])


def put(column, where, values):
    column = column.copy()
    column[where] = values
    return column


def values_changed():
    """What rows wrote to stack and memory, and state events."""
    words = len(honest().written.words)
    for nth in range(0, words, max(1, words // 12)):
        yield f"written word {nth}", "written", "words", add((nth, 0), 1)
    for nth in range(len(honest().memory.words)):
        yield f"memory word {nth}", "memory", "words", add((nth, 0), 1)
    events = honest().state
    for nth in range(len(events)):
        for name in ("old", "new", "address", "key"):
            yield f"{name} of event {nth}", "state", name, add((nth, 0), 1)


def frames_changed():
    """The constants of a frame."""
    for frame in range(len(honest().frames)):
        for name in (
            "depth", "success", "static", "gas_start", "gas_end", "input_offset", "input_length",
            "output_offset", "output_length", "out_offset", "out_length",
        ):  # fmt: skip
            yield f"{name} of frame {frame}", "frames", name, add(frame, 1)
        for name in ("address", "caller", "value"):
            yield f"{name} of frame {frame}", "frames", name, add((frame, 0), 1)
        yield f"code of frame {frame}", "frames", "code", lambda c, f=frame: put(c, f, c[f - 1])


def filled_columns(trace):
    return {
        name: {c.name: a.tobytes() for c, a in w.cells.items()}
        for name, w in fill(trace).witnesses.items()
    }


CHANGES = [*rows_changed(), *values_changed(), *frames_changed()]


@pytest.mark.parametrize(("part", "name", "change"), sampled(CHANGES))
def test_changed_trace(part, name, change):
    trace = with_column(honest(), part, name, change)
    if refused(trace):
        return
    # The tables do not say what was changed: what they do say is the truth.
    assert filled_columns(trace) == filled_columns(honest())
    assert statement(fill(trace)) == statement(fill(honest()))


@pytest.mark.parametrize("change", [pytest.param(c, id=name) for name, c in rows_moved()])
def test_rows_moved(change):
    rows = honest().rows
    moved = {f.name: change(getattr(rows, f.name)) for f in dataclasses.fields(rows)}
    assert refused(dataclasses.replace(honest(), rows=dataclasses.replace(rows, **moved)))


# Real transactions.

CONTRACTS = ("erc20_solidity_transfer", "erc20_solidity_revert", "erc20_vyper_transfer")


@cache
def recorded(name):
    return record(load_case(FIXTURES / f"{name}.json", fork="Cancun"))[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTRACTS)
def test_contracts_are_accepted(name):
    assert not refused(recorded(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTRACTS)
@pytest.mark.parametrize("share", range(1, 8))
def test_contracts_with_a_wrong_number(name, share):
    """A written word, the gas from a row on, a pc: each at several places of the execution."""
    trace = recorded(name)
    word = len(trace.written.words) * share // 8
    row = len(trace.rows) * share // 8
    last = len(trace.rows)
    for part, column, change in (
        ("written", "words", add((word, 0), 1)),
        ("rows", "gas", add(slice(row, last), 1)),
        ("rows", "pc", add(row, 1)),
    ):
        assert refused(with_column(trace, part, column, change))
