"""Measure interpreters side by side: this one, the execution specification, and py-evm.

    python scripts/bench_interpreter.py

Each runs the same endless loops, alone in a process, until their gas ends.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

SENDER, CONTRACT, CALLEE = 0xAAAA, 0xC0DE, 0xCA11EE

LOOPS: Final = {
    "arithmetic": "6003 6005 02 6007 01 600b 90 03 19 50",
    "stack": "6001 6002 6003 80 91 92 50 50 50 50",
    "memory": "6040 51 6001 01 6040 52 60ff 6020 53",
    "hashes": "6020 5f 20 5f 52",
    "storage": "5f 54 6001 01 5f 55",
    "calls": "5f 5f 5f 5f 5f 62ca11ee 5a f1 50",
}
"""The bodies of the loops; the callee does nothing."""

GAS: Final = {"this": 20_000_000, "this, tracing": 4_000_000}
OTHERS_GAS: Final = 1_000_000


def code_of(name: str) -> bytes:
    """Return a loop: JUMPDEST, the body, a jump back."""
    return bytes.fromhex(f"5b {LOOPS[name]} 5f 56")


def run_this(code: bytes, gas: int) -> None:
    """Run with nobody listening."""
    from zkevm.evm.execute import execute  # noqa: PLC0415

    execute(_case(code, gas))


def run_this_tracing(code: bytes, gas: int) -> None:
    """Run and record all that the circuits need."""
    from zkevm.trace.recorder import record  # noqa: PLC0415

    record(_case(code, gas))


def count_steps(code: bytes, gas: int) -> int:
    """Return how many instructions the gas suffices for."""
    from zkevm.evm.events import Recorder  # noqa: PLC0415
    from zkevm.evm.execute import execute  # noqa: PLC0415

    class Counter(Recorder):
        steps = 0

        def step(self, frame: object, pc: int, op: int) -> None:  # noqa: ARG002
            self.steps += 1

    counter = Counter()
    execute(_case(code, gas), counter)
    return counter.steps


def _case(code: bytes, gas: int) -> Any:
    from zkevm.evm.block import BlockEnvironment  # noqa: PLC0415
    from zkevm.evm.code import Code  # noqa: PLC0415
    from zkevm.evm.forks.cancun import CANCUN  # noqa: PLC0415
    from zkevm.evm.state import Account  # noqa: PLC0415
    from zkevm.evm.statetest import Expected, TestCase  # noqa: PLC0415
    from zkevm.evm.transaction import Transaction, TransactionType  # noqa: PLC0415

    return TestCase(
        name="loop",
        indexes=(0, 0, 0),
        fork=CANCUN,
        chain_id=1,
        environment=BlockEnvironment(0, 1, 1, gas, base_fee=0, prev_randao=0),
        pre={CONTRACT: Account(1, code=Code(code)), CALLEE: Account(1, code=Code(b"\0"))},
        transaction=Transaction(TransactionType.LEGACY, SENDER, 0, gas, 0, 0, CONTRACT, 0, b""),
        expected=Expected(0, 0, frozenset()),
        info={},
    )


def run_specification(code: bytes, gas: int) -> None:
    """Run on the execution specification."""
    from ethereum.forks.cancun import fork_types, state, vm  # noqa: PLC0415
    from ethereum.forks.cancun.vm.interpreter import process_message_call  # noqa: PLC0415
    from ethereum_types.bytes import Bytes20, Bytes32  # noqa: PLC0415
    from ethereum_types.numeric import U64, U256, Uint  # noqa: PLC0415

    sender, contract, callee = (
        Bytes20(each.to_bytes(20, "big")) for each in (SENDER, CONTRACT, CALLEE)
    )
    accounts = state.State()
    for address, its_code in ((contract, code), (callee, b"\0")):
        account = fork_types.Account(nonce=Uint(1), balance=U256(0), code=its_code)
        state.set_account(accounts, address, account)
    block = vm.BlockEnvironment(
        chain_id=U64(1),
        state=accounts,
        block_gas_limit=Uint(gas),
        block_hashes=[],
        coinbase=Bytes20(bytes(20)),
        number=Uint(1),
        base_fee_per_gas=Uint(0),
        time=U256(1),
        prev_randao=Bytes32(bytes(32)),
        excess_blob_gas=U64(0),
        parent_beacon_block_root=Bytes32(bytes(32)),
    )
    transaction = vm.TransactionEnvironment(
        origin=sender,
        gas_price=Uint(0),
        gas=Uint(gas),
        access_list_addresses=set(),
        access_list_storage_keys=set(),
        transient_storage=state.TransientStorage(),
        blob_versioned_hashes=(),
        index_in_block=Uint(0),
        tx_hash=None,
    )
    message = vm.Message(
        block_env=block,
        tx_env=transaction,
        caller=sender,
        target=contract,
        current_target=contract,
        gas=Uint(gas),
        value=U256(0),
        data=b"",
        code_address=contract,
        code=code,
        depth=Uint(0),
        should_transfer_value=False,
        is_static=False,
        accessed_addresses={contract},
        accessed_storage_keys=set(),
        parent_evm=None,
    )
    process_message_call(message)


def run_py_evm(code: bytes, gas: int) -> None:
    """Run on py-evm."""
    from eth.constants import BLANK_ROOT_HASH  # noqa: PLC0415
    from eth.db.atomic import AtomicDB  # noqa: PLC0415
    from eth.vm.execution_context import ExecutionContext  # noqa: PLC0415
    from eth.vm.forks.cancun.state import CancunState  # noqa: PLC0415
    from eth.vm.message import Message  # noqa: PLC0415

    sender, contract, callee = (each.to_bytes(20, "big") for each in (SENDER, CONTRACT, CALLEE))
    context = ExecutionContext(bytes(20), 1, 1, 0, bytes(32), gas, (), 1, 0, 0)
    state = CancunState(AtomicDB(), context, BLANK_ROOT_HASH)
    state.set_code(contract, code)
    state.set_code(callee, b"\0")
    state.lock_changes()
    message = Message(gas=gas, to=contract, sender=sender, value=0, data=b"", code=code)
    transaction = state.get_transaction_context_class()(gas_price=0, origin=sender)
    state.computation_class.apply_computation(state, message, transaction)


RUNNERS: Final[dict[str, Callable[[bytes, int], None]]] = {
    "this": run_this,
    "this, tracing": run_this_tracing,
    "specification": run_specification,
    "py-evm": run_py_evm,
}


def measure(name: str) -> dict[str, float]:
    """Return the CPU seconds that each loop takes an interpreter, the best of two runs."""
    run, gas = RUNNERS[name], GAS.get(name, OTHERS_GAS)
    run(code_of("arithmetic"), 100_000)
    seconds = {}
    for loop in LOOPS:
        times = []
        for _ in range(2):
            start = time.process_time()
            run(code_of(loop), gas)
            times.append(time.process_time() - start)
        seconds[loop] = min(times)
    return seconds


def measure_apart(name: str) -> dict[str, float]:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, name]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: {process.stderr}")
    seconds: dict[str, float] = json.loads(process.stdout)
    return seconds


def section() -> list[str]:
    """Measure, and return the lines of the page."""
    measured = {name: measure_apart(name) for name in RUNNERS}
    lines = [
        "## Interpreters",
        "",
        "Millions of instructions a second of CPU time in endless loops, measured by",
        "`scripts/bench_interpreter.py`; *tracing* records all that the circuits need. The",
        "specification is `ethereum-execution`. All in Cancun.",
        "",
        "| loop | " + " | ".join(measured) + " |",
        "|---|" + "---|" * len(measured),
    ]
    for loop in LOOPS:
        cells = []
        for name, seconds in measured.items():
            steps = count_steps(code_of(loop), GAS.get(name, OTHERS_GAS))
            cells.append(f"{steps / seconds[loop] / 1e6:.2f}")
        lines.append(f"| {loop} | " + " | ".join(cells) + " |")
    return [*lines, ""]


if __name__ == "__main__":
    if sys.argv[1:]:
        print(json.dumps(measure(sys.argv[1])))
    else:
        print("\n".join(section()))
