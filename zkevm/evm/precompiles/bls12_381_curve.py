"""Bodies of the precompiles of BLS12-381 (EIP-2537); prices are in `bls12_381`."""

from typing import TypeAlias

from py_ecc import optimized_bls12_381 as bls
from py_ecc.bls.hash_to_curve import (
    clear_cofactor_G1,
    clear_cofactor_G2,
    map_to_curve_G1,
    map_to_curve_G2,
)

from zkevm.evm.precompiles import PrecompileFailure
from zkevm.evm.precompiles.bls12_381 import FIELD_LENGTH, SCALAR_LENGTH

Element: TypeAlias = bls.FQ | bls.FQ2
Point: TypeAlias = tuple[Element, Element, Element]
"""Projective."""


class _Group:
    """One of the two groups: G1 over the field, G2 over its quadratic extension."""

    def __init__(self, degree: int, curve_b: Element) -> None:
        self.degree = degree
        self.b = curve_b
        self.length = 2 * degree * FIELD_LENGTH

    def element(self, data: bytes) -> Element:
        """Decode a coordinate."""
        numbers = [
            int.from_bytes(data[start : start + FIELD_LENGTH], "big")
            for start in range(0, len(data), FIELD_LENGTH)
        ]
        if any(number >= bls.field_modulus for number in numbers):
            raise PrecompileFailure
        return bls.FQ(numbers[0]) if self.degree == 1 else bls.FQ2(numbers)

    def point(self, data: bytes, *, in_subgroup: bool) -> Point:
        """Decode a point, checking that it is on the curve and, if asked, in the subgroup."""
        half = len(data) // 2
        x, y = self.element(data[:half]), self.element(data[half:])
        one = type(x).one()
        if x == type(x).zero() and y == type(x).zero():
            return one, one, type(x).zero()
        point = (x, y, one)
        if not bls.is_on_curve(point, self.b):
            raise PrecompileFailure
        if in_subgroup and not bls.is_inf(bls.multiply(point, bls.curve_order)):
            raise PrecompileFailure
        return point

    def encode(self, point: Point) -> bytes:
        """Encode a point; infinity is zero."""
        if bls.is_inf(point):
            return bytes(self.length)
        coordinates = bls.normalize(point)
        numbers = [
            number
            for coordinate in coordinates
            for number in ([coordinate.n] if self.degree == 1 else coordinate.coeffs)
        ]
        return b"".join(int(number).to_bytes(FIELD_LENGTH, "big") for number in numbers)

    def add(self, data: bytes) -> bytes:
        """Add two points of the curve, of the subgroup or not."""
        _require(len(data) == 2 * self.length)
        lhs, rhs = (
            self.point(half, in_subgroup=False)
            for half in (data[: self.length], data[self.length :])
        )
        return self.encode(bls.add(lhs, rhs))

    def msm(self, data: bytes) -> bytes:
        """Add up multiples of points of the subgroup."""
        pairs = _split(data, self.length + SCALAR_LENGTH)
        total = (type(self.b).one(), type(self.b).one(), type(self.b).zero())
        for pair in pairs:
            point = self.point(pair[: self.length], in_subgroup=True)
            scalar = int.from_bytes(pair[self.length :], "big")
            total = bls.add(total, bls.multiply(point, scalar % bls.curve_order))
        return self.encode(total)


def _require(condition: bool) -> None:
    if not condition:
        raise PrecompileFailure


def _split(data: bytes, length: int) -> list[bytes]:
    """Return the parts of that length, of which there must be at least one."""
    _require(bool(data) and len(data) % length == 0)
    return [data[start : start + length] for start in range(0, len(data), length)]


_G1 = _Group(1, bls.b)
_G2 = _Group(2, bls.b2)

add_g1, msm_g1 = _G1.add, _G1.msm
add_g2, msm_g2 = _G2.add, _G2.msm


def check_pairing(data: bytes) -> bytes:
    """Check that a product of pairings is one."""
    product = bls.FQ12.one()
    for pair in _split(data, _G1.length + _G2.length):
        p = _G1.point(pair[: _G1.length], in_subgroup=True)
        q = _G2.point(pair[_G1.length :], in_subgroup=True)
        product *= bls.pairing(q, p, final_exponentiate=False)
    return int(bls.final_exponentiate(product) == bls.FQ12.one()).to_bytes(32, "big")


def map_to_g1(data: bytes) -> bytes:
    """Map an element of the field to the group."""
    _require(len(data) == FIELD_LENGTH)
    return _G1.encode(clear_cofactor_G1(map_to_curve_G1(_G1.element(data))))


def map_to_g2(data: bytes) -> bytes:
    """Map an element of the quadratic extension to the group."""
    _require(len(data) == 2 * FIELD_LENGTH)
    return _G2.encode(clear_cofactor_G2(map_to_curve_G2(_G2.element(data))))
