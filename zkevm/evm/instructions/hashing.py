"""KECCAK256."""

from zkevm.evm import gas
from zkevm.evm.frame import Frame
from zkevm.evm.keccak import keccak256 as digest


def keccak256(frame: Frame) -> None:
    """Push the Keccak-256 digest of a range of memory."""
    # STACK
    stack = frame.stack
    offset = stack.pop()
    length = stack[-1]

    # GAS
    frame.charge(gas.KECCAK256_WORD * gas.words(length))
    frame.grow_memory(offset, length)

    # OPERATION
    data = frame.read_memory(offset, length)
    frame.machine.recorder.hashed(data)
    stack[-1] = int.from_bytes(digest(data), "big")
