"""Code hashes over time: creations and authorizations change them, and failing frames undo that."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from zkevm.trace.trace import StateEventKind, Trace
from zkevm.trace.words import ints_from_words


class CodeHistory:
    """The code hash of each touched account before each row of a trace.

    A change by row r has the moment 2 r; a frame that fails with row r restores at 2 r + 1.
    """

    def __init__(self, trace: Trace) -> None:
        self._first = {a: state.code_hash for a, state in trace.pre.accounts.items()}
        self._changes: dict[int, list[tuple[int, int]]] = defaultdict(list)
        state, frames = trace.state, trace.frames
        chosen = np.flatnonzero(state.kind == StateEventKind.CODE)
        rows = state.row[chosen]
        addresses, hashes = (ints_from_words(w[chosen]) for w in (state.address, state.new))
        for address, row, code_hash in zip(addresses, rows.tolist(), hashes, strict=True):
            self._changes[address].append((2 * row, code_hash))
        failed = np.flatnonzero(frames.success == 0) if len(rows) else rows
        for frame in failed[np.argsort(frames.end_row[failed])].tolist():
            first, last = int(frames.first_row[frame]), int(frames.end_row[frame])
            inside = np.flatnonzero((rows >= first) & (rows <= last)).tolist()
            for address in {addresses[i] for i in inside}:
                self._changes[address].append((2 * last + 1, self.before(address, first)))

    def before(self, address: int, row: int) -> int:
        """The code hash before a row; BEGIN: before the transaction, 0: when its lists are done."""
        earlier = [change for change in self._changes.get(address, ()) if change[0] < 2 * row]
        # of changes at one moment the last one counts: max finds the first, so look backwards
        latest = max(reversed(earlier), key=lambda change: change[0], default=None)
        return self._first[address] if latest is None else latest[1]
