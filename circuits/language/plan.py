"""What is gathered before any table is filled: accesses to cells, and requests between tables.

Gadgets register the accesses of their rows; then every ledger is solved, which tells each access
the value and the token it receives.  Requests carry the messages of token buses from the table that
sends them to the table that has one row for each.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from circuits.execution.execution import Execution
from circuits.execution.keccak import Sponges
from circuits.execution.level import Level
from circuits.execution.tokens import I64, U64, Access, Ledger
from circuits.language.part import Part
from zkevm.plonkish.table import Bus

T = TypeVar("T")


class Shared:
    """The ledgers of all cells, for the transactions of a statement.

    Keys and values of ledgers are uint64 limbs: a key element that is a word takes four, a value
    cell two (128 bits).
        memory     (frame, index) -> (lo, hi)
        account    (address: 4, field) -> (v0, v1, v2)
        storage    (store, key: 4) -> (value lo, hi, original lo, hi, warm, scope)
        transient  (store, key: 4) -> (value lo, hi, scope)
        returned   (frame) -> (data frame, offset, length)
    `sponges` are the inputs hashed: who looks a digest up registers its input there.
    """

    def __init__(self, executions: Sequence[Execution]) -> None:
        self.executions = executions
        self.memory = Ledger("memory", 2, 4)
        self.account = Ledger("account", 5, 6)
        self.storage = Ledger("storage", 5, 12)
        self.transient = Ledger("transient", 5, 6)
        self.returned = Ledger("returned", 1, 6, gap_bits=32)
        self.sponges = Sponges()

    def solve(self) -> None:
        """Tell every access what it receives."""
        for ledger in (self.memory, self.account, self.storage, self.transient, self.returned):
            ledger.solve()


class Plan:
    """The accesses and requests of one transaction, and what is shared with the others.

    `executions` are all transactions of the statement, for tables that are filled once.
    """

    def __init__(
        self, execution: Execution, level: Level = Level.S1, shared: Shared | None = None
    ) -> None:
        shared = shared or Shared((execution,))
        self.execution = execution
        self.executions = shared.executions
        self.level = level
        self.memory, self.returned = shared.memory, shared.returned
        self.account, self.storage = shared.account, shared.storage
        self.transient, self.sponges = shared.transient, shared.sponges
        self._accesses: dict[tuple[object, Part], Access] = {}
        self._inputs: dict[tuple[object, Part], list[bytes | None]] = {}
        self._requests: dict[Bus, list[tuple[NDArray[Any], ...]]] = defaultdict(list)
        self._shared: dict[object, object] = {}

    def access(
        self,
        owner: object,
        part: Part,
        ledger: Ledger,
        keys: U64,
        clock: U64,
        new: U64 | None = None,
        where: NDArray[np.bool_] | None = None,
        writes: NDArray[np.bool_] | None = None,
    ) -> None:
        """Register the accesses of `part` by the rows of `owner` (a gadget).

        All arrays have an entry for each row of the gadget.  `where` selects rows (default: all);
        those of `writes` (default: all, if there is a `new`) set the cell to `new`.
        """
        rows: I64 = np.flatnonzero(where) if where is not None else np.arange(len(clock))
        chosen = None if new is None else new[rows]
        writing = None if writes is None else writes[rows]
        self._accesses[owner, part] = ledger.add(rows, keys[rows], clock[rows], chosen, writing)

    def accessed(self, owner: object, part: Part) -> Access | None:
        """The registered accesses of a part."""
        return self._accesses.get((owner, part))

    def hash(self, owner: object, part: Part, inputs: list[bytes | None]) -> None:
        """Register what `part` hashes in the rows of `owner` (None where it does not)."""
        for data in inputs:
            if data:
                self.sponges.identify(data)
        self._inputs[owner, part] = inputs

    def hashed(self, owner: object, part: Part) -> list[bytes | None] | None:
        """The registered inputs of a part."""
        return self._inputs.get((owner, part))

    def request(self, bus: Bus, *message: NDArray[Any]) -> None:
        """Record messages on a token bus, an array an element, for the table that takes them."""
        self._requests[bus].append(message)

    def requests(self, bus: Bus) -> list[NDArray[Any]]:
        """The messages recorded for a bus, an array an element (empty if there are none)."""
        found = self._requests[bus]
        if not found:
            return [np.zeros(0, np.uint64) for _ in bus.fields]
        return [np.concatenate([m[i] for m in found]) for i in range(len(found[0]))]

    def shared(self, make: Callable[[Plan], T]) -> T:
        """What several tables work on, made once."""
        if make not in self._shared:
            self._shared[make] = make(self)
        return cast("T", self._shared[make])


def keys(*elements: NDArray[Any] | int) -> U64:
    """Key elements side by side: numbers (n,) take a limb, words four; scalars are repeated."""
    arrays = [np.asarray(e) for e in elements]
    n = max(len(a) for a in arrays if a.ndim)
    columns = [
        np.full((n, 1), a) if not a.ndim else a[:, None] if a.ndim == 1 else a for a in arrays
    ]
    return np.concatenate([c.astype(np.uint64) for c in columns], axis=1)


def values(*cells: NDArray[Any] | int) -> U64:
    """Value cells side by side: numbers take two limbs (the upper 0), words four: two cells."""
    arrays = [np.asarray(c) for c in cells]
    n = max((len(a) for a in arrays if a.ndim), default=1)
    columns = []
    for a in arrays:
        if a.ndim == 2:
            columns.append(a.astype(np.uint64))
        else:
            number = np.broadcast_to(a, (n,)).astype(np.uint64)
            columns.append(np.stack([number, np.zeros_like(number)], axis=1))
    return np.concatenate(columns, axis=1)
