import pytest
from hypothesis import given
from hypothesis import strategies as st
from py_ecc import optimized_bn128 as bn128

from zkevm import field

elements = st.integers(0, field.MODULUS - 1)
nonzero = st.integers(1, field.MODULUS - 1)
EDGES = [0, 1, 2, field.MODULUS - 1, 2**253, (field.MODULUS - 1) // 2]


def test_modulus_is_the_order_of_the_groups():
    assert bn128.curve_order == field.MODULUS


@given(nonzero)
def test_inverse(element):
    assert element * field.inverse(element) % field.MODULUS == 1


@pytest.mark.parametrize("zero", [0, field.MODULUS])
def test_zero_has_no_inverse(zero):
    with pytest.raises(ZeroDivisionError):
        field.inverse(zero)
    with pytest.raises(ZeroDivisionError):
        field.batch_inverse([1, zero, 2])


@given(st.lists(nonzero, max_size=20))
def test_batch_inverse(many):
    assert field.batch_inverse(many) == [field.inverse(element) for element in many]


@given(st.lists(st.tuples(elements, elements), max_size=10))
def test_inner_product(pairs):
    expected = sum(a * b for a, b in pairs) % field.MODULUS
    assert field.inner_product([a for a, _ in pairs], [b for _, b in pairs]) == expected


def test_inner_product_of_unequal_lengths():
    with pytest.raises(ValueError, match="shorter"):
        field.inner_product([1, 2], [1])


@pytest.mark.parametrize("element", EDGES)
def test_edges_round_trip(element):
    assert field.decode(field.encode(element)) == element


@given(st.binary(min_size=32, max_size=32))
def test_an_element_has_one_encoding(data):
    try:
        element = field.decode(data)
    except field.EncodingError:
        assert int.from_bytes(data, "little") >= field.MODULUS
    else:
        assert field.encode(element) == data


@pytest.mark.parametrize("element", [-1, field.MODULUS, 2**256])
def test_encode_refuses_what_is_not_reduced(element):
    with pytest.raises(field.EncodingError, match="not reduced"):
        field.encode(element)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_decode_refuses_other_lengths(length):
    with pytest.raises(field.EncodingError, match=f"{length} bytes"):
        field.decode(bytes(length))


@pytest.mark.parametrize("value", [field.MODULUS, field.MODULUS + 1, 2**256 - 1])
def test_decode_refuses_what_is_not_reduced(value):
    with pytest.raises(field.EncodingError, match="not reduced"):
        field.decode(value.to_bytes(32, "little"))
