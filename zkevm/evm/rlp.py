"""Recursive length prefix encoding; decoding by the `rlp` library, and strict readers of its items.

Source: yellow paper, appendix B.
"""

from collections.abc import Sequence
from typing import TypeAlias

from zkevm.errors import InputError

Item: TypeAlias = "bytes | list[Item]"
"""What decoding yields: bytes, or a list of such items."""

Encodable: TypeAlias = "bytes | int | Sequence[Encodable]"
"""What can be encoded; an integer stands for its big-endian bytes without leading zeros."""


STRING, LIST = 0x80, 0xC0
"""The prefix of an empty string and of an empty list."""

SHORT = 56
"""Lengths below this are in the prefix; of longer items it holds the length of their length."""


class RlpError(InputError):
    """Bytes that are not the encoding of what they should be."""


class IntegerOverflow(RlpError):
    """An integer has more bits than its field."""


def rlp_encode(item: Encodable) -> bytes:
    """Return the encoding of bytes, integers that are not negative, and sequences of them."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, bytes | bytearray):
        if len(item) == 1 and item[0] < STRING:
            return bytes(item)
        return _length_prefix(len(item), STRING) + item
    payload = b"".join(map(rlp_encode, item))
    return _length_prefix(len(payload), LIST) + payload


def _length_prefix(length: int, kind: int) -> bytes:
    if length < SHORT:
        return bytes((kind + length,))
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((kind + SHORT - 1 + len(digits),)) + digits


def rlp_decode(data: bytes) -> Item:
    """Return the one item that `data` canonically encodes, or raise `RlpError`."""
    import rlp  # noqa: PLC0415 (slow to import, and a verifier needs none)

    try:
        item: Item = rlp.decode(data, strict=True)
    except (rlp.DecodingError, RecursionError) as error:
        raise RlpError(f"not RLP: {error}") from error
    return item


def as_list(item: Item, what: str) -> list[Item]:
    """Return the items of a list."""
    if isinstance(item, bytes):
        raise RlpError(f"{what} is not a list")
    return item


def as_bytes(item: Item, what: str, length: int | None = None) -> bytes:
    """Return a string, of `length` bytes if that is given."""
    if not isinstance(item, bytes):
        raise RlpError(f"{what} is a list")
    if length is not None and len(item) != length:
        raise RlpError(f"{what} has {len(item)} bytes instead of {length}")
    return item


def as_integer(item: Item, what: str, bits: int) -> int:
    """Return an integer below 2**bits that is encoded without leading zeros."""
    digits = as_bytes(item, what)
    if digits.startswith(b"\0"):
        raise RlpError(f"{what} has leading zeros")
    if len(digits) * 8 > bits:
        raise IntegerOverflow(f"{what} exceeds {bits} bits")
    return int.from_bytes(digits, "big")
