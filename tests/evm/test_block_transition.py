"""Blocks: what a valid one does, and why each kind of invalid one is refused."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.blocks import (
    CHAIN_ID,
    COINBASE,
    SENDER,
    accounts,
    genesis,
    transaction,
    valid_block,
)
from zkevm.errors import InputError, UsageError
from zkevm.evm.block import Withdrawal
from zkevm.evm.block_codec import decode_block, encode_block
from zkevm.evm.block_transition import apply_block, apply_body, environment_of
from zkevm.evm.block_validity import (
    BlockRejection,
    InvalidBlock,
    base_fee_after,
    excess_blob_gas_after,
)
from zkevm.evm.code import Code
from zkevm.evm.events import Recorder
from zkevm.evm.fork_schedule import MAINNET, ForkSchedule
from zkevm.evm.forks import FORKS
from zkevm.evm.forks.blob_parameters import BPO1
from zkevm.evm.opcodes import Op
from zkevm.evm.receipts import BLOOM_BITS, logs_bloom
from zkevm.evm.rlp import rlp_decode, rlp_encode
from zkevm.evm.state import Account, State
from zkevm.evm.system_contracts import DEPOSIT_EVENT, SYSTEM_ADDRESS, deposit_requests
from zkevm.evm.transaction import Log, TransactionType
from zkevm.evm.validity import Rejection

CANCUN, PRAGUE, OSAKA = FORKS["Cancun"], FORKS["Prague"], FORKS["Osaka"]
BLOB_HASH = 1 << 248 | 5
WITHDRAWALS = (Withdrawal(7, 8, 0xFEE, 3), Withdrawal(8, 9, 0xFEE, 4), Withdrawal(9, 9, 0xF00, 0))


def blob_transaction(nonce=0, count=1):
    return transaction(
        nonce,
        type=TransactionType.BLOB,
        blob_versioned_hashes=(BLOB_HASH,) * count,
        max_fee_per_blob_gas=100,
    )


def chain(fork, transactions=(), withdrawals=(), extra=None, **genesis_changes):
    """A state, the header of its genesis block, and a valid block after that."""
    state = State(accounts(fork, extra))
    parent = genesis(fork, state, **genesis_changes)
    return state, parent, valid_block(fork, state, parent, transactions, withdrawals)


def apply(fork, state, parent, block, **options):
    return apply_block(ForkSchedule.always(fork), CHAIN_ID, state, parent, {}, block, **options)


def rejection(fork, state, parent, block):
    with pytest.raises(InvalidBlock) as caught:
        apply(fork, state, parent, block)
    return caught.value.rejection


def with_header(block, **changes):
    return replace(block, header=replace(block.header, **changes))


# Valid blocks.


@pytest.mark.parametrize("fork", [*FORKS.values(), BPO1], ids=lambda fork: fork.name)
def test_a_valid_block(fork):
    transactions = [
        transaction(0),
        blob_transaction(1, 2),
        transaction(2, to=None, gas_limit=60_000),
    ]
    state, parent, block = chain(fork, transactions, WITHDRAWALS)
    result = apply(fork, state, parent, block)
    used = [receipt.outcome.gas_used for receipt in result.receipts]
    assert used == [21_000, 21_000, 53_000]
    assert [receipt.cumulative_gas_used for receipt in result.receipts] == [21_000, 42_000, 95_000]
    assert result.blob_gas_used == 2 * 2**17
    assert result.rejected == ()
    assert state.balance(0xFEE) == 7 * 10**9
    assert state.balance(COINBASE) == 7 * result.gas_used
    assert 0xF00 not in state.accounts()
    assert state.nonce(SENDER) == 3


def test_a_chain_remembers_its_ancestors():
    """The contracts of EIP-2935 and 4788 are called, and BLOCKHASH knows the blocks given."""
    remember = Code(bytes((Op.PUSH0, Op.CALLDATALOAD, Op.CALLER, Op.SSTORE)))
    ask = Code(bytes((Op.PUSH0, Op.BLOCKHASH, Op.PUSH0, Op.SSTORE)))
    contracts = (PRAGUE.beacon_roots_contract, PRAGUE.block_hashes_contract)
    extra = {contract: Account(nonce=1, code=remember) for contract in contracts}
    extra[0xA5C] = Account(code=ask)
    state, first, block = chain(PRAGUE, extra=extra)
    apply(PRAGUE, state, first, block)
    assert state.storage(contracts[0], SYSTEM_ADDRESS).to_bytes(32, "big") == b"\x0b" * 32
    assert state.storage(contracts[1], SYSTEM_ADDRESS).to_bytes(32, "big") == first.hash

    second = block.header
    hashes = {0: int.from_bytes(first.hash, "big")}
    unsealed = valid_block(PRAGUE, state, second, [transaction(to=0xA5C)])
    result = apply_body(
        PRAGUE,
        CHAIN_ID,
        state,
        environment_of(PRAGUE, unsealed.header, hashes),
        unsealed.transactions,
        (),
        bytes(32),
    )
    assert result.receipts[0].outcome.success
    assert state.storage(0xA5C, 0) == hashes[0]


def test_absent_ancestor_contracts_are_no_fault():
    state = State({SENDER: Account(balance=10**21)})
    parent = genesis(CANCUN, state)
    block = valid_block(CANCUN, state, parent, [transaction()])
    assert apply(CANCUN, state, parent, block).gas_used == 21_000


def test_transient_storage_and_warmth_end_with_a_transaction():
    code = bytes((Op.PUSH0, Op.TLOAD, Op.PUSH0, Op.SSTORE, Op.PUSH1, 1, Op.PUSH0, Op.TSTORE))
    state, parent, block = chain(
        CANCUN,
        [transaction(0, to=0xA5C), transaction(1, to=0xA5C)],
        extra={0xA5C: Account(code=Code(code))},
    )
    first, second = apply(CANCUN, state, parent, block).receipts
    assert first.outcome.gas_used == second.outcome.gas_used
    assert state.storage(0xA5C, 0) == 0


def test_recorders_listen_to_their_transactions():
    class Counting(Recorder):
        def __init__(self):
            self.events = 0

        def state_event(self, *_):
            self.events += 1

    recorders = {}

    def recorder_of(index, signed):
        recorders[index] = Counting()
        return recorders[index]

    state, parent, block = chain(PRAGUE, [transaction(0), transaction(1)], WITHDRAWALS)
    apply(PRAGUE, state, parent, block, recorder_of=recorder_of)
    assert recorders.keys() == {0, 1}
    assert recorders[0].events == recorders[1].events > 0


def test_invalid_transactions_can_be_left_out():
    state, _, block = chain(CANCUN)
    transactions = [
        transaction(5),
        transaction(0),
        transaction(0),
        transaction(1, gas_limit=20_999),
    ]
    result = apply_body(
        CANCUN,
        CHAIN_ID,
        state,
        environment_of(CANCUN, block.header, {}),
        transactions,
        (),
        bytes(32),
        skip_invalid=True,
    )
    assert result.transactions == (transactions[1],)
    assert [(index, error.rejection) for index, error in result.rejected] == [
        (0, Rejection.NONCE_MISMATCH_TOO_HIGH),
        (2, Rejection.NONCE_MISMATCH_TOO_LOW),
        (3, Rejection.INTRINSIC_GAS_TOO_LOW),
    ]
    assert state.nonce(SENDER) == 1


# Headers.


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"parent_hash": bytes(32)}, BlockRejection.UNKNOWN_PARENT_ZERO),
        ({"parent_hash": b"\1" * 32}, BlockRejection.UNKNOWN_PARENT),
        ({"number": 2}, BlockRejection.INVALID_BLOCK_NUMBER),
        ({"timestamp": 0}, BlockRejection.INVALID_BLOCK_TIMESTAMP_OLDER_THAN_PARENT),
        ({"extra_data": bytes(33)}, BlockRejection.EXTRA_DATA_TOO_BIG),
        ({"difficulty": 1}, BlockRejection.IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS),
        ({"nonce": b"\1" * 8}, BlockRejection.IMPORT_IMPOSSIBLE_DIFFICULTY_OVER_PARIS),
        ({"ommers_hash": bytes(32)}, BlockRejection.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS),
        ({"gas_limit": 2**63}, BlockRejection.GASLIMIT_TOO_BIG),
        ({"gas_limit": 30_000_000 + 30_000_000 // 1024}, BlockRejection.INVALID_GASLIMIT),
        ({"gas_limit": 30_000_000 - 30_000_000 // 1024}, BlockRejection.INVALID_GASLIMIT),
        ({"gas_used": 30_000_001}, BlockRejection.INVALID_GAS_USED_ABOVE_LIMIT),
        ({"base_fee": 1000}, BlockRejection.INVALID_BASEFEE_PER_GAS),
        ({"excess_blob_gas": 1}, BlockRejection.INCORRECT_EXCESS_BLOB_GAS),
        ({"blob_gas_used": 10 * 2**17}, BlockRejection.INCORRECT_BLOB_GAS_USED),
        ({"requests_hash": None}, BlockRejection.INCORRECT_BLOCK_FORMAT),
        ({"gas_used": 1}, BlockRejection.INVALID_GAS_USED),
        ({"blob_gas_used": 2**17}, BlockRejection.INCORRECT_BLOB_GAS_USED),
        ({"transactions_root": bytes(32)}, BlockRejection.INVALID_TRANSACTIONS_ROOT),
        ({"receipts_root": bytes(32)}, BlockRejection.INVALID_RECEIPTS_ROOT),
        ({"logs_bloom": b"\1" * 256}, BlockRejection.INVALID_LOG_BLOOM),
        ({"withdrawals_root": bytes(32)}, BlockRejection.INVALID_WITHDRAWALS_ROOT),
        ({"requests_hash": bytes(32)}, BlockRejection.INVALID_REQUESTS),
        ({"state_root": bytes(32)}, BlockRejection.INVALID_STATE_ROOT),
        ({"parent_beacon_block_root": bytes(32)}, None),
        ({"prev_randao": b"\1" * 32}, None),
        ({"extra_data": bytes(32)}, None),
        ({"gas_limit": 30_000_000 + 30_000_000 // 1024 - 1}, None),
    ],
)
def test_wrong_headers(changes, reason):
    state, parent, block = chain(PRAGUE, [transaction()], WITHDRAWALS)
    changed = with_header(block, **changes)
    if reason is None:
        apply(PRAGUE, state, parent, changed)
    else:
        assert rejection(PRAGUE, state, parent, changed) is reason


def test_a_requests_hash_before_prague():
    state, parent, block = chain(CANCUN)
    changed = with_header(block, requests_hash=bytes(32))
    assert rejection(CANCUN, state, parent, changed) is BlockRejection.INCORRECT_BLOCK_FORMAT


def test_the_gas_limit_has_a_floor():
    state, parent, block = chain(CANCUN, gas_limit=5_001)
    assert apply(CANCUN, state, parent, with_header(block, gas_limit=5_000)).gas_used == 0
    state, parent, block = chain(CANCUN, gas_limit=5_000)
    below = with_header(block, gas_limit=4_999)
    assert rejection(CANCUN, state, parent, below) is BlockRejection.INVALID_GASLIMIT
    state, parent, block = chain(CANCUN, gas_limit=1_000)
    assert rejection(CANCUN, state, parent, block) is BlockRejection.INVALID_GASLIMIT


@pytest.mark.parametrize(
    ("used", "fee", "after"),
    [
        (15_000_000, 1000, 1000),
        (30_000_000, 1000, 1125),
        (0, 1000, 875),
        (15_000_001, 1000, 1001),
        (15_000_001, 0, 1),
        (14_999_999, 1000, 1000),
        (0, 7, 7),
    ],
)
def test_base_fee(used, fee, after):
    """EIP-1559 by hand: at the target, full, empty, and the least change up and down."""
    assert base_fee_after(fee, used, 30_000_000) == after


@pytest.mark.parametrize(
    ("fork", "excess", "used", "base_fee", "after"),
    [
        (CANCUN, 0, 3, 10, 0),
        (CANCUN, 0, 2, 10, 0),
        (CANCUN, 5, 6, 10, 8),
        (PRAGUE, 5, 6, 10, 5),
        (OSAKA, 5, 6, 10, 5),  # 2**13 * 10 is below 2**17 * 1
        (OSAKA, 5, 6, 16, 5),
        (OSAKA, 5, 6, 17, 7),  # a third of what is used, for 9 at most and 6 as target
        (OSAKA, 5, 0, 17, 0),
        (OSAKA, 6, 0, 17, 6),
    ],
)
def test_excess_blob_gas(fork, excess, used, base_fee, after):
    """In blobs: EIP-4844, and 7918 from Osaka on."""
    blob = 2**17
    assert excess_blob_gas_after(fork, excess * blob, used * blob, base_fee) == after * blob


def test_blob_base_fees():
    """Near e ** (excess / fraction), exact at its ends; more is refused at once."""
    blobs = CANCUN.blobs
    fraction = blobs.base_fee_update_fraction
    assert [blobs.base_fee(excess) for excess in (0, 1, 2_314_057, 2_314_058)] == [1, 1, 1, 2]
    assert abs(blobs.base_fee(20 * fraction) - math.exp(20)) < 1
    assert blobs.base_fee(177 * fraction) < 2**256
    for excess in (178 * fraction, 2**64 - 1):
        with pytest.raises(InputError, match="excess blob gas"):
            blobs.base_fee(excess)


def test_blocks_that_are_too_large():
    small = replace(OSAKA, max_block_size=2000)
    state, parent, block = chain(OSAKA, [transaction()])
    assert apply(small, state.copy(), parent, block).gas_used == 21_000
    state, parent, block = chain(OSAKA, [transaction(data=bytes(1500), gas_limit=100_000)])
    assert rejection(small, state, parent, block) is BlockRejection.RLP_BLOCK_LIMIT_EXCEEDED
    assert OSAKA.max_block_size == 8_388_608


# Transactions in a block.


def test_the_block_has_only_so_much_gas():
    state, parent, block = chain(
        CANCUN, [transaction(0), transaction(1, gas_limit=79_000)], gas_limit=100_000
    )
    assert apply(CANCUN, state, parent, block).gas_used == 42_000
    state, parent, block = chain(CANCUN, gas_limit=100_000)
    over = replace(block, transactions=(transaction(0), transaction(1, gas_limit=79_001)))
    assert rejection(CANCUN, state, parent, over) is Rejection.GAS_ALLOWANCE_EXCEEDED


def test_the_block_has_only_so_many_blobs():
    full = [blob_transaction(0, 4), blob_transaction(1, 2)]
    state, parent, block = chain(CANCUN, full)
    assert apply(CANCUN, state.copy(), parent, block).blob_gas_used == 6 * 2**17
    over = replace(block, transactions=(*full, blob_transaction(2)))
    reason = Rejection.TYPE_3_TX_MAX_BLOB_GAS_ALLOWANCE_EXCEEDED
    assert rejection(CANCUN, state, parent, over) is reason


def test_an_invalid_transaction_makes_the_block_invalid():
    state, parent, block = chain(CANCUN)
    over = replace(block, transactions=(transaction(3),))
    assert rejection(CANCUN, state, parent, over) is Rejection.NONCE_MISMATCH_TOO_HIGH


# Requests.


def returning(data):
    """Code that returns up to 32 bytes."""
    padded = data.ljust(32, b"\0")
    return Code(
        bytes((Op.PUSH32,))
        + padded
        + bytes((Op.PUSH0, Op.MSTORE, Op.PUSH1, len(data)))
        + bytes((Op.PUSH0, Op.RETURN))
    )


def test_requests_of_the_system_contracts():
    withdrawals, consolidations = PRAGUE.request_contracts.values()
    extra = {
        withdrawals: Account(nonce=1, code=returning(b"withdraw")),
        consolidations: Account(nonce=1, code=returning(b"consolidate")),
    }
    state, parent, block = chain(PRAGUE, extra=extra)
    result = apply(PRAGUE, state, parent, block)
    assert result.requests == (b"\1withdraw", b"\2consolidate")


def test_system_contracts_that_misbehave():
    contract = PRAGUE.request_contracts[2]
    state, parent, block = chain(PRAGUE)
    state.set_code(contract, Code(bytes((Op.INVALID,))))
    failed = BlockRejection.SYSTEM_CONTRACT_CALL_FAILED
    assert rejection(PRAGUE, state.copy(), parent, block) is failed
    state.set_code(contract, Code(bytes((Op.PUSH0, Op.PUSH0, Op.REVERT))))
    assert rejection(PRAGUE, state.copy(), parent, block) is failed
    state.set_code(contract, Code(b""))
    empty = BlockRejection.SYSTEM_CONTRACT_EMPTY
    assert rejection(PRAGUE, state.copy(), parent, block) is empty


def deposit_event(fields):
    """The ABI encoding of five byte strings, by its definition."""
    head, tail = b"", b""
    for field in fields:
        head += (32 * len(fields) + len(tail)).to_bytes(32, "big")
        tail += len(field).to_bytes(32, "big") + field + bytes(-len(field) % 32)
    return head + tail


def test_deposits():
    contract = PRAGUE.deposit_contract
    fields = [bytes((index + 1,)) * size for index, size in enumerate((48, 32, 8, 96, 8))]
    data = deposit_event(fields)
    logs = [
        Log(contract, (DEPOSIT_EVENT,), data),
        Log(contract, (DEPOSIT_EVENT ^ 1,), b"another event"),
        Log(contract, (), b"no event"),
        Log(contract + 1, (DEPOSIT_EVENT,), b"another contract"),
        Log(contract, (DEPOSIT_EVENT, 5), data),
    ]
    assert deposit_requests(contract, logs) == b"".join(fields) * 2
    position_of_lengths = [160, 256, 320, 384, 512]
    damaged = [data[:-1], data + b"\0", b""]
    for position in [0, 32, 64, 96, 128, *position_of_lengths]:
        changed = bytearray(data)
        changed[position + 31] ^= 1
        damaged.append(bytes(changed))
    for bad in damaged:
        with pytest.raises(InvalidBlock) as caught:
            deposit_requests(contract, [Log(contract, (DEPOSIT_EVENT,), bad)])
        assert caught.value.rejection is BlockRejection.INVALID_DEPOSIT_EVENT_LAYOUT


# The Bloom filter, encoding, schedules.


def test_logs_bloom():
    """The example of the yellow paper's clients: at most three bits an entry, and a union."""
    one = logs_bloom([Log(0xABC, (5,), b"data is no part of it")])
    assert 1 < int.from_bytes(one, "big").bit_count() <= 6
    assert one == logs_bloom([Log(0xABC, (5,), b"")])
    two = logs_bloom([Log(0xABC, (5,), b""), Log(0xDEF, (), b"")])
    other = logs_bloom([Log(0xDEF, (), b"")])
    union = int.from_bytes(one, "big") | int.from_bytes(other, "big")
    assert int.from_bytes(two, "big") == union
    assert logs_bloom([]) == bytes(256)
    assert BLOOM_BITS == 2048


@pytest.mark.parametrize("fork", [CANCUN, OSAKA], ids=lambda fork: fork.name)
def test_blocks_round_trip(fork):
    transactions = [
        transaction(0, type=TransactionType.LEGACY, max_priority_fee_per_gas=10_000),
        blob_transaction(1),
    ]
    _, _, block = chain(fork, transactions, WITHDRAWALS)
    assert decode_block(encode_block(block), CHAIN_ID) == block


def test_malformed_blocks():
    _, _, block = chain(CANCUN, [transaction(type=TransactionType.LEGACY)], WITHDRAWALS)
    encoded = encode_block(block)
    parts = rlp_decode(encoded)
    header, _, _, withdrawals = parts
    legacy = transaction(type=TransactionType.LEGACY, max_priority_fee_per_gas=10_000)

    def reason(*changed):
        with pytest.raises(InvalidBlock) as caught:
            decode_block(rlp_encode(list(changed)), CHAIN_ID)
        return caught.value.rejection

    structure = BlockRejection.RLP_STRUCTURES_ENCODING
    assert reason(*parts, b"") is structure
    assert reason(*parts[:3]) is BlockRejection.RLP_WITHDRAWALS_NOT_READ
    foreign = BlockRejection.INCORRECT_BLOCK_FORMAT
    assert reason(header[:-1], [], [], []) is foreign
    assert reason([*header, b"", b""], [], [], []) is foreign
    assert reason([b""] * 20, [], [], []) is structure
    assert reason([*header[:9], b"\0", *header[10:]], [], [], []) is structure
    overflow = BlockRejection.RLP_INVALID_FIELD_OVERFLOW_64
    assert reason([*header[:9], b"\1" * 9, *header[10:]], [], [], []) is overflow
    ommers = BlockRejection.IMPORT_IMPOSSIBLE_UNCLES_OVER_PARIS
    assert reason(header, [], [header], []) is ommers
    assert reason(header, [legacy.encoded], [], []) is structure
    assert reason(header, [b"\5"], [], []) is Rejection.TYPE_NOT_SUPPORTED
    assert reason(header, [], [], [withdrawals[0][:3]]) is structure
    address = BlockRejection.RLP_INVALID_ADDRESS
    assert reason(header, [], [], [[*withdrawals[0][:2], b"", b""]]) is address
    assert reason(header, [], [], [[*withdrawals[0][:3], b"\1" * 9]]) is overflow
    with pytest.raises(InvalidBlock):
        decode_block(encoded[:-1], CHAIN_ID)


@given(st.data())
def test_damaged_blocks_are_refused_or_other_blocks(data):
    _, _, block = chain(OSAKA, [blob_transaction(0)], WITHDRAWALS)
    encoded = bytearray(encode_block(block))
    position = data.draw(st.integers(0, len(encoded) - 1))
    if data.draw(st.booleans()):
        del encoded[position]
    else:
        encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_block(bytes(encoded), CHAIN_ID)
    except InvalidBlock:
        return
    assert encode_block(other) == bytes(encoded)


def test_fork_schedules():
    schedule = ForkSchedule(((10, CANCUN), (20, PRAGUE)))
    assert [schedule.at(time).name for time in (10, 19, 20, 99)] == ["Cancun"] * 2 + ["Prague"] * 2
    with pytest.raises(UsageError, match="Cancun"):
        schedule.at(9)
    assert MAINNET.at(1_710_338_135).name == "Cancun"
    assert MAINNET.at(1_746_612_311).name == "Prague"
    assert MAINNET.at(1_767_747_671).blobs.maximum == 21


def test_the_fork_of_a_block_follows_from_its_time():
    state, parent, block = chain(CANCUN, timestamp=100)
    schedule = ForkSchedule(((0, CANCUN), (block.header.timestamp, PRAGUE)))
    with pytest.raises(InvalidBlock) as caught:
        apply_block(schedule, CHAIN_ID, state, parent, {}, block)
    assert caught.value.rejection is BlockRejection.INCORRECT_BLOCK_FORMAT
