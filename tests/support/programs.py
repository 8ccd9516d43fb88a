"""Random EVM programs: mostly valid by construction, with a share of garbage.

A program has a seed and a number of statements. Hypothesis draws no more than these two: it would
be slow, and repeat itself, in choosing instructions. Where a test fails it finds the first
statement that makes it fail.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeVar

from hypothesis import settings
from hypothesis import strategies as st

from zkevm.evm.opcodes import ARITY, Op

T = TypeVar("T")

CONTRACTS = tuple(0xC0DE00 + number for number in range(3))
"""The accounts that programs are put in, and call."""

SENDER = 0xAAAA00
MEMORY_OPERANDS = {
    Op.MLOAD: (0,),
    Op.MSTORE: (0,),
    Op.MSTORE8: (0,),
    Op.MCOPY: (0, 1, 2),
    Op.KECCAK256: (0, 1),
    Op.CALLDATACOPY: (0, 1, 2),
    Op.CODECOPY: (0, 1, 2),
    Op.EXTCODECOPY: (1, 2, 3),
    Op.RETURNDATACOPY: (0, 1, 2),
    Op.RETURN: (0, 1),
    Op.REVERT: (0, 1),
    Op.LOG0: (0, 1),
    Op.LOG1: (0, 1),
    Op.LOG2: (0, 1),
    Op.LOG3: (0, 1),
    Op.LOG4: (0, 1),
    Op.CREATE: (1, 2),
    Op.CREATE2: (1, 2),
    Op.CALL: (3, 4, 5, 6),
    Op.CALLCODE: (3, 4, 5, 6),
    Op.DELEGATECALL: (2, 3, 4, 5),
    Op.STATICCALL: (2, 3, 4, 5),
}
"""Which operands, from the top, are offsets and lengths of memory."""

CALLS = (Op.CALL, Op.CALLCODE, Op.DELEGATECALL, Op.STATICCALL)
ADDRESS_OPERAND = {
    **dict.fromkeys(CALLS, 1),
    **dict.fromkeys((Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODECOPY, Op.EXTCODEHASH), 0),
    Op.SELFDESTRUCT: 0,
}
VALUE_OPERAND = {Op.CALL: 2, Op.CALLCODE: 2, Op.CREATE: 0, Op.CREATE2: 0}
KEY_OPERAND = dict.fromkeys((Op.SLOAD, Op.SSTORE, Op.TLOAD, Op.TSTORE), 0)

ENDINGS = (Op.RETURN, Op.REVERT, Op.SELFDESTRUCT, Op.INVALID, Op.RETURNDATACOPY)
JUMPS = (Op.JUMP, Op.JUMPI)
PUSHES = range(Op.PUSH1, Op.PUSH32 + 1)
PLAIN = tuple(op for op in ARITY if op not in {Op.STOP, *ENDINGS, *JUMPS, *PUSHES})

INTERESTING = (
    *(0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 2**64 - 1, 2**64, 2**128, 2**160),
    *(2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1, *CONTRACTS, SENDER),
)
PRECOMPILES = (*range(1, 0x12), 0x100)
ADDRESSES = (*(CONTRACTS * 4), SENDER, 0xDEAD, *PRECOMPILES)
GAS = (2**256 - 1, 30_000, 3_000, 100, 0)
COUNTER = 0x200
"""Where in memory loops count."""

GAS_LIMITS = (30_000, 60_000, 100_000, 200_000, 400_000)
"""Enough to get somewhere, and too little to go on for long."""

NESTING = 2
"""Creations and loops are at most so deep in each other."""


def push(word: int) -> bytes:
    """Return the shortest PUSH of a word."""
    data = word.to_bytes((word.bit_length() + 7) // 8, "big")
    return bytes((Op.PUSH0 + len(data),)) + data


class Speller:
    """Writes a program, statement by statement."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.code = bytearray()

    # Choices.

    def byte(self) -> int:
        return self.random.randrange(256)

    def choose(self, options: Sequence[T]) -> T:
        return options[self.byte() % len(options)]

    def raw(self, length: int) -> bytes:
        return self.random.randbytes(length)

    def word(self) -> int:
        kind = self.byte()
        if kind < 100:
            return kind % 6
        if kind < 200:
            return INTERESTING[kind % len(INTERESTING)]
        return int.from_bytes(self.raw(kind % 32 + 1), "big")

    def size(self) -> int:
        """An offset or length of memory, seldom too large."""
        if self.byte():
            return self.byte() % 101
        return self.choose((2**14, 2**32, 2**64, 2**256 - 1))

    def operand(self, op: Op, position: int) -> int:
        """A value that lets the instruction do something more often than not."""
        if position in MEMORY_OPERANDS.get(op, ()):
            return self.size()
        if ADDRESS_OPERAND.get(op) == position:
            choice = self.byte()
            return ADDRESSES[choice % len(ADDRESSES)] if choice < 240 else self.word()
        if VALUE_OPERAND.get(op) == position:
            return self.choose((0, 0, 0, 1, 2**100))
        if KEY_OPERAND.get(op) == position:
            return self.byte() % 4
        if op in CALLS and position == 0:
            return self.choose(GAS)
        if op is Op.BLOCKHASH:
            return self.byte() % 128
        return self.word()

    # Code.

    def write(self, *items: Op | int | bytes) -> None:
        """Opcodes and bytes as they are, numbers as the shortest PUSH."""
        for item in items:
            if isinstance(item, Op):
                self.code.append(item)
            else:
                self.code += item if isinstance(item, bytes) else push(item)

    def instruction(self, op: Op) -> None:
        """The opcode with its operands pushed before it, sometimes one too few."""
        missing = self.byte() >= 248
        for position in reversed(range(missing, ARITY[op].inputs)):
            self.write(self.operand(op, position))
        self.write(op)

    def statement(self, depth: int) -> None:
        """An instruction, or a few that belong together."""
        kind = self.byte()
        next(spell for limit, spell in STATEMENTS if kind < limit)(self, depth)

    def fill(self) -> None:
        """Words on the stack."""
        for _ in range(self.byte() % 18):
            self.write(self.word())

    def constant(self) -> None:
        """A PUSH of a given size, leading zeros included."""
        size = self.byte() % 32 + 1
        self.write(bytes((Op.PUSH0 + size,)) + self.raw(size))

    def call(self) -> None:
        """A call, and mostly the use of what it returns."""
        self.instruction(self.choose(CALLS))
        if self.byte() % 2:
            self.write(Op.RETURNDATASIZE, 0, self.size(), Op.RETURNDATACOPY)

    def create(self, depth: int) -> None:
        """A creation whose init code is a program, and often a call of what it made."""
        if depth >= NESTING:
            return
        child = Speller(self.random)
        for _ in range(self.byte() % 4):
            child.statement(depth + 1)
        if self.byte() % 4:
            # The deployed code is the init code itself from some byte on.
            child.write(child.byte() % 40, child.byte() % 8, 0, Op.CODECOPY)
            child.write(child.byte() % 40, 0, Op.RETURN)
        code = bytes(child.code)
        for offset in range(0, len(code), 32):
            word = int.from_bytes(code[offset : offset + 32].ljust(32, b"\0"), "big")
            self.write(word, offset, Op.MSTORE)
        if self.byte() % 2:
            self.write(self.byte() % 2, len(code), 0, self.choose((0, 0, 1)), Op.CREATE2)
        else:
            self.write(len(code), 0, self.choose((0, 0, 1)), Op.CREATE)
        if self.byte() % 4:
            self.write(0, 0, 0, 0, 0, Op.DUP6, self.choose(GAS), Op.CALL)

    def loop(self, depth: int) -> None:
        """A few statements, several times."""
        if depth >= NESTING:
            return
        counter = COUNTER + 32 * depth
        self.write(self.byte() % 4 + 1, counter, Op.MSTORE)
        start = len(self.code)
        self.write(Op.JUMPDEST)
        for _ in range(self.byte() % 3):
            self.statement(depth + 1)
        self.write(1, counter, Op.MLOAD, Op.SUB, Op.DUP1, counter, Op.MSTORE, start, Op.JUMPI)

    def branch(self) -> None:
        """A jump over an instruction to a JUMPDEST, or just before it."""
        distance = 6 - (self.byte() >= 248)
        if self.byte() % 2:
            self.write(self.byte() % 2, Op.PC, distance, Op.ADD, Op.JUMPI, Op.PC, Op.JUMPDEST)
        else:
            self.write(Op.PC, distance, Op.ADD, Op.JUMP, Op.INVALID, Op.JUMPDEST)


STATEMENTS: tuple[tuple[int, Callable[[Speller, int], None]], ...] = (
    (150, lambda speller, _: speller.instruction(speller.choose(PLAIN))),
    (165, lambda speller, _: speller.write(speller.choose(PLAIN))),
    (175, lambda speller, _: speller.constant()),
    (190, lambda speller, _: speller.fill()),
    (205, lambda speller, _: speller.call()),
    (215, Speller.create),
    (225, Speller.loop),
    (245, lambda speller, _: speller.branch()),
    (252, lambda speller, _: speller.instruction(speller.choose(ENDINGS))),
    (256, lambda speller, _: speller.write(speller.raw(speller.byte() % 4))),
)
"""What a byte chooses: the first entry that it is below."""


def random_program(random: Random, statements: int) -> bytes:
    """Return a program of so many statements."""
    speller = Speller(random)
    for _ in range(statements):
        speller.statement(0)
    return bytes(speller.code)


seeds = st.tuples(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1)).map(str)
lengths = st.integers(0, 40)
programs = st.builds(lambda seed, length: random_program(Random(seed), length), seeds, lengths)


def program_count() -> int:
    """How many programs to compare with another implementation, by the profile."""
    profile = settings.get_current_profile_name()
    return {"ci": 2_000, "nightly": 100_000}.get(profile, 150)
