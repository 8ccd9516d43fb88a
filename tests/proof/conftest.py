"""Proofs that several modules alter."""

import pytest

from tests.support import toy
from tests.support.tampering import M


@pytest.fixture(scope="module", params=[toy.prove_toy, toy.prove_split], ids=["one", "two"])
def case(request):
    """A proof of one segment, and of two."""
    case = request.param(M)
    case.verify()
    return case
