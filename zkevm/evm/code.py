"""A contract's code, with what the interpreter derives from it once."""

from functools import cached_property

from zkevm.evm.keccak import keccak256
from zkevm.evm.opcodes import PUSH_DATA, Op

DELEGATION_PREFIX = bytes.fromhex("ef0100")
"""Begins the code of an account that runs another's code (EIP-7702)."""

DELEGATION_LENGTH = len(DELEGATION_PREFIX) + 20


class Code:
    """Immutable code bytes; equal codes need not be the same object."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def padded(self) -> bytes:
        """The code and zeros after it, so that neither STOP nor push data needs a bounds check."""
        return self.data + bytes(33)

    @cached_property
    def hash(self) -> int:
        """Keccak-256 of the code as a word."""
        return int.from_bytes(keccak256(self.data), "big")

    @cached_property
    def jump_destinations(self) -> frozenset[int]:
        """Positions of the JUMPDEST bytes that are instructions, not push data."""
        data = self.data
        destinations, jumpdest = set(), int(Op.JUMPDEST)
        pc = 0
        while pc < len(data):
            byte = data[pc]
            if byte == jumpdest:
                destinations.add(pc)
            pc += 1 + PUSH_DATA[byte]
        return frozenset(destinations)

    @property
    def delegate(self) -> int | None:
        """The account whose code runs in place of this, if this is a delegation."""
        if len(self.data) != DELEGATION_LENGTH or not self.data.startswith(DELEGATION_PREFIX):
            return None
        return int.from_bytes(self.data[len(DELEGATION_PREFIX) :], "big")


EMPTY_CODE = Code(b"")


def delegation_to(address: int) -> Code:
    """Return the code of an account that delegates to `address`; address 0 means none."""
    return Code(DELEGATION_PREFIX + address.to_bytes(20, "big")) if address else EMPTY_CODE
