"""What the transactions of a statement have in common, and what each leaves to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from circuits.execution.schedule import BEGIN_CLOCK
from circuits.execution.tokens import U64
from zkevm.trace.trace import AccountState, Trace


@dataclass(frozen=True)
class Carried:
    """What the transactions of a statement leave to the next.

    scope, clock    of the next one
    logs            emitted so far
    stores          of every account that any of the transactions touches
    created         the scope that created an account last, of those created so far
    with_storage    the accounts that had storage before the first transaction
    """

    scope: int
    clock: int
    logs: int
    stores: Mapping[int, int]
    created: Mapping[int, int]
    with_storage: frozenset[int]


def first_carried(traces: Sequence[Trace]) -> Carried:
    """What the first transaction begins with.

    The stores of the touched accounts, in rising order of address, are twice their places.
    """
    first = first_found(traces)
    return Carried(
        scope=1,
        clock=BEGIN_CLOCK,
        logs=0,
        stores={address: 2 * place for place, address in enumerate(sorted(first), 1)},
        created={},
        with_storage=frozenset(a for a, account in first.items() if account.has_storage),
    )


def new_stores(clock: U64) -> U64:
    """The stores of accounts that are cleared at these clocks: odd, and unique."""
    return np.uint64(2) * clock + np.uint64(1)


def first_found(traces: Sequence[Trace]) -> dict[int, AccountState]:
    """What the first of the transactions that touches an account finds of it."""
    found: dict[int, AccountState] = {}
    for trace in reversed(traces):
        found |= trace.pre.accounts
    return found


def with_common_codes(traces: Sequence[Trace]) -> list[Trace]:
    """The same traces, with one list of all codes."""
    if len(traces) == 1:
        return list(traces)
    hashes = {c: h for t in traces for c, h in zip(t.codes, t.code_hashes, strict=True)}
    places = {code: place for place, code in enumerate(hashes)}
    codes, code_hashes = tuple(hashes), np.array(list(hashes.values()), np.uint64).reshape(-1, 4)
    found = []
    for trace in traces:
        own = np.array([*(places[code] for code in trace.codes), -1], np.int32)
        frames = replace(trace.frames, code=own[trace.frames.code])
        found.append(replace(trace, codes=codes, code_hashes=code_hashes, frames=frames))
    return found
