"""Storage and transient storage."""

from zkevm.evm import gas
from zkevm.evm.events import Halt
from zkevm.evm.frame import Frame
from zkevm.evm.halt import ExceptionalHalt


def sload(frame: Frame) -> None:
    """Push the value of a slot."""
    # STACK
    stack = frame.stack
    key = stack[-1]

    # GAS
    state = frame.machine.state
    frame.charge(gas.WARM_ACCESS if state.is_warm_slot(frame.address, key) else gas.COLD_SLOT)
    state.warm_slot(frame.address, key)

    # OPERATION
    stack[-1] = state.load(frame.address, key)


def sstore(frame: Frame) -> None:
    """Write a slot."""
    # STACK
    stack = frame.stack
    key = stack.pop()
    new = stack.pop()

    # GAS
    frame.require_not_static()
    if frame.gas <= gas.STORAGE_STIPEND:
        raise ExceptionalHalt(Halt.OUT_OF_GAS)
    state = frame.machine.state
    current = state.storage(frame.address, key)
    original = state.original_storage(frame.address, key)
    cold = 0 if state.is_warm_slot(frame.address, key) else gas.COLD_SLOT
    frame.charge(cold + store_cost(original, current, new))
    state.warm_slot(frame.address, key)

    # OPERATION
    refund = store_refund(original, current, new)
    if refund:
        frame.machine.add_refund(refund)
    state.store(frame.address, key, new)


def store_cost(original: int, current: int, new: int) -> int:
    """Return the cost of writing a warm slot, given its value at the transaction's begin."""
    if current == new or current != original:
        return gas.WARM_ACCESS
    return gas.STORAGE_SET if original == 0 else gas.STORAGE_RESET


def store_refund(original: int, current: int, new: int) -> int:
    """Return the change of the refund counter (EIP-2200 with the amounts of EIP-3529)."""
    if current == new:
        return 0
    change = 0
    if original != 0:
        if current == 0:
            change -= gas.STORAGE_CLEAR_REFUND
        if new == 0:
            change += gas.STORAGE_CLEAR_REFUND
    if new == original and current != original:
        change += (gas.STORAGE_SET if original == 0 else gas.STORAGE_RESET) - gas.WARM_ACCESS
    return change


def tload(frame: Frame) -> None:
    """Push the value of a transient slot (EIP-1153)."""
    stack = frame.stack
    stack[-1] = frame.machine.state.load_transient(frame.address, stack[-1])


def tstore(frame: Frame) -> None:
    """Write a transient slot (EIP-1153)."""
    # STACK
    stack = frame.stack
    key = stack.pop()
    new = stack.pop()

    # OPERATION
    frame.require_not_static()
    frame.machine.state.store_transient(frame.address, key, new)
