"""Random programs against revm: what they leave behind, and every step.

Tracing is slow in revm's Python binding, some 2 ms a step: of long programs only the outcome is
compared, and in CI of most. `test_against_specification` compares all steps of all programs with
those of the execution specification.

In Cancun: pyrevm 0.3.7 takes the names of later forks but runs the rules of Cancun. It has no CLZ,
no delegations, no floor price for data, no P-256 or BLS12-381.
"""

import io
import json
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from random import Random

import pytest
from hypothesis import given, settings

from tests.support.cases import BLOCK_HASHES, case_of
from tests.support.programs import (
    CONTRACTS,
    GAS_LIMITS,
    lengths,
    program_count,
    random_program,
    seeds,
)
from tests.support.steps import Step, StepRecorder, first_difference
from zkevm.evm.events import StateEventKind
from zkevm.evm.execute import execute
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.statetest import TestCase

PARTS = 4
"""To run in parallel."""

MOST_TRACED = 100
"""Steps of a program that are compared at most."""

pyrevm = pytest.importorskip("pyrevm")


def traced_share() -> float:
    """The share of the programs whose steps are compared, if they are not too many."""
    return 1.0 if settings.get_current_profile_name() == "nightly" else 0.1


def address(number: int) -> str:
    return f"0x{number:040x}"


@dataclass(frozen=True)
class RevmRun:
    """What revm makes of a case: `steps` if it traced."""

    evm: pyrevm.EVM
    steps: list[Step]

    @property
    def result(self) -> pyrevm.ExecutionResult:
        return self.evm.result


def run_revm(case: TestCase, *, tracing: bool) -> RevmRun:
    environment = case.environment
    block = pyrevm.BlockEnv(
        number=environment.number,
        coinbase=address(environment.coinbase),
        timestamp=environment.timestamp,
        prevrandao=environment.prev_randao.to_bytes(32, "big"),
        basefee=environment.base_fee,
        gas_limit=environment.gas_limit,
        excess_blob_gas=environment.excess_blob_gas,
    )
    evm = pyrevm.EVM(
        env=pyrevm.Env(block=block),
        gas_limit=environment.gas_limit,
        tracing=tracing,
        spec_id="CANCUN",
    )
    for number, account in case.pre.items():
        # Setting balance or storage by another call would leave them warm.
        info = pyrevm.AccountInfo(
            balance=account.balance, nonce=account.nonce, code=account.code.data
        )
        evm.insert_account_info(address(number), info)
    transaction = case.transaction
    output = io.StringIO()
    # pyrevm traces to Python's standard output, and raises if the call reverts or halts.
    with redirect_stdout(output), suppress(RuntimeError):
        evm.message_call(
            address(transaction.sender),
            address(transaction.to),
            calldata=transaction.data,
            value=transaction.value,
            gas=transaction.gas_limit,
            gas_price=0,
        )
    lines = output.getvalue().splitlines()[:-1]
    return RevmRun(evm, [step(json.loads(line)) for line in lines])


def step(line: dict) -> Step:
    stack = tuple(int(word, 16) for word in line["stack"])
    memory = int(line["memSize"])
    return Step(line["pc"], line["op"], int(line["gas"], 16), line["depth"], memory, stack)


class RevmRecorder(StepRecorder):
    """The steps, and which accounts were destroyed."""

    def __init__(self) -> None:
        super().__init__()
        self.destroyed: set[int] = set()

    def state_event(self, kind, address, key, old, new, original=0):
        if kind is StateEventKind.DESTROYED:
            self.destroyed.add(address)


def random_case(random: Random, statements: int) -> TestCase:
    """A call of the first of three contracts, with programs of so many statements each."""
    case = case_of(
        CANCUN,
        [random_program(random, statements) for _ in CONTRACTS],
        gas_limit=random.choice(GAS_LIMITS),
        value=random.randrange(2),
        data=random.randbytes(random.randrange(70)),
    )
    return replace(case, environment=replace(case.environment, block_hashes=BLOCK_HASHES))


def differences(case: TestCase, *, tracing: bool) -> list[str]:
    """How the outcome, or with tracing a step, differs from revm's."""
    recorder = RevmRecorder()
    execution = execute(case, recorder)
    receipt, state = execution.receipt, execution.state
    tracing = tracing and len(recorder.steps) <= MOST_TRACED
    run = run_revm(case, tracing=tracing)
    found = []
    if tracing:
        found.append(first_difference(recorder.steps, run.steps))
    compared = {
        "gas used": (receipt.gas_used, run.result.gas_used),
        "success": (receipt.success, run.result.is_success),
        "logs": (
            [(log.address, list(log.topics), log.data) for log in receipt.logs],
            [
                (int(log.address, 16), [int(topic, 16) for topic in log.topics], log.data[1])
                for log in run.result.logs
            ],
        ),
    }
    for name, info in run.evm.journal_state.items():
        number = int(name, 16)
        code = run.evm.get_code(name) or b""
        # pyrevm does not count the sender's nonce, shows some codes with zeros after them, and a
        # destroyed account as it was.
        if state.is_empty(number) and number in recorder.destroyed:
            continue
        uncounted = number == case.transaction.sender
        compared[f"account {name}"] = (
            (state.nonce(number), state.balance(number), state.code(number).data.rstrip(b"\0")),
            (info.nonce + uncounted, info.balance, code.rstrip(b"\0")),
        )
        compared[f"storage of {name}"] = (
            [state.storage(number, key) for key in range(4)],
            [run.evm.storage(name, key) for key in range(4)],
        )
    found += [
        f"{what}: {ours}, but {theirs}"
        for what, (ours, theirs) in compared.items()
        if ours != theirs
    ]
    return [each for each in found if each]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
@settings(max_examples=program_count() // PARTS)
@given(seed=seeds, statements=lengths)
def test_programs_do_what_they_do_in_revm(part, seed, statements):
    random = Random(f"{part} {seed}")
    case = random_case(random, statements)
    assert differences(case, tracing=random.random() < traced_share()) == []
