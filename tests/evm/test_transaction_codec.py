"""Transactions as bytes: the official tests, those of the state tests, round trips, damage."""

import json
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkevm.evm.block import BlockEnvironment
from zkevm.evm.forks import FORKS
from zkevm.evm.rlp import rlp_decode, rlp_encode
from zkevm.evm.signature import SECP256K1_ORDER
from zkevm.evm.state import Account, State
from zkevm.evm.statetest import decode_cases
from zkevm.evm.transaction import (
    AccessListEntry,
    Authorization,
    Transaction,
    TransactionType,
)
from zkevm.evm.transaction_codec import decode_transaction, encode_transaction, sign_transaction
from zkevm.evm.validity import InvalidTransaction, Rejection, intrinsic_gas, require_valid

SYNONYMS = {
    # The state tests have this name for the same rule (EIP-2681).
    "NONCE_TOO_BIG": "NONCE_IS_MAX",
    # A second name for the same rule, in one file.
    "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS_2": "PRIORITY_GREATER_THAN_MAX_FEE_PER_GAS",
    # Bytes that are no canonical RLP: our library does not say which of these is the matter.
    "RLP_ERROR_SIZE_LEADING_ZEROS": "RLP_ERROR_SIZE",
    "RLP_LEADING_ZEROS_DATA_SIZE": "RLP_ERROR_SIZE",
    "RLP_LEADING_ZEROS_NONCE_SIZE": "RLP_ERROR_SIZE",
    # An RLP string, whose first byte would be a type that does not exist (EIP-2718).
    "RLP_INVALID_HEADER": "TYPE_NOT_SUPPORTED",
    "RLP_ERROR_EOF": "TYPE_NOT_SUPPORTED",
}
"""What the official tests name, and what it is here."""

TWO_FAULTS = {
    # The field is a list, and what the list holds is no RLP.
    "TRANSCT_gasLimit_GivenAsList": Rejection.RLP_ERROR_SIZE,
    "TRANSCT_rvalue_GivenAsList": Rejection.RLP_ERROR_SIZE,
    "TRANSCT_svalue_GivenAsList": Rejection.RLP_ERROR_SIZE,
    "TRANSCT_to_GivenAsList": Rejection.RLP_ERROR_SIZE,
    # Nine bytes for the number 1: too long, by its leading zeros.
    "TransactionWithGasLimitOverflowZeros64": Rejection.RLP_LEADING_ZEROS_GASLIMIT,
    # A type that did not exist when the test was written, and not of its form.
    "RLP_04_maxFeePerGas32BytesValue": Rejection.RLP_TOO_FEW_ELEMENTS,
}
"""The files that name one fault where we see the other first."""

ROOMY = BlockEnvironment(
    coinbase=0, number=1, timestamp=1, gas_limit=2**64, base_fee=0, prev_randao=0
)


@pytest.fixture(scope="module")
def official(shared):
    with tarfile.open(shared("fixtures/basics_ethereum_tests.tar.xz")) as archive:
        return {
            member.name: json.load(archive.extractfile(member))
            for member in archive
            if member.name.endswith(".json")
        }


def outcome(encoded, fork):
    """What becomes of a transaction whose sender has the right nonce and wei enough for all."""
    try:
        signed = decode_transaction(encoded, 1)
        transaction = signed.transaction
        state = State({transaction.sender: Account(transaction.nonce, 2**257)})
        require_valid(fork, state, ROOMY, transaction)
    except InvalidTransaction as error:
        return error.rejection.exception
    return {
        "hash": "0x" + signed.hash.hex(),
        "sender": f"{transaction.sender:#042x}",
        "intrinsicGas": intrinsic_gas(fork, transaction).execution,
    }


def expected(result):
    if "exception" in result:
        name = result["exception"].removeprefix("TransactionException.")
        return f"TransactionException.{SYNONYMS.get(name, name)}"
    return {**result, "intrinsicGas": int(result["intrinsicGas"], 16)}


def test_official_transaction_tests(official):
    count = 0
    for name, tests in official.items():
        if not name.startswith("TransactionTests/"):
            continue
        for case, test in tests.items():
            # The newest fork of the file: of some encodings only older ones are asked about, and
            # what bytes encode a legacy transaction has not changed since.
            newest = next(f for f in ("Cancun", "Shanghai", "London") if f in test["result"])
            encoded = bytes.fromhex(test["txbytes"][2:])
            wanted = expected(test["result"][newest])
            if case in TWO_FAULTS:
                assert wanted != TWO_FAULTS[case].exception, case
                wanted = TWO_FAULTS[case].exception
            assert outcome(encoded, FORKS["Cancun"]) == wanted, name
            count += 1
    assert count == 210


def test_official_transactions_of_the_basic_tests(official):
    for test in official["BasicTests/txtest.json"]:
        unsigned = Transaction(
            type=TransactionType.LEGACY,
            sender=0,
            nonce=test["nonce"],
            gas_limit=test["startgas"],
            max_fee_per_gas=test["gasprice"],
            max_priority_fee_per_gas=test["gasprice"],
            to=int(test["to"], 16) if test["to"] else None,
            value=test["value"],
            data=bytes.fromhex(test["data"]),
        )
        ours = sign_transaction(unsigned, 1, int(test["key"], 16), protected=False)
        theirs = rlp_decode(bytes.fromhex(test["signed"]))
        assert rlp_decode(ours.encoded)[:6] == theirs[:6]
        assert rlp_decode(bytes.fromhex(test["unsigned"]))[:6] == theirs[:6]
        s = int.from_bytes(theirs[8], "big")
        if s > SECP256K1_ORDER // 2:  # Older than EIP-2: take the other signature that it implies.
            v = 27 + 28 - theirs[6][0]
            theirs = [
                *theirs[:6],
                bytes((v,)),
                theirs[7],
                (SECP256K1_ORDER - s).to_bytes(32, "big"),
            ]
        assert decode_transaction(rlp_encode(theirs), 1).transaction == ours.transaction


@pytest.mark.parametrize(
    "name",
    [
        "access_list_swap_22615247_1",
        "blob_transfer_22615247_15",
        "eip7702_batch_24647140_14",
        "eth_transfer_22188088_0",
        "reverted_22188088_21",
        "usdt_transfer_24647140_19",
    ],
)
def test_real_transactions(shared, name):
    text = shared(f"fixtures/transactions/{name}.json").read_bytes()
    (case,) = decode_cases(text, name)
    (post,) = next(iter(json.loads(text)[name]["post"].values()))
    signed = decode_transaction(bytes.fromhex(post["txbytes"][2:]), case.chain_id)
    assert signed.transaction == case.transaction


def differences(shared, step):
    """Check the bytes of every `step`-th file of the state tests; return how many were there."""
    count = 0
    with tarfile.open(shared("fixtures/state_tests_public.tar.xz")) as archive:
        members = [member for member in archive if member.name.endswith(".json")]
        for member in members[::step]:
            text = archive.extractfile(member).read()
            posts = [
                post
                for test in json.loads(text).values()
                for fork, cases in test["post"].items()
                if fork in FORKS
                for post in cases
            ]
            for case, post in zip(decode_cases(text, member.name), posts, strict=True):
                if post.get("txbytes"):
                    encoded = bytes.fromhex(post["txbytes"][2:])
                    signed = decode_transaction(encoded, case.chain_id)
                    assert signed.transaction == case.transaction, (member.name, case.name)
                    again = encode_transaction(
                        case.transaction, case.chain_id, signed.v, signed.r, signed.s
                    )
                    assert again.encoded == encoded
                    count += 1
    return count


def test_sample_of_the_state_tests_transactions(shared):
    assert differences(shared, 100) > 50


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_all_transactions_of_the_state_tests(shared):
    assert differences(shared, 1) > 10_000


# Round trips.

words = st.one_of(st.integers(0, 2**256 - 1), st.sampled_from([0, 1, 127, 128, 2**255]))
small = st.integers(0, 2**64 - 1)
addresses = st.integers(0, 2**160 - 1)
access_lists = st.lists(
    st.builds(AccessListEntry, addresses, st.lists(words, max_size=3).map(tuple)), max_size=3
).map(tuple)
authorizations = st.lists(
    st.builds(Authorization, words, addresses, small, st.integers(0, 255), words, words),
    max_size=2,
).map(tuple)


@st.composite
def transactions(draw):
    type_ = draw(st.sampled_from(TransactionType))
    fee = draw(words)
    single_price = type_ in {TransactionType.LEGACY, TransactionType.ACCESS_LIST}
    return Transaction(
        type=type_,
        sender=0,
        nonce=draw(small),
        gas_limit=draw(small),
        max_fee_per_gas=fee,
        max_priority_fee_per_gas=fee if single_price else draw(words),
        to=draw(st.one_of(st.none(), addresses)),
        value=draw(words),
        data=draw(st.binary(max_size=70)),
        access_list=() if type_ is TransactionType.LEGACY else draw(access_lists),
        max_fee_per_blob_gas=draw(words) if type_ is TransactionType.BLOB else 0,
        blob_versioned_hashes=(
            tuple(draw(st.lists(words, max_size=3))) if type_ is TransactionType.BLOB else ()
        ),
        authorizations=draw(authorizations) if type_ is TransactionType.SET_CODE else (),
    )


keys = st.integers(1, SECP256K1_ORDER - 1)
chains = st.integers(1, 2**64 - 1)


@given(transactions(), keys, chains, st.booleans())
def test_round_trip(transaction, key, chain_id, protected):
    signed = sign_transaction(transaction, chain_id, key, protected=protected)
    assert decode_transaction(signed.encoded, chain_id) == signed
    assert signed.transaction == replace(transaction, sender=signed.transaction.sender)


@given(transactions(), keys, chains)
def test_another_chain_is_noticed(transaction, key, chain_id):
    signed = sign_transaction(transaction, chain_id, key)
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(signed.encoded, chain_id + 1)
    assert caught.value.rejection is Rejection.INVALID_CHAINID


@given(transactions(), keys, st.data())
def test_damage_is_refused_or_another_transaction(transaction, key, data):
    signed = sign_transaction(transaction, 1, key)
    encoded = bytearray(signed.encoded)
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_transaction(bytes(encoded), 1)
    except InvalidTransaction:
        return
    assert other.transaction != signed.transaction or (other.r, other.s) != (signed.r, signed.s)
    again = encode_transaction(other.transaction, 1, other.v, other.r, other.s)
    assert again.encoded == bytes(encoded)


# One rejection each.

SIGNED = sign_transaction(
    Transaction(
        type=TransactionType.SET_CODE,
        sender=0,
        nonce=1,
        gas_limit=100_000,
        max_fee_per_gas=10,
        max_priority_fee_per_gas=2,
        to=0xAA,
        value=5,
        data=b"data",
        access_list=(AccessListEntry(1, (2,)),),
        authorizations=(Authorization(1, 2, 3, 1, 4, 5),),
    ),
    chain_id=1,
    secret_key=7,
)
FIELDS = rlp_decode(SIGNED.encoded[1:])


def rejection(encoded):
    with pytest.raises(InvalidTransaction) as caught:
        decode_transaction(encoded, 1)
    return caught.value.rejection


@pytest.mark.parametrize(
    ("index", "item", "reason"),
    [
        (0, b"\x02", Rejection.INVALID_CHAINID),
        (1, [], Rejection.RLP_INVALID_NONCE),
        (2, b"\x01" * 33, Rejection.PRIORITY_OVERFLOW),
        (3, b"\x00", Rejection.RLP_LEADING_ZEROS_BASEFEE),
        (4, b"\x01" * 9, Rejection.GASLIMIT_OVERFLOW),
        (5, b"\x01" * 19, Rejection.ADDRESS_TOO_SHORT),
        (5, [b"\x01" * 20], Rejection.RLP_INVALID_TO),
        (6, b"\x01" * 33, Rejection.VALUE_OVERFLOW),
        (7, [], Rejection.RLP_INVALID_DATA),
        (8, b"", Rejection.RLP_INVALID_ACCESS_LIST),
        (8, [[b"\x01" * 20]], Rejection.RLP_INVALID_ACCESS_LIST),
        (8, [[b"\x01" * 20, b""]], Rejection.RLP_INVALID_ACCESS_LIST),
        (8, [[b"\x01" * 21, []]], Rejection.RLP_INVALID_ACCESS_LIST_ADDRESS_TOO_LONG),
        (8, [[b"\x01" * 20, [b""]]], Rejection.RLP_INVALID_ACCESS_LIST_STORAGE_TOO_SHORT),
        (9, b"", Rejection.TYPE_4_INVALID_AUTHORIZATION_FORMAT),
        (9, [[b""] * 5], Rejection.TYPE_4_INVALID_AUTHORIZATION_FORMAT),
        (9, [[b""] * 6], Rejection.TYPE_4_INVALID_AUTHORIZATION_FORMAT),
        (
            9,
            [[b"\x01", b"\x01" * 20, b"", b"\x01\x00", b"\x01", b"\x01"]],
            Rejection.TYPE_4_INVALID_AUTHORIZATION_FORMAT,
        ),
        (10, b"\x02", Rejection.INVALID_SIGNATURE_VRS),
        (11, b"", Rejection.INVALID_SIGNATURE_VRS),
        (12, (SECP256K1_ORDER // 2 + 1).to_bytes(32, "big"), Rejection.INVALID_SIGNATURE_VRS),
        (12, [], Rejection.RLP_INVALID_SIGNATURE_S),
    ],
)
def test_malformed_fields(index, item, reason):
    fields = list(FIELDS)
    fields[index] = item
    assert rejection(b"\x04" + rlp_encode(fields)) is reason


def test_malformed_envelopes():
    assert rejection(b"") is Rejection.TYPE_NOT_SUPPORTED
    assert rejection(b"\x00" + SIGNED.encoded[1:]) is Rejection.TYPE_NOT_SUPPORTED
    assert rejection(b"\x05" + SIGNED.encoded[1:]) is Rejection.TYPE_NOT_SUPPORTED
    assert rejection(b"\x04") is Rejection.RLP_ERROR_SIZE
    assert rejection(SIGNED.encoded + b"\0") is Rejection.RLP_ERROR_SIZE
    assert rejection(SIGNED.encoded[:-1]) is Rejection.RLP_ERROR_SIZE
    assert rejection(b"\x04\x80") is Rejection.RLP_ERROR_SIZE
    assert rejection(b"\x04" + rlp_encode(FIELDS[:-1])) is Rejection.RLP_TOO_FEW_ELEMENTS
    assert rejection(b"\x04" + rlp_encode([*FIELDS, b""])) is Rejection.RLP_TOO_MANY_ELEMENTS
    assert rejection(b"\x03" + rlp_encode(FIELDS)) is Rejection.RLP_TOO_FEW_ELEMENTS
    with_blobs = b"\x03" + rlp_encode([FIELDS, [], [], []])
    assert rejection(with_blobs) is Rejection.TYPE_3_TX_WITH_FULL_BLOBS
