"""The scalar field of BN254: integers modulo the prime order of its groups.

An element is a plain ``int`` in ``[0, MODULUS)``.  Arithmetic is written where it is used, with
Python's own operators; this module holds what needs care: inverses and the one legal encoding.
"""

from collections.abc import Iterable, Sequence
from itertools import starmap
from operator import mul

MODULUS = 21888242871839275222246405745257275088548364400416034343698204186575808495617
"""The order of the groups of BN254 (EIP-196, EIP-197)."""

ENCODED_LENGTH = 32
"""Bytes of an encoded element."""


class EncodingError(ValueError):
    """Bytes that are not the canonical encoding of an element or of a point."""


def signed(element: int) -> int:
    """Return the integer of the smallest size that stands for an element."""
    element %= MODULUS
    return element - MODULUS if element > MODULUS // 2 else element


def inverse(element: int) -> int:
    """Return ``1 / element``; raise ``ZeroDivisionError`` for zero."""
    if element % MODULUS == 0:
        raise ZeroDivisionError("zero has no inverse in the field")
    return pow(element, -1, MODULUS)


def batch_inverse(elements: Sequence[int], modulus: int = MODULUS) -> list[int]:
    """Invert every element, all nonzero, with one inversion (Montgomery's trick).

    `modulus` is any prime.  Raises ``ZeroDivisionError`` if an element is zero.
    """
    products = []
    product = 1
    for element in elements:
        products.append(product)
        product = product * element % modulus
    if product == 0:
        raise ZeroDivisionError("zero has no inverse in the field")
    suffix = pow(product, -1, modulus)
    inverses = [0] * len(products)
    for index in range(len(products) - 1, -1, -1):
        inverses[index] = products[index] * suffix % modulus
        suffix = suffix * elements[index] % modulus
    return inverses


def inner_product(left: Iterable[int], right: Iterable[int]) -> int:
    """Return the sum of products of two sequences of one length, reduced once at the end.

    Raises ``ValueError`` if the lengths differ.
    """
    total: int = sum(starmap(mul, zip(left, right, strict=True)))
    return total % MODULUS


def encode(element: int) -> bytes:
    """Encode an element of ``[0, MODULUS)`` as 32 bytes, little-endian.

    Raises ``EncodingError`` for an integer that is not reduced.
    """
    if not 0 <= element < MODULUS:
        raise EncodingError("field element is not reduced")
    return element.to_bytes(ENCODED_LENGTH, "little")


def decode(data: bytes) -> int:
    """Decode what `encode` wrote; the inverse of `encode`, so one element has one encoding.

    Raises ``EncodingError`` for another length or a value that is not reduced.
    """
    if len(data) != ENCODED_LENGTH:
        raise EncodingError(f"field element of {len(data)} bytes, not {ENCODED_LENGTH}")
    element = int.from_bytes(data, "little")
    if element >= MODULUS:
        raise EncodingError("field element is not reduced")
    return element


def encode_all(elements: Iterable[int]) -> bytes:
    """Encode elements one after another; errors as in `encode`."""
    listed = list(elements)
    if listed and not 0 <= min(listed) <= max(listed) < MODULUS:
        raise EncodingError("field element is not reduced")
    return b"".join([element.to_bytes(ENCODED_LENGTH, "little") for element in listed])


def decode_all(data: bytes) -> list[int]:
    """Decode what `encode_all` wrote; errors as in `decode`."""
    return [decode(data[i : i + ENCODED_LENGTH]) for i in range(0, len(data), ENCODED_LENGTH)]
