"""Transactions of mainnet blocks that follow one another, each run in one statement."""

import pytest

from zkevm import api
from zkevm.errors import NotProvableError

LACKING = 0xC83F7D9F2D4A76E81145849381ABA02602373723
"""An account that the witness of the first block does not reach: it does not exist."""


def excerpt(shared, number, chosen):
    return api.load_excerpt(shared(f"fixtures/mainnet/{number}.json.xz"), chosen, absent=(LACKING,))


def check(shared, number, chosen, level=api.Level.S1):
    found = api.check(excerpt(shared, number, chosen), level)
    assert found.failures == (), found.failures[0].lines()
    said = found.statement
    assert said.index == chosen[0]
    return said


@pytest.mark.parametrize(
    ("number", "chosen"),
    [
        (22188088, range(7, 18)),  # transfers of ether and of tokens
        (22615247, range(6, 21)),  # and one with blobs
        (24647140, range(37, 44)),  # of a fork that changes blob parameters only
    ],
)
def test_a_run_of_transactions(shared, number, chosen):
    said = check(shared, number, chosen)
    assert len(said.transactions) == len(chosen)


def test_the_transaction_that_is_refused_is_named(shared):
    with pytest.raises(NotProvableError, match=r"ECRECOVER called by .* in transaction 36"):
        check(shared, 24647140, range(35, 38))


def test_two_runs_meet(shared):
    """The values after the first are those before the second, and so is the gas."""
    first, second = (check(shared, 22188088, each) for each in (range(7, 10), range(10, 13)))
    after = {account.address: account.after for account in first.accounts}
    before = {account.address: account.before for account in second.accounts}
    both = after.keys() & before.keys()
    assert first.block.coinbase in both
    assert all(after[address] == before[address] for address in both)
    used = sum(each.receipt.gas_used for each in first.transactions)
    assert second.gas_before == first.gas_before + used


def test_codes_are_hashed(shared):
    said = check(shared, 22188088, range(9, 13), api.Level.S2)
    assert said.codes == ()
    assert said.hashed_blocks > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("number", "chosen"),
    [
        (22188088, range(28)),
        (22615247, range(26)),
        (24647140, range(1, 12)),
        (24647140, range(37, 60)),
    ],
)
def test_whole_blocks(shared, number, chosen):
    """All transactions of two blocks; of the third, runs that call no precompile."""
    check(shared, number, chosen)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_proof_of_a_whole_block(shared):
    pytest.importorskip("zkevm._native", reason="proving needs the native kernels")
    proven = api.prove(excerpt(shared, 22615247, range(26)))
    said = api.verify(proven.encode(), proven.srs).statement
    assert [each.receipt.success for each in said.transactions].count(True) >= 20
    assert sum(each.receipt.gas_used for each in said.transactions) == 0x1450D5
