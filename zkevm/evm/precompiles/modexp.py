"""MODEXP: modular exponentiation of integers of any length (EIP-198).

Prices: EIP-2565; from Osaka EIP-7883, with the lengths bounded by EIP-7823.
"""

from zkevm.evm.gas import words
from zkevm.evm.precompiles import Precompile, PrecompileFailure

_HEADER = 96
_MAX_LENGTH = 1024


def _number(data: bytes, offset: int, length: int) -> int:
    return int.from_bytes(data[offset : offset + length].ljust(length, b"\0"), "big")


def _lengths(data: bytes) -> tuple[int, int, int]:
    """Return the lengths of base, exponent and modulus."""
    return _number(data, 0, 32), _number(data, 32, 32), _number(data, 64, 32)


def _iterations(data: bytes, multiplier: int) -> int:
    """Return the exponent's bits after its first one, those past 32 bytes by `multiplier`."""
    base_length, length, _ = _lengths(data)
    head = _number(data, _HEADER + base_length, min(length, 32))
    return max(multiplier * max(length - 32, 0) + max(head.bit_length() - 1, 0), 1)


def _price(data: bytes) -> int:
    base_length, _, modulus_length = _lengths(data)
    size = (max(base_length, modulus_length) + 7) // 8
    return max(200, size * size * _iterations(data, 8) // 3)


def _osaka_price(data: bytes) -> int:
    base_length, _, modulus_length = _lengths(data)
    longest = max(base_length, modulus_length)
    size = (longest + 7) // 8
    complexity = 16 if words(longest) <= 1 else 2 * size * size
    return max(500, complexity * _iterations(data, 16))


def _power(data: bytes) -> bytes:
    base_length, exponent_length, modulus_length = _lengths(data)
    if base_length == 0 and modulus_length == 0:
        return b""
    base = _number(data, _HEADER, base_length)
    exponent = _number(data, _HEADER + base_length, exponent_length)
    modulus = _number(data, _HEADER + base_length + exponent_length, modulus_length)
    result = pow(base, exponent, modulus) if modulus else 0
    return result.to_bytes(modulus_length, "big")


def _bounded_power(data: bytes) -> bytes:
    if max(_lengths(data)) > _MAX_LENGTH:
        raise PrecompileFailure
    return _power(data)


MODEXP = Precompile("MODEXP", _price, _power)
MODEXP_BOUNDED = Precompile("MODEXP", _osaka_price, _bounded_power)
