"""Small programs that run every instruction on edge values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from zkevm.evm import gas
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import Code
from zkevm.evm.forks import fork_named
from zkevm.evm.opcodes import ARITY, Op
from zkevm.evm.state import Account, State
from zkevm.evm.transaction import Transaction, TransactionType
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import BlockUsage
from zkevm.trace.recorder import TraceRecorder
from zkevm.trace.trace import Trace

SENDER = 0xA94F5374FCE5EDBC8E2A8697C15331677E6EBF0B
CONTRACT = 0xC0DE_0000_0000_0000_0000_0000_0000_0000_0000_0001
COINBASE = 0x2ADC25665018AA1FE0E6BC666DAC8FC2697FF9BA
GAS_LIMIT = 5_000_000
NUMBER = 23_000_000

EDGES = (
    0, 1, 2, 31, 32, 63, 64, 65, 127, 128, 255, 256, 257, 2**16, 2**64 - 1, 2**64, 2**128 - 1,
    2**128, 2**128 + 5, 2**192 + 3, 2**255 - 1, 2**255, 2**256 - 2, 2**256 - 1,
    0x9E3779B97F4A7C15F39CC0605CEDC8341082276BF3A27251F86C6A11D0C18E95,
)  # fmt: skip
"""256-bit words at which results change their shape."""

ENVIRONMENT = BlockEnvironment(
    coinbase=COINBASE,
    number=NUMBER,
    timestamp=1_760_000_000,
    gas_limit=36_000_000,
    base_fee=2 * 10**9,
    prev_randao=EDGES[-1],
    block_hashes={NUMBER - age: EDGES[-1] >> age for age in (1, 2, 256)},
)

PURE = (
    Op.ADD, Op.MUL, Op.SUB, Op.DIV, Op.SDIV, Op.MOD, Op.SMOD, Op.ADDMOD, Op.MULMOD, Op.EXP,
    Op.SIGNEXTEND, Op.LT, Op.GT, Op.SLT, Op.SGT, Op.EQ, Op.ISZERO, Op.AND, Op.OR, Op.XOR, Op.NOT,
    Op.BYTE, Op.SHL, Op.SHR, Op.SAR, Op.CLZ,
)  # fmt: skip
"""Instructions that need nothing but operands."""


def push(word: int) -> bytes:
    """The shortest PUSH of a word."""
    data = word.to_bytes((word.bit_length() + 7) // 8, "big")
    return bytes((Op.PUSH0 + len(data),)) + data


def call(op: int, *operands: int) -> bytes:
    """Push the operands, the first one on top, and run the instruction."""
    return b"".join(push(x) for x in reversed(operands)) + bytes((op,))


def run(
    code: bytes,
    data: bytes = b"",
    storage: dict[int, int] | None = None,
    others: dict[int, bytes] | None = None,
    fork: str = "Cancun",
    value: int = 0,
    gas_limit: int = GAS_LIMIT,
    to: int | None = CONTRACT,
    nonce: int = 1,
    accounts: dict[int, Account] | None = None,
    coinbase: int = COINBASE,
    **fields: Any,
) -> Trace:
    """The trace of a transaction that calls a contract with this code, and this nonce.

    `others` are further codes and `accounts` whole accounts; `fields` are of the transaction.
    """
    own = {CONTRACT: Account(nonce, 0, Code(code), dict(storage or {}))}
    transaction = {"data": data, "value": value, "gas_limit": gas_limit, "to": to, **fields}
    (trace,) = following([transaction], own | (accounts or {}), others, fork, coinbase)
    return trace


def following(
    transactions: Iterable[Mapping[str, Any]],
    accounts: Mapping[int, Account],
    others: Mapping[int, bytes] | None = None,
    fork: str = "Cancun",
    coinbase: int = COINBASE,
) -> list[Trace]:
    """The traces of transactions with these fields, one after another in a block.

    The sender is rich and has nonce 7, if it is none of the accounts.
    """
    codes = {address: Account(1, 0, Code(code)) for address, code in (others or {}).items()}
    pre = {SENDER: Account(7, 10**24), **codes, **accounts}
    rules, found, used = fork_named(fork), list[Trace](), BlockUsage()
    state = State(pre)
    for fields in transactions:
        plain = {"gas_limit": GAS_LIMIT, "to": CONTRACT, "value": 0, "data": b""}
        fees = {"max_fee_per_gas": 10**10, "max_priority_fee_per_gas": 10**9}
        kind = {"type": TransactionType.DYNAMIC_FEE, "nonce": state.nonce(SENDER)}
        transaction = Transaction(sender=SENDER, **{**plain, **fees, **kind, **fields})
        environment = replace(
            ENVIRONMENT, coinbase=coinbase, gas_limit=max(36_000_000, transaction.gas_limit)
        )
        recorder = TraceRecorder(len(found))
        state.prepare(rules.precompiles, recorder)
        receipt = apply_transaction(rules, 1, state, environment, transaction, recorder, used)
        blob_gas = gas.BLOB * len(transaction.blob_versioned_hashes)
        used = BlockUsage(used.gas + receipt.gas_used, used.blob_gas + blob_gas)
        found.append(recorder.trace)
    return found


def pure_program(ops: Iterable[Op], operands: Sequence[Sequence[int]]) -> bytes:
    """Run each instruction on each list of operands, dropping the results."""
    return b"".join(
        call(op, *values[: ARITY[op].inputs]) + bytes((Op.POP,))
        for op in ops
        for values in operands
    )


def edge_operands() -> Iterator[tuple[int, int, int]]:
    """Pairs of edge values with a third one."""
    for i, first in enumerate(EDGES):
        for j, second in enumerate(EDGES):
            yield first, second, EDGES[(i + 5 * j + 3) % len(EDGES)]


def limb_operands() -> Iterator[tuple[int, int, int]]:
    """Words with one bit in each limb in turn, first and second."""
    for bits in range(16, 256, 16):
        yield (1 << bits) + 5, 3, 7
        yield 3, (1 << bits) + 5, 7
