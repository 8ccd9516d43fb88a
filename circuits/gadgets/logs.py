"""LOG0 to LOG4.

Relation.  Charges 375 and as much again a topic, 8 a byte, and growth of memory; forbidden in a
           static frame.  The number of logs goes up by one.  In a frame that is kept the log is
           emitted: address, topics and length to the `log` bus, the bytes to a stream of lanes; the
           verifier takes them.
Argument.  A log's number is the count of the journal entry in force, which a failing frame
           restores: numbers of emitted logs are dense and in order.
"""

import numpy as np

from circuits.buses import COPY, LOG, LOG_STREAM, LOG_STREAM_SCOPE, CopyKind
from circuits.language import (
    Builder,
    Growth,
    MemoryRange,
    Next,
    OneHot,
    Peeked,
    Plan,
    Popped,
    StepGadget,
    Steps,
    Witness,
    range_end,
    total,
)
from circuits.language.copying import request_copy
from circuits.language.journal import JournalChange
from circuits.language.state import FrameSelf
from zkevm.evm import gas
from zkevm.evm.opcodes import Op

TOPICS = 4


class Log(StepGadget):
    """All five."""

    name = "log"
    opcodes = (Op.LOG0, Op.LOG1, Op.LOG2, Op.LOG3, Op.LOG4)

    topics = OneHot(TOPICS + 1)  # how many
    offset = Popped()
    size = Popped()
    topic0 = Peeked()
    topic1 = Peeked()
    topic2 = Peeked()
    topic3 = Peeked()
    data = MemoryRange(offset, size)
    growth = Growth(data.end)
    context = FrameSelf(writes=True)
    entry = JournalChange()

    def constrain(self, c: Builder) -> Next:
        count = self.topics.select(range(TOPICS + 1))
        kept = 1 - self.context.undone
        scope, number = self.context.scope, self.entry.logs
        self.context.use(c, self.frame)
        journal = self.entry.use(c, self.real, self.journal, self.clock, logs=1)
        head = count + 8 * self.size.lo
        c.send(LOG, self.real * kept, scope, number, 0, self.context.address, head, label="emit")
        for k, topic in enumerate(self.peeked()):
            has = total(self.topics.cells[k + 1 :])
            topic.receive(c, has, self.frame, self.sp - 3 - k, self.clock)
            words = (topic.lo, topic.hi)
            c.send(LOG, has * kept, scope, number, k + 1, *words, label=f"emit topic {k}")
        stream = LOG_STREAM + LOG_STREAM_SCOPE * scope + number
        c.send(
            COPY,
            self.data.some(c) * kept,
            *(self.clock, CopyKind.MEMORY, self.frame, self.data.start, self.data.end),
            *(CopyKind.LANES, stream, 0, self.size.lo, 0, 0),
        )
        return Next(
            opcode=self.real * Op.LOG0 + count,
            gas=gas.LOG
            + gas.LOG_TOPIC * count
            + gas.LOG_DATA_BYTE * self.size.lo
            + self.growth.cost,
            sp=self.sp - 2 - count,
            msize=self.growth.msize,
            journal=journal,
        )

    def plan(self, s: Steps, plan: Plan) -> None:
        size, index = s.pop(1)[:, 0], s.pop(0)[:, 0]
        number = s.execution.journal.find(s.journal).logs
        first = LOG_STREAM + LOG_STREAM_SCOPE * s.execution.scope
        stream = number.astype(np.uint64) + np.uint64(first)
        source = (CopyKind.MEMORY, s.frame, index, index + size)
        zero = np.zeros(len(s), np.uint64)
        request_copy(plan, s, source, (CopyKind.LANES, stream, zero), size, ~s.undone)
        self.growth.plan(s, plan, range_end(s.pop(0), s.pop(1)))
        self.entry.plan(plan, s, logs=1)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.topics] = s.opcode - Op.LOG0
        self.data.fill(w, s.pop(0), s.pop(1))
        self.growth.fill(w, s, range_end(s.pop(0), s.pop(1)))
        self.context.fill(w, s)
        self.entry.fill(w, s)
