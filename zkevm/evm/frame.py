"""A call frame: the machine state of one contract call or creation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zkevm.evm import gas
from zkevm.evm.events import FrameKind, Halt
from zkevm.evm.halt import ExceptionalHalt

if TYPE_CHECKING:
    from zkevm.evm.code import Code
    from zkevm.evm.interpreter import Machine

WORD_MODULUS = 2**256
WORD_MASK = WORD_MODULUS - 1
ADDRESS_MASK = 2**160 - 1


class Frame:
    """Stack, memory, gas and program counter, and the message that the frame runs for.

    The stack is a list of integers in [0, 2**256), memory a `bytearray` of whole words.
    """

    __slots__ = (
        "address",
        "call_data",
        "call_op",
        "caller",
        "child",
        "code",
        "code_address",
        "code_bytes",
        "depth",
        "gas",
        "halt",
        "index",
        "input_range",
        "kind",
        "machine",
        "memory",
        "moves_value",
        "out_range",
        "output",
        "output_offset",
        "parent",
        "pc",
        "return_data",
        "running",
        "snapshot",
        "stack",
        "static",
        "success",
        "value",
    )

    def __init__(
        self,
        machine: Machine,
        *,
        parent: Frame | None,
        kind: FrameKind,
        gas: int,
        address: int,
        code_address: int,
        code: Code,
        caller: int,
        value: int,
        call_data: bytes,
        moves_value: bool = False,
        static: bool = False,
        call_op: int = 0,
        input_range: tuple[int, int] = (0, 0),
        out_range: tuple[int, int] = (0, 0),
    ) -> None:
        self.machine = machine
        self.parent = parent
        self.kind = kind
        self.gas = gas
        self.address = address
        self.code_address = code_address
        self.code = code
        self.caller = caller
        self.value = value
        self.moves_value = moves_value
        """Whether opening the frame pays `value` from the caller to `address`."""
        self.call_data = call_data
        self.static = static
        self.call_op = call_op
        self.input_range = input_range
        """Offset and length of the call data or init code in the parent's memory."""
        self.out_range = out_range
        """Offset and length of where the parent wants the output, in its memory."""
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.index = 0
        """The number of this frame, in the order of opening."""
        self.code_bytes = code.padded
        self.pc = 0
        self.stack: list[int] = []
        self.memory = bytearray()
        self.return_data = b""
        """What the last child returned."""
        self.running = True
        """Cleared to leave the loop: the frame has ended or opened `child`."""
        self.child: Frame | None = None
        self.halt = Halt.NONE
        self.success = False
        self.output = b""
        self.output_offset = 0
        self.snapshot: tuple[int, int, int] = (0, 0, 0)
        """Of the state, the number of logs and the refund, to go back to on failure."""

    @property
    def is_create(self) -> bool:
        """Whether the output is the code of a new contract."""
        return self.kind in {FrameKind.CREATE, FrameKind.ROOT_CREATE}

    def charge(self, amount: int) -> None:
        """Take gas, or halt for lack of it."""
        left = self.gas - amount
        if left < 0:
            raise ExceptionalHalt(Halt.OUT_OF_GAS)
        self.gas = left

    def grow_memory(self, offset: int, length: int) -> None:
        """Make a range of memory active, charging for its growth; an empty range needs none."""
        if length:
            active = len(self.memory) >> 5
            needed = (offset + length + 31) >> 5
            if needed > active:
                self.charge(gas.memory_cost(needed) - gas.memory_cost(active))
                self.memory.extend(bytes((needed - active) << 5))

    def read_memory(self, offset: int, length: int) -> bytes:
        """Return a range of active memory."""
        return bytes(self.memory[offset : offset + length]) if length else b""

    def write_memory(self, offset: int, data: bytes) -> None:
        """Overwrite a range of active memory."""
        if data:
            self.memory[offset : offset + len(data)] = data
            self.machine.recorder.memory_written(self, offset, len(data))

    def require_not_static(self) -> None:
        """Halt if the frame may not change the state (EIP-214)."""
        if self.static:
            raise ExceptionalHalt(Halt.STATIC_VIOLATION)

    def stop(self, halt: Halt, offset: int = 0, length: int = 0) -> None:
        """End the frame with a range of its memory as output."""
        self.halt = halt
        self.success = halt is not Halt.REVERT
        self.output = self.read_memory(offset, length)
        self.output_offset = offset if length else 0
        self.running = False

    def open(self, child: Frame) -> None:
        """Leave the loop to run a child frame; `Machine` resumes this one with its result."""
        self.child = child
        self.running = False
