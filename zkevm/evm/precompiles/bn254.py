"""Addition, multiplication and pairing check on BN254 (EIP-196, 197; prices of EIP-1108)."""

from zkevm.curve import g1, g2
from zkevm.curve.pairing import multi_pairing_check
from zkevm.evm.precompiles import Precompile, PrecompileFailure

_G1_LENGTH = 64
_PAIR_LENGTH = 192


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[start : start + 32], "big") for start in range(0, len(data), 32)]


def _g1(data: bytes) -> g1.G1Point:
    x, y = _words(data)
    point = (x, y) if x or y else None
    if not g1.is_on_curve(point):
        raise PrecompileFailure
    return point


def _g2(data: bytes) -> g2.G2Point:
    x1, x0, y1, y0 = _words(data)
    point = ((x0, x1), (y0, y1)) if x0 or x1 or y0 or y1 else None
    if not g2.is_in_group(point):
        raise PrecompileFailure
    return point


def _encode(point: g1.G1Point) -> bytes:
    return b"".join(coordinate.to_bytes(32, "big") for coordinate in point or (0, 0))


def _add(data: bytes) -> bytes:
    data = data[:128].ljust(128, b"\0")
    return _encode(g1.add(_g1(data[:64]), _g1(data[64:])))


def _multiply(data: bytes) -> bytes:
    data = data[:96].ljust(96, b"\0")
    return _encode(g1.multiply(_g1(data[:64]), int.from_bytes(data[64:], "big")))


def _pairing_check(data: bytes) -> bytes:
    if len(data) % _PAIR_LENGTH:
        raise PrecompileFailure
    pairs = [
        (
            _g1(data[start : start + _G1_LENGTH]),
            _g2(data[start + _G1_LENGTH : start + _PAIR_LENGTH]),
        )
        for start in range(0, len(data), _PAIR_LENGTH)
    ]
    return int(multi_pairing_check(pairs)).to_bytes(32, "big")


BN254_ADD = Precompile("BN254_ADD", lambda _: 150, _add)
BN254_MUL = Precompile("BN254_MUL", lambda _: 6_000, _multiply)
BN254_PAIRING = Precompile(
    "BN254_PAIRING", lambda data: 45_000 + 34_000 * (len(data) // _PAIR_LENGTH), _pairing_check
)
