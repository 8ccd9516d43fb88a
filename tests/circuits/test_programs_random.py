"""Random programs that call each other, precompiles and delegated accounts: all buses balance."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.execution.level import Level
from circuits.machine import cells, fill
from circuits.statement import statement
from tests.support.programs import CONTRACTS, random_program, seeds
from tests.support.transactions import trace_of
from zkevm.errors import NotProvableError
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.plonkish import kernels

DELEGATED, IDENTITY = 0xDEAD, 4
MOST_STEPS = 5_000
REVERT = bytes((Op.PUSH0, Op.PUSH0, Op.REVERT))


def examples() -> int:
    """How many transactions to check, by the profile."""
    profile = settings.get_current_profile_name()
    return {"ci": 200, "nightly": 5_000}.get(profile, 30)


@pytest.mark.slow
@given(seeds, st.sampled_from(["Cancun", "Prague", "Osaka"]), st.sampled_from(Level))
@settings(max_examples=examples(), deadline=None)
def test_random_programs_balance(seed, fork, level):
    random = Random(seed)

    def code():
        body = random_program(random, random.randrange(1, 10))
        return Code(body + random.choice((b"", REVERT)))

    accounts = {
        address: Account(
            nonce=1,
            balance=random.choice((0, 3, 2**101)),
            code=Code(
                random_program(random, random.randrange(1, 10)) + random.choice((b"", REVERT))
            ),
            storage={1: 1},
        )
        for address in CONTRACTS
    }
    if fork != "Cancun":
        target = random.choice((*CONTRACTS, IDENTITY, DELEGATED))
        accounts[DELEGATED] = Account(code=delegation_to(target))
    trace = trace_of(
        b"",
        to=random.choice((*CONTRACTS, *accounts, IDENTITY)),
        accounts=accounts,
        fork=fork,
        value=random.randrange(2),
        data=random.randbytes(random.randrange(70)),
        gas_limit=random.choice((60_000, 300_000, 2_000_000)),
    )
    if len(trace.rows) > MOST_STEPS:
        return
    try:
        filled = fill(trace, level)
    except NotProvableError as error:
        if "precompile" not in str(error):
            raise
        return
    tables, stated = cells(filled), statement(filled)
    stated.check()
    assert kernels.violations(tables) == []
    assert kernels.imbalances(tables, stated.messages()) == []
