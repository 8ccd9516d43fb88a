"""Keccak-256 and the hash that stands for no code."""

from zkevm.keccak import keccak256

__all__ = ["EMPTY_HASH", "keccak256"]

EMPTY_HASH = int.from_bytes(keccak256(b""), "big")
"""The code hash of an account without code, as a word."""
