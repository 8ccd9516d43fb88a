"""Which transactions are rejected, and why; what a valid one pays."""

from dataclasses import replace

import pytest

from tests.support.cases import ENVIRONMENT, ETHER, case_of
from tests.support.programs import CONTRACTS, SENDER, push
from zkevm.evm.code import Code
from zkevm.evm.execute import Execution, execute
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.forks.prague import PRAGUE
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.evm.statetest import TestCase
from zkevm.evm.transaction import AccessListEntry, Authorization, TransactionType
from zkevm.evm.validity import InvalidTransaction, Rejection

BLOB_HASH = 1 << 248
BASE = case_of(PRAGUE, [bytes((Op.STOP,))])
AUTHORIZATION = Authorization(0, 0xBEEF, 0, 0, 1, 1)


def blobs(**fields: object) -> dict[str, object]:
    return {
        "type": TransactionType.BLOB,
        "blob_versioned_hashes": (BLOB_HASH,),
        "max_fee_per_blob_gas": 1,
        **fields,
    }


def set_code(**fields: object) -> dict[str, object]:
    return {"type": TransactionType.SET_CODE, "authorizations": (AUTHORIZATION,), **fields}


def with_transaction(case: TestCase, **fields: object) -> TestCase:
    return replace(case, transaction=replace(case.transaction, **fields))


def rejection(case: TestCase) -> Rejection | None:
    outcome = execute(case).outcome
    return outcome.rejection if isinstance(outcome, InvalidTransaction) else None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"gas_limit": 21_000}, None),
        ({"gas_limit": 20_999}, Rejection.INTRINSIC_GAS_TOO_LOW),
        ({"gas_limit": 21_010, "data": b"\0"}, None),
        ({"gas_limit": 21_009, "data": b"\0"}, Rejection.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST),
        ({"gas_limit": 21_003, "data": b"\0"}, Rejection.INTRINSIC_GAS_TOO_LOW),
        ({"gas_limit": ENVIRONMENT.gas_limit + 1}, Rejection.GAS_ALLOWANCE_EXCEEDED),
        ({"to": None, "data": bytes(49_152)}, None),
        ({"to": None, "data": bytes(49_153)}, Rejection.INITCODE_SIZE_EXCEEDED),
        (
            {"max_fee_per_gas": 1, "max_priority_fee_per_gas": 2},
            Rejection.PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS,
        ),
        ({"nonce": 1}, Rejection.NONCE_MISMATCH_TOO_HIGH),
        ({"nonce": 2**64 - 1}, Rejection.NONCE_IS_MAX),
        ({"value": ETHER}, None),
        ({"value": ETHER + 1}, Rejection.INSUFFICIENT_ACCOUNT_FUNDS),
        ({"sender": CONTRACTS[0], "nonce": 1}, Rejection.SENDER_NOT_EOA),
        ({"sender": CONTRACTS[0]}, Rejection.NONCE_MISMATCH_TOO_LOW),
        (blobs(), None),
        (blobs(to=None), Rejection.TYPE_3_TX_CONTRACT_CREATION),
        (blobs(blob_versioned_hashes=()), Rejection.TYPE_3_TX_ZERO_BLOBS),
        (blobs(blob_versioned_hashes=(BLOB_HASH,) * 9), None),
        (blobs(blob_versioned_hashes=(BLOB_HASH,) * 10), Rejection.TYPE_3_TX_BLOB_COUNT_EXCEEDED),
        (
            blobs(blob_versioned_hashes=(2 * BLOB_HASH,)),
            Rejection.TYPE_3_TX_INVALID_BLOB_VERSIONED_HASH,
        ),
        (blobs(max_fee_per_blob_gas=0), Rejection.INSUFFICIENT_MAX_FEE_PER_BLOB_GAS),
        (set_code(), None),
        (set_code(to=None), Rejection.TYPE_4_TX_CONTRACT_CREATION),
        (set_code(authorizations=()), Rejection.TYPE_4_EMPTY_AUTHORIZATION_LIST),
    ],
)
def test_rejections(fields, expected):
    assert rejection(with_transaction(BASE, **fields)) == expected


def test_what_forks_change():
    floor = with_transaction(BASE, gas_limit=21_004, data=b"\0")
    assert rejection(floor) is Rejection.INTRINSIC_GAS_BELOW_FLOOR_GAS_COST
    assert rejection(replace(floor, fork=CANCUN)) is None
    delegation = with_transaction(BASE, **set_code())
    assert rejection(replace(delegation, fork=CANCUN)) is Rejection.TYPE_4_TX_PRE_FORK
    much_gas = with_transaction(BASE, gas_limit=2**24 + 1)
    assert rejection(much_gas) is None
    assert rejection(replace(much_gas, fork=OSAKA)) is Rejection.GAS_LIMIT_EXCEEDS_MAXIMUM
    many_blobs = with_transaction(BASE, **blobs(blob_versioned_hashes=(BLOB_HASH,) * 7))
    assert rejection(many_blobs) is None
    assert rejection(replace(many_blobs, fork=OSAKA)) is Rejection.TYPE_3_TX_BLOB_COUNT_EXCEEDED


def test_the_fee_must_cover_the_base_fee():
    case = replace(BASE, environment=replace(ENVIRONMENT, base_fee=1))
    assert rejection(case) is Rejection.INSUFFICIENT_MAX_FEE_PER_GAS


def test_a_delegated_account_may_send():
    delegated = Code(bytes.fromhex("ef0100") + bytes(20))
    case = replace(BASE, pre={**BASE.pre, SENDER: Account(0, ETHER, delegated)})
    assert rejection(case) is None
    assert rejection(replace(case, fork=CANCUN)) is Rejection.SENDER_NOT_EOA
    assert rejection(replace(case, pre={**BASE.pre, SENDER: Account(0, ETHER, Code(b"\0"))})) is (
        Rejection.SENDER_NOT_EOA
    )


def paid(case: TestCase) -> tuple[Execution, int, int]:
    """Return the execution, what the sender lost and what the coinbase got."""
    execution = execute(case)
    sender, coinbase = case.transaction.sender, case.environment.coinbase
    return execution, ETHER - execution.state.balance(sender), execution.state.balance(coinbase)


def test_fees():
    """Base fee and blob fee are burnt, the tip goes to the coinbase, unused gas comes back."""
    environment = replace(ENVIRONMENT, base_fee=7, blob_base_fee=3)
    case = with_transaction(
        replace(BASE, environment=environment),
        **blobs(max_fee_per_gas=100, max_priority_fee_per_gas=5, max_fee_per_blob_gas=4),
    )
    execution, lost, tip = paid(case)
    assert execution.receipt.gas_used == 21_000
    assert lost == 21_000 * 12 + 2**17 * 3
    assert tip == 21_000 * 5


def test_access_list_is_paid_for_and_warm():
    sload = push(1) + bytes((Op.SLOAD,))
    cold = case_of(PRAGUE, [sload])
    entry = AccessListEntry(CONTRACTS[0], (1,))
    warm = with_transaction(cold, type=TransactionType.ACCESS_LIST, access_list=(entry,))
    assert execute(cold).receipt.gas_used == 21_000 + 3 + 2_100
    assert execute(warm).receipt.gas_used == 21_000 + 2_400 + 1_900 + 3 + 100


def test_refund_is_capped():
    """Clearing slots gives back at most a fifth of the gas."""
    clear = b"".join(bytes((Op.PUSH0,)) + push(key) + bytes((Op.SSTORE,)) for key in range(1, 11))
    case = case_of(PRAGUE, [clear])
    full = Account(1, ETHER, Code(clear), dict.fromkeys(range(1, 11), 1))
    case = replace(case, pre={**case.pre, CONTRACTS[0]: full})
    used = 21_000 + 10 * (2 + 3 + 5_000)
    assert execute(case).receipt.gas_used == used - used // 5


def test_floor_price_of_data():
    """Much data and little execution pays for the data alone, at a higher price."""
    case = with_transaction(BASE, data=b"\1" * 1000)
    assert execute(case).receipt.gas_used == 21_000 + 10 * 4_000
    assert execute(replace(case, fork=CANCUN)).receipt.gas_used == 21_000 + 4 * 4_000
