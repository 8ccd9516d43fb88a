"""What `Statement.check` refuses before any proof is looked at."""

from dataclasses import replace

import pytest

from circuits.machine import fill
from circuits.statement import SlotChange, StatementError, statement
from tests.support.transactions import TARGET, program, sent, traces_of
from zkevm.evm.code import Code
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account


@pytest.fixture(scope="module")
def honest():
    code = Code(program(1, 0, Op.SSTORE))
    return statement(fill(traces_of([sent()], {TARGET: Account(nonce=1, code=code)})))


def with_account(said, **changes):
    """The statement with other values of the first account before."""
    first, *rest = said.accounts
    return replace(said, accounts=(replace(first, before=replace(first.before, **changes)), *rest))


LIES = {
    "no keccak": lambda s: with_account(s, code_hash=0),
    "a code hash": lambda s: with_account(s, code_hash=1 << 256),
    "a balance": lambda s: with_account(s, balance=-1),
    "a nonce": lambda s: with_account(s, nonce=1 << 64),
    "accounts are not in rising order": lambda s: replace(s, accounts=s.accounts[::-1]),
    "slots are not in rising order": lambda s: replace(s, slots=s.slots * 2),
    "which is not listed": lambda s: replace(s, accounts=()),
    "said to have none": lambda s: replace(s, slots=(SlotChange(TARGET, 0, 5, 1),)),
    "listed twice": lambda s: replace(s, codes=s.codes * 2),
    "empty or too long": lambda s: replace(s, codes=(*s.codes, b"")),
}


@pytest.mark.parametrize("fault", LIES)
def test_a_statement_that_cannot_be_is_refused(honest, fault):
    honest.check()
    with pytest.raises(StatementError, match=fault):
        LIES[fault](honest).check()
