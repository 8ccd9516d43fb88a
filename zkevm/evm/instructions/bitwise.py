"""Comparison, bitwise logic, bytes and shifts."""

from zkevm.evm.frame import WORD_MASK, Frame
from zkevm.evm.instructions.arithmetic import SIGN_BIT, signed


def less_than(frame: Frame) -> None:
    """Push whether the top word is less than the word below it."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = 1 if lhs < stack[-1] else 0


def greater_than(frame: Frame) -> None:
    """Push whether the top word is greater than the word below it."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = 1 if lhs > stack[-1] else 0


def signed_less_than(frame: Frame) -> None:
    """Push whether the top word is less than the one below it, both signed."""
    stack = frame.stack
    lhs = stack.pop()
    # Flipping the sign bit orders two's complement words as unsigned ones.
    stack[-1] = 1 if lhs ^ SIGN_BIT < stack[-1] ^ SIGN_BIT else 0


def signed_greater_than(frame: Frame) -> None:
    """Push whether the top word is greater than the one below it, both signed."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = 1 if lhs ^ SIGN_BIT > stack[-1] ^ SIGN_BIT else 0


def equal(frame: Frame) -> None:
    """Push whether two words are equal."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = 1 if lhs == stack[-1] else 0


def is_zero(frame: Frame) -> None:
    """Push whether the word is zero."""
    stack = frame.stack
    stack[-1] = 0 if stack[-1] else 1


def bitwise_and(frame: Frame) -> None:
    """Push the bits that are in both words."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] &= lhs


def bitwise_or(frame: Frame) -> None:
    """Push the bits that are in either word."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] |= lhs


def bitwise_xor(frame: Frame) -> None:
    """Push the bits that are in one word only."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] ^= lhs


def bitwise_not(frame: Frame) -> None:
    """Push the word with every bit flipped."""
    frame.stack[-1] ^= WORD_MASK


def byte(frame: Frame) -> None:
    """Push one byte of a word, counted from the most significant; 0 past the last."""
    stack = frame.stack
    index = stack.pop()
    stack[-1] = (stack[-1] >> (8 * (31 - index))) & 0xFF if index < 32 else 0


def shift_left(frame: Frame) -> None:
    """Push the second word shifted left by the first."""
    stack = frame.stack
    shift = stack.pop()
    stack[-1] = (stack[-1] << shift) & WORD_MASK if shift < 256 else 0


def shift_right(frame: Frame) -> None:
    """Push the second word shifted right by the first, filled with zeros."""
    stack = frame.stack
    shift = stack.pop()
    stack[-1] = stack[-1] >> shift if shift < 256 else 0


def arithmetic_shift_right(frame: Frame) -> None:
    """Push the second word shifted right by the first, filled with its sign bit."""
    stack = frame.stack
    shift = stack.pop()
    stack[-1] = (signed(stack[-1]) >> min(shift, 256)) & WORD_MASK


def count_leading_zeros(frame: Frame) -> None:
    """Push the number of zero bits above the highest one of the word, 256 for zero (EIP-7939)."""
    stack = frame.stack
    stack[-1] = 256 - stack[-1].bit_length()
