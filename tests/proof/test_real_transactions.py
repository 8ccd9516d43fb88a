"""Transactions of mainnet blocks, proven and verified; in CI one of them."""

import pytest

from tests.support.kernels import needs_native
from tests.support.toy import srs
from zkevm import api
from zkevm.errors import NotProvableError
from zkevm.evm.statetest import load_cases

FOLDER = "fixtures/transactions"
RECOVERS_SIGNATURES = {"eip7702_handleops_24647140_29", "uniswap_v4_swap_24647140_0"}
"""They call ECRECOVER, which is refused by name."""

pytestmark = needs_native


@pytest.fixture(scope="module")
def setup():
    return srs(15)


def prove_and_verify(path, setup):
    (case,) = load_cases(path)
    proven = api.prove(case, setup)
    verified = api.verify(proven.encode(), setup.verifier)
    assert verified.statement == proven.statement


def test_a_transfer_is_proven(shared, setup):
    prove_and_verify(shared(FOLDER) / "pepe_transfer_22188088_11.json", setup)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_transactions_are_proven_or_refused_by_name(shared, setup):
    paths = sorted(shared(FOLDER).glob("*.json"))
    assert {path.stem for path in paths} >= RECOVERS_SIGNATURES
    for path in paths:
        if path.stem in RECOVERS_SIGNATURES:
            with pytest.raises(NotProvableError, match="precompile ECRECOVER"):
                prove_and_verify(path, setup)
        else:
            prove_and_verify(path, setup)
