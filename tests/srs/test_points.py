"""The heavy operations, in plain Python and, where they are built, in the native kernels."""

import numpy as np
import pytest

from zkevm.curve import BASE_MODULUS, EncodingError, g1
from zkevm.field import MODULUS
from zkevm.srs import points

TAU = 0x123456789ABCDEF << 180
AFFINE = [g1.multiply(g1.GENERATOR, pow(TAU, i, MODULUS)) for i in range(20)]


@pytest.fixture(params=["python", "native"])
def kernels(request, monkeypatch):
    native = points.native_kernels()
    if request.param == "python":
        monkeypatch.setattr(points, "native_kernels", lambda: None)
    elif native is None:
        pytest.skip("the native kernels are not built")


def test_affine_round_trip():
    assert points.to_affine(points.from_affine([*AFFINE, None])) == [*AFFINE, None]


def test_montgomery_form():
    expected = b"".join((c * 2**256 % BASE_MODULUS).to_bytes(32, "little") for c in AFFINE[3])
    assert points.from_affine(AFFINE)[3].tobytes() == expected


def test_coordinates_must_be_reduced():
    data = np.frombuffer(g1.encode(AFFINE[0]) + b"\xff" * 64, np.uint8).reshape(2, 64)
    with pytest.raises(EncodingError, match="power 1"):
        points.from_canonical(data)


def test_powers(kernels):
    assert points.to_affine(points.powers(TAU, 20)) == AFFINE
    assert points.to_affine(points.powers(TAU, 1)) == AFFINE[:1]


def test_no_point_is_off_the_curve(kernels):
    assert points.first_off_curve(points.from_affine(AFFINE)) is None


@pytest.mark.parametrize("index", [0, 7, 19])
@pytest.mark.parametrize("column", [0, 31, 32, 63])
def test_first_off_curve(index, column, kernels):
    changed = points.from_affine(AFFINE).copy()
    changed[index:, column] ^= 1
    assert points.first_off_curve(changed) == index


def test_infinity_and_unreduced_points_are_off_the_curve(kernels):
    array = points.from_affine([*AFFINE[:3], None])
    assert points.first_off_curve(array) == 3
    value = int.from_bytes(array[1, :32].tobytes(), "little") + BASE_MODULUS
    array = array.copy()
    array[1, :32] = np.frombuffer(value.to_bytes(32, "little"), np.uint8)
    assert points.first_off_curve(array) == 1


def test_combine_neighbours(kernels):
    weights = np.random.default_rng(1).integers(0, 2**64, (19, 2), np.uint64)
    scalars = [int(low) + 2**64 * int(high) for low, high in weights]
    lower, upper = points.combine_neighbours(points.from_affine(AFFINE), weights)
    assert lower == g1.msm(AFFINE[:-1], scalars)
    assert upper == g1.msm(AFFINE[1:], scalars)
