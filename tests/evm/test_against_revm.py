"""Random programs, step by step against revm.

In Cancun: the revm that PyPI has dates from before the final rules of later forks.
"""

import io
import json
from contextlib import redirect_stdout, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.cases import case_of
from tests.support.programs import programs
from zkevm.evm.execute import Execution
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.statetest import TestCase
from zkevm.trace.eip3155 import lines
from zkevm.trace.recorder import record

pyrevm = pytest.importorskip("pyrevm")


def address(number: int) -> str:
    return f"0x{number:040x}"


def run_revm(case: TestCase) -> tuple[list[dict], int, bool]:
    """Return revm's steps, gas used and success."""
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
        tracing=True,
        spec_id=case.fork.name.upper(),
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
    steps = [json.loads(line) for line in output.getvalue().splitlines()]
    return steps[:-1], evm.result.gas_used, evm.result.is_success


def run_ours(case: TestCase) -> tuple[list[dict], Execution]:
    execution, trace = record(case)
    return [json.loads(line) for line in lines(trace, 0)][:-1], execution


@given(
    codes=st.tuples(programs, programs, programs),
    gas_limit=st.sampled_from([30_000, 60_000, 200_000, 1_000_000, 5_000_000]),
    value=st.sampled_from([0, 1]),
    data=st.binary(max_size=70),
)
def test_every_step_is_revms(codes, gas_limit, value, data):
    case = case_of(CANCUN, codes, gas_limit=gas_limit, value=value, data=data)
    theirs, gas_used, success = run_revm(case)
    ours, execution = run_ours(case)
    for mine, revm in zip(ours, theirs, strict=False):
        assert (mine["pc"], mine["op"], mine["gas"], mine["depth"], mine["stack"]) == (
            revm["pc"],
            revm["op"],
            revm["gas"],
            revm["depth"],
            revm["stack"],
        )
    assert len(ours) == len(theirs)
    assert execution.receipt.gas_used == gas_used
    assert execution.receipt.success == success
