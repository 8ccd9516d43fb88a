"""What is fixed for each opcode: whether the fork has it, its stack heights, its fixed gas."""

from circuits.buses import OPCODE
from circuits.language import Builder, Cell, ColumnType, Fixed
from circuits.tables.ranges import FixedTable
from zkevm.evm.fork import Fork
from zkevm.evm.opcodes import ARITY, Op, max_stack, min_stack
from zkevm.plonkish.expression import Expr
from zkevm.plonkish.fixed import Listed, RowBits, RowIsOneOf

KNOWN = [Op(byte) if byte in ARITY else None for byte in range(256)]
ALWAYS = frozenset(ARITY) - {Op.INVALID, Op.CLZ}


class Opcodes(FixedTable):
    """(opcode, whether it is valid, least and greatest height of the stack, fixed gas).

    The fixed gas is the least that any execution of the opcode costs.
    """

    name = "opcodes"
    height = 8

    count = Cell(ColumnType.U32)
    opcode = Fixed(RowBits("", 0, 8))
    valid = Fixed(Listed("", [int(byte in ALWAYS) for byte in range(256)]))
    is_clz = Fixed(RowIsOneOf("", (Op.CLZ,)))  # EIP-7939
    min_sp = Fixed(Listed("", [0 if op is None else min_stack(op) for op in KNOWN]))
    max_sp = Fixed(Listed("", [0 if op is None else max_stack(op) for op in KNOWN]))
    gas = Fixed(Listed("", [0 if op is None else ARITY[op].fixed_gas for op in KNOWN]))

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    def constrain(self, c: Builder) -> None:
        valid: Expr = self.valid.column
        if Op.CLZ in self.fork.instructions:
            valid = valid + self.is_clz.column
        if frozenset(self.fork.instructions) - {Op.INVALID, Op.CLZ} != ALWAYS:
            raise ValueError(f"{self.fork.name} differs from other forks by more than CLZ")
        bounds = (self.min_sp.column, self.max_sp.column, self.gas.column)
        c.provide(OPCODE, c.real, self.count, self.opcode.column, valid, *bounds)
