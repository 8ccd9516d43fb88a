"""Codes of which the statement gives no bytes: hashed in the proof (level S2).

Relation.  As in `bytecode`; the header names a sponge, whose digest for the length of the code is
           the code's hash, and each row looks its bytes up there, lane by lane.  A code is a
           delegation (EIP-7702) exactly if it has 23 bytes that begin with 0xef0100.
Argument.  The chain hands the sponge on to every row.  Lanes and length determine the input, and
           so the hash; bytes past the end are zero: in a lane that is looked up by what the sponge
           offers, in others by constraint.  A lane is looked up exactly if it begins before the
           end: the sponge may have no lane after that.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import (
    ABSORB,
    CODE,
    CODE_INFO,
    CODE_LENGTH,
    CODE_WORD,
    KECCAK,
)
from circuits.execution.keccak import LANE_BYTES
from circuits.execution.level import Level
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Cell,
    ColumnType,
    Halves,
    Plan,
    TableGadget,
    Uint,
    Witness,
    recompose,
    total,
)
from circuits.language.arrays import inverses, words
from circuits.tables.bytecode import (
    WORD_BYTES,
    CodeBytes,
    CodeRows,
    Codes,
    codes_of,
    delegation,
)
from zkevm.evm.code import DELEGATION_LENGTH, DELEGATION_PREFIX
from zkevm.plonkish.expression import Expr

PREFIX = int.from_bytes(DELEGATION_PREFIX, "big")
PREFIX_BITS, UPPER_BITS, LOWER_BITS = 24, 104, 56
"""Of a delegation: the prefix and the address, which lies in both halves of the first word."""

PADDING_BITS = 128 - LOWER_BITS
LANES = WORD_BYTES // LANE_BYTES


class HashedHeader(TableGadget[Codes]):
    """A row for each code."""

    name = "hashed_header"
    once = True

    real = Bit()
    position = Cell(ColumnType.U32)
    sponge = Cell(ColumnType.U32)
    hash = Halves()
    length = Cell(ColumnType.U32)
    fits = Bit()  # the length is that of a delegation
    length_inverse = Cell(ColumnType.FIELD)
    prefix = Uint(PREFIX_BITS)
    upper = Uint(UPPER_BITS)
    lower = Uint(LOWER_BITS)
    delegated = Bit()
    prefix_inverse = Cell(ColumnType.FIELD)
    count_info = Cell(ColumnType.U32)
    count_length = Cell(ColumnType.U32)

    def constrain(self, c: Builder) -> None:
        c.receive(CODE, self.real, self.position, 0, 0, 0, 0)
        c.send(CODE, self.real, self.position + 1, self.position, self.length, 0, self.sponge)
        c.request(KECCAK, self.real, self.sponge, self.length, *self.hash)
        fits, delegated, prefix = self.fits, self.delegated, self.prefix.value
        other = self.length - DELEGATION_LENGTH
        c.require_zero("the length fits", fits * other)
        different = self.length_inverse * other
        c.require_equal("or is another", different, self.real - fits)
        high = prefix * 2**UPPER_BITS + self.upper.value
        first = (self.position, 0, self.lower.value * 2**PADDING_BITS, high)
        c.request(CODE_WORD, fits, *first, label="the first word")
        c.require_zero("a delegation fits", delegated * (1 - fits))
        c.require_zero("a delegation has the prefix", delegated * (prefix - PREFIX))
        different = self.prefix_inverse * (prefix - PREFIX)
        c.require_zero("or there is another prefix", fits * (1 - delegated - different))
        target = delegated * (self.upper.value * 2**LOWER_BITS + self.lower.value)
        facts = (self.position, self.length, delegated, target)
        c.provide(CODE_INFO, self.real, self.count_info, *self.hash, *facts)
        c.provide(CODE_LENGTH, self.real, self.count_length, self.position, self.length)

    def collect(self, plan: Plan) -> Codes:
        found = codes_of(plan, Level.S2)
        for code in found.codes:
            plan.sponges.identify(code)
        return found

    def fill(self, w: Witness, record: Codes, plan: Plan) -> None:
        codes = record.codes
        fits = [len(code) == DELEGATION_LENGTH for code in codes]
        texts = [code if fit else b"" for code, fit in zip(codes, fits, strict=True)]
        prefixes = [int.from_bytes(text[:3], "big") for text in texts]
        w[self.real] = 1
        w[self.position] = record.ids
        w[self.sponge] = np.array([plan.sponges.identify(code) for code in codes], np.uint64)
        w[self.hash] = record.hashes
        length = np.array([len(code) for code in codes], np.uint64)
        w[self.length] = length
        w[self.fits] = np.array(fits)
        w[self.length_inverse] = inverses(length, np.full_like(length, DELEGATION_LENGTH))
        prefix = np.array(prefixes, np.uint64)
        w[self.prefix] = prefix
        w[self.upper] = words(int.from_bytes(text[3:16], "big") for text in texts)
        w[self.lower] = words(int.from_bytes(text[16:], "big") for text in texts)
        w[self.delegated] = np.array([delegation(code)[0] for code in codes])
        w[self.prefix_inverse] = inverses(prefix, np.where(fits, PREFIX, prefix))


class HashedBytecode(CodeBytes):
    """A row for each 32 bytes of a code that is hashed."""

    name = "hashed_bytecode"
    level = Level.S2

    of_sponge = Cell(ColumnType.U32)
    begins = Bits(LANES - 1)  # which lanes after the first begin before the end of the code

    @property
    def sponge(self) -> Expr:
        return self.of_sponge

    def constrain(self, c: Builder) -> None:
        super().constrain(c)
        lanes = [self.real, *self.begins]
        for i, (bit, before) in enumerate(zip(self.begins, lanes, strict=False), 1):
            c.require_zero(f"lane {i} begins after lane {i - 1}", bit * (1 - before))
        more = self.real - self.last
        c.require_zero("all lanes begin before more bytes", more * (1 - self.begins[-1]))
        # so at most 32 bytes are left
        beyond = LANE_BYTES * total(lanes) - self.left
        c.require_range("the end is in the last lane", self.last, beyond, 3)
        for i, begins in enumerate(lanes):
            octets = self.bytes.cells[LANE_BYTES * i : LANE_BYTES * (i + 1)]
            lane = recompose(octets[::-1], 8)
            absorbed = (self.of_sponge, LANES * self.index + i, lane)
            c.request(ABSORB, begins, *absorbed, label=f"lane {i} is absorbed")
            for j, byte in enumerate(octets if i else ()):
                place = LANE_BYTES * i + j
                c.require_zero(f"byte {place} is zero past the end", (1 - begins) * byte)

    def fill(self, w: Witness, record: CodeRows, plan: Plan) -> None:
        super().fill(w, record, plan)
        execution = plan.execution
        sponges = np.array([plan.sponges.identify(c) for c in execution.trace.codes], np.uint64)
        w[self.of_sponge] = sponges[np.searchsorted(execution.code_ids, record.code)]
        starts = LANE_BYTES * np.arange(1, LANES, dtype=np.uint64)
        w[self.begins] = record.left[:, None] > starts
