"""Whether a proof could come of a trace, told quickly: the first thing found wrong decides.

A trace is filled as an honest prover would, but for steps that no gadget accepts: these go to one
with their opcode all the same.  Tables that differ from the honest ones are checked; the tokens
that they send and receive must balance what the honest ones did, as all others are the same.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from unittest.mock import patch

import numpy as np

from circuits import machine
from circuits.audit.buses import is_fixed
from circuits.execution.level import Level
from circuits.statement import Statement, StatementError, statement
from circuits.wording import AccountValues
from tests.support.faults.case import Case, after, executed
from zkevm.errors import NotProvableError
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.events import Recorder
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import BlockUsage, InvalidTransaction
from zkevm.plonkish import kernels
from zkevm.plonkish.cells import Cells, height_of
from zkevm.plonkish.program import Program, compile_table
from zkevm.plonkish.table import Bus, BusKind, PublicMessage, Role, Table, singly
from zkevm.trace.trace import Halt, Trace

CANNOT = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""What filling raises where a trace is too wrong to make tables of."""

VOID, OTHER_WITNESS, TRUE, HOLE = "void", "other witness", "true", "hole"
PASSING = (VOID, OTHER_WITNESS, TRUE, HOLE)
"""The same tables; other tables for the same statement; another true statement; a false one."""

NOBODYS_SLOT = 2**255 + 0x5107
"""A slot that no program here uses."""


@dataclass(frozen=True, eq=False)
class Base:
    """A case that can be proven at a level: what an honest prover has."""

    case: Case
    level: Level
    traces: tuple[Trace, ...]
    stated: Statement
    tables: dict[str, Cells]
    """All but fixed ones, with counts of zero."""


def base_of(case: Case, level: Level, most_rows: int) -> Base | None:
    """None if the case cannot be proven, or takes more rows of traces."""
    try:
        traces = executed(case)
        if sum(len(trace.rows) for trace in traces) > most_rows:
            return None
        filled = machine.fill(traces, level)
    except (InvalidTransaction, NotProvableError):
        return None
    stated, kept, tables = statement(filled), uncounted(filled), machine.cells(filled)
    stated.check()
    assert not kernels.violations(tables, 1)
    assert not kernels.imbalances(tables, stated.messages(), 1)
    return Base(case, level, traces, stated, kept)


def judge(base: Base, traces: Sequence[Trace]) -> str:
    """What rejects changed traces of a base, or how they pass: `VOID`, `TRUE`, `HOLE`."""
    try:
        with np.errstate(all="ignore"):
            filled, forced = filled_at_any_cost(traces, base.level)
            stated = statement(filled)
            verdict = rejection(base, stated, filled)
    except NotProvableError:
        return "no gadget"
    except StatementError:
        return "statement"
    except CANNOT:
        return "not filled"
    return f"forced, {verdict}" if forced and verdict not in PASSING else verdict


def filled_at_any_cost(traces: Sequence[Trace], level: Level) -> tuple[machine.Filled, bool]:
    """The tables, and whether a step went to a gadget that does not accept it."""
    try:
        return machine.fill(traces, level), False
    except NotProvableError:
        with patch.object(machine, "assign", forcing):
            return machine.fill(traces, level), True


def forcing(prepared):
    """As `assign`; what is left goes to gadgets of its opcode that do not accept it."""
    rows, schedule = prepared.trace.rows, prepared.schedule
    halt = np.where(schedule.halted, prepared.trace.frames.halt[schedule.ended], Halt.NONE)
    free = np.ones(len(rows), np.bool_)
    found: dict[str, list[np.ndarray]] = {}
    for accepting, of_its_kind in ((True, True), (False, True), (False, False)):
        for gadget in machine.step_gadgets(prepared.trace.fork):
            mask = free & np.isin(rows.op, gadget.opcodes)
            if of_its_kind:
                mask &= np.isin(halt, gadget.halts) if gadget.halts else ~schedule.halted
            chosen = np.flatnonzero(mask)
            if accepting and len(chosen):
                chosen = chosen[gadget.accepts(prepared.steps(chosen))]
            if len(chosen):
                found.setdefault(gadget.name, []).append(chosen)
                free[chosen] = False
    if free.any():
        raise NotProvableError("an opcode that no gadget has")
    return {name: np.sort(np.concatenate(parts)) for name, parts in found.items()}


def rejection(base: Base, stated: Statement, filled: machine.Filled) -> str:
    """What is wrong, the cheapest check first; what costs most is counting lookups."""
    tables = uncounted(filled)
    changed = [cells for name, cells in tables.items() if not _same(cells, base.tables.get(name))]
    gone = [cells for name, cells in base.tables.items() if name not in tables]
    if not changed and not gone and stated == base.stated:
        return VOID
    if kernels.violations(changed, 1):
        return "constraint"
    try:
        stated.check()
    except StatementError:
        return "statement"
    names = {cells.table.name for cells in changed}
    gone += [cells for name, cells in base.tables.items() if name in names]
    parts = [*(_tokens(c, now=True) for c in changed), *(_tokens(c, now=False) for c in gone)]
    if kernels.imbalances(parts, list(_said_anew(base, stated)), 1):
        return "token"
    if kernels.imbalances(machine.cells(filled), stated.messages(), 1):
        return "lookup"
    if stated == base.stated:
        return OTHER_WITNESS
    known = filled.execution.trace.codes
    return TRUE if is_true(stated, base.case, known) else HOLE


def uncounted(filled: machine.Filled) -> dict[str, Cells]:
    """The tables with counts of zero, fixed ones left out."""
    found = {}
    for compiled in machine.circuit(filled.fork).named(filled.witnesses):
        table, w = compiled.table, filled.witnesses[compiled.table.name]
        if not is_fixed(table):
            columns, height = machine.columns(table, w), height_of(table, w.rows)
            found[table.name] = Cells(table, compiled.program, columns, w.rows, height)
    return found


def _same(one: Cells, other: Cells | None) -> bool:
    if other is None or one.table is not other.table or one.rows != other.rows:
        return False
    return all(
        a.shape == b.shape and np.array_equal(a, b)
        for a, b in zip(one.columns, other.columns, strict=True)
    )


def _said_anew(base: Base, stated: Statement) -> Iterator[PublicMessage]:
    """The tokens of a statement that the honest one has not; the reverse, taken back."""
    totals: Counter[tuple[Bus, tuple[int, ...]]] = Counter()
    for sign, said in ((1, stated), (-1, base.stated)):
        for message in singly(said.messages()):
            if message.bus.kind is BusKind.TOKEN:
                totals[message.bus, message.values] += sign * message.multiplicity
    return (PublicMessage(bus, n, values) for (bus, values), n in totals.items() if n)


def _tokens(cells: Cells, *, now: bool) -> Cells:
    """A table as far as it sends and receives; or, of the honest one, takes back."""
    table, program = _token_part(cells.table, now)
    return replace(cells, table=table, program=program)


@cache
def _token_part(table: Table, now: bool) -> tuple[Table, Program]:
    reverse = {Role.SEND: Role.RECEIVE, Role.RECEIVE: Role.SEND}
    tokens = [i for i in table.interactions if i.bus.kind is BusKind.TOKEN]
    tokens = tokens if now else [replace(i, role=reverse[i.role]) for i in tokens]
    part = replace(table, constraints=(), interactions=tuple(tokens))
    return part, compile_table(part)


class UnknownCode(Code):
    """Some code, of which the hash is known alone."""

    def __init__(self, hash_: int) -> None:
        super().__init__(bytes((Op.INVALID,)))
        self.__dict__["hash"] = hash_


def is_true(stated: Statement, case: Case, known: Sequence[bytes]) -> bool:
    """Whether the specification, as the interpreter has it, agrees with a statement.

    What the statement does not give of the state before is the case's; `known` are codes.  A hash
    of which nobody says the code may be of any, which matters to nothing that is executed.
    """
    pre = _before(stated, case, known)
    fork, used = FORKS[stated.fork], BlockUsage(stated.gas_before, stated.blob_gas_before)
    state = State(pre)
    for transaction, receipt in ((e.transaction, e.receipt) for e in stated.transactions):
        state.prepare(fork.precompiles)
        given = (fork, stated.chain_id, state, stated.block, transaction, Recorder(), used)
        try:
            if apply_transaction(*given) != receipt:
                return False
        except InvalidTransaction:
            return False
        used = after(used, transaction, receipt.gas_used)
    return _after(stated, pre, state.accounts())


def _before(stated: Statement, case: Case, known: Sequence[bytes]) -> dict[int, Account]:
    """The accounts with the values stated."""
    pre = {a: replace(held, storage=dict(held.storage)) for a, held in case.pre.items()}
    codes = {c.hash: c for c in (EMPTY_CODE, *map(Code, known))}
    codes |= {held.code.hash: held.code for held in pre.values()}
    for change in stated.accounts:
        account, values = pre.setdefault(change.address, Account()), change.before
        account.nonce, account.balance = values.nonce, values.balance
        account.code = codes.get(values.code_hash, UnknownCode(values.code_hash))
        if not change.had_storage:
            account.storage.clear()
    for slot in stated.slots:
        pre[slot.address].storage[slot.key] = slot.before
    for change in stated.accounts:
        storage = pre[change.address].storage
        if change.had_storage and not any(storage.values()):
            storage[NOBODYS_SLOT] = 1
    return pre


def _after(stated: Statement, pre: dict[int, Account], post: dict[int, Account]) -> bool:
    """Whether the values after are those stated, and nothing else has changed."""
    absent, listed = Account(), {change.address for change in stated.accounts}
    for change in stated.accounts:
        found = post.get(change.address, absent)
        if change.after != AccountValues(found.nonce, found.balance, found.code.hash):
            return False
    for address in (pre.keys() | post.keys()) - listed:
        one, other = pre.get(address, absent), post.get(address, absent)
        if _values(one) != _values(other):
            return False
    slots = {(slot.address, slot.key): slot.after for slot in stated.slots}
    held = {(a, k): v for a, account in post.items() for k, v in account.storage.items()}
    before = {(a, k): v for a, account in pre.items() for k, v in account.storage.items()}
    cleared = {a for a in listed if a not in post}
    return all(held.get(slot, 0) == value for slot, value in slots.items()) and all(
        held.get(slot, 0) == before.get(slot, 0) or slot[0] in cleared
        for slot in (held.keys() | before.keys()) - slots.keys()
    )


def _values(account: Account) -> AccountValues:
    return AccountValues(account.nonce, account.balance, account.code.hash)
