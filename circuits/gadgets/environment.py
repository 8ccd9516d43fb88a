"""ADDRESS, CALLER, ORIGIN, COINBASE and their like: the frame, the transaction, the block.

Relation.  The opcode pushes the value that `env` states: for the frame under the frame's id, for
           the block under 0.  No opcode is stated under both, so `of_frame` cannot be chosen.
"""

import numpy as np

from circuits.buses import ENV
from circuits.language import (
    Bit,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Next,
    StepGadget,
    Steps,
    Witness,
)
from zkevm.evm import gas
from zkevm.evm.opcodes import Op

OF_FRAME = (
    Op.ADDRESS,
    Op.ORIGIN,
    Op.CALLER,
    Op.CALLVALUE,
    Op.CALLDATASIZE,
    Op.CODESIZE,
    Op.GASPRICE,
)
OF_BLOCK = (
    Op.COINBASE,
    Op.TIMESTAMP,
    Op.NUMBER,
    Op.PREVRANDAO,
    Op.GASLIMIT,
    Op.CHAINID,
    Op.BASEFEE,
    Op.BLOBBASEFEE,
)


class Environment(StepGadget):
    """All opcodes that push a value of the frame, the transaction or the block."""

    name = "environment"
    opcodes = OF_FRAME + OF_BLOCK

    of_frame = Bit()
    opcode = Cell(ColumnType.U8)
    value = Halves()

    def constrain(self, c: Builder) -> Next:
        c.request(ENV, self.real, self.of_frame * self.frame, self.opcode, *self.value)
        return Next(opcode=self.opcode, gas=gas.BASE, push=self.value)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.of_frame] = np.isin(s.opcode, OF_FRAME)
        w[self.opcode] = s.opcode
        w[self.value] = s.written()
