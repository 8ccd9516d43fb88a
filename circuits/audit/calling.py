"""Calls that open no frame, and steps that fail for want of gas."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from circuits.audit.programs import CONTRACT, call, push, run
from circuits.execution.precompiles import LENGTHS, PRICES
from zkevm.evm import gas
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.state import Account
from zkevm.trace.trace import Trace

HALF = 2**128
PLAIN, DELEGATED, TWICE, BARE, RICH, IDENTITY = 0xD1, 0xD2, 0xD3, 0xD4, 0xD5, 4
LARGE_GAS = 16_000_000
POP = bytes((Op.POP,))
ENDS = (b"", call(Op.REVERT, 0, 0))
WITH_VALUE, WITHOUT = (Op.CALL, Op.CALLCODE), (Op.DELEGATECALL, Op.STATICCALL)
RANGES = ((0, 0, 0, 0), (3, 60, 20, 100), (900, 40, 0, 10), (0, 10, 2000, 40))
"""Input and output: offset and size of each."""


def callings(fork: str) -> Iterator[Trace]:
    """Calls of precompiles and of accounts without code, and what writes where nothing may."""
    accounts = {
        DELEGATED: Account(code=delegation_to(IDENTITY)),
        TWICE: Account(code=delegation_to(DELEGATED)),
        BARE: Account(nonce=1),
        RICH: Account(balance=HALF - 1),
        PLAIN: Account(code=Code(call(Op.RETURN, 0, 40))),
    }
    targets = (IDENTITY, DELEGATED, TWICE, BARE, RICH, PLAIN, 0xDEAD)
    for balance, lives, end in product((HALF + 1, 3), (0, HALF - 1), ENDS):
        there = accounts | {IDENTITY: Account(balance=lives), 2: Account(balance=lives)}
        code = b"".join(_calls(to, 20_000, balance) for to in targets) + _unpaid() + end
        there[CONTRACT] = Account(1, balance, Code(code))
        yield run(b"", accounts=there, fork=fork, gas_limit=LARGE_GAS)
    inner = [b"".join(push(0) for _ in range(ARITY[op].inputs)) + bytes((op,)) for op in _WRITING]
    inner += [call(Op.CALL, 9, 0xDEAD, value, 0, 0, 0, 0) for value in (0, 1, HALF)]
    inner += [call(op, 9000, to, 0, 0, 0, 0) for op in WITHOUT for to in (BARE, PLAIN)]
    yield _packed(fork, [(code, 50_000) for code in inner], accounts, 0, Op.STATICCALL)
    nearly = [call(op, 20_000, IDENTITY, 0, 0, 40, 0, 40) for op in WITH_VALUE]
    nearly += [call(op, 20_000, IDENTITY, 0, 40, 0, 40) for op in WITHOUT]
    yield _packed(fork, [(code, 30_000) for code in nearly], {}, 0)


def _packed(
    fork: str,
    codes: list[tuple[bytes, int]],
    accounts: dict[int, Account],
    balance: int,
    op: Op = Op.CALL,
) -> Trace:
    """One transaction that calls a contract with each of these codes, with so much gas."""
    inner = {
        0x1000 + n: Account(1, balance, Code(code), {1: 5}) for n, (code, _) in enumerate(codes)
    }
    zeros = (0,) * (ARITY[op].inputs - 2)
    outer = b"".join(
        call(op, given, to, *zeros) + POP for to, (_, given) in zip(inner, codes, strict=True)
    )
    there = {CONTRACT: Account(1, 0, Code(outer))}
    return run(b"", accounts=accounts | inner | there, fork=fork, gas_limit=LARGE_GAS)


_WRITING = (
    *(Op.SSTORE, Op.TSTORE, Op.CREATE, Op.CREATE2, Op.SELFDESTRUCT),
    *range(Op.LOG0, Op.LOG4 + 1),
)


def _calls(to: int, given: int, balance: int) -> bytes:
    """Of one account by every instruction, with and without a value."""
    code = b""
    for place, (op, value) in enumerate(product(WITH_VALUE, (0, 2, balance + 1))):
        code += call(op, given, to, value, *RANGES[place % 4]) + POP
    for place, op in enumerate((*WITHOUT, *WITHOUT)):
        code += call(op, given, to, *RANGES[place]) + POP
    return code


def _unpaid() -> bytes:
    """Of every precompile that fails for lack of gas, or for the length of its input."""
    code = b""
    for n, price in enumerate(PRICES):
        value = n % 3 if price.fixed > 2 * gas.CALL_STIPEND else 0
        code += call(WITH_VALUE[n % 2], 10, price.address, value, *RANGES[n % 4]) + POP
        code += call(WITHOUT[n % 2], 10, price.address, *RANGES[n % 4]) + POP
    for n, (address, length) in enumerate(LENGTHS):
        for size in (length - 1, length + 7):
            code += call(WITH_VALUE[n % 2], 60_000, address, 0, 0, size, 3, 40) + POP
            code += call(WITHOUT[n % 2], 60_000, address, 0, size, 3, 40) + POP
    return code


def shortages(fork: str) -> Iterator[Trace]:
    """Each operand that may be too large in its turn, and steps with a little less than enough."""
    codes = []
    for op in _TOUCHING:
        inputs = ARITY[Op(op)].inputs
        for place, large in product(range(inputs), (2**27, 2**130)):
            codes.append(call(op, *(large if k == place else 51 for k in range(inputs))))
    yield _packed(fork, [(code, 60_000) for code in codes], {}, 0)
    asked = (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH, Op.SLOAD)
    codes = [call(op, 7) for op in asked]
    codes += [call(Op.EXP, 3, 1 << 8 * size) for size in range(0, 32, 3)]
    codes += [call(Op.SSTORE, key, value) for key in (1, 2) for value in (0, 5, 9)]
    codes += [call(Op.SSTORE, 1, 7) + call(Op.SSTORE, 1, value) for value in (0, 5, 8)]
    codes += [call(Op.SELFDESTRUCT, heir) for heir in (CONTRACT, BARE, RICH, PLAIN, 0xDEAD, 3)]
    codes += [
        call(op, 0, to, *((value,) if op in WITH_VALUE else ()), 0, size, 0, 0)
        for op in (*WITH_VALUE, *WITHOUT)
        for to, size in ((CONTRACT, 0), (BARE, 0), (RICH, 0), (DELEGATED, 0), (0xDEAD, 2000))
        for value in ((0, HALF) if op in WITH_VALUE else (0,))
    ]
    codes += [call(Op.EXTCODECOPY, PLAIN, 40, 0, size) for size in (0, 5, 2**27, 2**130)]
    accounts = {
        BARE: Account(nonce=1),
        RICH: Account(balance=HALF - 1),
        PLAIN: Account(code=Code(b"\0")),
        DELEGATED: Account(code=delegation_to(PLAIN)),
    }
    for balance in (0, HALF + 7):
        yield _packed(
            fork, [(code, _LITTLE.get(code[-1], 2590)) for code in codes], accounts, balance
        )


_TOUCHING = (
    *(Op.MLOAD, Op.MSTORE, Op.MSTORE8, Op.KECCAK256, Op.CALLDATACOPY, Op.CODECOPY, Op.MCOPY),
    *(Op.EXTCODECOPY, Op.RETURNDATACOPY, Op.RETURN, Op.REVERT, Op.CREATE, Op.CREATE2),
    *(*range(Op.LOG0, Op.LOG4 + 1), *WITH_VALUE, *WITHOUT),
)

_LITTLE: dict[int, int] = {
    Op.SLOAD: 2000, Op.EXP: 60, Op.SSTORE: 7_000, Op.SELFDESTRUCT: 7_600,
    Op.BALANCE: 1000, Op.EXTCODESIZE: 1000, Op.EXTCODEHASH: 1000,
}  # fmt: skip
