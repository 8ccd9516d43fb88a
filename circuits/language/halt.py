"""Exceptional halts: steps that end their frame, burn its gas and undo what it did.

Several may be provable of one state: that is harmless, as all have the same effect.  What must not
overlap is success and halt; each gadget says why they do not.
"""

from __future__ import annotations

from circuits.buses import ENDED
from circuits.language.builder import Builder
from circuits.language.step import Next, StepGadget
from zkevm.plonkish.expression import Expr


class ExceptionalHalt(StepGadget):
    """What all exceptional halts share: no gas is handed back, and no data."""

    def halt(self, c: Builder, opcode: Expr | int, jumpdest: Expr | int = 0) -> Next:
        """Leave the token of the frame's end.  The opcode at pc is `opcode`."""
        failed = (self.frame, self.clock + 1, 0, 0, 0, 0, 0)
        c.send(ENDED, self.real, *failed, self.undo, self.journal)
        return Next(opcode=opcode, gas=0, ends=True, jumpdest=jumpdest)
