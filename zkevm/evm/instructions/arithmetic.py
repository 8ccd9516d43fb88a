"""Arithmetic modulo 2**256."""

from zkevm.evm import gas
from zkevm.evm.frame import WORD_MASK, WORD_MODULUS, Frame

SIGN_BIT = 2**255


def signed(word: int) -> int:
    """Return the word read as a two's complement integer."""
    return word - WORD_MODULUS if word & SIGN_BIT else word


def add(frame: Frame) -> None:
    """Push the sum of two words."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = (lhs + stack[-1]) & WORD_MASK


def mul(frame: Frame) -> None:
    """Push the product of two words."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = (lhs * stack[-1]) & WORD_MASK


def sub(frame: Frame) -> None:
    """Push the top word minus the word below it."""
    stack = frame.stack
    lhs = stack.pop()
    stack[-1] = (lhs - stack[-1]) & WORD_MASK


def div(frame: Frame) -> None:
    """Push the quotient of the top word by the word below it; 0 for a zero divisor."""
    stack = frame.stack
    dividend = stack.pop()
    divisor = stack[-1]
    stack[-1] = dividend // divisor if divisor else 0


def sdiv(frame: Frame) -> None:
    """Push the signed quotient, rounded towards zero; 0 for a zero divisor."""
    stack = frame.stack
    dividend = signed(stack.pop())
    divisor = signed(stack[-1])
    if divisor == 0:
        return
    quotient = abs(dividend) // abs(divisor)
    stack[-1] = (quotient if (dividend < 0) == (divisor < 0) else -quotient) & WORD_MASK


def mod(frame: Frame) -> None:
    """Push the remainder of the top word by the word below it; 0 for a zero divisor."""
    stack = frame.stack
    dividend = stack.pop()
    divisor = stack[-1]
    stack[-1] = dividend % divisor if divisor else 0


def smod(frame: Frame) -> None:
    """Push the signed remainder, with the sign of the dividend; 0 for a zero divisor."""
    stack = frame.stack
    dividend = signed(stack.pop())
    divisor = signed(stack[-1])
    if divisor == 0:
        return
    remainder = abs(dividend) % abs(divisor)
    stack[-1] = (-remainder if dividend < 0 else remainder) & WORD_MASK


def addmod(frame: Frame) -> None:
    """Push the sum of two words, not wrapped, modulo a third; 0 for a zero modulus."""
    stack = frame.stack
    lhs = stack.pop()
    rhs = stack.pop()
    modulus = stack[-1]
    stack[-1] = (lhs + rhs) % modulus if modulus else 0


def mulmod(frame: Frame) -> None:
    """Push the product of two words, not wrapped, modulo a third; 0 for a zero modulus."""
    stack = frame.stack
    lhs = stack.pop()
    rhs = stack.pop()
    modulus = stack[-1]
    stack[-1] = (lhs * rhs) % modulus if modulus else 0


def exp(frame: Frame) -> None:
    """Push the top word to the power of the word below it."""
    # STACK
    stack = frame.stack
    base = stack.pop()
    exponent = stack[-1]

    # GAS
    frame.charge(gas.EXP_BYTE * ((exponent.bit_length() + 7) // 8))

    # OPERATION
    stack[-1] = pow(base, exponent, WORD_MODULUS)


def signextend(frame: Frame) -> None:
    """Push the word whose bytes above the given one copy that byte's sign bit."""
    stack = frame.stack
    byte = stack.pop()
    if byte < 31:
        sign = 1 << (8 * byte + 7)
        word = stack[-1] & (2 * sign - 1)
        stack[-1] = (word - 2 * sign) & WORD_MASK if word & sign else word
