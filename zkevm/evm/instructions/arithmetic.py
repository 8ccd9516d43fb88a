"""Arithmetic modulo 2**256."""

from zkevm.evm import gas
from zkevm.evm.frame import WORD_MASK, WORD_MODULUS, Frame
from zkevm.evm.instructions.pure import pure

SIGN_BIT = 2**255


def signed(word: int) -> int:
    """Return the word read as a two's complement integer."""
    return word - WORD_MODULUS if word & SIGN_BIT else word


@pure
def add(lhs: int, rhs: int) -> int:
    """Return the sum of two words."""
    return (lhs + rhs) & WORD_MASK


@pure
def mul(lhs: int, rhs: int) -> int:
    """Return the product of two words."""
    return (lhs * rhs) & WORD_MASK


@pure
def sub(lhs: int, rhs: int) -> int:
    """Return the top word minus the word below it."""
    return (lhs - rhs) & WORD_MASK


@pure
def div(dividend: int, divisor: int) -> int:
    """Return the quotient of the top word by the word below it; 0 for a zero divisor."""
    return dividend // divisor if divisor else 0


@pure
def sdiv(dividend: int, divisor: int) -> int:
    """Return the signed quotient, rounded towards zero; 0 for a zero divisor."""
    if divisor == 0:
        return 0
    dividend, divisor = signed(dividend), signed(divisor)
    quotient = abs(dividend) // abs(divisor)
    return (quotient if (dividend < 0) == (divisor < 0) else -quotient) & WORD_MASK


@pure
def mod(dividend: int, divisor: int) -> int:
    """Return the remainder of the top word by the word below it; 0 for a zero divisor."""
    return dividend % divisor if divisor else 0


@pure
def smod(dividend: int, divisor: int) -> int:
    """Return the signed remainder, with the sign of the dividend; 0 for a zero divisor."""
    if divisor == 0:
        return 0
    dividend, divisor = signed(dividend), signed(divisor)
    remainder = abs(dividend) % abs(divisor)
    return (-remainder if dividend < 0 else remainder) & WORD_MASK


@pure
def addmod(lhs: int, rhs: int, modulus: int) -> int:
    """Return the sum of two words, not wrapped, modulo a third; 0 for a zero modulus."""
    return (lhs + rhs) % modulus if modulus else 0


@pure
def mulmod(lhs: int, rhs: int, modulus: int) -> int:
    """Return the product of two words, not wrapped, modulo a third; 0 for a zero modulus."""
    return (lhs * rhs) % modulus if modulus else 0


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


@pure
def signextend(byte: int, word: int) -> int:
    """Return the word whose bytes above the given one copy that byte's sign bit."""
    if byte >= 31:
        return word
    sign = 1 << (8 * byte + 7)
    low = word & (2 * sign - 1)
    return (low - 2 * sign) & WORD_MASK if low & sign else low
