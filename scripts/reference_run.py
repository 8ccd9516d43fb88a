"""One transaction on the execution specification, to tell what its result must be.

Development only: the package never imports this, and this imports nothing of the package.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import ethereum.trace
from ethereum_rlp import rlp
from ethereum_spec_tools.evm_tools import create_parser
from ethereum_spec_tools.evm_tools.t8n import T8N, ForkCache
from ethereum_types.numeric import Uint

FORKS: Final = ("Cancun", "Prague", "Osaka")


@dataclass(frozen=True)
class ReferenceResult:
    """What the specification says of one transaction; hashes and bytes as 0x-hex."""

    state_root: str
    logs_hash: str
    status: int
    gas_used: int
    opcodes: list[str]  # in the order of execution, over all frames
    precompiles: list[str]
    transaction_bytes: str
    signature: dict[str, str]  # v, r, s
    specification: str


class OpcodeRecorder:
    """Collects the names of executed opcodes and called precompiles from trace events."""

    def __init__(self) -> None:
        self.opcodes: list[str] = []
        self.precompiles: list[str] = []

    def __call__(self, _evm: object, event: object) -> None:
        match event:
            case ethereum.trace.OpStart(op=op):
                self.opcodes.append("KECCAK256" if op.name == "KECCAK" else op.name)
            case ethereum.trace.PrecompileStart(address=address):
                self.precompiles.append("0x" + address.hex())
            case _:
                pass


def reference_run(
    environment: Mapping[str, str],
    pre_state: Mapping[str, Any],
    transaction: Mapping[str, Any],
    secret_key: str,
    fork: str,
) -> ReferenceResult:
    """Sign and execute the one transaction of a state test (`transaction` has one of each list)."""
    source = {
        "env": {**environment, "withdrawals": [], "blockHashes": {}},
        "alloc": pre_state,
        "txs": [transition_form(transaction, secret_key)],
    }
    channels = [f"--input.{name}=stdin" for name in ("alloc", "env", "txs")]
    options = create_parser().parse_args(["t8n", *channels, "--state.fork", fork, "--state-test"])
    recorder = OpcodeRecorder()
    silent = ethereum.trace.set_evm_trace(recorder)
    try:
        with ForkCache() as cache:
            t8n = T8N(options, io.StringIO(), io.StringIO(json.dumps(source)), cache)
            ethereum.trace.set_evm_trace(recorder)
            block, output = t8n.block_environment(), t8n.fork.BlockOutput()
            (signed,) = t8n.txs.transactions
            t8n.fork.process_transaction(
                block_env=block, block_output=output, tx=signed, index=Uint(0)
            )
            t8n.result.update(t8n, block, output)
    finally:
        ethereum.trace.set_evm_trace(silent)
    ((_, receipt),) = t8n.result.receipts
    parity = signed.v if hasattr(signed, "v") else signed.y_parity
    return ReferenceResult(
        state_root="0x" + t8n.result.state_root.hex(),
        logs_hash="0x" + t8n.result.logs_hash.hex(),
        status=int(receipt.succeeded),
        gas_used=int(receipt.cumulative_gas_used),
        opcodes=recorder.opcodes,
        precompiles=recorder.precompiles,
        transaction_bytes="0x" + wire_format(signed, fork).hex(),
        signature={"v": hex_bytes(parity), "r": hex_bytes(signed.r), "s": hex_bytes(signed.s)},
        specification=f"ethereum-execution {version('ethereum-execution')}",
    )


def hex_bytes(value: int) -> str:
    """0x-hex of whole bytes, as the state tests write numbers; zero is one byte."""
    return "0x" + int(value).to_bytes(max(1, (int(value).bit_length() + 7) // 8)).hex()


def wire_format(signed: Any, fork: str) -> bytes:
    """The signed transaction as it travels: a type byte and a list, or the list of a legacy one."""
    transactions = import_module(f"ethereum.forks.{fork.lower()}.transactions")
    encoded = transactions.encode_transaction(signed)
    return encoded if isinstance(encoded, bytes) else bytes(rlp.encode(encoded))


def transition_form(transaction: Mapping[str, Any], secret_key: str) -> dict[str, Any]:
    """The transaction as the transition tool reads it: one value where a state test has a list."""
    single = {"data": "input", "gasLimit": "gas", "value": "value", "accessLists": "accessList"}
    form = {single.get(k, k): v[0] if k in single else v for k, v in transaction.items()}
    if "maxFeePerGas" in form:
        form["type"] = "0x02"
    form.pop("sender")
    return form | {"chainId": "0x01", "secretKey": secret_key, "v": "0x0", "r": "0x0", "s": "0x0"}
