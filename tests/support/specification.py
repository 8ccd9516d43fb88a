"""One transaction on the execution specification of its fork: steps, receipt and state root."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import ethereum.trace
from ethereum.exceptions import EthereumException
from ethereum_rlp import rlp
from ethereum_rlp.exceptions import RLPException
from ethereum_types.bytes import Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

from tests.support.steps import Step
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.state import Account
from zkevm.evm.transaction import SignedTransaction, TransactionType

MODULES = ("blocks", "fork", "fork_types", "state", "transactions", "trie", "vm")


@dataclass
class SpecifiedRun:
    """What the specification says; `receipt` is None if the transaction is invalid."""

    steps: list[Step] = field(default_factory=list)
    receipt: bytes | None = None
    """As the receipts trie holds it."""
    state_root: bytes = b""
    exception: EthereumException | None = None
    """Why the transaction is invalid."""


def run_specification(
    fork_name: str,
    chain_id: int,
    environment: BlockEnvironment,
    pre: Mapping[int, Account],
    signed: SignedTransaction,
) -> SpecifiedRun:
    """Run a transaction as the only one of its block."""
    package = f"ethereum.forks.{fork_name.lower()}"
    spec = SimpleNamespace(**{name: import_module(f"{package}.{name}") for name in MODULES})
    state = _state(spec, pre)
    block = spec.vm.BlockEnvironment(
        chain_id=U64(chain_id),
        state=state,
        block_gas_limit=Uint(environment.gas_limit),
        block_hashes=[_word(hash_) for _, hash_ in sorted(environment.block_hashes.items())],
        coinbase=_address(environment.coinbase),
        number=Uint(environment.number),
        base_fee_per_gas=Uint(environment.base_fee),
        time=U256(environment.timestamp),
        prev_randao=_word(environment.prev_randao),
        excess_blob_gas=U64(environment.excess_blob_gas),
        parent_beacon_block_root=Bytes32(bytes(32)),
    )
    run = SpecifiedRun()
    output = spec.vm.BlockOutput()
    silent = ethereum.trace.set_evm_trace(_recorder(run.steps))
    try:
        transaction = _decode(spec, signed)
        spec.fork.process_transaction(block, output, transaction, Uint(0))
        receipt: Any = spec.trie.trie_get(output.receipts_trie, rlp.encode(Uint(0)))
        run.receipt = receipt if isinstance(receipt, bytes) else rlp.encode(receipt)
    except EthereumException as error:
        run.exception = error
    finally:
        ethereum.trace.set_evm_trace(silent)
    run.state_root = spec.state.state_root(state)
    return run


def block_refusal(
    fork_name: str,
    chain_id: int,
    pre: Mapping[int, Account],
    parent: bytes,
    block: bytes,
) -> Exception | None:
    """Return why the specification refuses a block on its parent, both as RLP; None if it takes it.

    `pre` is the state that the parent left.
    """
    package = f"ethereum.forks.{fork_name.lower()}"
    spec = SimpleNamespace(**{name: import_module(f"{package}.{name}") for name in MODULES})
    blocks = [rlp.decode_to(spec.blocks.Block, parent)]
    chain = spec.fork.BlockChain(blocks=blocks, state=_state(spec, pre), chain_id=U64(chain_id))
    try:
        spec.fork.state_transition(chain, rlp.decode_to(spec.blocks.Block, block))
    except (EthereumException, RLPException) as error:
        return error
    return None


def _state(spec: SimpleNamespace, accounts: Mapping[int, Account]) -> Any:
    state = spec.state.State()
    for address, account in accounts.items():
        fields = Uint(account.nonce), U256(account.balance), account.code.data
        spec.state.set_account(state, _address(address), spec.fork_types.Account(*fields))
        for key, value in account.storage.items():
            spec.state.set_storage(state, _address(address), _word(key), U256(value))
    return state


def _decode(spec: SimpleNamespace, signed: SignedTransaction) -> Any:
    if signed.transaction.type is not TransactionType.LEGACY:
        return spec.transactions.decode_transaction(signed.encoded)
    return rlp.decode_to(spec.transactions.LegacyTransaction, signed.encoded)


def _recorder(steps: list[Step]) -> Any:
    def record(evm: Any, event: object) -> None:
        if isinstance(event, ethereum.trace.OpStart):
            stack = tuple(int(word) for word in evm.stack)
            depth = int(evm.message.depth) + 1
            op = int(event.op.value)
            memory = len(evm.memory)
            steps.append(Step(int(evm.pc), op, int(evm.gas_left), depth, memory, stack))

    return record


def _address(address: int) -> Bytes20:
    return Bytes20(address.to_bytes(20, "big"))


def _word(word: int) -> Bytes32:
    return Bytes32(word.to_bytes(32, "big"))
