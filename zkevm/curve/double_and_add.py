"""Adding an element of a group to itself, or multiplying it by itself, many times."""

from collections.abc import Callable
from typing import TypeVar

Element = TypeVar("Element")


def repeat(
    element: Element,
    times: int,
    double: Callable[[Element], Element],
    add: Callable[[Element, Element], Element],
) -> Element:
    """Return the sum of so many times `element`, at least one; of a product, its power."""
    result = element
    for bit in f"{times:b}"[1:]:
        result = double(result)
        if bit == "1":
            result = add(result, element)
    return result
