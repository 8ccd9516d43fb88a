"""The proof of a USDC transfer: altered in thousands of ways, it is refused every time."""

import pytest

from circuits.machine import circuit
from tests.support.kernels import needs_native
from tests.support.tampering import Case, alterations, assert_rejected, sampled
from tests.support.toy import srs
from zkevm import api

TRANSACTION = "fixtures/transactions/usdc_transfer_22188088_4.json"
SHARES = 4

pytestmark = [needs_native, pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def case(shared):
    proven = api.prove(api.load(shared(TRANSACTION)), srs(13))
    stated = proven.statement
    return Case(circuit(stated.fork), proven.proof, stated.messages(), stated.digest(), proven.srs)


@pytest.mark.parametrize("share", range(SHARES))
def test_altered_proofs(case, share):
    """At least 2,000 alterations, in four parts that can run side by side."""
    total = sum(1 for _ in alterations(case))
    count = 0
    for name, altered in sampled(case, 2200 / total):
        if count % SHARES == share:
            assert_rejected(name, altered)
        count += 1
    assert count >= 2000
