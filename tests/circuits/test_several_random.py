"""Random transactions of all types that follow one another: all buses balance."""

from itertools import groupby
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circuits.execution.level import Level
from circuits.machine import cells, fill
from circuits.statement import statement
from tests.support.cases import BLOCK_HASHES, ETHER
from tests.support.programs import CONTRACTS, random_program, seeds
from tests.support.random_transactions import AUTHORITIES, SENDER, Chooser
from tests.support.transactions import traces_of
from zkevm.errors import NotProvableError
from zkevm.evm.code import Code
from zkevm.evm.forks import FORKS
from zkevm.evm.state import Account
from zkevm.plonkish import kernels

MOST_STEPS = 5_000
MOST_TRANSACTIONS = 8


def examples():
    """How many blocks to check, by the profile."""
    return {"ci": 100, "nightly": 3_000}.get(settings.get_current_profile_name(), 15)


def random_traces(random, fork):
    """The traces of those transactions of a random block that are valid."""
    chooser = Chooser(random, fork)
    accounts = {SENDER: Account(0, ETHER), AUTHORITIES[0]: Account(0, 1, chooser.code())}
    for address in CONTRACTS:
        storage = {key: value for key in range(4) if (value := random.randrange(3))}
        program = random_program(random, random.randrange(1, 10))
        accounts[address] = Account(1, ETHER, Code(program), storage)
    count = random.randrange(2, MOST_TRANSACTIONS)
    return traces_of(
        (chooser.transaction(nonce) for nonce in range(count)),
        accounts,
        fork.name,
        skip_invalid=True,
        number=100,
        block_hashes=BLOCK_HASHES,
        base_fee=7,
        coinbase=random.choice((0xCC, SENDER, CONTRACTS[0])),
    )


def is_provable(trace):
    """Whether there is neither a precompile in the way nor too long a loop."""
    try:
        return len(trace.rows) <= MOST_STEPS and bool(fill(trace))
    except NotProvableError as error:
        if "precompile" not in str(error) and "2^128" not in str(error):
            raise
        return False


@pytest.mark.slow
@given(seeds, st.sampled_from(list(FORKS.values())), st.sampled_from(Level))
@settings(max_examples=examples(), deadline=None)
def test_random_transactions_balance(seed, fork, level):
    for provable, run in groupby(random_traces(Random(seed), fork), is_provable):
        if provable:
            filled = fill(list(run), level)
            tables, stated = cells(filled), statement(filled)
            stated.check()
            assert kernels.violations(tables) == []
            assert kernels.imbalances(tables, stated.messages()) == []
