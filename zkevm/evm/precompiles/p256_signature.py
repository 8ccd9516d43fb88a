"""The body of P256VERIFY."""

from Crypto.PublicKey.ECC import EccPoint

_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1
_GENERATOR = EccPoint(
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
    "p256",
)
_INPUT_LENGTH = 160


def _is_valid(data: bytes) -> bool:
    if len(data) != _INPUT_LENGTH:
        return False
    digest, r, s, x, y = (
        int.from_bytes(data[start : start + 32], "big") for start in range(0, _INPUT_LENGTH, 32)
    )
    if not (0 < r < _ORDER and 0 < s < _ORDER and x < _FIELD and y < _FIELD) or (x, y) == (0, 0):
        return False
    try:
        key = EccPoint(x, y, "p256")
    except ValueError:  # not on the curve
        return False
    inverse = pow(s, -1, _ORDER)
    point = _GENERATOR * (digest * inverse % _ORDER) + key * (r * inverse % _ORDER)
    return not point.is_point_at_infinity() and int(point.x) % _ORDER == r


def verify(data: bytes) -> bytes:
    """Return the word 1 if `data` is a valid signature with its digest and key, else nothing."""
    return (1).to_bytes(32, "big") if _is_valid(data) else b""
