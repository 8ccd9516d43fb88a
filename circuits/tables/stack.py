"""What the stack bus needs besides steps: draining what nobody takes, and bridging long gaps.

Relation.  `drain_stack` receives a token and sends nothing: a token that is still needed cannot be
           replaced, so dropping one can only make a trace unprovable.
           `refresh_stack` moves a token to a later clock, changing nothing else.
"""

from circuits.buses import STACK
from circuits.execution.stack import StackRefreshes, StackTokens
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Plan,
    TableGadget,
    Uint,
    Witness,
)


class DrainStack(TableGadget[range]):
    """A row for each word left on a stack at the end of its frame, or never read again."""

    name = "drain_stack"

    real = Bit()
    frame = Cell(ColumnType.U64)
    index = Cell(ColumnType.U16)
    word = Halves()
    clock = Cell(ColumnType.U64)

    def constrain(self, c: Builder) -> None:
        c.receive(STACK, self.real, self.frame, self.index, self.word.lo, self.word.hi, self.clock)

    def collect(self, plan: Plan) -> range:
        return range(len(plan.execution.operands.left.row))

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        left: StackTokens = plan.execution.operands.left
        schedule = plan.execution.schedule
        w[self.real] = 1
        w[self.frame] = schedule.frame_id[left.frame]
        w[self.index] = left.index
        w[self.word] = left.word
        w[self.clock] = schedule.clock[left.row]


class RefreshStack(TableGadget[range]):
    """A row for each read of a stack word written 2^16 ticks before or more."""

    name = "refresh_stack"

    real = Bit()
    frame = Cell(ColumnType.U64)
    index = Cell(ColumnType.U16)
    word = Halves()
    clock = Cell(ColumnType.U64)
    gap = Uint(32)

    def constrain(self, c: Builder) -> None:
        cell = (self.frame, self.index, self.word.lo, self.word.hi)
        c.receive(STACK, self.real, *cell, self.clock)
        c.send(STACK, self.real, *cell, self.clock + 1 + self.gap.value)

    def collect(self, plan: Plan) -> range:
        return range(len(plan.execution.stack_refreshes.old))

    def fill(self, w: Witness, record: range, plan: Plan) -> None:
        found: StackRefreshes = plan.execution.stack_refreshes
        w[self.real] = 1
        w[self.frame] = found.frame
        w[self.index] = found.index
        w[self.word] = found.word
        w[self.clock] = found.old
        w[self.gap] = found.new - found.old - 1
