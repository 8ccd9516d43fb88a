"""How much of its statement a proof says by itself."""

from enum import IntEnum


class Level(IntEnum):
    """What is proven inside; what is not is stated."""

    S1 = 1  # the execution: codes are stated byte by byte
    S2 = 2  # and the codes: the hashes of accounts are those of the codes that run
