"""Precompiled contracts: a price and a body, both functions of the input.

Bodies come from well-kept libraries; one module each. A body that rejects its input raises
`PrecompileFailure`: the call then fails and loses the gas it was given.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module


class PrecompileFailure(Exception):
    """The input is not valid, or the gas does not suffice."""


@dataclass(frozen=True, slots=True)
class Precompile:
    """A precompiled contract."""

    name: str
    price: Callable[[bytes], int]
    body: Callable[[bytes], bytes]

    def run(self, data: bytes, gas: int) -> tuple[bytes, int]:
        """Return the output and the gas that is left."""
        left = gas - self.price(data)
        if left < 0:
            raise PrecompileFailure
        return self.body(data), left


def deferred(module: str, function: str) -> Callable[[bytes], bytes]:
    """Return a body of a module of this package, imported on the first call.

    Pairing libraries are slow to import, and who verifies a proof executes nothing.
    """

    def body(data: bytes) -> bytes:
        result: bytes = getattr(import_module(f"{__name__}.{module}"), function)(data)
        return result

    return body
