"""Keccak-256 (FIPS 202 with the padding of the original submission).

Relation.  `keccak_f`: a row a round takes a state and leaves the next one (theta, rho, pi, chi,
           iota).
           `first_block`, `next_block`: a row for each block of 136 bytes that a sponge absorbs.
           Where the input ends in a block, its bytes are followed by 0x01, zeros and, at byte 135,
           0x80 (together 0x81).  The state before a first block is 0; a next one is XORed into it
           byte by byte.  The last block offers the digest, each block its lanes before padding.
Argument.  Blocks are numbered by one chain from the statement and back, so numbers are unique; a
           block's number names its permutation, that of its first block the sponge.  What is left
           of the input falls by 136 a block and is below 136 in the last: the length is true.
           In `keccak_f` bits recompose to elements below 2^192: equal states have equal bits.
Ensures.   Lanes offered are below 2^64, digests canonical.
"""

from __future__ import annotations

import numpy as np

from circuits.buses import (
    ABSORB,
    AND8,
    KECCAK,
    KECCAK_F,
    ORDER,
    ROUND_CONSTANT,
    SPONGE,
    OrderOf,
)
from circuits.execution.keccak import (
    LANE_BYTES,
    LANES,
    RATE,
    RATE_LANES,
    ROUND_CONSTANTS,
    ROUNDS,
    padding,
    rotated,
)
from circuits.execution.tokens import I64, U64
from circuits.language import (
    Bit,
    Bits,
    Builder,
    Bytes,
    Cell,
    Cells,
    ColumnType,
    Fixed,
    Plan,
    TableGadget,
    Witness,
    recompose,
    total,
)
from circuits.language.alignment import prefixes
from circuits.language.arrays import Array
from circuits.tables.ranges import FixedTable
from zkevm.plonkish.expression import ZERO, Expr
from zkevm.plonkish.fixed import Listed, RowBits

GROUPS = (
    (0, 1, 2),
    (3,),
    (4, 5, 6),
    (7, 8, 9),
    (10, 11, 12),
    (13, 14, 15),
    (16,),
    (17, 18, 19),
    (20, 21, 22),
    (23, 24),
)
"""The lanes in each element of a state on a bus: the digest, the rest of the rate, the capacity."""

DIGEST_GROUPS = 2
RATE_GROUPS = 7
IOTA_BITS = (0, 1, 3, 7, 15, 31, 63)
"""The bits of lane 0 that iota may flip."""


def elements(lanes: list[Expr]) -> list[Expr]:
    """A state of 64-bit lanes as the elements of a message."""
    return [recompose([lanes[i] for i in group], 64) for group in GROUPS]


class RoundConstants(FixedTable):
    """The constants of iota."""

    name = "round_constants"
    height = 5

    count = Cell(ColumnType.U32)
    round = Fixed(RowBits("", 0, 5))
    constant = Fixed(Listed("", ROUND_CONSTANTS))

    def constrain(self, c: Builder) -> None:
        # rows past the last round state a constant for rounds that no chain reaches
        c.provide(ROUND_CONSTANT, c.real, self.count, self.round.column, self.constant.column)


class KeccakF(TableGadget[I64]):
    """A row for each round of each permutation."""

    name = "keccak_f"
    once = True

    real = Bit()
    permutation = Cell(ColumnType.U32)
    round = Cell(ColumnType.U8)
    parity = Bits(5 * 64)  # C of the state's columns
    mixed = Bits(5 * 64)  # C'[x] = C[x] ^ C[x-1] ^ rot(C[x+1], 1): the parities after theta
    theta = Bits(LANES * 64)  # A' = A ^ C ^ C': the state after theta
    constant = Bits(len(IOTA_BITS))
    chi = Bits(len(IOTA_BITS))  # the bits of lane 0 before iota that it may flip

    def constrain(self, c: Builder) -> None:
        self._constrain_theta(c)
        c.receive(KECCAK_F, self.real, self.permutation, self.round, *elements(self._before()))
        after = self._after_chi(c)
        iota = recompose_at(self.constant.cells, IOTA_BITS)
        c.request(ROUND_CONSTANT, self.real, self.round, iota)
        flips = [k * (1 - 2 * b) for k, b in zip(self.constant, self.chi, strict=True)]
        after[0] = after[0] + recompose_at(flips, IOTA_BITS)
        c.send(KECCAK_F, self.real, self.permutation, self.round + 1, *elements(after))

    def _before(self) -> list[Expr]:
        """The lanes of the state that the round takes: A' ^ (C ^ C')."""
        change = [xor(a, b) for a, b in zip(self.parity, self.mixed, strict=True)]
        sign = [1 - 2 * bit for bit in change]
        lanes = []
        for lane in range(LANES):
            column = slice(64 * (lane % 5), 64 * (lane % 5 + 1))
            theta = self.theta.cells[64 * lane : 64 * (lane + 1)]
            terms = zip(theta, change[column], sign[column], strict=True)
            lanes.append(recompose([d + bit * u for bit, d, u in terms], 1))
        return lanes

    def _constrain_theta(self, c: Builder) -> None:
        sign = [1 - 2 * bit for bit in self.parity]
        for x in range(5):
            for z in range(64):
                place = 64 * x + z
                others = sign[64 * ((x - 1) % 5) + z] * sign[64 * ((x + 1) % 5) + (z - 1) % 64]
                mixed = self.mixed[place]
                c.require_equal(f"theta mixes parity {x}, {z}", 1 - 2 * mixed, sign[place] * others)
                odd = total(self.theta[64 * (x + 5 * y) + z] for y in range(5)) - mixed
                c.require_zero(f"parity after theta {x}, {z}", odd * (odd - 2) * (odd - 4))

    def _after_chi(self, c: Builder) -> list[Expr]:
        """The lanes after rho, pi and chi."""
        lanes = []
        for y in range(5):
            row = []
            for x in range(5):
                source, by = rotated(x, y)
                row.append([self.theta[64 * source + (z - by) % 64] for z in range(64)])
            for x in range(5):
                one, two, three = row[x], row[(x + 1) % 5], row[(x + 2) % 5]
                bits = [xor(a, (1 - b) * d) for a, b, d in zip(one, two, three, strict=True)]
                if x == y == 0:
                    for bit, z in zip(self.chi, IOTA_BITS, strict=True):
                        c.require_equal(f"chi in lane 0, bit {z}", bit, bits[z])
                lanes.append(recompose(bits, 1))
        return lanes

    def collect(self, plan: Plan) -> I64:
        """The permutations of all blocks, once all inputs are known."""
        return np.repeat(np.arange(plan.sponges.count), ROUNDS)

    def fill(self, w: Witness, record: I64, plan: Plan) -> None:
        rounds = plan.sponges.blocks.rounds
        number = np.tile(np.arange(ROUNDS), plan.sponges.count)
        w[self.real] = 1
        w[self.permutation] = record + 1
        w[self.round] = number
        w[self.parity] = bits_of(rounds.parity)
        w[self.mixed] = bits_of(rounds.mixed)
        theta = bits_of(rounds.theta)
        w[self.theta] = theta
        constants = np.array(ROUND_CONSTANTS, np.uint64)[number]
        w[self.constant] = bits_of(constants[:, None, None])[:, IOTA_BITS]
        rows = []
        for x in range(3):
            source, by = rotated(x, 0)
            rows.append(theta[:, [64 * source + (z - by) % 64 for z in IOTA_BITS]])
        w[self.chi] = rows[0] ^ (1 - rows[1] & rows[2])


def xor(a: Expr, b: Expr) -> Expr:
    """The exclusive or of two bits."""
    return a + b * (1 - 2 * a)


def recompose_at(bits: tuple[Expr, ...] | list[Expr], places: tuple[int, ...]) -> Expr:
    """The number with these bits at these places."""
    return total(bit * (1 << z) for bit, z in zip(bits, places, strict=True))


def bits_of(lanes: U64) -> Array:
    """Bits of lanes (n, rounds, k) as rows (n * rounds, 64 k), least significant first.

    Columns are taken one by one: each lies in one piece.
    """
    count = lanes.shape[-1]
    octets = np.ascontiguousarray(lanes, "<u8").reshape(-1, count).view(np.uint8).T.copy()
    bits = np.empty((len(octets), 8, octets.shape[1]), np.uint8)
    for place in range(8):
        bits[:, place] = octets >> np.uint8(place) & np.uint8(1)
    return bits.reshape(64 * count, -1).T


class Block(TableGadget[I64]):
    """What first and next blocks share.  The record are places in `Sponges.blocks`."""

    once = True

    real = Bit()
    number = Cell(ColumnType.U32)
    left = Cell(ColumnType.U32)  # bytes of the input from this block on
    last = Bit()
    end_lane = Bits(RATE_LANES)  # where the input ends: the lane, one-hot in a last block
    end_byte = Bits(LANE_BYTES)  # and the byte in it
    digest = Bytes(32)  # lanes 0 to 3 after the permutation
    rest = Cells(len(GROUPS) - DIGEST_GROUPS, ColumnType.FIELD)  # the other elements
    lane_counts = Cells(RATE_LANES, ColumnType.U32)
    digest_count = Cell(ColumnType.U32)

    data: Cells | Bytes

    def absorb(self, c: Builder, sponge: Expr, depth: Expr | int) -> list[Expr]:
        """Declare the input, `depth` blocks into its sponge; returns the bytes to absorb."""
        c.require_zero("a last block is real", self.last * (1 - self.real))
        c.require_equal("one lane of the end", total(self.end_lane), self.last)
        c.require_equal("one byte of the end", total(self.end_byte), self.last)
        end = total(i * bit for i, bit in enumerate(self.end_lane)) * LANE_BYTES
        end = end + total(j * bit for j, bit in enumerate(self.end_byte))
        c.require_equal("the input ends where its length says", self.last * self.left, end)
        ended_before = [ZERO, *prefixes(self.end_lane.cells)]
        ended_byte = prefixes(self.end_byte.cells)
        padded: list[Expr] = []
        for place, byte in enumerate(self.data):
            i, j = divmod(place, LANE_BYTES)
            past = ended_before[i] + self.end_lane[i] * ended_byte[j]
            c.require_zero(f"zero past the end, byte {place}", past * byte)
            padded.append(byte + self.end_lane[i] * self.end_byte[j])
        padded[-1] = padded[-1] + 0x80 * self.last

        for i in range(RATE_LANES):
            octets = self.data.cells[LANE_BYTES * i : LANE_BYTES * (i + 1)]
            lane = recompose(octets[::-1], 8)
            count = self.lane_counts[i]
            c.provide(ABSORB, self.real, count, sponge, RATE_LANES * depth + i, lane)
        digest = self.digest.cells[::-1]
        length, lo, hi = (
            self.left + RATE * depth,
            recompose(digest[:16], 8),
            recompose(digest[16:], 8),
        )
        c.provide(KECCAK, self.last, self.digest_count, sponge, length, lo, hi)
        order = (OrderOf.KECCAK_BLOCKS, 0, 0, 0)
        c.receive(ORDER, self.real, *order, self.number)
        c.send(ORDER, self.real, *order, self.number + 1)
        return padded

    def permute(self, c: Builder, sponge: Expr, entry: list[Expr]) -> None:
        """Send the state to its permutation, and what comes back to the next block."""
        digest = [recompose(self.digest.cells[8 * i : 8 * (i + 1)], 8) for i in range(4)]
        after = [recompose([digest[i] for i in group], 64) for group in GROUPS[:DIGEST_GROUPS]]
        after += self.rest
        c.send(KECCAK_F, self.real, self.number, 0, *entry)
        c.receive(KECCAK_F, self.real, self.number, ROUNDS, *after)
        goes_on = self.real - self.last
        c.send(SPONGE, goes_on, sponge, self.number + 1, self.left - RATE, *after)

    def fill(self, w: Witness, record: I64, plan: Plan) -> None:
        blocks = plan.sponges.blocks
        left = blocks.left[record]
        last = left < RATE
        w[self.real] = 1
        w[self.number] = blocks.number[record]
        w[self.left] = left
        w[self.last] = last
        w[self.end_lane] = last[:, None] & (left[:, None] // LANE_BYTES == np.arange(RATE_LANES))
        w[self.end_byte] = last[:, None] & (left[:, None] % LANE_BYTES == np.arange(LANE_BYTES))
        w[self.data] = blocks.data[record]
        after = blocks.rounds.output[record]
        w[self.digest] = np.ascontiguousarray(after[:, :4], "<u8").view(np.uint8)
        fill_elements(w, self.rest, after, DIGEST_GROUPS)


class FirstBlock(Block):
    """A row for each input hashed: its first block."""

    name = "first_block"

    data = Bytes(RATE)

    def constrain(self, c: Builder) -> None:
        padded = self.absorb(c, self.number, 0)
        lanes = lanes_of(padded) + [ZERO] * (LANES - RATE_LANES)
        self.permute(c, self.number, elements(lanes))

    def collect(self, plan: Plan) -> I64:
        return np.flatnonzero(plan.sponges.blocks.sponge == plan.sponges.blocks.number)


class NextBlock(Block):
    """A row for each further block of an input of 136 bytes or more."""

    name = "next_block"

    sponge = Cell(ColumnType.U32)
    data = Cells(RATE, ColumnType.U8)
    before = Cells(RATE, ColumnType.U8)  # the rate of the state that the block meets
    both = Cells(RATE, ColumnType.U8)  # the AND of `before` and the padded data
    capacity = Cells(len(GROUPS) - RATE_GROUPS, ColumnType.FIELD)

    def constrain(self, c: Builder) -> None:
        padded = self.absorb(c, self.sponge, self.number - self.sponge)
        entry: list[Expr] = []
        for a, b, both in zip(self.before, padded, self.both, strict=True):
            # proves that all three are bytes; where padding is added, the data are 0
            c.request(AND8, self.real, a, b, both)
            entry.append(a + b - 2 * both)
        before = self._with_capacity(list(self.before))
        c.receive(SPONGE, self.real, self.sponge, self.number, self.left, *before)
        self.permute(c, self.sponge, self._with_capacity(entry))

    def _with_capacity(self, rate: list[Expr]) -> list[Expr]:
        lanes = lanes_of(rate)
        groups = GROUPS[:RATE_GROUPS]
        return [recompose([lanes[i] for i in group], 64) for group in groups] + list(self.capacity)

    def collect(self, plan: Plan) -> I64:
        return np.flatnonzero(plan.sponges.blocks.sponge != plan.sponges.blocks.number)

    def fill(self, w: Witness, record: I64, plan: Plan) -> None:
        super().fill(w, record, plan)
        blocks = plan.sponges.blocks
        before = np.ascontiguousarray(blocks.before[record], "<u8")
        rate = before.view(np.uint8)[:, :RATE]
        w[self.sponge] = blocks.sponge[record]
        w[self.before] = rate
        w[self.both] = rate & padding(blocks.data[record], blocks.left[record])
        fill_elements(w, self.capacity, before, RATE_GROUPS)


def lanes_of(octets: list[Expr]) -> list[Expr]:
    """Bytes as lanes, little endian."""
    return [recompose(octets[i : i + LANE_BYTES], 8) for i in range(0, len(octets), LANE_BYTES)]


def fill_elements(w: Witness, cells: Cells, lanes: U64, skip: int) -> None:
    """Fill the elements of a state from its lanes, but for the first `skip`."""
    for cell, group in zip(cells, GROUPS[skip:], strict=True):
        w[cell] = np.pad(lanes[:, group], ((0, 0), (0, 4 - len(group))))
