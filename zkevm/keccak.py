"""Keccak-256 as Ethereum uses it: with the padding of the original, not that of SHA-3."""

from collections.abc import Callable
from importlib.util import find_spec


def _fastest() -> Callable[[bytes], bytes]:
    if find_spec("sha3") is not None:
        from sha3 import keccak_256  # noqa: PLC0415 (the fast backend is optional)

        def digest(data: bytes) -> bytes:
            result: bytes = keccak_256(data).digest()
            return result

        return digest
    from eth_hash.auto import keccak  # noqa: PLC0415

    return keccak


keccak256: Callable[[bytes], bytes] = _fastest()
"""The 32-byte digest."""
