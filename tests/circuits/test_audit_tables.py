"""The witness audit on every table: what padding says, and holes."""

import pytest

from circuits.audit.attack import padding_holes
from circuits.audit.samples import relations
from circuits.audit.suite import is_small

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
