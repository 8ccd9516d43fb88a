"""What follows from the length of the input of precompiles: their price, or that they fail."""

from __future__ import annotations

from dataclasses import dataclass

from zkevm.evm.fork import Fork

IDENTITY = 4
"""The address of the precompile that returns its input."""


@dataclass(frozen=True)
class Price:
    """What a precompile costs: some gas, and some for each word of its input."""

    address: int
    fixed: int
    word: int = 0


PRICES = (
    Price(1, 3000),  # ECRECOVER
    Price(2, 60, 12),  # SHA256
    Price(3, 600, 120),  # RIPEMD160
    Price(IDENTITY, 15, 3),
    Price(6, 150),  # BN254 addition (EIP-1108)
    Price(7, 6000),  # BN254 multiplication
    Price(10, 50_000),  # POINT_EVALUATION (EIP-4844)
    Price(0x0B, 375),  # BLS12-381 additions in G1, G2 (EIP-2537)
    Price(0x0D, 600),
    Price(0x10, 5500),  # BLS12-381 maps to G1, G2
    Price(0x11, 23_800),
    Price(0x100, 6900),  # P256VERIFY (EIP-7951)
)
IDENTITY_PRICE = next(price for price in PRICES if price.address == IDENTITY)

LENGTHS = (
    (9, 213),  # BLAKE2F (EIP-152)
    (10, 192),  # POINT_EVALUATION
    (0x0B, 256),  # BLS12-381 additions in G1, G2
    (0x0D, 512),
    (0x10, 64),  # BLS12-381 maps to G1, G2
    (0x11, 128),
)
"""Addresses of precompiles that fail with any other length of their input."""


def name_of(fork: Fork, address: int) -> str:
    """What a precompile is called, in words."""
    known = fork.precompiles.get(address)
    return f"precompile {address:#x}" if known is None else f"precompile {known.name}"
