"""Code hashes and balances over time: steps change them, and failing frames undo that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from zkevm.trace.trace import StateEventKind, Trace
from zkevm.trace.words import ints_from_words


class History:
    """One field of each touched account before each row of a trace.

    A change by row r has the moment 2 r; a nested frame that fails with row r restores at 2 r + 1
    what was there before the row that opened it.
    """

    def __init__(self, trace: Trace, kind: StateEventKind, first: Mapping[int, int]) -> None:
        self._first = first
        self._changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        state, frames = trace.state, trace.frames
        chosen = np.flatnonzero(state.kind == kind)
        rows = state.row[chosen]
        addresses, values = (ints_from_words(w[chosen]) for w in (state.address, state.new))
        for address, row, value in zip(addresses, rows.tolist(), values, strict=True):
            self._changes[address].append((2 * row, value))
        failed = np.flatnonzero((frames.success == 0) & (frames.parent >= 0))
        for frame in failed[np.argsort(frames.end_row[failed])].tolist():
            opened, ended = int(frames.call_row[frame]), int(frames.end_row[frame])
            inside = np.flatnonzero((rows >= opened) & (rows <= ended)).tolist()
            for address in {addresses[i] for i in inside}:
                self._changes[address].append((2 * ended + 1, self.before(address, opened)))

    def before(self, address: int, row: int) -> int:
        """The value before a row; BEGIN: before the transaction, 0: when its lists are done."""
        earlier = [change for change in self._changes.get(address, ()) if change[0] < 2 * row]
        # of changes at one moment the last one counts: max finds the first, so look backwards
        latest = max(reversed(earlier), key=lambda change: change[0], default=None)
        return self._first[address] if latest is None else latest[1]


def code_history(trace: Trace) -> History:
    """Of code hashes."""
    first = {a: account.code_hash for a, account in trace.pre.accounts.items()}
    return History(trace, StateEventKind.CODE, first)


def balance_history(trace: Trace) -> History:
    """Of balances."""
    first = {a: account.balance for a, account in trace.pre.accounts.items()}
    return History(trace, StateEventKind.BALANCE, first)
