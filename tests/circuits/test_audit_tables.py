"""The witness audit on every table: what padding says, and holes."""

import pytest

from circuits.audit.attack import padding_holes
from circuits.audit.buses import GUARANTEES
from circuits.audit.redundant import is_told
from circuits.audit.samples import relations
from circuits.audit.suite import is_small
from circuits.execution.precompiles import LENGTHS, PRICES

FORK = "Osaka"
RELATIONS = relations(FORK)
PADDED = [name for name, r in RELATIONS.items() if is_small(r) and r.table.height is None]


@pytest.mark.parametrize("name", PADDED)
def test_padding_says_nothing(name):
    """From the row of zeros no message can be made: what is looked up on real rows is free here.

    A step that follows a delegation, which is looked up where `real` is 1, has to be real itself:
    else a row of padding touches any account at any time.
    """
    assert padding_holes(RELATIONS[name]) == []


@pytest.mark.parametrize(
    ("name", "field"),
    [("enter_plain", "byte"), ("enter_create", "lane"), ("return_code", "success")],
)
def test_a_bit_that_is_told(monkeypatch, name, field):
    """`real` is 0 or 1 because of what real rows are told; larger numbers would leave it others."""
    relation = RELATIONS[name]
    item = [i.label for i in relation.items].index("real is a bit")
    assert is_told(relation, item)
    monkeypatch.setitem(GUARANTEES, field, 4 * GUARANTEES[field])
    assert not is_told(relation, item)


def test_the_last_address_is_above_the_sum_of_all_others():
    """For which a review says that the bit of the last price is redundant."""
    others = [price.address for price in PRICES[:-1]] + [address for address, _ in LENGTHS]
    assert sum(others) < PRICES[-1].address
    assert len(PRICES) == 12
