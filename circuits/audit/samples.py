"""The executions that honest rows are taken from: every instruction, on edge values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product

from circuits.audit.buses import fixed_statements
from circuits.audit.calling import callings, shortages
from circuits.audit.creations import creations
from circuits.audit.programs import (
    CONTRACT,
    NUMBER,
    PURE,
    call,
    edge_operands,
    limb_operands,
    pure_program,
    push,
    run,
)
from circuits.audit.relation import Relation
from circuits.audit.rows import Rows, enriched, rows_of, strangers, world_of
from circuits.audit.transactions import several, signed, typed
from circuits.execution.level import Level
from circuits.machine import fill, step_gadgets, tables
from zkevm.evm.code import delegation_to
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import Op
from zkevm.evm.transaction import AccessListEntry, TransactionType
from zkevm.trace.trace import Halt, Trace

OTHER, FAILING, SENDING, DELEGATED, NOBODY = 0xC1, 0xC2, 0xC3, 0xC4, 0xDEAD
INTRINSIC = 21_000
PLENTY = 10**12
DEEP = {"Osaka": "Prague"}
"""Osaka caps the gas below what it takes to call to the greatest depth (EIP-7825)."""

SHA256, IDENTITY = 2, 4
MAX_NONCES = (5, 2**64 - 1)
STRANGERS = 12
WORDS = (2**256 - 1, 2**200 + 77, 5)
POP = bytes((Op.POP,))


@cache
def relations(fork: str) -> dict[str, Relation]:
    """The relation of every table that says what fixed tables alone do not."""
    statements = fixed_statements(fork)
    return {
        table.name: Relation(table, statements)
        for table in tables(fork)
        if any(i.bus not in statements for i in table.interactions)
    }


def samples(fork: str, known: dict[str, Relation], most: int = 256) -> Rows:
    """Rows of all tables, and for gadgets that share an opcode steps of the others."""
    found: Rows = {}
    for filled in (*map(fill, typed(fork)), *map(fill, several(fork))):
        for name, rows in rows_of(filled, known, world_of(filled, known), most).items():
            found.setdefault(name, []).extend(rows)
    for filled in (*map(fill, traces(fork)), fill(_delegating(fork), Level.S2)):
        world = world_of(filled, known)
        steps = {gadget.name for gadget in step_gadgets(fork)}
        for name, rows in rows_of(filled, known, world, most).items():
            if name in steps or filled.fork == fork:
                found.setdefault(name, []).extend(rows)
        for gadget in step_gadgets(fork):
            own = found.setdefault(gadget.name, [])
            own += strangers(filled, known, world, gadget, STRANGERS)
    for gadget in step_gadgets(fork):
        if gadget.halts == (Halt.OUT_OF_GAS,):
            found[gadget.name] += enriched(found[gadget.name], known[gadget.name])
    return found


def traces(fork: str) -> Iterator[Trace]:
    """The executions."""
    operands = [*list(edge_operands())[::5], *limb_operands()]
    for op in PURE:
        if op in fork_named(fork).instructions:
            yield run(pure_program([op], operands), fork=fork)
    others = {
        OTHER: _callee(),
        FAILING: _failing(),
        SENDING: _sending(),
        DELEGATED: delegation_to(OTHER).data,
    }
    code = b"".join((_stack(), _memory(), _storage(), _copies(), _accounts(), _calls()))
    yield run(code, bytes(range(1, 100)), {3: 9, 4: 1, 6: 2**130}, others, fork, value=5)
    for code in _halting():
        yield run(code, b"\1\2", {3: 9}, others, fork)
    for code, gas in _short_of_gas():
        yield run(code, fork=fork, others=others, gas_limit=INTRINSIC + gas)
    yield from _deep(fork)
    yield run(_long(), fork=fork, storage={3: 9})
    listed = (AccessListEntry(OTHER, (1, 2**200)), AccessListEntry(CONTRACT, ()))
    yield run(call(Op.SLOAD, 3), fork=fork, access_list=listed)
    yield from creations(fork)
    yield from _typed(fork)
    yield from callings(fork)
    yield from shortages(fork)
    yield _pushing(fork)


def _typed(fork: str) -> Iterator[Trace]:
    """Transactions with blobs that are asked for, and with authorizations of every fate."""
    asked = _asking(Op.BLOBHASH, (0, 1, 2))
    hashes = (1 << 248 | 7, 1 << 248 | 2**130)
    kind, fee = TransactionType.BLOB, 10**9
    yield run(asked, fork=fork, type=kind, max_fee_per_blob_gas=fee, blob_versioned_hashes=hashes)
    if not fork_named(fork).has_delegations:
        return
    entries = [
        *(signed(1, 1, OTHER, 0), signed(1, 0, 0, 1), signed(2, 2**200, OTHER, 0)),
        *(signed(3, 1, OTHER, 2**64 - 1), signed(4, 1, OTHER, 5)),
        replace(signed(5, 1, OTHER, 0), s=0),
        signed(6, 2, OTHER, 2**64 - 1),
        *(replace(signed(7, chain, OTHER, nonce), s=0) for chain in (1, 2) for nonce in MAX_NONCES),
    ]
    others = {OTHER: _callee()}
    kind, code = TransactionType.SET_CODE, call(Op.SLOAD, 3)
    yield run(code, fork=fork, others=others, type=kind, authorizations=tuple(entries))


def _delegating(fork: str) -> Trace:
    """A call of a short code, of a long one, and of one that is a delegation (EIP-7702)."""
    others = {OTHER: b"\1" * 150, FAILING: delegation_to(OTHER).data, SENDING: b"\1" * 23}
    code = b"".join(call(Op.CALL, 5000, x, 0, 0, 0, 0, 0) + POP for x in others)
    return run(code + bytes(range(96, 110)), fork=fork, others=others)


def _pushing(fork: str) -> Trace:
    """Codes that end within their last PUSH, in every way, and within a word or with one."""
    codes = [
        bytes((Op.JUMPDEST,)) * (pad + (31 - there) % 32)
        + bytes((Op.PUSH0 + size,))
        + bytes(range(1, 1 + there))
        for size in range(1, 33)
        for there in sorted({0, 1, size // 2, size - 1})
        for pad in (0, 20)
    ]
    others = {0x1000 + n: code for n, code in enumerate(codes)}
    calls = (call(Op.CALL, 100, a, 0, 0, 0, 0, 0) + POP for a in others)
    return run(b"".join(calls), others=others, fork=fork)


def _deep(fork: str) -> Iterator[Trace]:
    """A program that calls itself to the greatest depth, and then an account that is delegated."""
    others = {DELEGATED: delegation_to(OTHER).data}
    for arity, ops in ((7, (Op.CALL, Op.CALLCODE)), (6, (Op.DELEGATECALL,))):
        zeros = bytes((Op.PUSH0,)) * (arity - 2)
        code = zeros + bytes((Op.ADDRESS, Op.GAS, ops[0]))
        code += b"".join(zeros + push(DELEGATED) + bytes((Op.PUSH0, op)) for op in ops)
        yield run(code, others=others, fork=DEEP.get(fork, fork), gas_limit=PLENTY)


def _stack() -> bytes:
    words = b"".join(push(x) for x in (*WORDS, 1, 2, 2**64))
    moved = bytes((Op.DUP1, Op.DUP6, Op.SWAP1, Op.SWAP6, Op.PC, Op.MSIZE, Op.GAS, Op.PUSH0))
    jumps = b""
    for condition in (0, 1, 7, 2**130):
        jumps += push(condition) + bytes((Op.PC, Op.PUSH1, 7, Op.ADD, Op.JUMPI))
        jumps += bytes((Op.CALLER, Op.POP, Op.JUMPDEST))
    environment = (
        Op.ADDRESS, Op.ORIGIN, Op.CALLER, Op.CALLVALUE, Op.CALLDATASIZE, Op.CODESIZE, Op.GASPRICE,
        Op.COINBASE, Op.TIMESTAMP, Op.NUMBER, Op.CHAINID, Op.BASEFEE, Op.RETURNDATASIZE,
        Op.SELFBALANCE,
    )  # fmt: skip
    read = b"".join(bytes((op,)) + POP for op in environment)
    heights = (0, 2**200, NUMBER, NUMBER - 1, NUMBER - 2, NUMBER - 256, NUMBER - 257)
    asked = _asking(Op.BLOCKHASH, heights) + _asking(Op.BLOBHASH, (0, 2**200))
    return words + moved + jumps + read + asked


def _asking(op: int, operands: Iterable[int]) -> bytes:
    return b"".join(call(op, x) + POP for x in operands)


def _memory() -> bytes:
    code = b""
    for offset, word in product((0, 32, 7, 63, 96, 1000), WORDS):
        code += call(Op.MSTORE, offset, word) + call(Op.MLOAD, offset) + POP
    for offset in (0, 5, 31, 2000):
        code += call(Op.MSTORE8, offset, WORDS[0])
    return code + call(Op.MLOAD, 3001) + POP


def _storage() -> bytes:
    code = b""
    for key in (3, 4, 6, 2**200):
        code += call(Op.SLOAD, key) + POP
        for value in (7, 0, 9, 9, 2**130, 2**131, 0, 2**130):
            code += call(Op.SSTORE, key, value) + call(Op.SLOAD, key) + POP
        code += call(Op.TLOAD, key) + POP + call(Op.TSTORE, key, 5) + call(Op.TLOAD, key) + POP
    return code


def _copies() -> bytes:
    code = b"".join(call(Op.CALLDATALOAD, x) + POP for x in (0, 5, 31, 95, 98, 99, 2**130))
    for dest, source, size in product((0, 33), (0, 45, 2**70), (0, 1, 64, 70)):
        code += call(Op.CALLDATACOPY, dest, source, size) + call(Op.CODECOPY, dest, source, size)
        code += call(Op.EXTCODECOPY, OTHER, dest, source, size)
    for dest, source, size in ((0, 32, 64), (40, 3, 70), (3, 40, 70), (0, 0, 0)):
        code += call(Op.MCOPY, dest, source, size)
    code += call(Op.KECCAK256, 0, 0) + POP + call(Op.KECCAK256, 20_000, 136 * 2 + 131) + POP
    lanes = [8 * lane + lane % 8 for lane in range(34)]
    for size in (0, 1, 135, 136, 137, *lanes, 1000, 1001):
        code += call(Op.KECCAK256, 3, size) + POP
    for topics in range(5):
        code += call(Op.LOG0 + topics, 1, 45, *WORDS[:2], 3, 4)
    return code


def _accounts() -> bytes:
    asked = (Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH)
    places = (CONTRACT, OTHER, NOBODY, 2**200 + OTHER)
    return b"".join(call(op, address) + POP for op in asked for address in places)


def _calls() -> bytes:
    code = b""
    for to, value in product((OTHER, FAILING, NOBODY), (0, 2)):
        code += call(Op.CALL, 50_000, to, value, 0, 40, 32, 40) + POP
        code += call(Op.RETURNDATACOPY, 0, 0, 0) + bytes((Op.RETURNDATASIZE,)) + POP
        code += call(Op.CALLCODE, 50_000, to, value, 0, 40, 32, 40) + POP
    for op, to in product((Op.STATICCALL, Op.DELEGATECALL), (OTHER, FAILING, NOBODY)):
        code += call(op, 50_000, to, 0, 40, 32, 40) + POP
    for op in (Op.CALL, Op.CALLCODE):
        code += call(op, 50_000, OTHER, 10**30, 0, 0, 0, 0) + POP
    for op in (Op.CALL, Op.CALLCODE):
        code += call(op, 50_000, IDENTITY, 0, 3, 60, 20, 40) + POP
        code += call(op, 10, SHA256, 0, 3, 600, 20, 40) + POP
    for op in (Op.DELEGATECALL, Op.STATICCALL):
        code += call(op, 50_000, IDENTITY, 3, 60, 20, 100) + POP
        code += call(op, 10, SHA256, 3, 600, 20, 40) + POP
    for op in (Op.CALL, Op.CALLCODE):
        code += call(op, 50_000, DELEGATED, 0, 0, 40, 32, 40) + POP
        code += call(op, 50_000, DELEGATED, 10**30, 0, 40, 32, 40) + POP
    for op in (Op.DELEGATECALL, Op.STATICCALL):
        code += call(op, 50_000, DELEGATED, 0, 40, 32, 40) + POP
    code += call(Op.STATICCALL, 50_000, OTHER, 0, 4, 0, 32) + POP
    code += call(Op.STATICCALL, 50_000, SENDING, 0, 0, 0, 0) + POP
    code += call(Op.STATICCALL, 50_000, OTHER, 0, 4, 0, 32) + POP
    return code + call(Op.RETURNDATACOPY, 0, 3, 20) + call(Op.RETURNDATACOPY, 0, 0, 1)


def _callee() -> bytes:
    code = call(Op.CALLDATALOAD, 0) + POP + call(Op.MSTORE, 0, WORDS[0])
    return code + call(Op.RETURN, 0, 32)


def _sending() -> bytes:
    return call(Op.CALL, 0, NOBODY, 1, 0, 0, 0, 0)


def _failing() -> bytes:
    code = call(Op.SSTORE, 5, 1) + call(Op.TSTORE, 1, 1) + call(Op.BALANCE, NOBODY + 1) + POP
    return code + call(Op.LOG1, 0, 0, 5) + call(Op.MSTORE, 0, 3) + call(Op.REVERT, 0, 32)


def _short_of_gas() -> Iterator[tuple[bytes, int]]:
    """Codes, with gas that does not reach for their last instruction."""
    yield call(Op.ADD, 1, 2), 8
    yield call(Op.SLOAD, 3), 100
    yield call(Op.SSTORE, 3, 1), 2500
    yield call(Op.BALANCE, OTHER), 1000
    for exponent in (5, 2**130, 2**256 - 1):
        yield call(Op.EXP, 3, exponent), 50
    for jump in (push(2**200) + bytes((Op.JUMP,)), call(Op.JUMPI, 2**130, 2**128)):
        yield jump, 50
    yield call(Op.EXTCODECOPY, OTHER, 40, 0, 100), 2600
    yield call(Op.CALL, 0, OTHER, 0, 0, 0, 0, 0), 1000
    yield call(Op.CALL, 0, OTHER, 1, 0, 0, 0, 0), 5000
    yield call(Op.CALLCODE, 0, OTHER, 1, 0, 0, 0, 0), 5000
    yield call(Op.STATICCALL, 0, OTHER, 0, 0, 0, 0), 1000
    yield call(Op.CALL, 0, DELEGATED, 0, 0, 0, 0, 0), 2000
    yield call(Op.STATICCALL, 0, DELEGATED, 0, 0, 0, 0), 2000
    yield call(Op.MLOAD, 10_000), 100


def _long() -> bytes:
    """Touch everything, count for longer than a gap is, and touch it again."""
    touch = call(Op.SLOAD, 3) + POP + call(Op.TSTORE, 3, 4) + call(Op.MSTORE, 0, 7)
    touch += call(Op.BALANCE, OTHER) + POP
    start = len(touch) + 5  # after the two numbers pushed
    turn = bytes((Op.JUMPDEST, Op.PUSH1, 1, Op.SWAP1, Op.SUB, Op.DUP1, Op.PUSH1, start, Op.JUMPI))
    return touch + push(5) + push(9_999) + turn + POP + touch + POP


def _halting() -> Iterator[bytes]:
    """Codes that end, or halt exceptionally, each in its own way."""
    yield bytes((Op.STOP,))
    yield call(Op.RETURN, 0, 0)
    yield call(Op.REVERT, 0, 40)
    yield bytes((Op.INVALID,))
    yield bytes((Op.ADD,))
    yield bytes((Op.JUMPDEST, Op.GAS, Op.PUSH0, Op.JUMP))
    yield push(3) + bytes((Op.JUMP,))
    yield push(1) + push(2**130) + bytes((Op.JUMPI,))
    yield call(Op.MLOAD, 2**40)
    yield call(Op.KECCAK256, 0, 2**130)
    yield call(Op.RETURNDATACOPY, 0, 0, 1)
    yield call(Op.STATICCALL, 50_000, FAILING, 0, 0, 0, 0) + POP
    yield call(Op.CALL, 1_000, FAILING, 0, 0, 0, 0, 0) + POP
    yield call(Op.CALL, 2_400, FAILING, 0, 0, 0, 0, 0) + POP
    yield call(Op.CALL, 50_000, OTHER, 0, 0, 2**200, 0, 0)
    yield call(Op.STATICCALL, 2**200, OTHER, 2**200, 5, 0, 0)
    yield bytes((Op.PUSH32,)) + bytes(range(10))
    for op in (Op.PUSH0, Op.DUP1, Op.PC, Op.MSIZE, Op.GAS, Op.CALLER, Op.RETURNDATASIZE):
        yield bytes((Op.PUSH0,)) * 1024 + bytes((op,))
    yield bytes((Op.PUSH0,)) * 1024 + push(5)
    yield bytes((Op.POP,))
    yield bytes((Op.SWAP1,))
