"""Init codes, and programs that create with them."""

from tests.support.transactions import program
from zkevm.evm.opcodes import Op
from zkevm.keccak import keccak256

ANSWER = program(0x2A, Op.PUSH0, Op.MSTORE, 0x20, Op.PUSH0, Op.RETURN)
"""A contract that answers 42."""


def deploying(code: bytes, first: bytes = b"") -> bytes:
    """An init code that runs `first` and deposits `code`."""
    head = b""
    for _ in range(3):  # until the length of the head, which it pushes itself, no longer changes
        size, start = len(code), len(head)
        head = first + program(size, Op.DUP1, start, Op.PUSH0, Op.CODECOPY, Op.PUSH0, Op.RETURN)
    return head + code


def storing(data: bytes) -> bytes:
    """Code that writes `data` to memory, from its start on."""
    code = b""
    for start in range(0, len(data), 32):
        word = data[start : start + 32].ljust(32, b"\0")
        code += bytes((Op.PUSH32,)) + word + program(start, Op.MSTORE)
    return code


def creating(init: bytes, value: int = 0, salt: int | None = None) -> bytes:
    """Code that writes `init` to memory and creates with it; the address stays on the stack."""
    if salt is None:
        return storing(init) + program(len(init), 0, value, Op.CREATE)
    return storing(init) + program(salt, len(init), 0, value, Op.CREATE2)


def salted_address(creator: int, salt: int, init: bytes) -> int:
    """Where CREATE2 creates (EIP-1014)."""
    data = b"\xff" + creator.to_bytes(20, "big") + salt.to_bytes(32, "big") + keccak256(init)
    return int.from_bytes(keccak256(data)[12:], "big")
