import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as bn128

from zkevm.curve import BASE_MODULUS, EncodingError, g1, msm
from zkevm.field import MODULUS

scalars = st.one_of(st.integers(0, MODULUS - 1), st.sampled_from([0, 1, 2, MODULUS - 1]))
points = scalars.map(lambda scalar: g1.multiply(g1.GENERATOR, scalar))

INFINITY = (bn128.FQ.one(), bn128.FQ.one(), bn128.FQ.zero())


def reference(point):
    return INFINITY if point is None else (*(bn128.FQ(c) for c in point), bn128.FQ.one())


def affine(point):
    return None if bn128.is_inf(point) else tuple(int(c) for c in bn128.normalize(point))


def little_endian(value):
    return value.to_bytes(32, "little")


def test_parameters():
    assert bn128.field_modulus == BASE_MODULUS
    assert affine(bn128.G1) == g1.GENERATOR


@given(points, points)
def test_add_agrees_with_py_ecc(left, right):
    assert g1.add(left, right) == affine(bn128.add(reference(left), reference(right)))


@given(points)
def test_exceptional_additions(point):
    assert g1.add(point, point) == affine(bn128.double(reference(point)))
    assert g1.add(point, g1.negate(point)) is None
    assert g1.add(point, None) == g1.add(None, point) == point


@given(scalars)
def test_multiply_agrees_with_py_ecc(scalar):
    assert g1.multiply(g1.GENERATOR, scalar) == affine(bn128.multiply(bn128.G1, scalar))


def test_scalars_are_taken_modulo_the_order():
    assert g1.multiply(g1.GENERATOR, MODULUS) is None
    assert g1.multiply(g1.GENERATOR, -1) == g1.negate(g1.GENERATOR)
    assert g1.multiply(g1.GENERATOR, MODULUS + 5) == g1.multiply(g1.GENERATOR, 5)


@given(st.lists(st.tuples(points, scalars), max_size=8))
def test_msm_is_the_sum_of_multiples(terms):
    total = None
    for point, scalar in terms:
        total = g1.add(total, g1.multiply(point, scalar))
    assert msm([point for point, _ in terms], [scalar for _, scalar in terms]) == total


@pytest.mark.parametrize("bits", [1, 8, 64, 127, 128, 129, 253])
@pytest.mark.parametrize("count", [1, 50, 600])
def test_msm_of_full_scalars(count, bits):
    """All-ones scalars carry through every window, into the last."""
    logarithms = [random.Random(count).randrange(MODULUS) for _ in range(count)]
    factors = [2**bits - 1] * count
    expected = sum(a * b for a, b in zip(logarithms, factors, strict=True))
    assert msm(g1.fixed_base_multiples(logarithms), factors) == g1.multiply(g1.GENERATOR, expected)


def test_msm_of_equal_and_opposite_points():
    point = g1.multiply(g1.GENERATOR, 77)
    many = [point, g1.negate(point), None, point] * 20
    assert msm(many, [3] * 80) == g1.multiply(point, 60)
    assert msm(many, [1, 1, 1, 0] * 20) is None
    assert msm([], []) is None


def test_msm_of_unequal_lengths():
    with pytest.raises(ValueError, match="longer"):
        msm([g1.GENERATOR], [1, 2])


@given(st.lists(scalars, max_size=40))
def test_fixed_base_multiples(many):
    expected = [g1.multiply(g1.GENERATOR, scalar) for scalar in many]
    assert g1.fixed_base_multiples(many) == expected


@given(points)
def test_encodings_round_trip(point):
    assert g1.decode(g1.encode(point)) == point
    assert g1.decompress(g1.compress(point)) == point


@given(st.one_of(st.binary(min_size=32, max_size=32), points.map(g1.compress)), st.integers(0, 255))
def test_a_point_has_one_compressed_encoding(data, bit):
    value = int.from_bytes(data, "little")
    for candidate in (data, little_endian(value ^ 1 << bit)):
        try:
            point = g1.decompress(candidate)
        except EncodingError:
            continue
        assert g1.is_on_curve(point)
        assert g1.compress(point) == candidate


@given(points, st.integers(0, 511))
def test_a_point_has_one_encoding(point, bit):
    data = (int.from_bytes(g1.encode(point), "little") ^ 1 << bit).to_bytes(64, "little")
    with pytest.raises(EncodingError):
        g1.decode(data)


def test_infinity_has_one_compressed_encoding():
    infinity = g1.compress(None)
    assert g1.decompress(infinity) is None
    value = int.from_bytes(infinity, "little")
    for bit in set(range(256)) - {254}:
        with pytest.raises(EncodingError, match="infinity"):
            g1.decompress(little_endian(value ^ 1 << bit))


REFUSED = {
    "off the curve": (little_endian(1) + little_endian(3), "not on the curve"),
    "x not reduced": (little_endian(1 + BASE_MODULUS) + little_endian(2), "not reduced"),
    "y not reduced": (little_endian(1) + little_endian(2 + BASE_MODULUS), "not reduced"),
    "short": (bytes(63), "63 bytes"),
    "long": (bytes(65), "65 bytes"),
}


@pytest.mark.parametrize(("data", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_decode_refuses(data, message):
    with pytest.raises(EncodingError, match=message):
        g1.decode(data)


COMPRESSED_REFUSED = {
    "no such x": (little_endian(4), "not on the curve"),
    "x not reduced": (little_endian(1 + BASE_MODULUS), "not reduced"),
    "x is the modulus": (little_endian(BASE_MODULUS), "not reduced"),
    "short": (bytes(31), "31 bytes"),
    "long": (bytes(33), "33 bytes"),
}


@pytest.mark.parametrize(
    ("data", "message"), COMPRESSED_REFUSED.values(), ids=COMPRESSED_REFUSED.keys()
)
def test_decompress_refuses(data, message):
    with pytest.raises(EncodingError, match=message):
        g1.decompress(data)


def test_encode_refuses_what_is_not_reduced():
    for encode in (g1.encode, g1.compress):
        with pytest.raises(EncodingError, match="not reduced"):
            encode((1 + BASE_MODULUS, 2))


@pytest.mark.parametrize("point", [(1, 3), (0, 0), (1 + BASE_MODULUS, 2), (1, -2)])
def test_is_on_curve_refuses(point):
    assert not g1.is_on_curve(point)
