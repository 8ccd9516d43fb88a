"""The state events of a trace, found by the row that made them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from circuits.execution.tokens import I64, Mask
from zkevm.trace.trace import StateEventKind, Trace
from zkevm.trace.words import Words


@dataclass(frozen=True)
class Events:
    """One event for each of some rows; zeros where a row has none (`present`)."""

    present: Mask
    address: Words
    key: Words
    old: Words
    new: Words
    original: Words


def events_at(trace: Trace, rows: I64, kind: StateEventKind, k: int = 0) -> Events:
    """The k-th event of a kind of each row (rows may be BEGIN, or the number of rows: the end)."""
    state = trace.state
    of_kind = np.flatnonzero(state.kind == kind)
    owner = state.row[of_kind]
    at = np.searchsorted(owner, rows) + k
    present = at < len(owner)
    present[present] = owner[at[present]] == rows[present]
    chosen = of_kind[at[present]]

    def take(column: Words) -> Words:
        out = np.zeros((len(rows), 4), np.uint64)
        out[present] = column[chosen]
        return out

    columns = (state.address, state.key, state.old, state.new, state.original)
    return Events(present, *map(take, columns))
