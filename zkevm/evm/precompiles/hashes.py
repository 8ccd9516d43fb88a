"""SHA-256, RIPEMD-160 and the identity (yellow paper, appendix E)."""

import hashlib

from zkevm.evm.gas import words
from zkevm.evm.precompiles import Precompile


def _ripemd(data: bytes) -> bytes:
    from Crypto.Hash import RIPEMD160  # noqa: PLC0415 (slow to import, and a verifier needs none)

    return RIPEMD160.new(data).digest().rjust(32, b"\0")


SHA256 = Precompile(
    "SHA256",
    price=lambda data: 60 + 12 * words(len(data)),
    body=lambda data: hashlib.sha256(data).digest(),
)

RIPEMD = Precompile(
    "RIPEMD160",
    price=lambda data: 600 + 120 * words(len(data)),
    body=_ripemd,
)

IDENTITY = Precompile(
    "IDENTITY",
    price=lambda data: 15 + 3 * words(len(data)),
    body=lambda data: data,
)
