"""The field of the coordinates of G2: the pair (c0, c1) is ``c0 + c1 * i``, where ``i**2 = -1``."""

from typing import TypeAlias

from zkevm.curve.base_field import BASE_MODULUS
from zkevm.curve.double_and_add import repeat

ExtensionElement: TypeAlias = tuple[int, int]

P = BASE_MODULUS

NON_RESIDUE: ExtensionElement = (9, 1)
"""Neither a square nor a cube: it twists the curve, and pairings have its sixth root."""


def subtract(left: ExtensionElement, right: ExtensionElement) -> ExtensionElement:
    """Return ``left - right``."""
    return (left[0] - right[0]) % P, (left[1] - right[1]) % P


def multiply(left: ExtensionElement, right: ExtensionElement) -> ExtensionElement:
    """Return ``left * right``."""
    a0, a1 = left
    b0, b1 = right
    return (a0 * b0 - a1 * b1) % P, (a0 * b1 + a1 * b0) % P


def scale(factor: int, element: ExtensionElement) -> ExtensionElement:
    """Return the product of an integer and an element."""
    return factor * element[0] % P, factor * element[1] % P


def inverse(element: ExtensionElement) -> ExtensionElement:
    """Return ``1 / element``; raise ``ValueError`` for zero."""
    a0, a1 = element
    factor = pow(a0 * a0 + a1 * a1, -1, P)
    return a0 * factor % P, -a1 * factor % P


def power(element: ExtensionElement, exponent: int) -> ExtensionElement:
    """Return ``element**exponent``, the exponent being positive."""
    return repeat(element, exponent, lambda root: multiply(root, root), multiply)


def conjugate(element: ExtensionElement) -> ExtensionElement:
    """Return ``element**P``."""
    return element[0], -element[1] % P
