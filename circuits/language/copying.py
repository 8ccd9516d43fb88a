"""Asking for copies of bytes: `circuits.tables.copy` says what becomes of them."""

from __future__ import annotations

import numpy as np

from circuits.buses import COPY
from circuits.execution.execution import Steps
from circuits.execution.tokens import U64, Mask
from circuits.language.plan import Plan


def request_copy(
    plan: Plan,
    s: Steps,
    source: tuple[int, U64, U64, U64],
    dest: tuple[int, U64, U64],
    size: U64,
    where: Mask | None = None,
) -> None:
    """Ask for the copies of the steps that copy any bytes.

    `source` is kind, id, index and end, `dest` kind, id and index.
    """
    some = size > 0 if where is None else where & (size > 0)
    columns = [
        np.broadcast_to(x, (len(s),)).astype(np.uint64) for x in (*source, *dest, size, 0, 0)
    ]
    plan.request(COPY, s.clock[some], *(column[some] for column in columns))
