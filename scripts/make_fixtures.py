"""Write the project's own state tests into `fixtures/`.

    python scripts/make_fixtures.py                            # all of them, as committed
    python scripts/make_fixtures.py --loop-steps 1000000 -o big.json   # a loop of another length

The format is that of the official state tests with a signed transaction (`sender`, `v`, `r`, `s`,
`txbytes`). Expected results come from the execution specification (`ethereum-execution`, a
development dependency), never from this project's interpreter.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_hash.auto import keccak
from reference_run import FORKS, ReferenceResult, hex_bytes, reference_run

ROOT: Final = Path(__file__).resolve().parent.parent
FIXTURES: Final = ROOT / "fixtures"

SECRET_KEY: Final = "0x45a915e4d060149eb4365960e6a7a45f334393093061116b197e3240065ff2d8"
SENDER: Final = "0xa94f5374fce5edbc8e2a8697c15331677e6ebf0b"
RECIPIENT: Final = "0x5b38da6a701c568545dcfcb03fcb875f56beddc4"
CONTRACT: Final = "0x70ce7070ce7070ce7070ce7070ce7070ce7070ce"
COINBASE: Final = "0x2adc25665018aa1fe0e6bc666dac8fc2697ff9ba"

ETHER: Final = 10**18
GWEI: Final = 10**9
GAS_LIMIT: Final = 100_000
LOOP_GAS_LIMIT: Final = 1 << 24  # the most that one transaction may have from Osaka on
LOOP_STEPS: Final = 1 << 17
HASHES: Final = 1000

ENVIRONMENT: Final = {
    "currentCoinbase": COINBASE,
    "currentGasLimit": hex_bytes(36_000_000),
    "currentNumber": hex_bytes(23_000_000),
    "currentTimestamp": hex_bytes(1_760_000_000),
    "currentRandom": "0x" + keccak(b"zkevm fixtures: randao").hex(),
    "currentDifficulty": "0x00",
    "currentBaseFee": hex_bytes(2 * GWEI),
    "currentExcessBlobGas": "0x00",
    "previousHash": "0x" + keccak(b"zkevm fixtures: parent").hex(),
}
BLOB_SCHEDULE: Final = {
    "Cancun": {"target": "0x03", "max": "0x06", "baseFeeUpdateFraction": "0x32f0ed"},
    "Prague": {"target": "0x06", "max": "0x09", "baseFeeUpdateFraction": "0x4c6964"},
    "Osaka": {"target": "0x06", "max": "0x09", "baseFeeUpdateFraction": "0x4c6964"},
}


@dataclass(frozen=True)
class Call:
    """One transaction from `SENDER` to a compiled contract with some storage."""

    contract: str  # file name of the source in fixtures/contracts
    signature: str
    arguments: Sequence[str | int]
    description: str
    storage: Mapping[int, int] = field(default_factory=dict)
    gas_limit: int = GAS_LIMIT
    legacy: bool = False

    def call_data(self) -> str:
        """Selector and static arguments, as the contract ABI encodes them."""
        words = (int(a, 16) if isinstance(a, str) else a for a in self.arguments)
        selector: bytes = keccak(self.signature.encode())[:4]
        return "0x" + selector.hex() + "".join(f"{word:064x}" for word in words)

    def pre_state(self) -> dict[str, Any]:
        """Sender, coinbase and contract; the recipient of tokens need not exist."""
        artefact = json.loads((FIXTURES / "contracts" / f"{self.contract}.json").read_text())
        storage = {
            hex_bytes(slot): hex_bytes(value) for slot, value in sorted(self.storage.items())
        }
        return {
            SENDER: account(nonce=7, balance=10 * ETHER),
            COINBASE: account(balance=ETHER),
            CONTRACT: account(nonce=1, code=artefact["runtime"], storage=storage),
        }

    def transaction(self) -> dict[str, Any]:
        """The transaction section, unsigned."""
        fees = (
            {"gasPrice": hex_bytes(3 * GWEI)}
            if self.legacy
            else {
                "maxPriorityFeePerGas": hex_bytes(GWEI),
                "maxFeePerGas": hex_bytes(10 * GWEI),
                "accessLists": [[]],
            }
        )
        return {
            "nonce": "0x07",
            **fees,
            "gasLimit": [hex_bytes(self.gas_limit)],
            "to": CONTRACT,
            "value": ["0x00"],
            "data": [self.call_data()],
            "sender": SENDER,
        }


def account(
    nonce: int = 0, balance: int = 0, code: str = "0x", storage: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """An account of the `pre` section."""
    return {
        "nonce": hex_bytes(nonce),
        "balance": hex_bytes(balance),
        "code": code,
        "storage": dict(storage or {}),
    }


def solidity_slot(key: str, slot: int) -> int:
    """Storage slot of `mapping[key]` declared at `slot`, as Solidity lays it out."""
    return int.from_bytes(keccak(int(key, 16).to_bytes(32, "big") + slot.to_bytes(32, "big")))


def vyper_slot(key: str, slot: int) -> int:
    """Storage slot of `mapping[key]` declared at `slot`, as Vyper lays it out."""
    return int.from_bytes(keccak(slot.to_bytes(32, "big") + int(key, 16).to_bytes(32, "big")))


def token_transfer(contract: str, value: int, description: str) -> Call:
    """A transfer of `value` by `SENDER`, who owns 1,000 tokens: all there are."""
    supply = 1000 * ETHER
    # Both contracts declare totalSupply first and balanceOf second.
    mapping_slot = solidity_slot if contract.endswith(".sol") else vyper_slot
    return Call(
        contract=contract,
        signature="transfer(address,uint256)",
        arguments=(RECIPIENT, value),
        description=description,
        storage={0: supply, mapping_slot(SENDER, 1): supply},
        legacy=contract.endswith(".vy"),
    )


def loop(iterations: int) -> Call:
    """The loop benchmark."""
    return _benchmark("Loop.sol", iterations, f"loop benchmark, {iterations} iterations")


def hashes(turns: int) -> Call:
    """The benchmark of Keccak-256: so many hashes of one block."""
    return _benchmark("Hash.sol", turns, f"Keccak-256 benchmark, {turns} hashes of 32 bytes")


def _benchmark(contract: str, turns: int, description: str) -> Call:
    return Call(
        contract=contract,
        signature="run(uint256)",
        arguments=(turns,),
        description=description,
        gas_limit=LOOP_GAS_LIMIT,
    )


def loop_of_steps(steps: int) -> Call:
    """The longest loop, in blocks of eight iterations, of at most about `steps` steps."""

    def length(iterations: int) -> int:
        return len(execute(loop(iterations), FORKS[0]).opcodes)

    each_eight = (length(512) - length(256)) // 32
    iterations = 8 * ((steps - length(0)) // each_eight)
    while length(iterations) > steps:
        iterations -= 8
    return loop(iterations)


def execute(call: Call, fork: str) -> ReferenceResult:
    """Run `call` on the execution specification."""
    return reference_run(ENVIRONMENT, call.pre_state(), call.transaction(), SECRET_KEY, fork)


def state_test(name: str, call: Call) -> dict[str, Any]:
    """The whole state test: one transaction, one expectation for each fork."""
    results = {fork: execute(call, fork) for fork in FORKS}
    first = results[FORKS[0]]
    steps = {len(result.opcodes) for result in results.values()}
    if any(result.precompiles for result in results.values()) or len(steps) != 1:
        message = f"{name}: calls a precompile, or its steps differ between forks"
        raise ValueError(message)
    return {
        name: {
            "env": ENVIRONMENT,
            "pre": call.pre_state(),
            "transaction": call.transaction() | first.signature,
            "post": {
                fork: [
                    {
                        "hash": result.state_root,
                        "logs": result.logs_hash,
                        "txbytes": result.transaction_bytes,
                        "indexes": {"data": 0, "gas": 0, "value": 0},
                    }
                ]
                for fork, result in results.items()
            },
            "config": {"blobSchedule": BLOB_SCHEDULE, "chainid": "0x01"},
            "_info": {
                "comment": "made by scripts/make_fixtures.py",
                "description": call.description,
                "fixture-format": "state_test",
                "reference": first.specification,
                "status": first.status,
                "gas-used": {fork: result.gas_used for fork, result in results.items()},
                "evm-steps": len(first.opcodes),
                "opcodes": {op: first.opcodes.count(op) for op in sorted(set(first.opcodes))},
            },
        }
    }


def write(path: Path, call: Call) -> None:
    """Write one state test, named like its file."""
    test = state_test(path.stem, call)
    path.write_text(json.dumps(test, indent=1) + "\n")
    info = test[path.stem]["_info"]
    print(f"{path}: status {info['status']}, {info['evm-steps']} steps, gas {info['gas-used']}")


def main() -> None:
    """Write all fixtures, or one loop of the given length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--loop-steps", type=int, help="write one loop of about this many steps")
    parser.add_argument("-o", "--output", type=Path, default=Path("loop.json"))
    parser.add_argument("--to", type=Path, default=FIXTURES, help="folder for the whole set")
    arguments = parser.parse_args()
    if arguments.loop_steps:
        write(arguments.output, loop_of_steps(arguments.loop_steps))
        return
    calls = {
        "erc20_solidity_transfer": token_transfer("Erc20.sol", ETHER, "transfer of 1 token"),
        "erc20_vyper_transfer": token_transfer("Erc20.vy", ETHER, "transfer of 1 token"),
        "erc20_solidity_revert": token_transfer(
            "Erc20.sol", 1001 * ETHER, "transfer of 1,001 of 1,000 tokens, which reverts"
        ),
        "hashes": hashes(HASHES),
        "loop_small": loop_of_steps(LOOP_STEPS >> 5),
        "loop": loop_of_steps(LOOP_STEPS),
    }
    for name, call in calls.items():
        write(arguments.to / f"{name}.json", call)


if __name__ == "__main__":
    main()
