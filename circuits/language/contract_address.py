"""The address of a created contract: the low 160 bits of a hash.

Relation.  CREATE, and a transaction without recipient: of the list of creator and nonce in RLP
           (yellow paper, section 7 and appendix B).
           CREATE2: of 0xff, creator, salt and the hash of the init code (EIP-1014).
Argument.  The row puts the bytes together from limbs and bytes that it proves and looks up every
           lane of them: nothing else is hashed.  A nonce has one form in RLP: the empty string for
           0, a byte below 128 for itself, else its length and its bytes, the first of them not 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from circuits.execution.tokens import U64
from circuits.language.arrays import integers, octets
from circuits.language.builder import Builder
from circuits.language.columns import Bytes, OneHot, Uint
from circuits.language.hashing import AddressHash
from circuits.language.part import Part
from circuits.language.plan import Plan
from circuits.language.witness import Witness
from circuits.language.words import ByteWord
from zkevm.evm.rlp import rlp_encode
from zkevm.plonkish.expression import ZERO, Column, Expr, recompose, total
from zkevm.trace.words import Words

ADDRESS_BITS, ADDRESS_BYTES = 160, 20
NONCE_BYTES = 8
STRING, ADDRESS, LIST = 0x80, 0x94, 0xD6
"""What goes before k bytes, less k; before an address; before a list whose nonce is one byte."""

SHORT = 23
"""How many bytes such a list has in all."""

LANE_BYTES = 8
SALTED = 0xFF
SALTED_LENGTH = 1 + ADDRESS_BYTES + 32 + 32


class NonceAddress(Part):
    """Of a creator and its nonce: `address`."""

    def __init__(self) -> None:
        self.creator = Uint(ADDRESS_BITS)
        self.nonce = Bytes(NONCE_BYTES)
        self.form = OneHot(NONCE_BYTES + 2)  # 0; one byte below 128; 1 to 8 bytes with their number
        self.hash = AddressHash()
        self.address = self.hash.address

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".creator", self.creator
        yield ".nonce", self.nonce
        yield ".form", self.form
        yield ".hash", self.hash

    def use(self, c: Builder, creator: Expr, nonce: Expr) -> None:
        """On every real row, of this creator and nonce."""
        name, real = self.label, c.real
        none, plain, *long = self.form
        c.require_equal(f"{name}: the creator", self.creator.value, creator)
        c.require_equal(f"{name}: the nonce", self.nonce.value, nonce)
        sizes = [0, 1, *range(1, NONCE_BYTES + 1)]
        for j, byte in enumerate(self.nonce):
            shorter = total(bit for bit, size in zip(self.form, sizes, strict=True) if size <= j)
            c.require_zero(f"{name}: byte {j} is 0 above the nonce", shorter * byte)
        # Bytes are below 2^8: a difference below 0 is no 16-bit number.
        first = self.nonce[0]
        leading = plain * (first - 1) + long[0] * (first - STRING)
        tops = list(zip(long[1:], self.nonce.cells[1:], strict=True))
        leading = leading + total(bit * (top - 1) for bit, top in tops)
        c.require_range(f"{name}: the first byte of the nonce", real, leading)
        c.require_range(f"{name}: a byte for itself", real, plain * (STRING - 1 - first))

        counted = total(k * bit for k, bit in enumerate(long, 1))
        head = STRING * none + plain * first + STRING * total(long) + counted
        next_ = long[0] * first + total(bit * top for bit, top in tops)
        rest = total(
            bit * 256 ** (LANE_BYTES + 1 - k) * recompose(self.nonce.cells[: k - 1], 8)
            for k, bit in enumerate(long, 1)
            if k > 1
        )
        limbs = self.creator.cells[::-1]
        upper, middle, lower = (
            recompose(part[::-1], 16) for part in (limbs[:3], limbs[3:7], limbs[7:])
        )
        lanes = (
            (LIST * real + counted) * 2**56 + ADDRESS * 2**48 * real + upper,
            middle,
            lower * 2**16 + head * 2**8 + next_,
        )
        spills = total(long[1:])
        asked = [*((real, lane) for lane in lanes), (spills, rest)]
        self.hash.use(c, asked, SHORT * real + counted)

    def plan(self, owner: object, plan: Plan, creator: Words, nonce: U64) -> None:
        """Register what is hashed."""
        pairs = zip(integers(creator), nonce.tolist(), strict=True)
        plan.hash(
            owner, self.hash, [rlp_encode([a.to_bytes(ADDRESS_BYTES, "big"), n]) for a, n in pairs]
        )

    def fill(self, w: Witness, creator: Words, nonce: U64) -> None:
        """From creators and nonces."""
        size = [(n.bit_length() + 7) // 8 for n in nonce.tolist()]
        form = [s + (n >= STRING) for n, s in zip(nonce.tolist(), size, strict=True)]
        w[self.creator] = creator.view(np.uint16).reshape(len(creator), 16)[:, :10]
        w[self.nonce] = nonce
        w[self.form] = np.array(form)


class SaltedAddress(Part):
    """Of a creator, a salt and the hash of the init code: `address`."""

    def __init__(self) -> None:
        self.creator = Bytes(ADDRESS_BYTES)
        self.hash = AddressHash()
        self.address = self.hash.address

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".creator", self.creator
        yield ".hash", self.hash

    def use(self, c: Builder, creator: Expr, salt: ByteWord, code_hash: ByteWord) -> None:
        """On every real row, of these."""
        real = c.real
        c.require_equal(f"{self.label}: the creator", self.creator.value, creator)
        words: tuple[Sequence[Expr], ...] = (salt.bytes.cells, code_hash.bytes.cells)
        data: list[Expr] = [SALTED * real, *self.creator.cells[::-1]]
        for word in words:
            data += reversed(word)
        data += [ZERO] * (-len(data) % LANE_BYTES)
        lanes = (data[i : i + LANE_BYTES][::-1] for i in range(0, len(data), LANE_BYTES))
        self.hash.use(c, [(real, recompose(lane, 8)) for lane in lanes], SALTED_LENGTH * real)

    def plan(
        self, owner: object, plan: Plan, creator: Words, salt: Words, code_hash: Words
    ) -> None:
        """Register what is hashed."""
        parts = zip(*(octets(column) for column in (creator, salt, code_hash)), strict=True)
        plan.hash(
            owner,
            self.hash,
            [
                bytes((SALTED,)) + a[19::-1].tobytes() + s[::-1].tobytes() + h[::-1].tobytes()
                for a, s, h in parts
            ],
        )

    def fill(self, w: Witness, creator: Words) -> None:
        """From the creators."""
        w[self.creator] = octets(creator)[:, :ADDRESS_BYTES]
