"""What CREATE and CREATE2 begin with: operands, memory, what is charged, and the address.

Argument.  The gas left after charging is in range whatever the outcome (CIRCUITS.md, section 7).
           The mark of the new address and the nonce are in the creator's count of writes: they
           stay if the creation fails.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from circuits.execution.events import events_at
from circuits.execution.schedule import CREATE_OPS
from circuits.execution.steps import Steps
from circuits.execution.tokens import U64
from circuits.language.builder import Builder
from circuits.language.columns import Uint
from circuits.language.compare import AtLeast
from circuits.language.contract_address import NonceAddress, SaltedAddress
from circuits.language.hashing import RangeHash, digest
from circuits.language.memory import Growth, MemoryRange, WordCount, growth, range_end, word_count
from circuits.language.part import Cell
from circuits.language.plan import Plan, values
from circuits.language.state import AddressAccess, FrameSelf, NonceAccess, inverses_of
from circuits.language.step import Popped, StepGadget
from circuits.language.witness import Witness
from circuits.language.words import ByteWord
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.instructions.system import MAX_DEPTH
from zkevm.evm.opcodes import Op
from zkevm.plonkish.expression import ColumnType, Expr
from zkevm.trace.trace import StateEventKind
from zkevm.trace.words import Words, words_from_ints

CREATE_TICKS = 3
"""The creator's nonce, the mark, the init code; the new account, and the debit; the credit."""

DEPTH_BITS = 10
FRACTION = 64  # EIP-150


class CreateStep(StepGadget):
    """The operands of CREATE, and what both opcodes charge."""

    word_gas: int

    value = Popped()
    offset = Popped()
    size = Popped()
    data = MemoryRange(offset, size)
    growth = Growth(data.end)
    words = WordCount(data.size)
    small = AtLeast(16)  # the init code is no larger than allowed (EIP-3860)
    this = FrameSelf(writes=True)
    available = Uint(64)  # gas left after charging

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    def declare_charge(self, c: Builder) -> Expr:
        """Look the frame up, and charge.  Returns the cost."""
        self.this.use(c, self.frame)
        self.small.use(c, self.fork.max_init_code_size, self.size.lo)
        cost = gas.CREATE * self.real + self.word_gas * self.words.count + self.growth.cost
        c.require_equal("gas after charging", self.available.value, self.gas - cost)
        return cost

    def plan(self, s: Steps, plan: Plan) -> None:
        self.growth.plan(s, plan, range_end(s.pop(1), s.pop(2)))

    def fill(self, w: Witness, s: Steps) -> None:
        size = s.pop(2)[:, 0]
        self.data.fill(w, s.pop(1), s.pop(2))
        self.growth.fill(w, s, range_end(s.pop(1), s.pop(2)))
        w[self.words] = size
        w[self.small] = np.uint64(self.fork.max_init_code_size) - size
        self.this.fill(w, s)
        w[self.available] = self.gas_after_charging(s)

    def gas_after_charging(self, s: Steps) -> U64:
        """The gas left after charging, before any is given."""
        _, _, growth_cost = growth(s.msize.astype(np.uint64), range_end(s.pop(1), s.pop(2)))
        words = word_count(s.pop(2)[:, 0])
        cost = np.uint64(gas.CREATE) + np.uint64(self.word_gas) * words + growth_cost
        return np.asarray(s.gas - cost, np.uint64)


class Create(CreateStep):
    """CREATE."""

    opcodes = (Op.CREATE,)
    word_gas = gas.INIT_CODE_WORD


class Create2(CreateStep):
    """CREATE2."""

    opcodes = (Op.CREATE2,)
    word_gas = gas.INIT_CODE_WORD + gas.KECCAK256_WORD

    salt = Popped()


class Naming(CreateStep):
    """A creation that gets as far as its address: the nonce rises, and the address is warm."""

    share = Uint(64)  # the 64th that is kept
    touch = AddressAccess()
    nonce = NonceAccess()
    next_nonce = Uint(64)
    saved_undo = Cell(ColumnType.U32)  # writes of this frame, with those of this step

    @property
    @abstractmethod
    def address(self) -> Expr:
        """The address of the contract, proven by `declare_address`."""

    @abstractmethod
    def declare_address(self, c: Builder) -> None:
        """Prove the address."""

    def declare_naming(self, c: Builder) -> None:
        """Keep a 64th of the gas, count the nonce, touch the address; there is room for a frame."""
        real, this, available = self.real, self.this, self.available.value
        # share < 2^64: the difference does not wrap
        c.require_range("a 64th", real, available - FRACTION * self.share.value, 6)
        c.require_range("room for another frame", real, MAX_DEPTH - 1 - this.depth, DEPTH_BITS)
        self.declare_address(c)
        undoing = [this.undoing(self.undo + k) for k in range(2)]
        self.touch.use(c, real, self.address, self.clock, this.scope, undoing[0])
        c.require_equal("the next nonce", self.next_nonce.value, self.nonce.old[0] + real)
        next_nonce = (self.next_nonce.value,)
        self.nonce.write(c, real, this.address, self.clock, next_nonce, undoing[1])
        writes = self.undo + 2 * this.undone
        c.require_equal("writes with those of this step", self.saved_undo, writes)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        warm = events_at(s.trace, s.rows, StateEventKind.WARM_ACCOUNT).old[:, 0] != 0
        touched, nonce = new_addresses(s), creator_nonces(s)
        self.touch.plan(self, plan, touched, s.clock, warm, inverses_of(s))
        new, old = values(nonce + np.uint64(1)), values(nonce)
        own = creators(s)
        self.nonce.plan_write(self, plan, own, s.clock, new, old, inverses_of(s, 1))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        w[self.share] = self.gas_after_charging(s) // np.uint64(FRACTION)
        w[self.next_nonce] = creator_nonces(s) + np.uint64(1)
        w[self.saved_undo] = s.undo + np.uint64(2) * s.undone


class NamedByNonce(Naming, Create):
    """CREATE: the address follows from creator and nonce."""

    name_hash = NonceAddress()

    @property
    def address(self) -> Expr:
        return self.name_hash.address

    def declare_address(self, c: Builder) -> None:
        self.name_hash.use(c, self.this.address, self.nonce.old[0])

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        self.name_hash.plan(self, plan, creators(s), creator_nonces(s))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.name_hash.fill(w, creators(s), creator_nonces(s))


class NamedBySalt(Naming, Create2):
    """CREATE2: the address follows from creator, salt and init code, which is hashed."""

    salt_bytes = ByteWord()
    salt = Popped(salt_bytes)
    init_hash = ByteWord()
    init = RangeHash(init_hash)
    name_hash = SaltedAddress()

    @property
    def address(self) -> Expr:
        return self.name_hash.address

    def declare_address(self, c: Builder) -> None:
        declare_init(c, self, self.init)
        self.name_hash.use(c, self.this.address, self.salt_bytes, self.init_hash)

    def plan(self, s: Steps, plan: Plan) -> None:
        super().plan(s, plan)
        plan_init(self, self.init, s, plan)
        hashes = words_from_ints(digest(code) for code in init_codes(s))
        self.name_hash.plan(self, plan, creators(s), s.pop(3), hashes)

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        self.name_hash.fill(w, creators(s))


def declare_init(c: Builder, step: CreateStep, hashed: RangeHash) -> None:
    """Hash the init code."""
    data = step.data
    source = (step.frame, data.start)
    hashed.use(c, data.some(c), data.empty, step.clock, source, data.size)


def plan_init(owner: object, hashed: RangeHash, s: Steps, plan: Plan) -> None:
    """Ask for the hash of the init code."""
    hashed.plan(owner, plan, s.clock, (s.frame, s.pop(1)[:, 0]), init_codes(s))


def creators(s: Steps) -> Words:
    """The accounts that create."""
    return np.asarray(s.trace.frames.address[s.frame_index])


def new_addresses(s: Steps) -> Words:
    """The addresses of the contracts."""
    return events_at(s.trace, s.rows, StateEventKind.WARM_ACCOUNT).address


def creator_nonces(s: Steps) -> U64:
    """The nonces of the creators, before the steps."""
    return np.asarray(events_at(s.trace, s.rows, StateEventKind.NONCE).old[:, 0])


def init_codes(s: Steps) -> list[bytes]:
    """The init codes of steps that do not halt."""
    trace = s.trace
    creating = np.isin(trace.rows.op, CREATE_OPS) & ~s.execution.schedule.halted
    places = np.searchsorted(np.flatnonzero(creating), s.rows)
    return [trace.init_codes[i] for i in places.tolist()]
