"""Steps that end a frame which creates a contract."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from circuits.buses import FRAME_END
from circuits.execution.schedule import CREATES
from circuits.execution.steps import Steps
from circuits.language.builder import Builder
from circuits.language.columns import Bit
from circuits.language.step import StepGadget
from circuits.language.witness import Witness
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import Expr
from zkevm.trace.trace import FrameKind


class CreatingFrame(StepGadget):
    """A step that looks up that its frame creates."""

    opcodes = (Op.RETURN,)

    is_root = Bit()

    def accepts(self, s: Steps) -> NDArray[np.bool_]:
        return np.isin(s.trace.frames.kind[s.frame_index], CREATES)

    def look(self, c: Builder, success: Expr | int, eor: Expr) -> None:
        """The frame is one of a creation, nested or that of a transaction."""
        root = FrameKind.ROOT_CREATE - FrameKind.CREATE
        kind = FrameKind.CREATE * self.real + root * self.is_root
        c.require_zero("a root is real", self.is_root * (1 - self.real))
        c.request(FRAME_END, self.real, self.frame, kind, success, eor)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.is_root] = s.trace.frames.kind[s.frame_index] == FrameKind.ROOT_CREATE
