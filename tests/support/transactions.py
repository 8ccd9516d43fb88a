"""Transactions of small programs: executed, filled into tables, and checked as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from circuits.language.arrays import integers, words
from circuits.machine import cells, fill
from circuits.statement import Executed, Statement, statement
from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import Code
from zkevm.evm.fork import Fork
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.evm.statetest import Expected, TestCase
from zkevm.evm.transaction import AccessListEntry, Receipt, Transaction, TransactionType
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import BlockUsage, InvalidTransaction
from zkevm.field import MODULUS
from zkevm.plonkish import kernels
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.checker import count_lookups, imbalances, violations
from zkevm.proof import PublicMessage
from zkevm.trace.recorder import TraceRecorder, record
from zkevm.trace.trace import Trace

SENDER = 0xAAAA00
TARGET = 0xC0DE00
COINBASE = 0xC01BA5E
ETHER = 10**18
ENVIRONMENT = BlockEnvironment(
    coinbase=COINBASE,
    number=19_000_000,
    timestamp=1_700_000_000,
    gas_limit=30_000_000,
    base_fee=10,
    prev_randao=2**200 + 3,
)


def program(*items: Op | int) -> bytes:
    """Opcodes as they are, other numbers as the shortest PUSH."""
    code = b""
    for item in items:
        if isinstance(item, Op):
            code += bytes((item,))
        else:
            data = item.to_bytes((item.bit_length() + 7) // 8, "big")
            code += bytes((Op.PUSH0 + len(data),)) + data
    return code


class SteppingRecorder(TraceRecorder):
    """Has instructions run one by one: those of changed rules may do what those of runs may not."""

    every_step = True


def trace_of(
    code: bytes,
    *,
    accounts: Mapping[int, Account] | None = None,
    storage: Mapping[int, int] | None = None,
    value: int = 0,
    data: bytes = b"",
    access_list: Sequence[AccessListEntry] = (),
    gas_limit: int = 1_000_000,
    fork: str = "Cancun",
    kind: TransactionType = TransactionType.DYNAMIC_FEE,
    fees: tuple[int, int] = (30, 2),
    to: int | None = TARGET,
    coinbase: int = COINBASE,
    base_fee: int = 10,
    block_gas_limit: int = 30_000_000,
    rules: Fork | None = None,
    fields: Mapping[str, Any] | None = None,
    block: Mapping[str, Any] | None = None,
) -> Trace:
    """The trace of a transaction to TARGET, which has this code and storage.

    `fees` are the most for a unit of gas and the priority fee.  `rules` replace the fork's,
    `fields` some of the transaction's, `block` some of the block's.
    """
    pre = {
        SENDER: Account(nonce=7, balance=1000 * ETHER),
        TARGET: Account(balance=5, code=Code(code), storage=dict(storage or {})),
        **(accounts or {}),
    }
    transaction = Transaction(
        type=kind,
        sender=SENDER,
        nonce=7,
        gas_limit=gas_limit,
        max_fee_per_gas=fees[0],
        max_priority_fee_per_gas=fees[1],
        to=to,
        value=value,
        data=data,
        access_list=tuple(access_list),
    )
    environment = replace(
        ENVIRONMENT, coinbase=coinbase, gas_limit=block_gas_limit, base_fee=base_fee
    )
    case = TestCase(
        name="program",
        indexes=(0, 0, 0),
        fork=rules or fork_named(fork),
        chain_id=1,
        environment=replace(environment, **(block or {})),
        pre=pre,
        transaction=replace(transaction, **(fields or {})),
        expected=Expected(0, 0, frozenset()),
        info={},
    )
    return record(case)[1]


def sent(nonce: int = 0, to: int | None = TARGET, **changes: Any) -> Transaction:
    """A transaction of SENDER."""
    plain = Transaction(TransactionType.DYNAMIC_FEE, SENDER, nonce, 1_000_000, 30, 2, to, 0, b"")
    return replace(plain, **changes)


def traces_of(
    transactions: Iterable[Transaction],
    accounts: Mapping[int, Account] | None = None,
    fork: str = "Cancun",
    rules: Fork | None = None,
    skip_invalid: bool = False,
    **block: Any,
) -> list[Trace]:
    """The traces of transactions that follow one another in a block, on these accounts.

    SENDER is rich, and has sent nothing yet.  `rules` replace the fork's.  An invalid transaction
    is left out if `skip_invalid`.
    """
    recorded_by = SteppingRecorder if rules else TraceRecorder
    rules, environment = rules or fork_named(fork), replace(ENVIRONMENT, **block)
    state = State({SENDER: Account(balance=1000 * ETHER), **(accounts or {})})
    found: list[Trace] = []
    used = BlockUsage()
    for transaction in transactions:
        recorder = recorded_by(len(found))
        state.prepare(rules.precompiles, recorder)
        try:
            receipt = apply_transaction(rules, 1, state, environment, transaction, recorder, used)
        except InvalidTransaction:
            if not skip_invalid:
                raise
            continue
        blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
        used = BlockUsage(used.gas + receipt.gas_used, used.blob_gas + blob_gas)
        found.append(recorder.trace)
    return found


def saying(said: Statement, index: int = 0, **changes: Any) -> Statement:
    """The statement with other fields of one of its transactions or of the receipt."""
    each = said.transactions[index]
    names = {field.name for field in fields(Receipt)}
    receipt = replace(each.receipt, **{k: v for k, v in changes.items() if k in names})
    transaction = replace(each.transaction, **{k: v for k, v in changes.items() if k not in names})
    executed = list(said.transactions)
    executed[index] = Executed(transaction, receipt)
    return replace(said, transactions=tuple(executed))


def tables_of(trace: Trace | Sequence[Trace]) -> tuple[list[Cells], list[PublicMessage]]:
    """The filled tables and what the statement adds."""
    filled = fill(trace)
    return cells(filled), statement(filled).messages()


def faults(tables: Iterable[Cells], public: Sequence[PublicMessage]) -> list[str]:
    """Everything that the checker finds wrong, in words."""
    tables = list(tables)
    found = [f"{v.table} row {v.row}: {v.label}" for t in tables for v in violations(t)]
    for i in imbalances(tables, public):
        where = ", ".join(sorted({f"{o.table} row {o.row} {o.label}" for o in i.occurrences}))
        found.append(f"{i.bus.name} {[hex(x) for x in i.message]} {i.total:+d}: {where}")
    return found


def is_refused(tables: Sequence[Cells], public: Sequence[PublicMessage]) -> bool:
    """Whether the kernels find anything wrong: as `faults`, faster, and without a word."""
    return bool(kernels.violations(tables, 1) or kernels.imbalances(tables, public, 1))


def altered(
    tables: Sequence[Cells], name: str, changes: Mapping[tuple[int, str], int]
) -> list[Cells]:
    """The tables with some cells of one of them changed: (row, column) to value."""
    found = next(t for t in tables if t.table.name == name)
    places = {column.name: i for i, column in enumerate(found.table.columns)}
    columns = list(found.columns)
    for (row, column), value in changes.items():
        cells = words(integers(columns[places[column]])).copy()
        cells[row] = words([value % MODULUS])[0]
        columns[places[column]] = cells
    return [
        Cells(t.table, t.program, columns, t.rows, t.height) if t is found else t for t in tables
    ]


def recounted(tables: Sequence[Cells]) -> list[Cells]:
    """The tables with their counts of lookups as the requests ask for: what a liar repairs last."""
    return [
        Cells(
            t.table,
            t.program,
            [counts.get(c, cells) for c, cells in zip(t.table.columns, t.columns, strict=True)],
            t.rows,
            t.height,
        )
        for t, counts in zip(tables, count_lookups(tables), strict=True)
    ]


def cell(tables: Sequence[Cells], name: str, row: int, column: str) -> int:
    """The value of one cell."""
    found = next(t for t in tables if t.table.name == name)
    place = [c.name for c in found.table.columns].index(column)
    return integers(found.columns[place][row : row + 1])[0]


def end_lies_with_the_transaction(monkeypatch: Any) -> None:
    """Undo all patches before the state after the transaction is read: the statement is no lie."""
    ended = TraceRecorder.transaction_ended

    def states_the_truth(recorder: TraceRecorder, *arguments: Any) -> None:
        monkeypatch.undo()
        ended(recorder, *arguments)

    monkeypatch.setattr(TraceRecorder, "transaction_ended", states_the_truth)
