"""The machine: which gadgets and tables make up the circuit, and how a trace fills them.

Nothing registers itself.  The order of the two tuples is part of the circuit: a step is proven by
the first gadget of its opcode that accepts it, and a table may ask only tables further down.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from circuits.buses import BUSES
from circuits.execution.execution import Execution, executions
from circuits.execution.kinds import halt_of, kind, of_rows, with_halts
from circuits.execution.level import Level
from circuits.execution.precompiles import name_of
from circuits.execution.steps import Steps
from circuits.execution.tokens import I64
from circuits.filled import Filled, counted_on, describe_row
from circuits.gadgets import create_halts, selfdestruct
from circuits.gadgets.accounts import Balance, ExtCodeHash, ExtCodeSize, SelfBalance
from circuits.gadgets.add_sub import AddSub
from circuits.gadgets.bitwise import Bitwise, Not
from circuits.gadgets.blocks import BlobHash, BlockHash
from circuits.gadgets.bytes import Byte, CountLeadingZeros, SignExtend
from circuits.gadgets.call_halts import UNPAID
from circuits.gadgets.calldata import CallDataLoad
from circuits.gadgets.calls import ENTERING
from circuits.gadgets.comparison import Equal, IsZero, IsZeroBool, LessThan, SignedLessThan
from circuits.gadgets.copies import CallDataCopy, CodeCopy, ExtCodeCopy, MemoryCopy
from circuits.gadgets.creates import CREATES
from circuits.gadgets.deposits import ReturnCode
from circuits.gadgets.divide import Divide, DivideSmall, SignedDivide
from circuits.gadgets.ends import Return, Revert, Stop, StopPastEnd
from circuits.gadgets.environment import Environment
from circuits.gadgets.exponent import Exponentiate
from circuits.gadgets.flow import Gas, Jump, Jumpdest, Jumpi, JumpiBool, MemorySize, ProgramCounter
from circuits.gadgets.frameless_calls import FRAMELESS
from circuits.gadgets.halts import FixedGas, InvalidJump, InvalidJumpi, InvalidOpcode, StackHeight
from circuits.gadgets.hashing import Keccak256
from circuits.gadgets.logs import Log
from circuits.gadgets.memory import MemoryWord, MloadAligned, Mstore8, MstoreAligned, MstoreGrow
from circuits.gadgets.memory_halts import MemoryOutOfGas
from circuits.gadgets.modular import Modular
from circuits.gadgets.multiply import Multiply, MultiplySmall
from circuits.gadgets.operand_halts import ExpOutOfGas, ExtCodeCopyOutOfGas
from circuits.gadgets.precompile_calls import PRECOMPILE_CALLS
from circuits.gadgets.resumes import ResumeCall, ResumeCreate
from circuits.gadgets.return_data import ReturnDataCopy, ReturnDataOutOfBounds, ReturnDataSize
from circuits.gadgets.shift import ShiftArithmetic, ShiftLogical
from circuits.gadgets.stack import Dup, Pop, Push, Push0, Swap
from circuits.gadgets.state_halts import (
    AccountOutOfGas,
    SloadOutOfGas,
    SstoreOutOfGas,
    SstoreStipend,
    StaticCall,
    StaticWrite,
)
from circuits.gadgets.storage import Sload, Sstore, SstoreSame, Tload, Tstore
from circuits.language import Gadget, Plan, StepGadget, TableGadget, Witness
from circuits.language.plan import Shared
from circuits.language.witness import joined
from circuits.tables.accounts import Accounts
from circuits.tables.authorizations import Authorizations
from circuits.tables.begin_blobs import BeginBlobs
from circuits.tables.begin_call import BeginTransaction
from circuits.tables.begin_creation import BeginCreation
from circuits.tables.begin_set_code import BeginSetCode
from circuits.tables.bytecode import Bytecode, CodeHeader, EmptyCode
from circuits.tables.copy import CopyAligned, CopyShift
from circuits.tables.copy_patch import CopyPatch
from circuits.tables.destroy import Destroy
from circuits.tables.end import EndTransaction
from circuits.tables.exponent import ExpBit, ExpLimb, Products
from circuits.tables.frames import Frames
from circuits.tables.hashed_code import HashedBytecode, HashedHeader
from circuits.tables.journal import JournalTable
from circuits.tables.keccak import FirstBlock, KeccakF, NextBlock, RoundConstants
from circuits.tables.lists import AccessEntry, TransactionData
from circuits.tables.memory import Expand, Grow
from circuits.tables.opcodes import Opcodes
from circuits.tables.order import UnusedOrders
from circuits.tables.precompiles import Precompiles
from circuits.tables.public import PublicValues
from circuits.tables.push_data import PushData4, PushData32, PushSteps
from circuits.tables.ranges import BytePairs, PowersOfTwo, Range16
from circuits.tables.refresh import (
    RefreshAccount,
    RefreshMemory,
    RefreshStorage,
    RefreshTransient,
)
from circuits.tables.slots import Slots, TransientSlots
from circuits.tables.stack import DrainStack, RefreshStack
from circuits.tables.undo import UndoAccount, UndoStorage, UndoTransient
from zkevm.errors import NotProvableError
from zkevm.evm.forks import fork_named, rules_of
from zkevm.plonkish.cells import Cells, height_of
from zkevm.plonkish.kernels import count_lookups
from zkevm.plonkish.table import Source, Table
from zkevm.proof.circuit import Circuit, Compiled
from zkevm.trace.trace import RESUME, CallOutcome, Halt, Trace

GADGETS: tuple[StepGadget, ...] = (
    Push0(),
    Push(),
    Pop(),
    Dup(),
    Swap(),
    AddSub(),
    MultiplySmall(),
    Multiply(),
    Exponentiate(),
    DivideSmall(),
    Divide(),
    SignedDivide(),
    Modular(),
    SignExtend(),
    Byte(),
    CountLeadingZeros(),
    LessThan(),
    SignedLessThan(),
    Equal(),
    IsZeroBool(),
    IsZero(),
    Bitwise(),
    Not(),
    ShiftLogical(),
    ShiftArithmetic(),
    Jump(),
    JumpiBool(),
    Jumpi(),
    Jumpdest(),
    ProgramCounter(),
    MemorySize(),
    Gas(),
    Environment(),
    BlockHash(),
    BlobHash(),
    CallDataLoad(),
    CallDataCopy(),
    CodeCopy(),
    ExtCodeCopy(),
    ReturnDataSize(),
    ReturnDataCopy(),
    MemoryCopy(),
    Keccak256(),
    Log(),
    MloadAligned(),
    MstoreAligned(),
    MstoreGrow(),
    MemoryWord(),
    Mstore8(),
    Sload(),
    SstoreSame(),
    Sstore(),
    Tload(),
    Tstore(),
    Balance(),
    SelfBalance(),
    ExtCodeSize(),
    ExtCodeHash(),
    SloadOutOfGas(),
    SstoreStipend(),
    SstoreOutOfGas(),
    AccountOutOfGas(),
    MemoryOutOfGas(),
    ExtCodeCopyOutOfGas(),
    ExpOutOfGas(),
    ReturnDataOutOfBounds(),
    StaticWrite(),
    StaticCall(),
    InvalidOpcode(),
    StackHeight(),
    FixedGas(),
    InvalidJump(),
    InvalidJumpi(),
    selfdestruct.SelfDestruct(),
    selfdestruct.SelfDestructOutOfGas(),
    create_halts.CodePrefix(),
    create_halts.DepositOutOfGas(),
    Stop(),
    StopPastEnd(),
    Return(),
    Revert(),
    ResumeCall(),
    ResumeCreate(),
)

TABLES: tuple[TableGadget[Any], ...] = (
    EndTransaction(),
    Destroy(),
    TransactionData(),
    AccessEntry(),
    Frames(),
    PublicValues(),
    JournalTable(),
    UndoAccount(),
    UndoStorage(),
    UndoTransient(),
    Accounts(),
    Slots(),
    TransientSlots(),
    UnusedOrders(),
    RefreshAccount(),
    RefreshStorage(),
    RefreshTransient(),
    ExpBit(),
    ExpLimb(),
    Products(),
    DrainStack(),
    RefreshStack(),
    CopyAligned(),
    CopyShift(),
    CopyPatch(),
    Expand(),
    Grow(),
    RefreshMemory(),
    PushData4(),
    PushData32(),
    CodeHeader(),
    HashedHeader(),
    EmptyCode(),
    Bytecode(),
    HashedBytecode(),
    PushSteps(),
    FirstBlock(),
    NextBlock(),
    KeccakF(),
    RoundConstants(),
    Range16(),
    BytePairs(),
    PowersOfTwo(),
)


def step_gadgets(fork: str) -> tuple[StepGadget, ...]:
    """The gadgets of the steps of a fork, in the order of the circuit's key."""
    return _step_gadgets(rules_of(fork))


@cache
def _step_gadgets(fork: str) -> tuple[StepGadget, ...]:
    rules = fork_named(fork)
    creates = (*CREATES, ReturnCode, create_halts.InitCodeTooLarge, create_halts.CodeTooLarge)
    by_fork = (*ENTERING, *FRAMELESS, *PRECOMPILE_CALLS, *UNPAID, *creates)
    known = [
        g for g in GADGETS if any(op in rules.instructions or op == RESUME for op in g.opcodes)
    ]
    return (*known, *(gadget(rules) for gadget in by_fork))


def table_gadgets(fork: str) -> tuple[TableGadget[Any], ...]:
    """The tables that serve the steps of a fork, in the order of the circuit's key."""
    return _table_gadgets(rules_of(fork))


@cache
def _table_gadgets(fork: str) -> tuple[TableGadget[Any], ...]:
    rules = fork_named(fork)
    set_code = (BeginSetCode(rules), Authorizations()) if rules.has_delegations else ()
    return (
        BeginTransaction(rules),
        BeginBlobs(rules),
        *set_code,
        BeginCreation(rules),
        *TABLES,
        Precompiles(rules),
        Opcodes(rules),
    )


def all_gadgets(fork: str) -> tuple[Gadget, ...]:
    """Step gadgets, then tables: the order of the circuit's key."""
    return (*step_gadgets(fork), *table_gadgets(fork))


@cache
def tables(fork: str) -> tuple[Table, ...]:
    """The declarations of all tables, in the order of the circuit's key."""
    return tuple(g.table for g in all_gadgets(fork))


def assign(prepared: Execution) -> dict[str, I64]:
    """Which rows each step gadget proves.  NotProvableError names the first that none does."""
    schedule, kinds = prepared.schedule, prepared.kinds
    left = with_halts(prepared.opcodes, kinds, schedule.halted)
    found: dict[str, I64] = {}
    for gadget in step_gadgets(prepared.trace.fork):
        of = {kind(op, halt) for op in gadget.opcodes for halt in gadget.halts or (Halt.NONE,)}
        candidates = [left.pop(each) for each in of & left.keys()]
        if not candidates:
            continue
        rows = np.sort(np.concatenate(candidates)) if len(candidates) > 1 else candidates[0]
        accepted = gadget.accepts(prepared.steps(rows))
        if not accepted.all():
            left |= of_rows(kinds, rows[~accepted])
            rows = rows[accepted]
        if len(rows):
            found[gadget.name] = rows
    if left:
        row = min(int(rows[0]) for rows in left.values())
        what = describe_row(prepared.trace, row, halt_of(int(kinds[row])))
        if schedule.outcome[row] == CallOutcome.PRECOMPILE:
            called = int(prepared.operands.word[prepared.operands.start[row] + 1][0])
            what = f"{name_of(prepared.fork, called)} called by {what}"
        what += "" if prepared.is_alone else f" in transaction {prepared.trace.index}"
        raise NotProvableError(f"not provable yet: {what}")
    return found


def fill(traces: Trace | Sequence[Trace], level: Level = Level.S1) -> Filled:
    """Fill every table for a transaction, or for several of a block that follow one another.

    Counts of lookups are left out (`zkevm.plonkish.lookups` sets these).
    """
    prepared = executions((traces,) if isinstance(traces, Trace) else traces)
    fork, shared = prepared[0].trace.fork, Shared(prepared)
    rows = [assign(each) for each in prepared]
    plans = [Plan(each, level, shared) for each in prepared]
    steps = {gadget: list(_steps(gadget, plans, rows)) for gadget in step_gadgets(fork)}
    for gadget, shares in steps.items():
        for own, plan in shares:
            gadget.plan(own, plan)
    records = {
        table: [(table.collect(plan), plan) for plan in plans[: 1 if table.once else None]]
        for table in table_gadgets(fork)
    }
    shared.solve()
    parts = {g.name: [g.assign(own, plan) for own, plan in of] for g, of in steps.items()}
    for table, of in records.items():
        parts[table.name] = [_fill_table(table, each, plan) for each, plan in of if len(each)]
    witnesses = {name: joined(found) for name, found in parts.items() if found}
    return Filled(prepared, level, witnesses, counted_on(prepared, rows))


def _steps(
    gadget: StepGadget, plans: list[Plan], rows: list[dict[str, I64]]
) -> Iterator[tuple[Steps, Plan]]:
    """The steps that a gadget proves, of each transaction that has any."""
    for plan, of in zip(plans, rows, strict=True):
        if gadget.name in of:
            yield plan.execution.steps(of[gadget.name]), plan


def _fill_table(table: TableGadget[Any], record: Any, plan: Plan) -> Witness:
    w = Witness(len(record))
    for part in table.parts():
        part.complete(w, plan, table)
    table.fill(w, record, plan)
    return w


def circuit(fork: str) -> Circuit:
    """The circuit of a fork, for all levels: the verifying key, with the statement's messages."""
    return _circuit(rules_of(fork))


@cache
def _circuit(fork: str) -> Circuit:
    return Circuit(f"zkevm {fork}", all_gadgets(fork), BUSES)


def cells(filled: Filled) -> list[Cells]:
    """The present tables with all their cells, counts of lookups included.

    A table of zeros is absent: so are fixed tables that nobody asks.
    """
    present = circuit(filled.fork).named(filled.witnesses)

    def taken(compiled: Compiled) -> Cells:
        table = compiled.table
        w = filled.witnesses[table.name]
        return Cells(table, compiled.program, columns(table, w), w.rows, height_of(table, w.rows))

    counts = count_lookups([taken(compiled) for compiled in present])
    for compiled, counted in zip(present, counts, strict=True):
        for column, values in counted.items():
            filled.witnesses[compiled.table.name].store(column, values)
    found = [taken(compiled) for compiled in present]
    return [c for c in found if any(column.any() for column in c.columns)]


def columns(source: Source, w: Witness) -> list[NDArray[Any]]:
    """The witness columns of a table in order; counts of lookups that were not set are zero."""
    table = source.table
    for interaction in table.interactions:
        if interaction.count is not None and interaction.count not in w.cells:
            w.store(interaction.count, np.zeros(w.rows, np.uint32))
    if missing := w.missing(table.columns):
        raise ValueError(f"{table.name}: columns left unassigned: {missing}")
    return [w[c] for c in table.columns]
