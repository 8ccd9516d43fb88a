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


@pytest.mark.parametrize(
    ("code", "cost"),
    [
        (program(1, Op.SLOAD), 2100),
        (program(1, Op.SLOAD, 1, Op.SLOAD), 100),
        (program(7, 1, Op.SSTORE), 5000),
        (program(0, 1, Op.SSTORE, BIG, 1, Op.SSTORE), 2301),
        (program(7, 2, Op.SSTORE), 22100),
        (program(2, Op.SLOAD, 7, 2, Op.SSTORE), 20000),
        (program(0xDEAD, Op.BALANCE), 2600),
        (program(0xDEAD, Op.EXTCODESIZE, 0xDEAD, Op.EXTCODEHASH), 100),
        (program(2, Op.EXTCODEHASH), 100),
    ],
)
def test_the_last_instruction_just_paid_and_out_of_gas(code, cost):
    rows = trace_of(code, storage={1: BIG}).rows
    last = len(rows) - 2
    limit = 1_000_000 - int(rows.gas[last]) + cost
    for gas_limit, success in ((limit, True), (limit - 1, False), (limit - cost, False)):
        trace = trace_of(code, storage={1: BIG}, gas_limit=gas_limit)
        assert trace.receipt.success == success
        check(trace)


CALLEE, OTHER = 0xBEEF, 0xF00D


def call(address, value=0, op=Op.CALL):
    sent = (value,) if op is Op.CALL else ()
    return program(0, 0, 0, 0, *sent, address, 200_000, op, Op.POP)


def touches(*keys):
    """Reads and writes of storage, transient storage and accounts."""
    return b"".join(
        program(key, Op.SLOAD, 7, key, Op.SSTORE, 9, key, Op.TSTORE, key, Op.TLOAD)
        + program(0xDEAD + key, Op.BALANCE, 0, key, Op.SSTORE)
        for key in keys
    )


REVERT = program(0, 0, Op.REVERT)
ENDS = {"kept": program(Op.STOP), "reverted": REVERT}


@pytest.mark.parametrize("op", [Op.CALL, Op.DELEGATECALL])
@pytest.mark.parametrize("outer", ["kept", "reverted"])
@pytest.mark.parametrize("middle", ["kept", "reverted"])
@pytest.mark.parametrize("inner", ["kept", "reverted"])
def test_nested_frames_kept_and_undone(op, outer, middle, inner):
    """Three frames that touch the same and different cells, before, between and after the calls."""
    accounts = {
        CALLEE: Account(
            balance=1,
            nonce=1,
            code=Code(touches(1, 2) + call(OTHER, 1, op) + touches(1, 3) + ENDS[middle]),
            storage={1: 5, 2: BIG},
        ),
        OTHER: Account(nonce=1, code=Code(touches(1, 4) + ENDS[inner]), storage={4: 1}),
    }
    once = call(CALLEE, 2, op)
    code = touches(1) + once + touches(1, 2) + once + touches(5) + ENDS[outer]
    check(trace_of(code, accounts=accounts, storage={1: BIG, 2: 1}, value=5))


@pytest.mark.parametrize("write", [program(5, 1, Op.SSTORE), program(5, 1, Op.TSTORE)])
def test_writes_in_a_static_frame(write):
    accounts = {CALLEE: Account(nonce=1, code=Code(write), storage={1: 5})}
    check(trace_of(call(CALLEE, op=Op.STATICCALL) + touches(1), accounts=accounts))


def test_value_sent_in_a_static_frame():
    accounts = {CALLEE: Account(nonce=1, balance=5, code=Code(call(OTHER, 1)))}
    check(trace_of(call(CALLEE, op=Op.STATICCALL), accounts=accounts))


def test_refund_of_a_call_that_reverts_does_not_count():
    callee = Account(nonce=1, code=Code(program(0, 1, Op.SSTORE) + REVERT), storage={1: BIG})
    check(trace_of(call(CALLEE), accounts={CALLEE: callee}))
    clears = program(0, 1, Op.SSTORE)
    check(trace_of(clears + call(CALLEE), accounts={CALLEE: callee}, storage={1: 1}))
