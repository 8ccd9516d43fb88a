import random
from math import gcd

import pytest
from py_ecc import optimized_bn128 as bn128
from py_ecc.optimized_bn128.optimized_pairing import final_exponentiate

from tests.support.kernels import native, needs_native
from zkevm.curve import BASE_MODULUS, g1, g2, multi_pairing_check, pairing
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


def element(source):
    return [source.randrange(BASE_MODULUS) for _ in range(12)]


EXTRA = 2 * pairing.U * (6 * pairing.U**2 + 3 * pairing.U + 1)
"""The factor of the exponent beyond (P**12 - 1) / r."""


def test_parameter():
    u = pairing.U
    assert 36 * u**4 + 36 * u**3 + 24 * u**2 + 6 * u + 1 == BASE_MODULUS
    assert 36 * u**4 + 36 * u**3 + 18 * u**2 + 6 * u + 1 == MODULUS
    assert gcd(EXTRA, MODULUS) == 1


@pytest.mark.parametrize("seed", range(3))
def test_arithmetic_agrees_with_py_ecc(seed):
    source = random.Random(seed)
    a, b = element(source), element(source)
    assert bn128.FQ12(pairing._multiply(a, b)) == bn128.FQ12(a) * bn128.FQ12(b)
    assert pairing._square(a) == pairing._multiply(a, a)
    assert pairing._multiply(a, pairing._inverse(a)) == pairing.ONE
    assert bn128.FQ12(pairing._frobenius(a)) == bn128.FQ12(a) ** BASE_MODULUS
    assert bn128.FQ12(pairing._conjugate(a)) == bn128.FQ12(a) ** BASE_MODULUS**6


def test_final_exponentiation_agrees_with_py_ecc():
    value = element(random.Random(1))
    expected = final_exponentiate(bn128.FQ12(value)) ** EXTRA
    assert bn128.FQ12(pairing.final_exponentiation(value)) == expected


def reference_pairing(left, right):
    x, y = (bn128.FQ2(element) for element in right)
    return bn128.pairing((x, y, bn128.FQ2.one()), (*map(bn128.FQ, left), bn128.FQ.one()))


@pytest.mark.parametrize("seed", range(3))
def test_pairing_agrees_with_py_ecc(seed):
    source = random.Random(seed)
    pairs = [
        (g1.multiply(g1.GENERATOR, s), g2.multiply(g2.GENERATOR, source.randrange(1, MODULUS)))
        for s in (1, MODULUS - 1, source.randrange(1, MODULUS))
    ]
    values = [pairing.final_exponentiation(pairing.miller_loop([pair])) for pair in pairs]
    expected = [reference_pairing(*pair) ** EXTRA for pair in pairs]
    assert [bn128.FQ12(value) for value in values] == expected
    product = pairing.final_exponentiation(pairing.miller_loop(pairs))
    assert bn128.FQ12(product) == expected[0] * expected[1] * expected[2]
