"""LOG0 to LOG4."""

from zkevm.evm import gas
from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction
from zkevm.evm.transaction import Log


def log(topic_count: int) -> Instruction:
    """Return the instruction that logs a range of memory under that many topics."""

    def emit(frame: Frame) -> None:
        # STACK
        stack = frame.stack
        offset, length = stack.pop(), stack.pop()
        topics = tuple(stack.pop() for _ in range(topic_count))

        # GAS
        frame.require_not_static()
        frame.charge(gas.LOG_DATA_BYTE * length)
        frame.grow_memory(offset, length)

        # OPERATION
        frame.machine.log(Log(frame.address, topics, frame.read_memory(offset, length)))

    return emit
