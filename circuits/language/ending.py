"""How a frame ends that does not halt exceptionally."""

from __future__ import annotations

from circuits.buses import ENDED
from circuits.language.builder import Builder
from circuits.language.columns import Uint
from circuits.language.step import StepGadget
from zkevm.plonkish.expression import Expr

GAS_BITS = 64


class End(StepGadget):
    """What all ends but exceptional halts share: the gas handed back is in range."""

    left = Uint(GAS_BITS)

    def end(
        self,
        c: Builder,
        success: int,
        cost: Expr | int = 0,
        data: tuple[Expr | int, Expr | int, Expr | int] = (0, 0, 0),
        writes: Expr | int = 0,
        journal: Expr | None = None,
        ticks: int = 1,
    ) -> None:
        """Leave the token of the frame's end; `writes` are the reversible ones of this step."""
        c.require_equal("gas is left", self.gas - cost, self.left.value)
        c.send(
            ENDED,
            self.real,
            self.frame,
            self.clock + ticks,
            success * self.real,
            self.left.value,
            *data,
            self.undo + writes,
            self.journal if journal is None else journal,
        )
