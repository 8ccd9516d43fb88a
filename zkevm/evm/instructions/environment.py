"""What a frame knows of its call, its code, its data and of other accounts."""

from zkevm.evm import gas
from zkevm.evm.events import Halt
from zkevm.evm.frame import ADDRESS_MASK, Frame
from zkevm.evm.halt import ExceptionalHalt
from zkevm.evm.keccak import EMPTY_HASH


def slice_padded(data: bytes, offset: int, length: int) -> bytes:
    """Return a range of `data`, with zeros past its end."""
    return data[offset : offset + length].ljust(length, b"\0")


def charge_account_access(frame: Frame, address: int) -> None:
    """Charge for touching an account and mark it warm (EIP-2929)."""
    state = frame.machine.state
    frame.charge(gas.WARM_ACCESS if state.is_warm(address) else gas.COLD_ACCOUNT)
    state.warm(address)


def address(frame: Frame) -> None:
    """Push the address of the running account."""
    frame.stack.append(frame.address)


def balance(frame: Frame) -> None:
    """Push the balance of an account."""
    # STACK
    stack = frame.stack
    account = stack[-1] & ADDRESS_MASK

    # GAS
    charge_account_access(frame, account)

    # OPERATION
    stack[-1] = frame.machine.state.balance(account)


def self_balance(frame: Frame) -> None:
    """Push the balance of the running account."""
    frame.stack.append(frame.machine.state.balance(frame.address))


def origin(frame: Frame) -> None:
    """Push the sender of the transaction."""
    frame.stack.append(frame.machine.transaction.sender)


def caller(frame: Frame) -> None:
    """Push the address of the caller."""
    frame.stack.append(frame.caller)


def call_value(frame: Frame) -> None:
    """Push the value of the call in wei."""
    frame.stack.append(frame.value)


def call_data_load(frame: Frame) -> None:
    """Push the word of call data at an offset."""
    stack = frame.stack
    stack[-1] = int.from_bytes(slice_padded(frame.call_data, stack[-1], 32), "big")


def call_data_size(frame: Frame) -> None:
    """Push the length of the call data."""
    frame.stack.append(len(frame.call_data))


def call_data_copy(frame: Frame) -> None:
    """Copy call data to memory."""
    _copy(frame, frame.call_data)


def code_size(frame: Frame) -> None:
    """Push the length of the running code."""
    frame.stack.append(len(frame.code))


def code_copy(frame: Frame) -> None:
    """Copy the running code to memory."""
    _copy(frame, frame.code.data)


def _copy(frame: Frame, source: bytes) -> None:
    # STACK
    stack = frame.stack
    destination, offset, length = stack.pop(), stack.pop(), stack.pop()

    # GAS
    frame.charge(gas.COPY_WORD * gas.words(length))
    frame.grow_memory(destination, length)

    # OPERATION
    frame.write_memory(destination, slice_padded(source, offset, length))


def gas_price(frame: Frame) -> None:
    """Push the effective gas price of the transaction."""
    frame.stack.append(frame.machine.gas_price)


def ext_code_size(frame: Frame) -> None:
    """Push the length of an account's code."""
    # STACK
    stack = frame.stack
    account = stack[-1] & ADDRESS_MASK

    # GAS
    charge_account_access(frame, account)

    # OPERATION
    code = frame.machine.state.code(account)
    frame.machine.recorder.code_inspected(code)
    stack[-1] = len(code)


def ext_code_copy(frame: Frame) -> None:
    """Copy an account's code to memory."""
    # STACK
    stack = frame.stack
    account = stack.pop() & ADDRESS_MASK
    destination, offset, length = stack.pop(), stack.pop(), stack.pop()

    # GAS
    frame.charge(gas.COPY_WORD * gas.words(length))
    frame.grow_memory(destination, length)
    charge_account_access(frame, account)

    # OPERATION
    code = frame.machine.state.code(account)
    frame.machine.recorder.code_inspected(code)
    frame.write_memory(destination, slice_padded(code.data, offset, length))


def ext_code_hash(frame: Frame) -> None:
    """Push the code hash of an account, 0 if it is empty."""
    # STACK
    stack = frame.stack
    account = stack[-1] & ADDRESS_MASK

    # GAS
    charge_account_access(frame, account)

    # OPERATION
    state = frame.machine.state
    code = state.code(account)
    frame.machine.recorder.code_inspected(code)
    if code:
        stack[-1] = code.hash
    else:
        stack[-1] = 0 if state.is_empty(account) else EMPTY_HASH


def return_data_size(frame: Frame) -> None:
    """Push the length of what the last child returned."""
    frame.stack.append(len(frame.return_data))


def return_data_copy(frame: Frame) -> None:
    """Copy what the last child returned to memory; reading past its end halts."""
    # STACK
    stack = frame.stack
    destination, offset, length = stack.pop(), stack.pop(), stack.pop()

    # GAS
    frame.charge(gas.COPY_WORD * gas.words(length))
    if offset + length > len(frame.return_data):
        raise ExceptionalHalt(Halt.RETURNDATA_OUT_OF_BOUNDS)
    frame.grow_memory(destination, length)

    # OPERATION
    frame.write_memory(destination, frame.return_data[offset : offset + length])
