"""Storage, accounts and their undoing: honest transactions balance, whatever the case."""

import itertools

import pytest

from tests.support.transactions import ETHER, SENDER, TARGET, faults, program, tables_of, trace_of
from zkevm.evm.code import Code
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.evm.transaction import AccessListEntry

BIG = 2**255 + 2**128 + 1


def check(trace):
    assert faults(*tables_of(trace)) == []


@pytest.mark.parametrize("original", [0, 1, BIG])
def test_every_kind_of_write(original):
    """All ways from the original value over two others."""
    items = [0, 1, 2**128, BIG]
    steps = itertools.chain.from_iterable(
        (new, 3, Op.SSTORE) for pair in itertools.product(items, items) for new in pair
    )
    check(trace_of(program(*steps), storage={3: original}))


def test_reads_cold_warm_and_of_absent_slots():
    code = program(1, Op.SLOAD, 1, Op.SLOAD, BIG, Op.SLOAD, 2**128, Op.SLOAD, Op.STOP)
    check(trace_of(code, storage={1: BIG, BIG: 5}))


def test_transient_slots():
    code = program(1, Op.TLOAD, BIG, 1, Op.TSTORE, 1, Op.TLOAD, 0, 1, Op.TSTORE, 1, Op.TLOAD)
    check(trace_of(code))


@pytest.mark.parametrize("op", [Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH])
def test_questions_about_accounts(op):
    asked = [SENDER, TARGET, 0xDEAD, 0xDEAD, 2, 0, 10, 11, 17, 256, 0xBEEF, 2**160 + SENDER]
    code = program(*itertools.chain.from_iterable((a, op, Op.POP) for a in asked))
    accounts = {0xBEEF: Account(balance=1)}
    for fork in ("Cancun", "Prague", "Osaka"):
        check(trace_of(code, accounts=accounts, fork=fork))


def test_self_balance():
    check(trace_of(program(Op.SELFBALANCE), value=3 * ETHER))


def test_access_list():
    entry = AccessListEntry(TARGET, (1, BIG))
    other = AccessListEntry(0xDEAD, ())
    code = program(1, Op.SLOAD, 2, Op.SLOAD, 5, BIG, Op.SSTORE, 0xDEAD, Op.BALANCE)
    check(trace_of(code, storage={1: 4, BIG: 9}, access_list=[entry, other, entry]))


def test_everything_is_undone_when_the_transaction_fails():
    code = program(
        *(1, Op.SLOAD, 7, 1, Op.SSTORE, 0, 1, Op.SSTORE, 8, 2, Op.SSTORE, 2, Op.SLOAD),
        *(9, 1, Op.TSTORE, 10, 1, Op.TSTORE, 1, Op.TLOAD),
        *(0xDEAD, Op.BALANCE, 0xDEAD, Op.EXTCODESIZE, 2, Op.EXTCODEHASH, Op.SELFBALANCE),
        *(0, 0, Op.REVERT),
    )
    trace = trace_of(code, storage={1: BIG, 2: 0}, value=3)
    assert not trace.receipt.success
    check(trace)


def test_long_gaps_are_bridged():
    """A loop of 2^16 ticks between two accesses of the same cells."""
    code = program(1, Op.SLOAD, 5, 1, Op.TSTORE, 0xDEAD, Op.BALANCE, 1, 0, Op.MSTORE, 11_000)
    start = len(code)
    loop = bytes([Op.JUMPDEST]) + program(1, Op.SWAP1, Op.SUB, Op.DUP1, start, Op.JUMPI)
    tail = program(1, Op.SLOAD, 1, Op.TLOAD, 0xDEAD, Op.BALANCE, 0, Op.MLOAD)
    trace = trace_of(code + loop + tail, storage={1: BIG})
    assert len(trace.rows) > 2**16
    check(trace)


def test_codes_of_other_accounts():
    accounts = {0xBEEF: Account(nonce=1, code=Code(b"\x00\x01"))}
    code = program(0xBEEF, Op.EXTCODESIZE, 0xBEEF, Op.EXTCODEHASH)
    check(trace_of(code, accounts=accounts))
