import random

import pytest
from py_ecc import optimized_bn128 as bn128
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate

from tests.support.kernels import native, needs_native
from zkevm.curve import g1, g2, multi_pairing_check, pairing
from zkevm.field import MODULUS

KERNELS = [None, pytest.param(native, marks=needs_native)]


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("seed", range(3))
def test_bilinear(seed, kernels):
    a, b, c = (random.Random(seed).randrange(MODULUS) for _ in range(3))
    left = g1.multiply(g1.GENERATOR, a), g2.multiply(g2.GENERATOR, b)
    right = g1.multiply(g1.GENERATOR, -a * b - c), g2.GENERATOR
    rest = g1.multiply(g1.GENERATOR, c), g2.GENERATOR
    assert multi_pairing_check([left, right, rest], kernels)
    assert not multi_pairing_check([left, right], kernels)
    assert not multi_pairing_check([left, right, (g1.negate(rest[0]), rest[1])], kernels)


@pytest.mark.parametrize("kernels", KERNELS)
def test_infinity_contributes_nothing(kernels):
    nothing = [(None, g2.GENERATOR), (g1.GENERATOR, None)]
    assert multi_pairing_check([], kernels)
    assert multi_pairing_check(nothing, kernels)
    assert not multi_pairing_check([nothing[0], (g1.GENERATOR, g2.GENERATOR)], kernels)


def test_final_exponentiation_agrees_with_py_ecc():
    source = random.Random(1)
    element = bn128.FQ12([source.randrange(bn128.field_modulus) for _ in range(12)])
    assert pairing._final_exponentiation(element) == final_exponentiate(element)
