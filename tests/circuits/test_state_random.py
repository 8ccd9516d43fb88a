"""Random programs on storage, accounts, calls and creations: all buses balance."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.creations import creating, deploying
from tests.support.transactions import TARGET, is_refused, program, tables_of, trace_of
from zkevm.errors import NotProvableError
from zkevm.evm.code import Code
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account

CONTRACTS = (TARGET, 0xBEEF, 0xF00D)
keys = st.sampled_from([0, 1, 2**128])
words = st.sampled_from([0, 1, 2**128, 2**256 - 1])
addresses = st.sampled_from([*CONTRACTS, 0xDEAD, 2, 0xC01BA5E])
calls = st.sampled_from([Op.CALL, Op.DELEGATECALL, Op.STATICCALL])


@st.composite
def statements(draw):
    """A piece of a program that leaves the stack as it was."""
    kind = draw(st.integers(0, 7))
    if kind == 0:
        return program(draw(keys), draw(st.sampled_from([Op.SLOAD, Op.TLOAD])), Op.POP)
    if kind <= 2:
        write = draw(st.sampled_from([Op.SSTORE, Op.SSTORE, Op.TSTORE]))
        return program(draw(words), draw(keys), write)
    if kind == 3:
        asked = draw(st.sampled_from([Op.BALANCE, Op.EXTCODESIZE, Op.EXTCODEHASH]))
        return program(draw(addresses), asked, Op.POP)
    if kind == 4:
        return program(Op.SELFBALANCE, Op.POP)
    if kind == 7:
        salt, value = draw(st.sampled_from([None, 0, 7])), draw(st.sampled_from([0, 0, 1]))
        return creating(draw(inits), value, salt) + CALL_IT
    op = draw(calls)
    value = (draw(st.sampled_from([0, 0, 1])),) if op is Op.CALL else ()
    given_gas = draw(st.sampled_from([100, 3_000, 10_000, 40_000]))
    return program(0, 0, 0, 0, *value, draw(st.sampled_from(CONTRACTS)), given_gas, op, Op.POP)


heirs = st.sampled_from([*CONTRACTS, 0xDEAD, 2])
dying = heirs.map(lambda heir: program(heir, Op.SELFDESTRUCT))
CALL_IT = program(0, 0, 0, 0, 0, Op.DUP6, 20_000, Op.CALL, Op.POP, Op.EXTCODEHASH, Op.POP)
RUNTIMES = (b"", b"\0", program(3, 3, Op.SSTORE), bytes((Op.ADDRESS, Op.SELFDESTRUCT)), b"\xef")
inits = st.one_of(
    st.sampled_from([deploying(code) for code in RUNTIMES]),
    st.sampled_from([b"", program(1, 1, Op.SSTORE), program(9, 0, Op.REVERT)]),
    dying,
    dying.map(deploying),
)
ends = st.one_of(
    st.sampled_from([b"", b"", program(0, 0, Op.REVERT), program(Op.INVALID), program(Op.ADD)]),
    dying,
)
codes = st.tuples(st.lists(statements(), min_size=1, max_size=8).map(b"".join), ends).map(b"".join)


@pytest.mark.slow
@given(st.tuples(codes, codes, codes), st.sampled_from([60_000, 300_000]))
@settings(max_examples=100, deadline=None)
def test_random_programs_balance(programs, gas_limit):
    accounts = {
        address: Account(nonce=1, balance=3, code=Code(code), storage={1: 1, 2**128: 2**255})
        for address, code in zip(CONTRACTS, programs, strict=True)
    }
    trace = trace_of(programs[0], accounts=accounts, gas_limit=gas_limit)
    try:
        tables, public = tables_of(trace)
    except NotProvableError as error:  # a call that cannot be paid
        assume("CALL halting with out of gas" not in str(error))
        raise
    assert not is_refused(tables, public)
