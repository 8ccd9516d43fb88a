"""RETURN in a frame that creates: the data become the code of the contract.

Relation.  Yellow paper, section 7 (the deposit); EIP-170: at most 24576 bytes; EIP-3541: the first
           is not 0xef.  Charges 200 a byte after the growth of memory, and sets the code hash of
           the account to the hash of the data, reversibly.  The frame has no output then.
           Otherwise the frame halts exceptionally: `code_prefix`, `code_too_large`,
           `deposit_out_of_gas`.
Argument.  The frame's kind is looked up: no call ends here.  The first byte is the top of the first
           lane that was hashed.  It is 0xef or has an inverse of its difference; the size is at
           most 24576 or more; the gas left is in range or short of the cost.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import ABSORB
from circuits.execution.events import events_at
from circuits.execution.steps import Steps
from circuits.language import (
    U16,
    Builder,
    Cell,
    ColumnType,
    Next,
    Plan,
    Popped,
    Uint,
    Witness,
)
from circuits.language.arrays import inverses
from circuits.language.compare import AtLeast
from circuits.language.creating_frame import CreatingFrame
from circuits.language.ending import End
from circuits.language.hashing import RangeHash, digest
from circuits.language.memory import Growth, MemoryRange, range_end
from circuits.language.plan import values
from circuits.language.state import CodeAccess, FrameSelf, inverses_of
from zkevm.evm import gas
from zkevm.evm.fork import Fork
from zkevm.evm.interpreter import INVALID_CODE_PREFIX
from zkevm.evm.keccak import EMPTY_HASH
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import StateEventKind
from zkevm.trace.words import ints_from_words, words_from_ints

PREFIX = INVALID_CODE_PREFIX[0]
REST_BITS = 56


class ReturnCode(CreatingFrame, End):
    """RETURN whose data become code."""

    name = "return_code"

    offset = Popped()
    size = Popped()
    data = MemoryRange(offset, size)
    growth = Growth(data.end)
    this = FrameSelf()
    hash = RangeHash()
    first = U16()  # below 2^8, as lanes are below 2^64
    rest = Uint(REST_BITS)  # of the first lane
    inverse = Cell(ColumnType.FIELD)
    small = AtLeast(16)
    account = CodeAccess()

    def __init__(self, fork: Fork) -> None:
        self.fork = fork

    def constrain(self, c: Builder) -> Next:
        data, this = self.data, self.this
        some = data.some(c)
        this.use(c, self.frame)
        self.look(c, self.real, this.eor)
        self.hash.use(c, some, data.empty, self.clock, (self.frame, data.start), data.size)
        lane = self.first * 2**REST_BITS + self.rest.value
        c.request(ABSORB, some, self.hash.sponge, 0, lane, label="the first lane")
        different = self.inverse * (self.first - PREFIX)
        c.require_equal("the first byte is another", some * different, some)
        self.small.use(c, self.fork.max_code_size, data.size)
        new = (*self.hash.digest, self.account.old[2])
        undoing = this.undoing(self.undo)
        self.account.write(c, self.real, this.address, self.clock, new, undoing)
        cost = self.growth.cost + gas.CODE_DEPOSIT_BYTE * data.size
        self.end(c, 1, cost, writes=this.undone)
        return Next(opcode=Op.RETURN, gas=cost, ends=True)

    def plan(self, s: Steps, plan: Plan) -> None:
        self.growth.plan(s, plan, range_end(s.pop(0), s.pop(1)))
        codes = deposited(s)
        self.hash.plan(self, plan, s.clock, (s.frame, s.pop(0)[:, 0]), codes)
        address = s.trace.frames.address[s.frame_index]
        stores = s.execution.frame_stores[s.frame_index]
        hashes = (words_from_ints(h) for h in ([digest(c) for c in codes], [EMPTY_HASH] * len(s)))
        new, old = (values(h, stores) for h in hashes)
        self.account.plan_write(self, plan, address, s.clock, new, old, inverses_of(s))

    def fill(self, w: Witness, s: Steps) -> None:
        super().fill(w, s)
        codes = deposited(s)
        lanes = [int.from_bytes(code[:8].ljust(8, b"\0"), "big") for code in codes]
        firsts = [lane >> REST_BITS for lane in lanes]
        w[self.left] = s.trace.frames.gas_end[s.frame_index]
        self.data.fill(w, s.pop(0), s.pop(1))
        self.growth.fill(w, s, range_end(s.pop(0), s.pop(1)))
        self.this.fill(w, s)
        first = np.array(firsts, np.uint64)
        w[self.first] = first
        w[self.rest] = np.array([lane % 2**REST_BITS for lane in lanes], np.uint64)
        w[self.inverse] = inverses(first, np.full_like(first, PREFIX))
        w[self.small] = np.uint64(self.fork.max_code_size) - s.pop(1)[:, 0]


def deposited(s: Steps) -> list[bytes]:
    """The codes that steps deposit."""
    execution = s.execution
    hashes = ints_from_words(events_at(s.trace, s.rows, StateEventKind.CODE).new)
    places = (execution.code_places.get(code_hash, -1) for code_hash in hashes)
    return [execution.trace.codes[place] if place >= 0 else b"" for place in places]
