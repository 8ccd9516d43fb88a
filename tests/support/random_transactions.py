"""Random transactions of all types on small random states, most of them valid."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

from tests.support.cases import BLOCK_HASHES, ENVIRONMENT, ETHER
from tests.support.programs import ADDRESSES, CONTRACTS, GAS_LIMITS, random_program
from zkevm.evm.block import BlockEnvironment
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.fork import Fork
from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import rlp_encode
from zkevm.evm.signature import SECP256K1_ORDER, sign
from zkevm.evm.state import Account
from zkevm.evm.transaction import (
    AccessListEntry,
    Authorization,
    SignedTransaction,
    Transaction,
    TransactionType,
)
from zkevm.evm.transaction_codec import sign_transaction
from zkevm.evm.transition import AUTHORIZATION_MAGIC

T = TypeVar("T")

CHAIN_ID = 1
SENDER_KEY = 0x5EC2E7
AUTHORITY_KEYS = (1, 2, SENDER_KEY)
BASE_FEE = 7
IDENTITY = 4
KZG_VERSION = 1 << 248


@dataclass(frozen=True)
class Situation:
    """A transaction, the state before it and its block."""

    environment: BlockEnvironment
    pre: dict[int, Account]
    signed: SignedTransaction


def address_of(key: int) -> int:
    return sign_transaction(EMPTY, CHAIN_ID, key).transaction.sender


EMPTY = Transaction(TransactionType.LEGACY, 0, 0, 21_000, 0, 0, 0, 0, b"")
SENDER = address_of(SENDER_KEY)
AUTHORITIES = tuple(address_of(key) for key in AUTHORITY_KEYS)


def authorization(chain_id: int, target: int, nonce: int, key: int, high: bool) -> Authorization:
    message = rlp_encode([chain_id, target.to_bytes(20, "big"), nonce])
    y_parity, r, s = sign(keccak256(AUTHORIZATION_MAGIC + message), key)
    if high:
        y_parity, s = 1 - y_parity, SECP256K1_ORDER - s
    return Authorization(chain_id, target, nonce, y_parity, r, s)


def random_situation(random: Random, fork: Fork, statements: int) -> Situation:
    """A transaction for three contracts, a sender and perhaps another account with a key.

    Each program has so many statements; about a tenth of the transactions are invalid.
    """
    chooser = Chooser(random, fork)
    pre = {}
    for address in CONTRACTS:
        storage = {key: value for key in range(4) if (value := random.randrange(3))}
        pre[address] = Account(1, ETHER, Code(random_program(random, statements)), storage)
    pre[SENDER] = Account(
        chooser.mostly(0, 1, 2**64 - 1), chooser.mostly(ETHER, 10**7, 1), chooser.code()
    )
    if random.random() < 0.5:
        pre[AUTHORITIES[0]] = Account(0, 1, chooser.code())
    if random.random() < 0.1:  # what no real chain has: the code of a precompile, never run
        pre[IDENTITY] = Account(0, 1, Code(random_program(random, 3)))
    excess = chooser.mostly(0, 10**7)
    environment = BlockEnvironment(
        coinbase=chooser.mostly(0xCC, SENDER, CONTRACTS[0]),
        number=ENVIRONMENT.number,
        timestamp=ENVIRONMENT.timestamp,
        gas_limit=chooser.mostly(30_000_000, 100_000),
        base_fee=BASE_FEE,
        prev_randao=random.getrandbits(256),
        excess_blob_gas=excess,
        blob_base_fee=fork.blobs.base_fee(excess),
        block_hashes=BLOCK_HASHES,
    )
    transaction = chooser.transaction(pre[SENDER].nonce)
    protected = random.random() < 0.5
    signed = sign_transaction(transaction, CHAIN_ID, SENDER_KEY, protected=protected)
    return Situation(environment, pre, signed)


class Chooser:
    """Chooses what transactions are made of."""

    def __init__(self, random: Random, fork: Fork) -> None:
        self.random = random
        self.fork = fork

    def mostly(self, usual: T, *others: T) -> T:
        """The usual value, and one time in fifty another."""
        return self.random.choice(others) if self.random.random() < 0.02 else usual

    def some(self, make: Callable[[], T], most: int, least: int = 0) -> tuple[T, ...]:
        return tuple(make() for _ in range(self.random.randint(least, most)))

    def code(self) -> Code:
        """Of an account with a key: none, or a delegation, or seldom any other."""
        targets = (CONTRACTS[1], AUTHORITIES[0], IDENTITY)
        if self.fork.has_delegations and self.random.random() < 0.2:
            return delegation_to(self.random.choice(targets))
        return self.mostly(Code(b""), Code(b"\0"))

    def address(self) -> int:
        return self.random.choice((*ADDRESSES, *AUTHORITIES, 0xCC))

    def transaction(self, nonce: int) -> Transaction:
        random = self.random
        type_ = random.choice(sorted(self.fork.transaction_types))
        fee = self.mostly(20, BASE_FEE, BASE_FEE - 1, 2**200)
        priced = type_ in {TransactionType.LEGACY, TransactionType.ACCESS_LIST}
        callee = random.choice((*CONTRACTS, self.address()))
        created = type_ not in {TransactionType.BLOB, TransactionType.SET_CODE}
        to = None if created and random.random() < 0.2 else callee
        data = random_program(random, 8) if to is None else random.randbytes(random.randrange(70))
        transaction = Transaction(
            type=type_,
            sender=SENDER,
            nonce=self.mostly(nonce, nonce + 1),
            gas_limit=self.mostly(random.choice(GAS_LIMITS) + 40_000, 21_000, 2**24 + 1),
            max_fee_per_gas=fee,
            max_priority_fee_per_gas=fee if priced else self.mostly(random.randrange(6), 21),
            to=to,
            value=random.choice((0, 0, 1, 10**17, self.mostly(5, ETHER))),
            data=data,
        )
        if type_ is not TransactionType.LEGACY:
            transaction = replace(transaction, access_list=self.some(self.access, 3))
        if type_ is TransactionType.BLOB:
            hashes = self.some(lambda: KZG_VERSION + 5, self.mostly(2, 10), self.mostly(1, 0))
            transaction = replace(
                transaction,
                blob_versioned_hashes=hashes + self.mostly((), (5,)),
                max_fee_per_blob_gas=self.mostly(100, 1, 0),
            )
        if type_ is TransactionType.SET_CODE:
            listed = self.some(self.authorization, 4, self.mostly(1, 0))
            transaction = replace(transaction, authorizations=listed)
        return transaction

    def access(self) -> AccessListEntry:
        return AccessListEntry(self.address(), self.some(lambda: self.random.randrange(5), 3))

    def authorization(self) -> Authorization:
        return authorization(
            chain_id=self.random.choice((0, CHAIN_ID, CHAIN_ID, 2)),
            target=self.random.choice((*CONTRACTS, 0, 1, IDENTITY, *AUTHORITIES)),
            nonce=self.random.choice((0, 0, 1, 1, 2**64 - 1)),
            key=self.random.choice(AUTHORITY_KEYS),
            high=self.mostly(False, True),
        )
