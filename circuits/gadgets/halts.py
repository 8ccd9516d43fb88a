"""Exceptional halts that any opcode may meet, and jumps to where no JUMPDEST is.

Relation.  An opcode that the fork does not have; a stack too low or too high for the opcode; less
           gas than the opcode costs whatever its operands; a destination past the end of the code,
           or not at a JUMPDEST instruction.
Argument.  The success of none of these can be proven: no gadget has the opcode; no token is below
           index 0, and a push looks its index up; a negative gas ends by an exceptional halt; the
           code table says one thing of each place.
"""

import numpy as np

from circuits.buses import CODE_LENGTH, FETCH, OPCODE
from circuits.execution.tokens import Mask
from circuits.language import (
    U16,
    Bit,
    Builder,
    Cell,
    ColumnType,
    Next,
    Popped,
    Steps,
    Witness,
    word,
)
from circuits.language.arrays import Array, extend, signed_field
from circuits.language.compare import IsZeroWord, LessWord, less_than
from circuits.language.halt import ExceptionalHalt
from zkevm.evm.opcodes import ARITY, PUSH_DATA, Op, max_stack, min_stack
from zkevm.trace.trace import Halt

ANY = tuple(range(256))


class AnyOpcode(ExceptionalHalt):
    """What halts of any opcode share: the opcode with what is fixed for it."""

    opcodes = ANY

    opcode = Cell(ColumnType.U8)
    jumpdest = Cell(ColumnType.BIT)
    min_sp = Cell(ColumnType.U16)
    max_sp = Cell(ColumnType.U16)
    fixed_gas = Cell(ColumnType.U16)

    def look(self, c: Builder, valid: int) -> Next:
        """Look the opcode up, valid or not, and halt."""
        fixed = (self.min_sp, self.max_sp, self.fixed_gas)
        c.request(OPCODE, self.real, self.opcode, valid, *fixed)
        return self.halt(c, self.opcode, self.jumpdest)

    def fill(self, w: Witness, s: Steps) -> None:
        w[self.opcode] = s.opcode
        w[self.jumpdest] = s.opcode == Op.JUMPDEST
        w[self.min_sp] = MIN_SP[s.opcode]
        w[self.max_sp] = MAX_SP[s.opcode]
        w[self.fixed_gas] = FIXED_GAS[s.opcode]


def _by_opcode(values: dict[Op, int]) -> Array:
    return np.array([values[Op(byte)] if byte in ARITY else 0 for byte in range(256)], np.int64)


MIN_SP = _by_opcode({op: min_stack(op) for op in ARITY})
MAX_SP = _by_opcode({op: max_stack(op) for op in ARITY})
FIXED_GAS = _by_opcode({op: arity.fixed_gas for op, arity in ARITY.items()})


class InvalidOpcode(AnyOpcode):
    """INVALID, or an opcode that the fork does not have."""

    name = "invalid_opcode"
    halts = (Halt.INVALID_OPCODE,)

    def constrain(self, c: Builder) -> Next:
        return self.look(c, valid=0)


class StackHeight(AnyOpcode):
    """A stack with fewer operands than the opcode takes, or without room for what it leaves."""

    name = "stack_height"
    halts = (Halt.STACK_UNDERFLOW, Halt.STACK_OVERFLOW)

    overflows = Bit()
    excess = U16()

    def constrain(self, c: Builder) -> Next:
        missing = self.min_sp - self.sp
        beyond = self.sp - self.max_sp
        excess = missing + self.overflows * (beyond - missing) - self.real
        c.require_equal("the stack is too low or too high", self.excess, excess)
        return self.look(c, valid=1)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        height = s.sp.astype(np.int64)
        overflows = height > MAX_SP[s.opcode]
        beyond = np.where(overflows, height - MAX_SP[s.opcode], MIN_SP[s.opcode] - height)
        w[self.overflows] = overflows
        w[self.excess] = signed_field(beyond - 1)


class FixedGas(AnyOpcode):
    """Less gas than the opcode costs at least."""

    name = "fixed_gas"
    halts = (Halt.OUT_OF_GAS,)

    shortfall = U16()

    def accepts(self, s: Steps) -> Mask:
        return np.asarray(s.gas < FIXED_GAS[s.opcode].astype(np.uint64))

    def constrain(self, c: Builder) -> Next:
        missing = self.fixed_gas - self.gas - self.real
        c.require_equal("gas is short of the fixed cost", self.shortfall, missing)
        return self.look(c, valid=1)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.shortfall] = signed_field(FIXED_GAS[s.opcode] - s.gas.astype(np.int64) - 1)


class InvalidDestination(ExceptionalHalt):
    """What JUMP and JUMPI share: a destination that is none."""

    halts = (Halt.INVALID_JUMP,)

    destination = Popped()
    length = Cell(ColumnType.U32)
    before_end = LessWord()  # the destination and the length
    byte = Cell(ColumnType.U8)
    instruction = Cell(ColumnType.BIT)

    def look(self, c: Builder) -> None:
        """The destination is past the end, or the code has no JUMPDEST there."""
        c.request(CODE_LENGTH, self.real, self.code, self.length)
        self.before_end.use(c, self.destination.expr, word(self.length))
        inside = self.real * self.before_end.bit
        place = (self.code, self.destination.lo, self.byte, self.instruction, 0)
        c.request(FETCH, inside, *place, label="no JUMPDEST")

    def fill(self, w: Witness, s: Steps) -> None:
        codes = [*s.trace.codes, b""]
        used = [codes[i] for i in s.trace.frames.code[s.frame_index]]
        length = np.array([len(code) for code in used], np.uint64)
        inside = less_than(s.pop(0), extend(length))
        places = np.where(inside, s.pop(0)[:, 0], 0).astype(np.int64).tolist()
        found = [code[at] if ok else 0 for code, at, ok in zip(used, places, inside, strict=True)]
        starts = [
            ok and is_instruction(c, at) for c, at, ok in zip(used, places, inside, strict=True)
        ]
        w[self.length] = length
        self.before_end.fill(w, s.pop(0), extend(length))
        w[self.byte] = np.array(found)
        w[self.instruction] = np.array(starts)


def is_instruction(code: bytes, place: int) -> bool:
    """Whether an instruction begins at a place of a code: else it is data of a PUSH."""
    at = 0
    while at < place:
        at += 1 + PUSH_DATA[code[at]]
    return at == place


class InvalidJump(InvalidDestination):
    """JUMP to where no JUMPDEST is."""

    name = "invalid_jump"
    opcodes = (Op.JUMP,)

    def constrain(self, c: Builder) -> Next:
        self.look(c)
        return self.halt(c, Op.JUMP)


class InvalidJumpi(InvalidDestination):
    """JUMPI, its condition met, to where no JUMPDEST is."""

    name = "invalid_jumpi"
    opcodes = (Op.JUMPI,)

    condition = Popped()
    refused = IsZeroWord()

    def constrain(self, c: Builder) -> Next:
        self.look(c)
        self.refused.test(c, self.condition.expr)
        c.require_zero("the condition is met", self.refused.bit)
        return self.halt(c, Op.JUMPI)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.refused] = s.pop(1)
