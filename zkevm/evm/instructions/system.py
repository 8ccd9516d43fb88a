"""Calls, creations and SELFDESTRUCT."""

from zkevm.evm import gas
from zkevm.evm.code import Code
from zkevm.evm.events import CallOutcome, FrameKind, Halt
from zkevm.evm.frame import ADDRESS_MASK, Frame
from zkevm.evm.halt import ExceptionalHalt
from zkevm.evm.keccak import keccak256
from zkevm.evm.opcodes import Op
from zkevm.evm.precompiles import Precompile, PrecompileFailure
from zkevm.evm.rlp import rlp_encode

MAX_DEPTH = 1024
MAX_NONCE = 2**64 - 1

Range = tuple[int, int]
"""Offset and length."""


def call(frame: Frame) -> None:
    """Call an account with value."""
    # STACK
    requested, to, value, *ranges = _pop(frame, 7)
    to &= ADDRESS_MASK

    # GAS
    if value:
        frame.require_not_static()
    new_account = value and frame.machine.state.is_empty(to)
    surcharge = (gas.CALL_VALUE if value else 0) + (gas.NEW_ACCOUNT if new_account else 0)

    # OPERATION
    _call(frame, Op.CALL, requested, to, value, ranges, surcharge)


def call_code(frame: Frame) -> None:
    """Run another account's code on this one, with value that does not move."""
    # STACK
    requested, to, value, *ranges = _pop(frame, 7)

    # OPERATION
    surcharge = gas.CALL_VALUE if value else 0
    _call(frame, Op.CALLCODE, requested, to & ADDRESS_MASK, value, ranges, surcharge)


def delegate_call(frame: Frame) -> None:
    """Run another account's code on this one, keeping caller and value (EIP-7)."""
    # STACK
    requested, to, *ranges = _pop(frame, 6)

    # OPERATION
    _call(frame, Op.DELEGATECALL, requested, to & ADDRESS_MASK, 0, ranges, 0)


def static_call(frame: Frame) -> None:
    """Call an account that may not change the state (EIP-214)."""
    # STACK
    requested, to, *ranges = _pop(frame, 6)

    # OPERATION
    _call(frame, Op.STATICCALL, requested, to & ADDRESS_MASK, 0, ranges, 0)


def _pop(frame: Frame, count: int) -> list[int]:
    stack = frame.stack
    operands = stack[: -count - 1 : -1]
    del stack[-count:]
    return operands


def _range(offset: int, length: int) -> Range:
    """Return the range, at offset 0 if it is empty: then the offset means nothing."""
    return (offset, length) if length else (0, 0)


def _call(
    frame: Frame, op: Op, requested: int, to: int, value: int, ranges: list[int], surcharge: int
) -> None:
    """Do what all calls share: their gas, and the four ways they go on."""
    machine = frame.machine
    state = machine.state
    input_range = _range(ranges[0], ranges[1])
    out_range = _range(ranges[2], ranges[3])

    # GAS
    frame.grow_memory(*input_range)
    frame.grow_memory(*out_range)
    delegate = machine.delegate_of(to)
    given = _give_gas(frame, requested, to, delegate, surcharge)
    if value:
        given += gas.CALL_STIPEND

    # OPERATION
    frame.return_data = b""
    if frame.depth >= MAX_DEPTH or state.balance(frame.address) < value:
        _finish_without_frame(frame, CallOutcome.DEPTH_OR_BALANCE_FAIL, 0, given, given)
        return
    precompile = machine.fork.precompiles.get(to) if delegate is None else None
    if precompile is not None:
        _call_precompile(frame, precompile, to if op == Op.CALL else None, value, given, ranges)
        return
    code_address = to if delegate is None else delegate
    code = state.code(to) if delegate is None else machine.delegated_code(delegate)
    if not code:
        if op == Op.CALL:
            state.transfer(frame.address, to, value)
        _finish_without_frame(frame, CallOutcome.EMPTY, 1, given, given)
        return
    own = op in {Op.CALLCODE, Op.DELEGATECALL}
    frame.open(
        Frame(
            machine,
            parent=frame,
            kind=FrameKind.CALL,
            call_op=op,
            gas=given,
            address=frame.address if own else to,
            code_address=code_address,
            code=code,
            caller=frame.caller if op == Op.DELEGATECALL else frame.address,
            value=frame.value if op == Op.DELEGATECALL else value,
            moves_value=op == Op.CALL,
            call_data=frame.read_memory(*input_range),
            static=frame.static or op == Op.STATICCALL,
            input_range=input_range,
            out_range=out_range,
        )
    )


def _give_gas(frame: Frame, requested: int, to: int, delegate: int | None, surcharge: int) -> int:
    """Charge for a call and for the gas that the callee gets, and return the latter."""
    state = frame.machine.state
    frame.machine.recorder.code_inspected(state.code(to))
    cost = surcharge + (gas.WARM_ACCESS if state.is_warm(to) else gas.COLD_ACCOUNT)
    if delegate is not None:
        warm = delegate == to or state.is_warm(delegate)
        cost += gas.WARM_ACCESS if warm else gas.COLD_ACCOUNT
    frame.charge(cost)
    state.warm(to)
    if delegate is not None:
        state.warm(delegate)
        frame.machine.recorder.code_inspected(state.code(delegate))
    given = min(requested, gas.all_but_one_64th(frame.gas))
    frame.charge(given)
    return given


def _call_precompile(
    frame: Frame,
    precompile: Precompile,
    recipient: int | None,
    value: int,
    given: int,
    ranges: list[int],
) -> None:
    """Run a precompile; failing, it takes all gas and moves no value."""
    input_range = _range(ranges[0], ranges[1])
    try:
        output, left = precompile.run(frame.read_memory(*input_range), given)
    except PrecompileFailure:
        _finish_without_frame(frame, CallOutcome.PRECOMPILE, 0, given, 0)
        return
    if recipient is not None:
        frame.machine.state.transfer(frame.address, recipient, value)
    frame.return_data = output
    frame.write_memory(ranges[2], output[: ranges[3]])
    _finish_without_frame(frame, CallOutcome.PRECOMPILE, 1, given, left, output)


def _finish_without_frame(
    frame: Frame, outcome: CallOutcome, result: int, given: int, returned: int, output: bytes = b""
) -> None:
    frame.gas += returned
    frame.stack.append(result)
    recorder = frame.machine.recorder
    recorder.no_frame(outcome, result != 0, given, returned, output)
    recorder.pushed(result)


def create(frame: Frame) -> None:
    """Create a contract at the address that follows from creator and nonce."""
    # STACK
    value, offset, length = _pop(frame, 3)

    # GAS
    init_code = _init_code(frame, offset, length)

    # OPERATION
    address = contract_address(frame.address, frame.machine.state.nonce(frame.address))
    _create(frame, Op.CREATE, value, address, init_code, _range(offset, length))


def create2(frame: Frame) -> None:
    """Create a contract at the address that follows from creator, salt and init code."""
    # STACK
    value, offset, length, salt = _pop(frame, 4)

    # GAS
    frame.charge(gas.KECCAK256_WORD * gas.words(length))
    init_code = _init_code(frame, offset, length)

    # OPERATION
    preimage = (
        b"\xff"
        + frame.address.to_bytes(20, "big")
        + salt.to_bytes(32, "big")
        + keccak256(init_code)
    )
    address = int.from_bytes(keccak256(preimage)[12:], "big")
    _create(frame, Op.CREATE2, value, address, init_code, _range(offset, length))


def contract_address(creator: int, nonce: int) -> int:
    """Return the address of the contract that `creator` makes at that nonce."""
    digest = keccak256(rlp_encode([creator.to_bytes(20, "big"), nonce]))
    return int.from_bytes(digest[12:], "big")


def _init_code(frame: Frame, offset: int, length: int) -> bytes:
    """Charge for the init code and return it."""
    frame.require_not_static()
    if length > frame.machine.fork.max_init_code_size:
        raise ExceptionalHalt(Halt.INITCODE_TOO_LARGE)
    frame.charge(gas.init_code_cost(length))
    frame.grow_memory(offset, length)
    return frame.read_memory(offset, length)


def _create(
    frame: Frame, op: Op, value: int, address: int, init_code: bytes, input_range: Range
) -> None:
    machine = frame.machine
    state = machine.state

    # GAS
    given = gas.all_but_one_64th(frame.gas)
    frame.charge(given)

    # OPERATION
    machine.recorder.creating(init_code)
    creator = frame.address
    frame.return_data = b""
    if frame.depth >= MAX_DEPTH or state.balance(creator) < value:
        _finish_without_frame(frame, CallOutcome.DEPTH_OR_BALANCE_FAIL, 0, given, given)
        return
    if state.nonce(creator) == MAX_NONCE:
        _finish_without_frame(frame, CallOutcome.NONCE, 0, given, given)
        return
    state.warm(address)
    state.set_nonce(creator, state.nonce(creator) + 1)
    if machine.is_occupied(address):
        _finish_without_frame(frame, CallOutcome.CREATE_COLLISION, 0, given, 0)
        return
    frame.open(
        Frame(
            machine,
            parent=frame,
            kind=FrameKind.CREATE,
            call_op=op,
            gas=given,
            address=address,
            code_address=address,
            code=Code(init_code),
            caller=creator,
            value=value,
            moves_value=True,
            call_data=b"",
            input_range=input_range,
        )
    )


def self_destruct(frame: Frame) -> None:
    """End the frame and give all balance away; the account goes if it is new (EIP-6780)."""
    # STACK
    beneficiary = frame.stack.pop() & ADDRESS_MASK

    # GAS
    frame.require_not_static()
    state = frame.machine.state
    balance = state.balance(frame.address)
    cost = 0 if state.is_warm(beneficiary) else gas.COLD_ACCOUNT
    if balance and state.is_empty(beneficiary):
        cost += gas.NEW_ACCOUNT
    frame.charge(cost)
    state.warm(beneficiary)

    # OPERATION
    state.transfer(frame.address, beneficiary, balance)
    if state.is_created(frame.address):
        if beneficiary == frame.address and balance:
            state.set_balance(frame.address, 0)
        state.mark_destroyed(frame.address)
    frame.stop(Halt.SELFDESTRUCT)
