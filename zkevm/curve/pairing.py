"""The pairing check of BN254.

Miller loops are py_ecc's.  The final exponentiation to ``(p**12 - 1) / r`` is split as
``(p**6 - 1) * (p**2 + 1) * ((p**4 - p**2 + 1) / r)``: the first two factors are Frobenius maps,
which leaves a quarter of the bits.
"""

from collections.abc import Sequence
from types import ModuleType

from py_ecc import optimized_bn128 as bn128
from py_ecc.optimized_bn128.optimized_pairing import cast_point_to_fq12, miller_loop

from zkevm.curve import g1, g2
from zkevm.curve.base_field import BASE_MODULUS
from zkevm.curve.g1 import G1Point
from zkevm.curve.g2 import G2Point
from zkevm.field import MODULUS

# py_ecc writes FQ12 in powers of w with w**6 = 9 + i, whose norm is 82.  Hence
# w**(p**2) = w * 82**((p - 1) / 6) and w**(p**6) = -w.
NORM = 82
FROBENIUS_SQUARED = [
    pow(NORM, power * (BASE_MODULUS - 1) // 6, BASE_MODULUS) for power in range(12)
]
HARD_EXPONENT = (BASE_MODULUS**4 - BASE_MODULUS**2 + 1) // MODULUS


def multi_pairing_check(
    pairs: Sequence[tuple[G1Point, G2Point]], kernels: ModuleType | None = None
) -> bool:
    """Say whether the product of the pairings ``e(a, b)`` of all `pairs` is one.

    Points are trusted to be in their groups: decoding has checked them.  With `kernels`, the
    native module, these compute it.
    """
    if kernels is not None:
        lefts = b"".join(g1.encode(left) for left, _ in pairs)
        rights = b"".join(g2.encode(right) for _, right in pairs)
        return bool(kernels.pairing_check(lefts, rights))
    product = bn128.FQ12.one()
    for left, right in pairs:
        if left is None or right is None:
            continue
        twisted = bn128.twist(g2.to_projective(right))
        point = cast_point_to_fq12((bn128.FQ(left[0]), bn128.FQ(left[1]), bn128.FQ.one()))
        product = product * miller_loop(twisted, point, final_exponentiate=False)
    return bool(_final_exponentiation(product) == bn128.FQ12.one())


def _final_exponentiation(element: bn128.FQ12) -> bn128.FQ12:
    conjugate = bn128.FQ12([c if i % 2 == 0 else -c for i, c in enumerate(element.coeffs)])
    unitary = conjugate / element
    frobenius = bn128.FQ12(
        [c * factor for c, factor in zip(unitary.coeffs, FROBENIUS_SQUARED, strict=True)]
    )
    return (frobenius * unitary) ** HARD_EXPONENT
