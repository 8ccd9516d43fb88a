"""Comparison, bitwise logic, bytes and shifts."""

from zkevm.evm.frame import WORD_MASK
from zkevm.evm.instructions.arithmetic import SIGN_BIT, signed
from zkevm.evm.instructions.pure import pure


@pure
def less_than(lhs: int, rhs: int) -> int:
    """Return whether the top word is less than the word below it."""
    return 1 if lhs < rhs else 0


@pure
def greater_than(lhs: int, rhs: int) -> int:
    """Return whether the top word is greater than the word below it."""
    return 1 if lhs > rhs else 0


@pure
def signed_less_than(lhs: int, rhs: int) -> int:
    """Return whether the top word is less than the one below it, both signed."""
    # Flipping the sign bit orders two's complement words as unsigned ones.
    return 1 if lhs ^ SIGN_BIT < rhs ^ SIGN_BIT else 0


@pure
def signed_greater_than(lhs: int, rhs: int) -> int:
    """Return whether the top word is greater than the one below it, both signed."""
    return 1 if lhs ^ SIGN_BIT > rhs ^ SIGN_BIT else 0


@pure
def equal(lhs: int, rhs: int) -> int:
    """Return whether two words are equal."""
    return 1 if lhs == rhs else 0


@pure
def is_zero(word: int) -> int:
    """Return whether the word is zero."""
    return 0 if word else 1


@pure
def bitwise_and(lhs: int, rhs: int) -> int:
    """Return the bits that are in both words."""
    return lhs & rhs


@pure
def bitwise_or(lhs: int, rhs: int) -> int:
    """Return the bits that are in either word."""
    return lhs | rhs


@pure
def bitwise_xor(lhs: int, rhs: int) -> int:
    """Return the bits that are in one word only."""
    return lhs ^ rhs


@pure
def bitwise_not(word: int) -> int:
    """Return the word with every bit flipped."""
    return word ^ WORD_MASK


@pure
def byte(index: int, word: int) -> int:
    """Return one byte of a word, counted from the most significant; 0 past the last."""
    return (word >> (8 * (31 - index))) & 0xFF if index < 32 else 0


@pure
def shift_left(shift: int, word: int) -> int:
    """Return the second word shifted left by the first."""
    return (word << shift) & WORD_MASK if shift < 256 else 0


@pure
def shift_right(shift: int, word: int) -> int:
    """Return the second word shifted right by the first, filled with zeros."""
    return word >> shift if shift < 256 else 0


@pure
def arithmetic_shift_right(shift: int, word: int) -> int:
    """Return the second word shifted right by the first, filled with its sign bit."""
    return (signed(word) >> min(shift, 256)) & WORD_MASK


@pure
def count_leading_zeros(word: int) -> int:
    """Return the number of zero bits above the word's highest one, 256 for zero (EIP-7939)."""
    return 256 - word.bit_length()
