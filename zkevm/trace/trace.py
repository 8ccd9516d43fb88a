"""The trace of one transaction: what the interpreter did, as typed columns.

This is all that the circuits know of an execution. Arrays are C-contiguous; a *word* array
(`Words`) has shape (n, 4), see `zkevm.trace.words`; addresses are words. A *row* is one executed
instruction, or one resumption of a caller after a child frame has ended; rows are numbered in the
order of execution, over all frames.

Nothing is recorded that follows from the rest: popped operands follow from the words written
before them, the undoing of a reverted frame from `Frames`, memory growth from `Rows.msize`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from zkevm.evm.block import BlockEnvironment
from zkevm.evm.events import CallOutcome, FrameKind, Halt, StateEventKind
from zkevm.evm.transaction import Receipt, Transaction
from zkevm.evm.validity import BlockUsage
from zkevm.trace.words import Words

__all__ = [
    "BEGIN",
    "RESUME",
    "AccountState",
    "CallOutcome",
    "Calls",
    "FrameKind",
    "Frames",
    "Halt",
    "MemoryWrites",
    "Refunds",
    "Rows",
    "StateEventKind",
    "StateEvents",
    "TouchedState",
    "Trace",
    "TraceLog",
    "WrittenWords",
]

U8: TypeAlias = NDArray[np.uint8]
U16: TypeAlias = NDArray[np.uint16]
U32: TypeAlias = NDArray[np.uint32]
U64: TypeAlias = NDArray[np.uint64]
I32: TypeAlias = NDArray[np.int32]
I64: TypeAlias = NDArray[np.int64]

RESUME = 0x100
"""The opcode of the pseudo-row on which a caller's frame resumes after a child frame has ended."""

BEGIN = -1
"""The row of what happens before the first instruction: fee, nonce, warm set, value."""


@dataclass(frozen=True, slots=True)
class Rows:
    """One entry a row. The end of the code is recorded as an explicit STOP (`op` 0).

    On a RESUME row `frame` is the caller and `pc` that of its call; `gas`, `sp` and `msize` are
    the caller's after the call had removed its operands, grown memory and split its gas, before
    the unused gas of the child is added and the result pushed.
    """

    frame: U32
    """Index into `Frames`."""
    pc: U32
    op: U16
    """0 to 255, or RESUME."""
    gas: U64
    """Before the instruction."""
    sp: U16
    """Stack height before the instruction."""
    msize: U32
    """Active memory before the instruction, in words."""

    def __len__(self) -> int:
        return len(self.op)


@dataclass(frozen=True, slots=True)
class WrittenWords:
    """The words that rows put on the stack, in order.

    An instruction that pushes writes one: its top of stack after. DUP writes the copy. SWAPn
    writes two: the new top, then the new word at depth n + 1. A call or create that opens a frame
    writes none; the RESUME row writes its result. A row that halts exceptionally writes none.
    """

    row: U32
    words: Words


@dataclass(frozen=True, slots=True)
class MemoryWrites:
    """Contiguous ranges of memory words written by a row: their contents after that row.

    Entry i covers words `first[i]` up to `first[i] + count[i]` of the memory of `frame[i]`. A word
    reads its 32 bytes of memory big-endian. Growth by zero words is not recorded.
    """

    row: U32
    frame: U32
    first: U32
    count: U32
    words: Words
    """Shape (sum of `count`, 4)."""


@dataclass(frozen=True, slots=True)
class StateEvents:
    """Accesses to accounts and storage, in order.

    WARM_ACCOUNT and WARM_SLOT stand for every access that may set a mark, already set or not
    (values 0 and 1); STORAGE and TRANSIENT also for reads (`old` equals `new`). CODE holds code
    hashes. What a failing frame undoes is not recorded again. Precompiles are warm from the start
    without an event.
    """

    row: I64
    """BEGIN for the start of the transaction; the number of rows for its end."""
    kind: U8
    address: Words
    key: Words
    """The slot of STORAGE, WARM_SLOT and TRANSIENT; otherwise 0."""
    old: Words
    new: Words
    original: Words
    """STORAGE: the slot's value when the transaction began; otherwise 0."""

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Frames:
    """One entry a frame, in the order of opening; the root is 0.

    A frame without code (the root or a create with empty code) is a single STOP row.
    """

    parent: I32
    """-1 for the root."""
    depth: U16
    kind: U8
    call_op: U8
    """Opcode that opened the frame; 0 for the root."""
    call_row: I64
    """-1 for the root."""
    first_row: I64
    end_row: I64
    """The row that ended it; -1 for a root that fails before its first row (a collision)."""
    success: U8
    halt: U8
    address: Words
    code_address: Words
    """Whose code runs: differs from `address` for DELEGATECALL, CALLCODE and delegated accounts."""
    caller: Words
    value: Words
    static: U8
    code: I32
    """Index into `Trace.codes`; -1 if empty."""
    gas_start: U64
    """Given to the frame, with the stipend."""
    gas_end: U64
    """Handed back; 0 on an exceptional halt."""
    input_offset: U64
    """Of the call data or init code in the parent's memory; 0 for the root."""
    input_length: U64
    output_offset: U64
    """Of the returned or reverted data in the frame's own memory."""
    output_length: U64
    out_offset: U64
    """Where the caller wants the output: the operands of its call."""
    out_length: U64

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Refunds:
    """The refund counter after each row that changed it (not its restoring by failing frames)."""

    row: I64
    value: I64


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls and creates that opened no frame.

    A root call of a precompile is recorded with row BEGIN.
    """

    row: I64
    outcome: U8
    success: U8
    gas_given: U64
    gas_returned: U64
    output: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class TraceLog:
    """A log that was kept, with the row that emitted it; address and topics are integers."""

    row: int
    address: int
    topics: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class AccountState:
    """The fields of an account. An absent one has nonce and balance 0 and the empty code hash."""

    nonce: int
    balance: int
    code_hash: int
    has_storage: bool


@dataclass(frozen=True, slots=True)
class TouchedState:
    """The values of the touched accounts and slots, at one moment.

    Touched are those with a state event, and those whose access could not be paid.
    """

    accounts: Mapping[int, AccountState]
    """By address."""
    storage: Mapping[tuple[int, int], int]
    """By address and slot."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Everything the circuits know of one executed transaction."""

    fork: str
    chain_id: int
    transaction: Transaction
    index: int
    """Of the transaction in its block."""
    used_before: BlockUsage
    """By the transactions before it in its block."""
    environment: BlockEnvironment
    pre: TouchedState
    post: TouchedState
    receipt: Receipt

    rows: Rows
    written: WrittenWords
    memory: MemoryWrites
    state: StateEvents
    frames: Frames
    refunds: Refunds
    calls: Calls
    logs: tuple[TraceLog, ...]
    hashes: tuple[bytes, ...]
    """The bytes hashed by each KECCAK256 row, in the order of rows."""
    init_codes: tuple[bytes, ...]
    """The init code of each CREATE and CREATE2 row that does not halt, in the order of rows."""
    codes: tuple[bytes, ...]
    """The distinct codes executed, inspected (EXTCODE*) or created, without the empty one."""
    code_hashes: Words
    """Keccak-256 of each of `codes`."""

    @property
    def call_data(self) -> bytes:
        """The data of the transaction: call data of a root call, init code of a root create."""
        return self.transaction.data
