"""Cases made of code: accounts with programs, and a transaction that calls the first."""

from collections.abc import Sequence

from tests.support.programs import CONTRACTS, SENDER
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import Code
from zkevm.evm.fork import Fork
from zkevm.evm.keccak import keccak256
from zkevm.evm.state import Account
from zkevm.evm.statetest import Expected, TestCase
from zkevm.evm.transaction import Transaction, TransactionType

ETHER = 10**18
ENVIRONMENT = BlockEnvironment(
    coinbase=0xCC,
    number=100,
    timestamp=1_000_000,
    gas_limit=30_000_000,
    base_fee=0,
    prev_randao=0x0101,
)
BLOCK_HASHES = {
    number: int.from_bytes(keccak256(str(number).encode()), "big")
    for number in range(ENVIRONMENT.number)
}
"""As revm makes them up."""


def case_of(
    fork: Fork,
    codes: Sequence[bytes],
    *,
    gas_limit: int = 1_000_000,
    value: int = 0,
    data: bytes = b"",
    to: int | None = CONTRACTS[0],
) -> TestCase:
    """Return a case that gives the codes to `CONTRACTS` and calls the first for free."""
    pre = {
        number: Account(1, ETHER, Code(code))
        for number, code in zip(CONTRACTS, codes, strict=False)
    }
    pre[SENDER] = Account(0, ETHER)
    return TestCase(
        name="made of code",
        indexes=(0, 0, 0),
        fork=fork,
        chain_id=1,
        environment=ENVIRONMENT,
        pre=pre,
        transaction=Transaction(
            type=TransactionType.LEGACY,
            sender=SENDER,
            nonce=0,
            gas_limit=gas_limit,
            max_fee_per_gas=0,
            max_priority_fee_per_gas=0,
            to=to,
            value=value,
            data=data,
        ),
        expected=Expected(0, 0, frozenset()),
        info={},
    )
