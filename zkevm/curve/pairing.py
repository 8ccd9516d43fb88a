"""The pairing check of BN254, by the optimal ate pairing.

A value of the pairing is a polynomial in w of degree below 12, the list of its coefficients, where
``w**6 = 9 + i``, so that ``w**12 = 18 * w**6 - 82``.  A point (x, y) of G2 stands for
``(x * w**2, y * w**3)``, which satisfies the equation of G1.

Sources: Vercauteren, Optimal pairings (2008/096); Fuentes-Castaneda, Knapp, Rodriguez-Henriquez,
Faster hashing to G2 (SAC 2011), for the final exponentiation.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

from zkevm.curve import extension_field as fp2
from zkevm.curve import g1, g2
from zkevm.curve.base_field import BASE_MODULUS
from zkevm.curve.double_and_add import repeat
from zkevm.curve.extension_field import ExtensionElement
from zkevm.curve.g1 import G1Point
from zkevm.curve.g2 import GAMMA, FinitePoint, G2Point, U

Value: TypeAlias = list[int]
Terms: TypeAlias = Iterable[tuple[int, int]]
"""Powers of w, and their coefficients."""

P = BASE_MODULUS
DEGREE = 12
ONE: Value = [1, *[0] * (DEGREE - 1)]


class Line(NamedTuple):
    """The line ``y = slope * x + offset`` through two points of G2, or one that it touches."""

    is_tangent: bool
    slope: ExtensionElement
    offset: ExtensionElement

    def at(self, point: tuple[int, int]) -> Terms:
        """Return ``y - slope * x * w - offset * w**3`` at a point of G1."""
        x, y = point
        (a, a6), (b, b6) = _coefficients(self.slope), _coefficients(self.offset)
        return (0, y), (1, -a * x % P), (3, -b), (7, -a6 * x % P), (9, -b6)


def multi_pairing_check(
    pairs: Sequence[tuple[G1Point, G2Point]], kernels: ModuleType | None = None
) -> bool:
    """Say whether the product of the pairings ``e(a, b)`` of all `pairs` is one.

    Points are trusted to be in their groups: decoding has checked them.  With `kernels`, the
    native module, these compute it.
    """
    if kernels is not None:
        lefts = b"".join(g1.encode(left) for left, _ in pairs)
        rights = [_native_lines(kernels, right) for _, right in pairs]
        return bool(kernels.pairing_check(lefts, rights))
    finite = [(left, right) for left, right in pairs if left is not None and right is not None]
    return final_exponentiation(miller_loop(finite)) == ONE


def miller_loop(pairs: Sequence[tuple[tuple[int, int], FinitePoint]]) -> Value:
    """Return the product of all pairings, but for the final exponentiation."""
    product = ONE
    for lines in zip(*(_lines(right) for _, right in pairs), strict=True):
        if lines[0].is_tangent:
            product = _square(product)
        for line, (left, _) in zip(lines, pairs, strict=True):
            product = _multiply_terms(line.at(left), product)
    return product


@lru_cache(maxsize=16)
def _lines(point: FinitePoint) -> tuple[Line, ...]:
    """The lines by which (6 U + 2) `point` comes about, and two images of `point` are added to it.

    The images are those under the Frobenius map and, negated, its square.
    """
    summands: list[FinitePoint | None] = []
    for bit in f"{6 * U + 2:b}"[1:]:
        summands += [None, point] if bit == "1" else [None]
    image = g2.frobenius(point)
    x, y = g2.frobenius(image)
    summands += [image, (x, fp2.subtract((0, 0), y))]

    lines, total = [], point
    for summand in summands:
        x, y = total
        slope, total = g2.chord(total, summand or total)
        offset = fp2.subtract(y, fp2.multiply(slope, x))
        lines.append(Line(summand is None, slope, offset))
    return tuple(lines)


@lru_cache(maxsize=16)
def _native_lines(kernels: ModuleType, point: G2Point) -> Any:  # noqa: ANN401 (a native class)
    return kernels.Lines(g2.encode(point))


def final_exponentiation(value: Value) -> Value:
    """Raise a value to the power (P**12 - 1) / r, and to one more, which r does not divide.

    r is the order of the groups.  So powers of r become 1, and nothing else does.
    """
    f = _multiply(_conjugate(value), _inverse(value))
    f = _multiply(_frobenius(_frobenius(f)), f)  # from here on, the conjugate is the inverse
    linear = repeat(f, 2 * U, _square, _multiply)
    linear_cubed = _multiply(_square(linear), linear)
    square = repeat(linear_cubed, U, _square, _multiply)
    cube = repeat(square, 2 * U, _square, _multiply)
    a = _multiply(_multiply(linear_cubed, square), cube)
    b = _multiply(a, _conjugate(linear))
    result = _multiply(b, _conjugate(f))
    for factor in (a, b, _multiply(_multiply(a, square), f)):
        result = _multiply(_frobenius(result), factor)
    return result


def _conjugate(value: Value) -> Value:
    """`value` to the power P**6: w becomes -w."""
    return [-c if i % 2 else c for i, c in enumerate(value)]


def _frobenius(value: Value) -> Value:
    """`value` to the power P: w becomes GAMMA w."""
    low, high = _coefficients(GAMMA)
    result = [0] * DEGREE
    for coefficient in reversed(value):
        result = _multiply_terms(((1, low), (7, high)), result)
        result[0] += coefficient
    return result


def _inverse(value: Value) -> Value:
    """1 / `value`, by its norm over the field of degree 2."""
    conjugate = _conjugate(value)
    norm = _multiply(value, conjugate)
    image = _frobenius(_frobenius(norm))
    others = _multiply(image, _frobenius(_frobenius(image)))
    norm = _multiply(norm, others)
    low, high = _coefficients(fp2.inverse((norm[0] + 9 * norm[6], norm[6])))
    return _multiply_terms(((0, low), (6, high)), _multiply(conjugate, others))


def _coefficients(element: ExtensionElement) -> tuple[int, int]:
    """The coefficients of 1 and w**6 in an element of the field of degree 2."""
    return element[0] - 9 * element[1], element[1]


def _multiply(left: Value, right: Value) -> Value:
    return _multiply_terms(enumerate(left), right)


def _multiply_terms(terms: Terms, value: Value) -> Value:
    product = [0] * (2 * DEGREE - 1)
    for power, coefficient in terms:
        for i, other in enumerate(value, power):
            product[i] += coefficient * other
    return _reduce(product)


def _square(value: Value) -> Value:
    product = [0] * (2 * DEGREE - 1)
    for power, coefficient in enumerate(value):
        product[2 * power] += coefficient * coefficient
        twice = 2 * coefficient
        for i, other in enumerate(value[power + 1 :], 2 * power + 1):
            product[i] += twice * other
    return _reduce(product)


def _reduce(product: list[int]) -> Value:
    """The value of a polynomial of degree up to 22."""
    for i in range(len(product) - 1, DEGREE - 1, -1):
        top = product[i]
        product[i - 6] += 18 * top
        product[i - 12] -= 82 * top
    return [coefficient % P for coefficient in product[:DEGREE]]
