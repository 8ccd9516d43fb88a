"""The state transition of one transaction: validity, fees, authorizations, execution, settlement.

Sources: yellow paper, section 6; EIP-1559, 2930, 3529, 3607, 3860, 4844, 7623, 7702, 7825.
"""

from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import EMPTY_CODE, Code, delegation_to
from zkevm.evm.events import CallOutcome, FrameKind, Halt, Recorder
from zkevm.evm.fork import Fork
from zkevm.evm.frame import Frame
from zkevm.evm.instructions.system import MAX_NONCE, contract_address
from zkevm.evm.interpreter import Machine
from zkevm.evm.keccak import keccak256
from zkevm.evm.precompiles import Precompile, PrecompileFailure
from zkevm.evm.rlp import Encodable, rlp_encode
from zkevm.evm.signature import SECP256K1_ORDER, recover_address
from zkevm.evm.state import State
from zkevm.evm.transaction import Authorization, Receipt, Transaction
from zkevm.evm.validity import NOTHING_USED, BlockUsage, intrinsic_gas, require_valid

REFUND_QUOTIENT = 5
AUTHORIZATION_MAGIC = b"\x05"


def apply_transaction(
    fork: Fork,
    chain_id: int,
    state: State,
    environment: BlockEnvironment,
    transaction: Transaction,
    recorder: Recorder | None = None,
    before: BlockUsage = NOTHING_USED,
) -> Receipt:
    """Run a transaction on the state, which it changes, and return its receipt.

    `before` is what the transactions before it have taken of the block.

    Raises `InvalidTransaction`, the state untouched, if it has no place in this block.
    """
    require_valid(fork, state, environment, transaction, before)
    recorder = recorder or Recorder()
    machine = Machine(fork, chain_id, state, environment, transaction, recorder)
    sender = transaction.sender
    intrinsic = intrinsic_gas(fork, transaction)

    _pay_upfront(machine)
    _warm_up(machine)
    existing_authorities = _authorize(machine)
    frame = _root_frame(machine, transaction.gas_limit - intrinsic.execution)
    _run_root(machine, frame)

    refund = (gas.AUTHORIZATION_NEW_ACCOUNT - gas.AUTHORIZATION) * existing_authorities
    used = transaction.gas_limit - frame.gas
    used -= min(used // REFUND_QUOTIENT, refund + machine.refund)
    used = max(used, intrinsic.floor)
    returned = (transaction.gas_limit - used) * machine.gas_price
    tip = used * (machine.gas_price - environment.base_fee)
    if returned:
        state.set_balance(sender, state.balance(sender) + returned)
    if tip:
        state.set_balance(environment.coinbase, state.balance(environment.coinbase) + tip)
    state.finish_transaction()
    receipt = Receipt(frame.success, used, tuple(machine.logs))
    recorder.transaction_ended(machine, before, receipt)
    return receipt


def _pay_upfront(machine: Machine) -> None:
    """Take the price of all gas and of the blobs, and count the nonce."""
    state, transaction = machine.state, machine.transaction
    blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
    fee = transaction.gas_limit * machine.gas_price + blob_gas * machine.environment.blob_base_fee
    state.set_nonce(transaction.sender, transaction.nonce + 1)
    if fee:
        state.set_balance(transaction.sender, state.balance(transaction.sender) - fee)


def _warm_up(machine: Machine) -> None:
    """Mark what starts warm (EIP-2929, 2930, 3651)."""
    state, transaction = machine.state, machine.transaction
    state.warm(transaction.sender)
    machine.recorder.code_inspected(state.code(transaction.sender))
    state.warm(machine.environment.coinbase)
    if transaction.to is not None:
        state.warm(transaction.to)
    for entry in transaction.access_list:
        state.warm(entry.address)
        for key in entry.storage_keys:
            state.warm_slot(entry.address, key)


def _authorize(machine: Machine) -> int:
    """Set the delegations; return how many of the authorities existed already."""
    return sum(
        _apply_authorization(machine, authorization)
        for authorization in machine.transaction.authorizations
    )


def _apply_authorization(machine: Machine, authorization: Authorization) -> bool:
    """Set one delegation, if it is valid; return whether its authority existed already."""
    if authorization.chain_id not in {0, machine.chain_id} or authorization.nonce >= MAX_NONCE:
        return False
    authority = recover_authority(authorization)
    if authority is None:
        return False
    state = machine.state
    state.warm(authority)
    code = state.code(authority)
    machine.recorder.code_inspected(code)
    occupied = bool(code) and code.delegate is None
    if occupied or state.nonce(authority) != authorization.nonce:
        return False
    existed = not state.is_empty(authority)
    delegation = delegation_to(authorization.address)
    machine.recorder.code_inspected(delegation)
    state.set_code(authority, delegation)
    state.set_nonce(authority, authorization.nonce + 1)
    return existed


def recover_authority(authorization: Authorization) -> int | None:
    """Return the account that signed the authorization, None if the signature is not valid."""
    if authorization.s > SECP256K1_ORDER // 2:
        return None
    message: list[Encodable] = [
        authorization.chain_id,
        authorization.address.to_bytes(20, "big"),
        authorization.nonce,
    ]
    digest = keccak256(AUTHORIZATION_MAGIC + rlp_encode(message))
    return recover_address(digest, authorization.y_parity, authorization.r, authorization.s)


def _root_frame(machine: Machine, available: int) -> Frame:
    transaction = machine.transaction
    if transaction.to is None:
        address = contract_address(transaction.sender, transaction.nonce)
        # The creation is warm before the init code runs; its own access costs nothing.
        machine.state.warm(address)
        return Frame(
            machine,
            parent=None,
            kind=FrameKind.ROOT_CREATE,
            gas=available,
            address=address,
            code_address=address,
            code=Code(transaction.data),
            caller=transaction.sender,
            value=transaction.value,
            moves_value=True,
            call_data=b"",
            input_range=(0, len(transaction.data)),
        )
    code_address, code = transaction.to, machine.state.code(transaction.to)
    delegate = machine.delegate_of(transaction.to)
    if delegate is not None:
        machine.recorder.code_inspected(code)
        machine.state.warm(delegate)
        machine.recorder.code_inspected(machine.state.code(delegate))
        code_address, code = delegate, machine.delegated_code(delegate)
    return Frame(
        machine,
        parent=None,
        kind=FrameKind.ROOT_CALL,
        gas=available,
        address=transaction.to,
        code_address=code_address,
        code=code,
        caller=transaction.sender,
        value=transaction.value,
        moves_value=True,
        call_data=transaction.data,
        input_range=(0, len(transaction.data)),
    )


def _run_root(machine: Machine, frame: Frame) -> None:
    if frame.kind is FrameKind.ROOT_CREATE:
        if machine.is_occupied(frame.address):
            machine.fail_at_once(frame, Halt.CREATE_COLLISION)
            return
    elif machine.delegate_of(frame.address) is None:
        precompile = machine.fork.precompiles.get(frame.address)
        if precompile is not None:
            _run_root_precompile(machine, frame, precompile)
            return
    machine.run(frame)


def _run_root_precompile(machine: Machine, frame: Frame, precompile: Precompile) -> None:
    """Run a precompile as the root: a frame without code, or a failure."""
    machine.recorder.code_inspected(frame.code)
    frame.code, frame.code_bytes = EMPTY_CODE, EMPTY_CODE.padded
    given = frame.gas
    try:
        output, frame.gas = precompile.run(frame.call_data, given)
    except PrecompileFailure:
        machine.recorder.no_frame(CallOutcome.PRECOMPILE, False, given, 0, b"")
        machine.fail_at_once(frame, Halt.PRECOMPILE_FAILURE)
        return
    machine.recorder.no_frame(CallOutcome.PRECOMPILE, True, given, frame.gas, output)
    machine.run(frame)
