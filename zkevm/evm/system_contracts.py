"""Calls that a block makes by itself, and the requests it gathers for the consensus layer.

Sources: EIP-4788 (beacon roots), 2935 (block hashes), 6110 (deposits), 7002 (withdrawals), 7251
(consolidations), 7685 (requests).
"""

from collections.abc import Iterable
from hashlib import sha256

from zkevm.evm.block import BlockEnvironment
from zkevm.evm.block_validity import BlockRejection, InvalidBlock
from zkevm.evm.events import FrameKind, Recorder
from zkevm.evm.fork import Fork
from zkevm.evm.frame import Frame
from zkevm.evm.interpreter import Machine
from zkevm.evm.state import State
from zkevm.evm.transaction import Log, Transaction, TransactionType

SYSTEM_ADDRESS = 2**160 - 2
SYSTEM_CALL_GAS = 30_000_000

DEPOSIT_REQUEST_TYPE = 0
DEPOSIT_EVENT = 0x649BBC62D0E31342AFEA4E5CD82D4049E7E1EE912FC0889AA790803BE39038C5
"""Keccak-256 of `DepositEvent(bytes,bytes,bytes,bytes,bytes)`."""

_DEPOSIT_FIELDS = (48, 32, 8, 96, 8)
"""Bytes of the public key, withdrawal credentials, amount, signature and index."""

_DEPOSIT_OFFSETS = (160, 256, 320, 384, 512)
"""Where the length of each is, in the data of the event; the field follows it."""

_DEPOSIT_BYTES = 576
"""Of the whole event."""


def call_system_contract(
    fork: Fork,
    chain_id: int,
    state: State,
    environment: BlockEnvironment,
    contract: int,
    data: bytes,
) -> bytes | None:
    """Run a contract as the system, which pays nothing; return its output, None if it failed."""
    transaction = Transaction(
        type=TransactionType.DYNAMIC_FEE,
        sender=SYSTEM_ADDRESS,
        nonce=0,
        gas_limit=SYSTEM_CALL_GAS,
        max_fee_per_gas=environment.base_fee,
        max_priority_fee_per_gas=0,
        to=contract,
        value=0,
        data=data,
    )
    state.prepare(fork.precompiles)
    machine = Machine(fork, chain_id, state, environment, transaction, Recorder())
    frame = Frame(
        machine,
        parent=None,
        kind=FrameKind.ROOT_CALL,
        gas=SYSTEM_CALL_GAS,
        address=contract,
        code_address=contract,
        code=state.code(contract),
        caller=SYSTEM_ADDRESS,
        value=0,
        call_data=data,
    )
    machine.run(frame)
    state.finish_transaction()
    return frame.output if frame.success else None


def record_ancestors(
    fork: Fork,
    chain_id: int,
    state: State,
    environment: BlockEnvironment,
    parent_beacon_block_root: bytes,
) -> None:
    """Tell the contracts that remember them of the parent's beacon root and hash.

    Absence or failure of a contract is no fault of the block.
    """
    contract = fork.beacon_roots_contract
    call_system_contract(fork, chain_id, state, environment, contract, parent_beacon_block_root)
    parent_hash = environment.block_hashes.get(environment.number - 1)
    if fork.block_hashes_contract is not None and parent_hash is not None:
        data = parent_hash.to_bytes(32, "big")
        call_system_contract(fork, chain_id, state, environment, fork.block_hashes_contract, data)


def gather_requests(
    fork: Fork,
    chain_id: int,
    state: State,
    environment: BlockEnvironment,
    logs: Iterable[Log],
) -> tuple[bytes, ...]:
    """Return the requests at the end of a block that emitted the logs: type byte and data each.

    Raises `InvalidBlock` if a contract misbehaves.
    """
    if fork.deposit_contract is None:
        return ()
    requests = {DEPOSIT_REQUEST_TYPE: deposit_requests(fork.deposit_contract, logs)}
    for type_, contract in fork.request_contracts.items():
        if not state.code(contract):
            raise InvalidBlock(
                BlockRejection.SYSTEM_CONTRACT_EMPTY, f"no code at system contract {contract:#042x}"
            )
        output = call_system_contract(fork, chain_id, state, environment, contract, b"")
        if output is None:
            raise InvalidBlock(
                BlockRejection.SYSTEM_CONTRACT_CALL_FAILED,
                f"the call of system contract {contract:#042x} failed",
            )
        requests[type_] = output
    return tuple(bytes((type_,)) + data for type_, data in requests.items() if data)


def deposit_requests(contract: int, logs: Iterable[Log]) -> bytes:
    """Return the deposits that the logs of the deposit contract announce, one after another."""
    return b"".join(
        _deposit(log.data)
        for log in logs
        if log.address == contract and log.topics[:1] == (DEPOSIT_EVENT,)
    )


def _deposit(data: bytes) -> bytes:
    """Return the five fields of a deposit event, whose ABI encoding has to be the usual one."""
    offsets = b"".join(offset.to_bytes(32, "big") for offset in _DEPOSIT_OFFSETS)
    usual = len(data) == _DEPOSIT_BYTES and data.startswith(offsets)
    fields = b""
    for offset, size in zip(_DEPOSIT_OFFSETS, _DEPOSIT_FIELDS, strict=True):
        start = offset + 32
        usual = usual and data[offset:start] == size.to_bytes(32, "big")
        fields += data[start : start + size]
    if not usual:
        raise InvalidBlock(
            BlockRejection.INVALID_DEPOSIT_EVENT_LAYOUT, "a deposit event of unusual layout"
        )
    return fields


def requests_hash(requests: Iterable[bytes]) -> bytes:
    """Return what a header commits to (EIP-7685)."""
    return sha256(b"".join(sha256(request).digest() for request in requests)).digest()
