"""Random blocks against the execution specification: it takes those that we seal, and no others."""

from dataclasses import fields, replace
from random import Random

import pytest
from hypothesis import given, settings

from tests.support.blocks import CHAIN_ID, genesis, valid_block
from tests.support.cases import ETHER
from tests.support.programs import CONTRACTS, lengths, program_count, random_program, seeds
from tests.support.random_transactions import AUTHORITIES, SENDER, SENDER_KEY, Chooser
from tests.support.specification import block_refusal
from zkevm.evm.block import Block, Withdrawal
from zkevm.evm.block_codec import encode_block
from zkevm.evm.block_transition import apply_block
from zkevm.evm.block_validity import InvalidBlock
from zkevm.evm.code import Code
from zkevm.evm.fork_schedule import ForkSchedule
from zkevm.evm.forks import FORKS
from zkevm.evm.forks.blob_parameters import BPO1, BPO2
from zkevm.evm.header import Header
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account, State
from zkevm.evm.transaction_codec import sign_transaction

ALL_FORKS = {fork.name: fork for fork in (*FORKS.values(), BPO1, BPO2)}

REMEMBER = Code(bytes((Op.PUSH0, Op.CALLDATALOAD, Op.TIMESTAMP, Op.SSTORE)))
"""Stores the first word of its call data under the time."""


def random_chain(random, fork, statements):
    """A pre-state, the header of a genesis block, and a valid block on it."""
    chooser = Chooser(random, fork)
    pre = {SENDER: Account(0, ETHER), AUTHORITIES[0]: Account(0, 1, chooser.code())}
    for address in (fork.beacon_roots_contract, fork.block_hashes_contract):
        # No random code: what a system call creates and destroys, the specification keeps.
        if address is not None:
            pre[address] = Account(1, 0, REMEMBER)
    for address in CONTRACTS:
        storage = {key: value for key in range(4) if (value := random.randrange(3))}
        pre[address] = Account(1, ETHER, Code(random_program(random, statements)), storage)
    for address in fork.request_contracts.values():
        # So many zero bytes of requests.
        code = bytes((Op.PUSH1, random.randrange(40), Op.PUSH0, Op.RETURN))
        pre[address] = Account(1, 0, Code(code))
    state = State(pre)
    parent = genesis(
        fork,
        state,
        gas_used=random.choice((0, 15_000_000, 15_000_001, 30_000_000)),
        base_fee=random.choice((7, 8, 9)),
        excess_blob_gas=random.choice((0, 3, 20)) * 2**17,
        blob_gas_used=random.choice((0, fork.blobs.target, fork.blobs.maximum)) * 2**17,
        timestamp=1000,
    )
    transactions = [
        sign_transaction(chooser.transaction(nonce), CHAIN_ID, SENDER_KEY)
        for nonce in range(random.randrange(5))
    ]
    withdrawals = [
        Withdrawal(
            random.getrandbits(64),
            random.getrandbits(64),
            random.choice((SENDER, *CONTRACTS, random.getrandbits(160))),
            random.choice((0, 1, 2**64 - 1)),
        )
        for _ in range(random.randrange(4))
    ]
    block = valid_block(
        fork,
        state,
        parent,
        transactions,
        withdrawals,
        coinbase=random.choice((0xCC, SENDER, CONTRACTS[0])),
        prev_randao=random.randbytes(32),
        gas_limit=parent.gas_limit + random.choice((0, 1, -1, 29_295, -29_295)),
        parent_beacon_block_root=random.randbytes(32),
        extra_data=random.randbytes(random.randrange(33)),
    )
    return pre, parent, block


def changed(random, block: Block) -> Block:
    """The block with one thing in it changed."""
    choice = random.randrange(4)
    if choice == 0 and block.transactions:
        kept = list(block.transactions)
        kept.pop(random.randrange(len(kept)))
        return replace(block, transactions=tuple(kept))
    if choice == 1 and block.withdrawals:
        first = replace(block.withdrawals[0], amount=random.getrandbits(64))
        return replace(block, withdrawals=(first, *block.withdrawals[1:]))
    name = random.choice([field.name for field in fields(Header)])
    value = getattr(block.header, name)
    if isinstance(value, int):
        value = max(0, value + random.choice((1, -1, 1000, 2**17)))
    elif isinstance(value, bytes):
        value = random.randbytes(33 if name == "extra_data" else len(value))
    return replace(block, header=replace(block.header, **{name: value}))


def refusal(fork, pre, parent, block):
    """Why we refuse the block, None if we do not."""
    try:
        apply_block(ForkSchedule.always(fork), CHAIN_ID, State(pre), parent, {}, block)
    except InvalidBlock as error:
        return error
    return None


@pytest.mark.timeout(0)
@pytest.mark.parametrize("fork_name", ALL_FORKS)
@settings(max_examples=max(5, program_count() // 20))
@given(seed=seeds, statements=lengths)
def test_blocks_are_valid_where_the_specification_says_so(fork_name, seed, statements):
    fork = ALL_FORKS[fork_name]
    random = Random(seed)
    pre, parent, block = random_chain(random, fork, statements)
    parent_block = encode_block(Block(parent, (), ()))

    def theirs(candidate):
        return block_refusal(fork_name, CHAIN_ID, pre, parent_block, encode_block(candidate))

    assert refusal(fork, pre, parent, block) is None
    assert theirs(block) is None
    other = changed(random, block)
    assert (refusal(fork, pre, parent, other) is None) == (theirs(other) is None)
