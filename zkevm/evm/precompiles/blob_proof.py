"""Body of the precompile that evaluates a blob at a point (EIP-4844)."""

import hashlib
from typing import TypeAlias

from py_ecc import optimized_bls12_381 as bls
from py_ecc.bls.point_compression import decompress_G1, decompress_G2

from zkevm.evm.precompiles import PrecompileFailure

Point: TypeAlias = tuple[bls.FQ, bls.FQ, bls.FQ]

_INPUT_LENGTH = 192
_ELEMENTS_IN_BLOB = 4096
_VERSION = b"\x01"

# [tau] G2 of the KZG ceremony of 2023.
_TAU_G2 = bytes.fromhex(
    "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d"
    "2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e2"
    "3926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2"
)

_RESULT = _ELEMENTS_IN_BLOB.to_bytes(32, "big") + int(bls.curve_order).to_bytes(32, "big")


def _decompress(data: bytes) -> Point:
    try:
        point: Point = decompress_G1(int.from_bytes(data, "big"))
    except ValueError as error:
        raise PrecompileFailure from error
    if not bls.is_inf(bls.multiply(point, bls.curve_order)):
        raise PrecompileFailure
    return point


def verify(data: bytes) -> bytes:
    """Check that the polynomial of a commitment takes the value y at z, by its proof."""
    if len(data) != _INPUT_LENGTH:
        raise PrecompileFailure
    z, y = int.from_bytes(data[32:64], "big"), int.from_bytes(data[64:96], "big")
    commitment = data[96:144]
    if data[:32] != _VERSION + hashlib.sha256(commitment).digest()[1:]:
        raise PrecompileFailure
    if z >= bls.curve_order or y >= bls.curve_order:
        raise PrecompileFailure
    high, low = (int.from_bytes(half, "big") for half in (_TAU_G2[:48], _TAU_G2[48:]))
    tau = decompress_G2((high, low))
    # e(C - [y], [1]) = e(proof, [tau - z])
    value = bls.add(_decompress(commitment), bls.neg(bls.multiply(bls.G1, y)))
    divisor = bls.add(tau, bls.neg(bls.multiply(bls.G2, z)))
    product = bls.pairing(bls.neg(bls.G2), value, final_exponentiate=False) * bls.pairing(
        divisor, _decompress(data[144:]), final_exponentiate=False
    )
    if bls.final_exponentiate(product) != bls.FQ12.one():
        raise PrecompileFailure
    return _RESULT
