"""State tests: the JSON format of the official fixtures, decoded strictly.

One file holds tests by name; each test has a pre-state, a block, a transaction with lists of
choices for data, gas limit and value, and for each fork the expected results by choice. A *case*
is one test, fork and choice. Errors name the file, the test and the field.

Source: execution-spec-tests, "State Tests" of its page on consuming fixtures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from zkevm.errors import InputError, UsageError
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.fixture import (
    AccessListEntryJson,
    AccountJson,
    Address,
    AuthorizationJson,
    ConfigJson,
    Data,
    Hash,
    Quantity,
    accounts_of,
    decode_json,
    exceptions_of,
    read_file,
    with_blob_schedule,
)
from zkevm.evm.fork import Fork
from zkevm.evm.forks import FORKS, fork_named
from zkevm.evm.state import Account
from zkevm.evm.transaction import (
    Transaction,
    TransactionType,
)

Indexes: TypeAlias = tuple[int, int, int]
"""Which of the transaction's data, gas limits and values a case takes."""


class EnvironmentJson(msgspec.Struct, rename="camel", frozen=True):
    """The block."""

    current_coinbase: Address
    current_gas_limit: Quantity
    current_number: Quantity
    current_timestamp: Quantity
    current_base_fee: Quantity
    current_random: Quantity = Quantity(0)
    current_excess_blob_gas: Quantity = Quantity(0)
    previous_hash: Hash | None = None


class TransactionJson(msgspec.Struct, rename="camel", frozen=True):
    """The transaction, with lists where the indexes of a case choose."""

    nonce: Quantity
    gas_limit: list[Quantity]
    value: list[Quantity]
    data: list[Data]
    sender: Address
    to: Data = Data(b"")
    gas_price: Quantity | None = None
    max_fee_per_gas: Quantity | None = None
    max_priority_fee_per_gas: Quantity | None = None
    max_fee_per_blob_gas: Quantity | None = None
    access_lists: list[list[AccessListEntryJson[Quantity]] | None] | None = None
    blob_versioned_hashes: list[Hash] | None = None
    authorization_list: list[AuthorizationJson[Quantity]] | None = None


class IndexesJson(msgspec.Struct, rename="camel", frozen=True):
    """Which of the transaction's choices a case takes."""

    data: int
    gas: int
    value: int


class PostJson(msgspec.Struct, rename="camel", frozen=True):
    """The expected result of a case."""

    hash: Hash
    logs: Hash
    indexes: IndexesJson
    txbytes: Data = Data(b"")
    expect_exception: str | None = None


class StateTestJson(msgspec.Struct, rename="camel", frozen=True):
    """One test."""

    env: EnvironmentJson
    pre: dict[Address, AccountJson]
    transaction: TransactionJson
    post: dict[str, list[PostJson]]
    config: ConfigJson = ConfigJson()
    info: dict[str, Any] = msgspec.field(name="_info", default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expected:
    """What the fixture says of a case: hashes as words; exceptions the test allows, if invalid."""

    post_state_root: int
    logs_hash: int
    exceptions: frozenset[str]


@dataclass(frozen=True, slots=True)
class TestCase:
    """One test, fork and choice of indexes, ready to execute."""

    __test__ = False  # pytest would collect a class of this name

    name: str
    indexes: Indexes
    fork: Fork
    chain_id: int
    environment: BlockEnvironment
    pre: Mapping[int, Account]
    transaction: Transaction
    expected: Expected
    info: Mapping[str, Any]
    """What the fixture's maker noted (`_info`)."""


def load_cases(path: Path) -> list[TestCase]:
    """Return all cases of supported forks in a file, in its order."""
    return list(decode_cases(read_file(path), str(path)))


def load_case(
    path: Path,
    test: str | None = None,
    fork: str | None = None,
    indexes: Indexes | None = None,
) -> TestCase:
    """Return the one case of a file that the arguments choose; without `fork`, of the newest fork.

    `indexes` are those of data, gas limit and value. Raises `UsageError` if none or several match.
    """
    if fork is not None:
        fork_named(fork)
    there = load_cases(path)
    cases = [
        case
        for case in there
        if test in {None, case.name}
        and fork in {None, case.fork.name}
        and indexes in {None, case.indexes}
    ]
    newest = max((list(FORKS).index(case.fork.name) for case in cases), default=0)
    cases = [case for case in cases if case.fork.name == list(FORKS)[newest]]
    if len(cases) == 1:
        return cases[0]
    if cases:
        raise UsageError(f"{path}: several cases match, choose one of {_choices(cases)}")
    if there:
        raise UsageError(f"{path}: no such case, choose one of {_choices(there)}")
    raise UsageError(f"{path}: holds no test of a supported fork: {', '.join(FORKS)}")


def _choices(cases: Sequence[TestCase], limit: int = 5) -> str:
    """Name the first few cases in the words of the command line."""
    names = [
        f"--test {case.name} --fork {case.fork.name} --index {','.join(map(str, case.indexes))}"
        for case in cases[:limit]
    ]
    rest = len(cases) - limit
    return "; ".join(names) + (f"; and {rest} more" if rest > 0 else "")


def decode_cases(text: bytes, source: str) -> Iterator[TestCase]:
    """Yield the cases in the bytes of a file; `source` names it in errors."""
    for name, raw in decode_json(text, dict[str, msgspec.Raw], source).items():
        test = decode_json(raw, StateTestJson, f"{source}: test {name!r}")
        for fork_name, posts in test.post.items():
            if fork_name in FORKS:
                fork = with_blob_schedule(FORKS[fork_name], test.config, f"{source}: test {name!r}")
                for post in posts:
                    yield _case(name, fork, test, post, f"{source}: test {name!r}")


T = TypeVar("T")


def _case(name: str, fork: Fork, test: StateTestJson, post: PostJson, where: str) -> TestCase:
    env = test.env
    previous = {} if env.previous_hash is None else {env.current_number - 1: env.previous_hash}
    indexes = (post.indexes.data, post.indexes.gas, post.indexes.value)
    return TestCase(
        name=name,
        indexes=indexes,
        fork=fork,
        chain_id=test.config.chainid,
        environment=BlockEnvironment(
            coinbase=env.current_coinbase,
            number=env.current_number,
            timestamp=env.current_timestamp,
            gas_limit=env.current_gas_limit,
            base_fee=env.current_base_fee,
            prev_randao=env.current_random,
            excess_blob_gas=env.current_excess_blob_gas,
            blob_base_fee=fork.blobs.base_fee(env.current_excess_blob_gas),
            block_hashes=previous,
        ),
        pre=accounts_of(test.pre),
        transaction=_transaction(test.transaction, indexes, where),
        expected=Expected(post.hash, post.logs, exceptions_of(post.expect_exception)),
        info=test.info,
    )


def _transaction(tx: TransactionJson, indexes: Indexes, where: str) -> Transaction:
    data, gas, value = indexes
    price = tx.gas_price if tx.gas_price is not None else tx.max_fee_per_gas
    if price is None:
        raise InputError(f"{where}: the transaction has neither gasPrice nor maxFeePerGas")
    access_list = _choose(tx.access_lists, data, "accessLists", where) if tx.access_lists else None
    return Transaction(
        type=_transaction_type(tx, access_list),
        sender=tx.sender,
        nonce=tx.nonce,
        gas_limit=_choose(tx.gas_limit, gas, "gasLimit", where),
        max_fee_per_gas=price,
        max_priority_fee_per_gas=(
            price if tx.max_priority_fee_per_gas is None else tx.max_priority_fee_per_gas
        ),
        to=_recipient(tx.to, where),
        value=_choose(tx.value, value, "value", where),
        data=bytes(_choose(tx.data, data, "data", where)),
        access_list=tuple(entry.decoded() for entry in access_list or ()),
        max_fee_per_blob_gas=tx.max_fee_per_blob_gas or 0,
        blob_versioned_hashes=tuple(tx.blob_versioned_hashes or ()),
        authorizations=tuple(entry.decoded() for entry in tx.authorization_list or ()),
    )


def _transaction_type(tx: TransactionJson, access_list: object) -> TransactionType:
    """Return the type that the fields imply: the test format does not name it."""
    if tx.authorization_list is not None:
        return TransactionType.SET_CODE
    if tx.blob_versioned_hashes is not None or tx.max_fee_per_blob_gas is not None:
        return TransactionType.BLOB
    if tx.max_fee_per_gas is not None:
        return TransactionType.DYNAMIC_FEE
    return TransactionType.LEGACY if access_list is None else TransactionType.ACCESS_LIST


def _choose(choices: Sequence[T], index: int, field: str, where: str) -> T:
    if not 0 <= index < len(choices):
        raise InputError(f"{where}: index {index} is past the end of transaction.{field}")
    return choices[index]


def _recipient(to: bytes, where: str) -> int | None:
    if len(to) not in {0, 20}:
        raise InputError(f"{where}: transaction.to is neither empty nor 20 bytes")
    return int.from_bytes(to, "big") if to else None
