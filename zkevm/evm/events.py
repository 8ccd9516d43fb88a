"""What the machine tells a recorder, and the recorder that does not listen.

The interpreter calls the methods of a `Recorder` in the order of execution. The base class here
ignores everything and is what runs when nobody asks for a trace.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from zkevm.evm.code import Code
    from zkevm.evm.frame import Frame
    from zkevm.evm.interpreter import Machine
    from zkevm.evm.runs import Run
    from zkevm.evm.transaction import Log, Receipt
    from zkevm.evm.validity import BlockUsage


class StateEventKind(IntEnum):
    """What a state event reads or changes."""

    NONCE = 0
    BALANCE = 1
    CODE = 2
    WARM_ACCOUNT = 3
    STORAGE = 4
    WARM_SLOT = 5
    TRANSIENT = 6
    CREATED = 7
    DESTROYED = 8


class FrameKind(IntEnum):
    """How a frame was opened."""

    CALL = 0
    CREATE = 1
    ROOT_CALL = 2
    ROOT_CREATE = 3


class Halt(IntEnum):
    """How a frame ended; from OUT_OF_GAS on, exceptionally: all its gas is lost."""

    NONE = 0
    STOP = 1
    RETURN = 2
    REVERT = 3
    SELFDESTRUCT = 4
    OUT_OF_GAS = 5
    STACK_UNDERFLOW = 6
    STACK_OVERFLOW = 7
    INVALID_OPCODE = 8
    INVALID_JUMP = 9
    STATIC_VIOLATION = 10
    RETURNDATA_OUT_OF_BOUNDS = 11
    INITCODE_TOO_LARGE = 12
    INVALID_CODE = 13
    CODE_TOO_LARGE = 14
    CREATE_COLLISION = 15
    PRECOMPILE_FAILURE = 16


class CallOutcome(IntEnum):
    """Why a call or create instruction opened no frame."""

    EMPTY = 0
    PRECOMPILE = 1
    DEPTH_OR_BALANCE_FAIL = 2
    CREATE_COLLISION = 3
    NONCE = 4


class Recorder:
    """Listens to an execution; this one to nothing."""

    every_step = True
    """Whether `step` and `executed` tell of each instruction; if not, `run` and `words` do."""

    words: list[int]
    """Where the words go that have to be kept of a run, see `Run.written`."""

    def run(self, frame: Frame, run: Run) -> None:
        """Before a run of instructions, no gas yet charged; it goes as far as its last one."""

    def cut(self, run: Run, shorter: Run) -> None:
        """The run that is going on goes no further than a shorter one."""

    def step(self, frame: Frame, pc: int, op: int) -> None:
        """Before an instruction, its gas not yet charged."""

    def executed(self, op: int, stack: Sequence[int]) -> None:
        """After an instruction that did not halt exceptionally."""

    def pushed(self, word: int) -> None:
        """A call or create that opened no frame, or a resumption, pushed its result."""

    def memory_written(self, frame: Frame, offset: int, length: int) -> None:
        """Bytes of the frame's memory were overwritten; `length` is positive."""

    def state_event(
        self, kind: StateEventKind, address: int, key: int, old: int, new: int, original: int = 0
    ) -> None:
        """An account or a slot was accessed or changed."""

    def examined(self, address: int, key: int | None = None) -> None:
        """The warm mark of an account or slot was read, whether or not its access can be paid."""

    def refund_changed(self, value: int) -> None:
        """An instruction changed the refund counter."""

    def hashed(self, data: bytes) -> None:
        """KECCAK256 hashed these bytes."""

    def logged(self, log: Log) -> None:
        """A LOG instruction emitted this."""

    def code_inspected(self, code: Code) -> None:
        """An EXTCODE* instruction looked at this code."""

    def creating(self, init_code: bytes) -> None:
        """CREATE or CREATE2, which did not halt, goes to run this code."""

    def frame_opened(self, frame: Frame) -> None:
        """A frame begins, before its first instruction."""

    def frame_ended(self, frame: Frame) -> None:
        """A frame has ended, its effects kept or undone."""

    def resumed(self, frame: Frame) -> None:
        """A caller goes on after a child, before it gets gas, output and result."""

    def no_frame(
        self, outcome: CallOutcome, success: bool, given: int, returned: int, output: bytes
    ) -> None:
        """A call or create opened no frame."""

    def transaction_ended(self, machine: Machine, before: BlockUsage, receipt: Receipt) -> None:
        """The state is what the transaction leaves; `before` is what others took of the block."""
