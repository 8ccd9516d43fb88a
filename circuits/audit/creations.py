"""Executions that create and destroy accounts, in every way that ends well or badly."""

from __future__ import annotations

from collections.abc import Iterator

from circuits.audit.programs import CONTRACT, call, push, run
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.opcodes import Op
from zkevm.trace.trace import Trace

RUNNER, HEIR, NOBODY = 0xC4, 0xC5, 0xDEAD
LARGE_GAS = 16_000_000
POP = bytes((Op.POP,))
ANSWER = call(Op.MSTORE, 0, 42) + call(Op.RETURN, 0, 32)


def creations(fork: str) -> Iterator[Trace]:
    """Creations by instructions and transactions, deposits, SELFDESTRUCT."""
    runtime = call(Op.SSTORE, 1, 5) + call(Op.SELFDESTRUCT, NOBODY)
    inits = (depositing(ANSWER), depositing(runtime), b"", call(Op.REVERT, 0, 9))
    code = b"".join(create(init, value) + POP for init in inits for value in (0, 3))
    code += b"".join(create(inits[0], 1, salt) + POP for salt in (0, 2**200))
    code += create(b"", 10**30) + POP + create(b"", 10**30, 5) + POP
    code += create(inits[1], 2) + _call_top() + _call_top() + create(inits[2], 0, 9)
    code += create(inits[0], 1, 0) + create(b"\xfe", 0)  # what burns gas comes last
    for nonce in (0, 1, 127, 128, 2**40, 2**64 - 1):
        undone = call(Op.REVERT, 0, 0) if nonce == 1 else b""
        yield run(code + undone, fork=fork, value=99, nonce=nonce, gas_limit=LARGE_GAS)
    for inner in _failing():
        called = call(Op.CALL, 3_000_000, RUNNER, 0, 0, 0, 0, 0)
        yield run(called, others={RUNNER: inner}, fork=fork, gas_limit=LARGE_GAS)
        yield run(b"", inner, fork=fork, gas_limit=LARGE_GAS, to=None)
    for nonce in (1, 2**40):
        taken = contract_address(CONTRACT, nonce)
        yield run(create(inits[0], 1), others={taken: ANSWER}, fork=fork, value=9, nonce=nonce)
    yield run(create(b"", 0, 9) + create(b"", 0, 9), fork=fork)
    ends = (call(Op.RETURN, 0, 0), call(Op.SELFDESTRUCT, NOBODY))
    for init in (*inits, create(inits[0], 1), *ends):
        yield run(b"", init, fork=fork, value=4, to=None)
    yield from _destructions(fork)


def depositing(code: bytes) -> bytes:
    """An init code that deposits this code, of at most 32 bytes."""
    word = int.from_bytes(code.ljust(32, b"\0"), "big")
    return call(Op.MSTORE, 0, word) + call(Op.RETURN, 0, len(code))


def create(init: bytes, value: int, salt: int | None = None) -> bytes:
    """Write an init code to memory and create with it."""
    words = (init[i : i + 32].ljust(32, b"\0") for i in range(0, len(init), 32))
    code = b"".join(
        call(Op.MSTORE, 32 * i, int.from_bytes(word, "big")) for i, word in enumerate(words)
    )
    if salt is None:
        return code + call(Op.CREATE, value, 0, len(init))
    return code + call(Op.CREATE2, value, 0, len(init), salt)


def _call_top() -> bytes:
    """Call the address on top of the stack, which stays."""
    zeros = b"".join(push(0) for _ in range(5))
    return zeros + bytes((Op.DUP6, Op.GAS, Op.CALL, Op.POP))


def _failing() -> Iterator[bytes]:
    """Codes that halt where they create, or as what creates."""
    for size in (49_153, 2**130):
        yield call(Op.CREATE, 0, 0, size)
        yield call(Op.CREATE2, 0, 0, size, 3)
    for place in (0, 33):
        yield call(Op.MSTORE8, place, 0xEF) + call(Op.RETURN, place, 40)
    yield call(Op.RETURN, 0, 24_577)
    yield call(Op.RETURN, 5, 2**16)
    for init in (call(Op.RETURN, 0, 24_577), call(Op.RETURN, 0, 24_000)):
        yield create(init, 0) + POP + push(0)


def _destructions(fork: str) -> Iterator[Trace]:
    """Old accounts that destroy themselves, for every kind of beneficiary."""
    for heir in (NOBODY, HEIR, CONTRACT, RUNNER, 3):
        inner = call(Op.SELFDESTRUCT, heir)
        for value in (0, 1):
            called = call(Op.CALL, 100_000, RUNNER, value, 0, 0, 0, 0) + POP
            for end in (b"", call(Op.REVERT, 0, 0)):
                others = {RUNNER: inner, HEIR: ANSWER}
                yield run(called * 2 + end, others=others, fork=fork, value=9)
            called = call(Op.CALL, 7_000, RUNNER, value, 0, 0, 0, 0)
            yield run(called, others={RUNNER: inner}, fork=fork, value=9)
