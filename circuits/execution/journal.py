"""Journal entries: refund counter, number of logs, number of destroyed accounts, by id.

A row that changes one of them makes a new entry, whose id is its clock (GADGETS.md section 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from circuits.execution.schedule import Schedule, newly_destroyed
from circuits.execution.tokens import I64, U64
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import Trace


class Entries(NamedTuple):
    """The counters of some entries: refund, logs, accounts destroyed."""

    refund: I64
    logs: I64
    destroyed: I64


@dataclass(frozen=True)
class Journal:
    """Entries in the order of their ids."""

    id: U64
    refund: I64
    logs: I64
    destroyed: I64

    def find(self, ids: U64) -> Entries:
        """The entries with these ids."""
        place = np.searchsorted(self.id, ids)
        return Entries(self.refund[place], self.logs[place], self.destroyed[place])


def journal(trace: Trace, schedule: Schedule, first_refund: int) -> Journal:
    """The entry that the transaction begins with, and one for each row that changes something.

    The trace counts the refund of the steps alone: `first_refund` is that of authorizations.
    """
    entries = {schedule.begin: (first_refund, 0, 0)}
    refunds = dict(zip(trace.refunds.row.tolist(), trace.refunds.value.tolist(), strict=True))
    op = trace.rows.op
    logging = (op >= Op.LOG0) & (op <= Op.LOG4) & ~schedule.halted
    changing = logging.copy()
    inside = (trace.refunds.row >= 0) & (trace.refunds.row < len(op))
    changing[trace.refunds.row[inside]] = True
    destroying = np.zeros_like(logging)
    destroying[newly_destroyed(trace)] = True
    for row in np.flatnonzero(changing | destroying).tolist():
        refund, logs, destroyed = entries[int(schedule.journal[row])]
        if logging[row]:
            logs += 1
        elif destroying[row]:
            destroyed += 1
        else:
            refund = first_refund + refunds[row]
        entries[int(schedule.clock[row])] = (refund, logs, destroyed)
    columns = np.array(list(entries.values()), np.int64).T
    return Journal(np.array(list(entries), np.uint64), *columns)
