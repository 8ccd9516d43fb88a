import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as bn128

from zkevm.curve import BASE_MODULUS, EncodingError, g2
from zkevm.field import MODULUS

scalars = st.one_of(st.integers(0, MODULUS - 1), st.sampled_from([0, 1, MODULUS - 1]))


def test_y_at():
    """About half of all x carry a point, and few of these points are in the group."""
    found = [(x, y) for x in CANDIDATES if (y := g2.y_at(x)) is not None]
    assert 10 < len(found) < 54
    for point in found:
        assert g2.is_on_curve(point)


def test_y_at_of_a_known_point():
    x, y = g2.GENERATOR
    assert g2.y_at(x) in (y, g2.negate(g2.GENERATOR)[1])


CANDIDATES = [(c0, c1) for c0 in range(8) for c1 in range(8)]


def test_generator_is_that_of_the_precompile():
    assert g2.encode(g2.GENERATOR)[:32] == int(
        "1800DEEF121F1E76426A00665E5C4479674322D4F75EDADD46DEBD5CD992F6ED", 16
    ).to_bytes(32, "little")
    assert g2.is_in_group(g2.GENERATOR)


@given(scalars)
def test_encoding_round_trips(scalar):
    point = g2.multiply(g2.GENERATOR, scalar)
    assert g2.decode(g2.encode(point)) == point


@given(scalars, scalars)
def test_addition_adds_scalars(left, right):
    total = g2.add(g2.multiply(g2.GENERATOR, left), g2.multiply(g2.GENERATOR, right))
    assert total == g2.multiply(g2.GENERATOR, left + right)


def reference(point):
    if point is None:
        return bn128.FQ2.one(), bn128.FQ2.one(), bn128.FQ2.zero()
    return (*map(bn128.FQ2, point), bn128.FQ2.one())


def affine(point):
    if bn128.is_inf(point):
        return None
    return tuple(tuple(map(int, element.coeffs)) for element in bn128.normalize(point))


def test_parameters():
    assert affine(bn128.G2) == g2.GENERATOR
    assert tuple(map(int, bn128.b2.coeffs)) == g2.B


@given(scalars, scalars)
def test_group_agrees_with_py_ecc(left, right):
    p, q = (g2.multiply(g2.GENERATOR, scalar) for scalar in (left, right))
    assert p == affine(bn128.multiply(bn128.G2, left))
    assert g2.add(p, q) == affine(bn128.add(reference(p), reference(q)))
    assert g2.add(p, p) == affine(bn128.double(reference(p)))
    assert g2.add(p, None) == g2.add(None, p) == p
    assert g2.add(p, g2.negate(p)) is None
    assert g2.negate(p) == affine(bn128.neg(reference(p)))


def test_negation():
    assert g2.add(g2.GENERATOR, g2.negate(g2.GENERATOR)) is None
    assert g2.negate(g2.GENERATOR) == g2.multiply(g2.GENERATOR, -1)


def test_infinity_is_all_zero():
    assert g2.encode(None) == bytes(128)
    assert g2.decode(bytes(128)) is None


@given(st.integers(0, 1023))
def test_a_changed_bit_is_refused(bit):
    data = int.from_bytes(g2.encode(g2.GENERATOR), "little") ^ 1 << bit
    with pytest.raises(EncodingError):
        g2.decode(data.to_bytes(128, "little"))


def test_the_frobenius_map_tells_the_group():
    assert BASE_MODULUS + 1 - MODULUS == 6 * g2.U**2 + 1  # the trace
    cofactor = 2 * BASE_MODULUS - MODULUS
    points = [(x, y) for x in CANDIDATES[:4] if (y := g2.y_at(x)) is not None]
    for point in points:
        image, twice = g2.frobenius(point), g2.frobenius(g2.frobenius(point))
        trace_of_image = g2._multiply(image, 6 * g2.U**2 + 1)
        assert g2.add(twice, g2._multiply(point, BASE_MODULUS)) == trace_of_image
        assert g2.is_in_group(g2._multiply(point, cofactor))
        assert not g2.is_in_group(g2._multiply(point, MODULUS))


def test_the_relation_holds_in_the_group_alone():
    """Its left side, modulo q**2 - t q + P, is a + b q, of norm a**2 + a b t + b**2 P."""
    trace, cofactor = BASE_MODULUS + 1 - MODULUS, 2 * BASE_MODULUS - MODULUS
    a, b, power = 0, 0, (1, 0)
    for coefficient in (6 * g2.U + 2, 1, -1, 1):
        a, b = a + coefficient * power[0], b + coefficient * power[1]
        power = -BASE_MODULUS * power[1], power[0] + trace * power[1]
    norm = a * a + a * b * trace + b * b * BASE_MODULUS
    assert math.gcd(norm, MODULUS * cofactor) == MODULUS
    assert (a + b * BASE_MODULUS) % MODULUS == 0


def test_sums_of_equal_and_opposite_points():
    """A point of small order meets them."""
    small, cofactor = 10069, 2 * BASE_MODULUS - MODULUS
    outside = next((x, y) for x in CANDIDATES if (y := g2.y_at(x)) is not None)
    point = g2._multiply(outside, cofactor // small * MODULUS)
    twice = g2.add(point, point)
    assert not g2.is_in_group(point)
    assert g2._multiply(point, small) is None
    assert g2._multiply(point, small - 1) == g2.negate(point)
    assert g2._multiply(point, small + 1) == g2._multiply(point, 2 * small + 1) == point
    assert g2._multiply(point, small + 2) == twice


def test_point_outside_the_group_is_refused():
    point = next((x, y) for x in CANDIDATES if (y := g2.y_at(x)) is not None)
    assert g2.is_on_curve(point)
    assert not bn128.is_inf(bn128.multiply(reference(point), MODULUS))
    assert not g2.is_in_group(point)
    with pytest.raises(EncodingError, match="not in the group"):
        g2.decode(g2.encode(point))


@pytest.mark.parametrize("position", range(4))
def test_coordinates_must_be_reduced(position):
    coordinates = [c for element in g2.GENERATOR for c in element]
    coordinates[position] += BASE_MODULUS
    with pytest.raises(EncodingError, match="not reduced"):
        g2.decode(b"".join(c.to_bytes(32, "little") for c in coordinates))
    x0, x1, y0, y1 = coordinates
    assert not g2.is_on_curve(((x0, x1), (y0, y1)))


@pytest.mark.parametrize("length", [0, 64, 127, 129])
def test_other_lengths_are_refused(length):
    with pytest.raises(EncodingError, match=f"{length} bytes"):
        g2.decode(bytes(length))
