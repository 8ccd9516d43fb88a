"""Blockchain tests: the JSON format of the official fixtures, decoded strictly, and their run.

One file holds tests by name; each is a chain: a genesis block and its state, blocks as RLP, valid
or expected to be rejected, and the block and the state that it ends in.

Source: execution-spec-tests, "Blockchain Tests" of its page on consuming fixtures.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from zkevm.errors import InputError, UsageError
from zkevm.evm.block import Block
from zkevm.evm.block_codec import decode_block
from zkevm.evm.block_transition import BlockResult, RecorderFactory, apply_block
from zkevm.evm.block_validity import BlockRejection, InvalidBlock
from zkevm.evm.fixture import (
    AccountJson,
    Address,
    ConfigJson,
    Data,
    Hash,
    accounts_of,
    decode_json,
    exceptions_of,
    read_file,
    with_blob_schedule,
)
from zkevm.evm.fork import Fork
from zkevm.evm.fork_schedule import ForkSchedule
from zkevm.evm.forks import FORKS
from zkevm.evm.header import Header
from zkevm.evm.state import Account, State

TRANSITION = re.compile(r"(?P<before>\w+?)To(?P<after>\w+)AtTime(?P<time>\d+)(?P<kilo>k?)")
"""The name of a network that changes its fork once, at a time in seconds."""

BLOB_PARAMETER_FORK = re.compile(r"BPO\d+")
"""Has the rules of Osaka, with the blob schedule that the test gives (EIP-7892)."""


SYNONYMS = {
    # A block whose transactions use too much states so, and is rejected for its header alone.
    "BlockException.GAS_USED_OVERFLOW": BlockRejection.INVALID_GAS_USED_ABOVE_LIMIT.exception,
}
"""Exceptions that a test may name, and that of which they are a case here."""


class BlockJson(msgspec.Struct, rename="camel", frozen=True):
    """A block; its other fields repeat what the RLP says."""

    rlp: Data
    expect_exception: str | None = None


class BlockchainTestJson(msgspec.Struct, rename="camel", frozen=True):
    """One test."""

    network: str
    pre: dict[Address, AccountJson]
    blocks: list[BlockJson]
    lastblockhash: Hash
    genesis_rlp: Data = msgspec.field(name="genesisRLP")
    post_state: dict[Address, AccountJson] | None = None
    post_state_hash: Hash | None = None
    config: ConfigJson = ConfigJson()
    info: dict[str, Any] = msgspec.field(name="_info", default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlockCase:
    """A block of a test: its RLP and, if it is invalid, the exceptions that are allowed."""

    rlp: bytes
    exceptions: frozenset[str]


@dataclass(frozen=True, slots=True)
class BlockchainTest:
    """One test, ready to execute; hashes are words. It gives the last state, its root, or both."""

    name: str
    network: str
    schedule: ForkSchedule
    chain_id: int
    genesis: Header
    pre: Mapping[int, Account]
    blocks: tuple[BlockCase, ...]
    last_block_hash: int
    post_state: Mapping[int, Account] | None
    post_state_root: int | None
    info: Mapping[str, Any]
    """What the fixture's maker noted (`_info`)."""


def load_blockchain_tests(path: Path) -> list[BlockchainTest]:
    """Return the tests of supported networks in a file, in its order."""
    return list(decode_blockchain_tests(read_file(path), str(path)))


def decode_blockchain_tests(text: bytes, source: str) -> Iterator[BlockchainTest]:
    """Yield the tests of supported networks in a file's bytes; `source` names it in errors."""
    for name, raw in decode_json(text, dict[str, msgspec.Raw], source).items():
        where = f"{source}: test {name!r}"
        test = decode_json(raw, BlockchainTestJson, where)
        schedule = fork_schedule(test.network, test.config, where)
        if schedule is not None:
            yield _test(name, schedule, test, where)


def fork_schedule(network: str, config: ConfigJson, source: str) -> ForkSchedule | None:
    """Return the schedule of a network by its name in the tests, None if it is not supported."""
    transition = TRANSITION.fullmatch(network)
    if transition is None:
        names = {0: network}
    else:
        time = int(transition["time"]) * (1000 if transition["kilo"] else 1)
        names = {0: transition["before"], time: transition["after"]}
    activations = []
    for time, name in names.items():
        fork = _fork(name, config, source)
        if fork is None:
            return None
        activations.append((time, fork))
    return ForkSchedule(tuple(activations))


def _fork(name: str, config: ConfigJson, source: str) -> Fork | None:
    if name in FORKS:
        return with_blob_schedule(FORKS[name], config, source)
    if BLOB_PARAMETER_FORK.fullmatch(name) and name in (config.blob_schedule or {}):
        return with_blob_schedule(replace(FORKS["Osaka"], name=name), config, source)
    return None


def _test(
    name: str, schedule: ForkSchedule, test: BlockchainTestJson, where: str
) -> BlockchainTest:
    if test.post_state is None and test.post_state_hash is None:
        raise InputError(f"{where}: neither postState nor postStateHash is there")
    try:
        genesis = decode_block(test.genesis_rlp, test.config.chainid).header
    except InvalidBlock as error:
        raise InputError(f"{where}: genesisRLP: {error}") from error
    return BlockchainTest(
        name=name,
        network=test.network,
        schedule=schedule,
        chain_id=test.config.chainid,
        genesis=genesis,
        pre=accounts_of(test.pre),
        blocks=tuple(
            BlockCase(
                bytes(block.rlp),
                frozenset(SYNONYMS.get(e, e) for e in exceptions_of(block.expect_exception)),
            )
            for block in test.blocks
        ),
        last_block_hash=test.lastblockhash,
        post_state=None if test.post_state is None else accounts_of(test.post_state),
        post_state_root=test.post_state_hash,
        info=test.info,
    )


@dataclass(frozen=True, slots=True)
class ChainExecution:
    """What became of the blocks of a test, up to the first that did not do what it should."""

    test: BlockchainTest
    genesis_root: bytes
    """Root of the pre-state."""
    outcomes: tuple[BlockResult | InvalidBlock, ...]
    """One for each block that was tried."""
    head: Header
    """Of the last valid block."""
    state: State
    """After the last valid block; somewhere in between if one was rejected that should not be."""

    def problems(self) -> list[str]:
        """Return how the outcome differs from what the fixture expects; empty if it does not."""
        test = self.test
        found = []
        if self.genesis_root != test.genesis.state_root:
            found.append("the state root of the genesis block differs")
        for index, (block, outcome) in enumerate(zip(test.blocks, self.outcomes, strict=False)):
            problem = unexpected(block, outcome)
            if problem:
                return [*found, f"block {index}: {problem}"]
        if int.from_bytes(self.head.hash, "big") != test.last_block_hash:
            found.append(f"the chain ends in another block {self.head.number} than it should")
        if test.post_state is not None:
            found += differences(test.post_state, self.state.accounts())
        root = test.post_state_root
        if root is not None and int.from_bytes(self.state.root(), "big") != root:
            found.append("state root differs")
        return found


def unexpected(block: BlockCase, outcome: BlockResult | InvalidBlock) -> str | None:
    """Return how the outcome of a block differs from the expected one, None if it does not."""
    if isinstance(outcome, InvalidBlock):
        expected = outcome.rejection.exception in block.exceptions
        return None if expected else f"not expected: {outcome}"
    if block.exceptions:
        return f"accepted, but expected {' or '.join(sorted(block.exceptions))}"
    return None


@dataclass(slots=True)
class _Branch:
    """The head of a chain, the state after it, and the hashes of its blocks by number."""

    head: Header
    state: State
    hashes: dict[int, int]

    def copy(self) -> "_Branch":
        return _Branch(self.head, self.state.copy(), dict(self.hashes))


def execute_chain(test: BlockchainTest) -> ChainExecution:
    """Run the blocks of a test on its genesis state; the last valid one is the head."""
    accepted: dict[bytes, Block] = {}
    branch = _branch_to(test, accepted, test.genesis.hash)
    genesis_root = branch.state.root()
    outcomes: list[BlockResult | InvalidBlock] = []
    for case in test.blocks:
        try:
            block = decode_block(case.rlp, test.chain_id)
            parent = block.header.parent_hash
            if parent != branch.head.hash and parent in {*accepted, test.genesis.hash}:
                tried = _branch_to(test, accepted, parent)
            else:
                # A rejected block leaves the state in between.
                tried = branch.copy() if case.exceptions else branch
            outcomes.append(_extend(test, tried, block))
            accepted[block.header.hash] = block
            branch = tried
        except InvalidBlock as error:
            outcomes.append(error)
        if unexpected(case, outcomes[-1]):
            break
    return ChainExecution(test, genesis_root, tuple(outcomes), branch.head, branch.state)


def _branch_to(test: BlockchainTest, accepted: Mapping[bytes, Block], head: bytes) -> _Branch:
    """Return the branch that ends in the block of that hash, running its blocks again."""
    path = []
    while head in accepted:
        path.append(accepted[head])
        head = path[-1].header.parent_hash
    genesis = test.genesis
    hashes = {genesis.number: int.from_bytes(genesis.hash, "big")}
    branch = _Branch(genesis, State(test.pre), hashes)
    for block in reversed(path):
        _extend(test, branch, block)
    return branch


def _extend(
    test: BlockchainTest,
    branch: _Branch,
    block: Block,
    recorder_of: RecorderFactory | None = None,
) -> BlockResult:
    """Run a block on the branch, which it then ends in, or raise `InvalidBlock`."""
    chain_id, state = test.chain_id, branch.state
    result = apply_block(
        test.schedule, chain_id, state, branch.head, branch.hashes, block, recorder_of
    )
    branch.head = block.header
    branch.hashes[block.header.number] = int.from_bytes(block.header.hash, "big")
    return result


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A block of a test, with those that may lead to it, by hash."""

    test: BlockchainTest
    block: Block
    earlier: Mapping[bytes, Block]

    @property
    def fork(self) -> Fork:
        """The fork that rules the block."""
        return self.test.schedule.at(self.block.header.timestamp)


def chain_block(test: BlockchainTest, place: int | None = None) -> ChainBlock:
    """The block at a place of a test, from 0, or the only one that has transactions.

    Raises `UsageError` if there is no such block or if it should be rejected, `InvalidBlock` if one
    should not be that cannot be decoded.
    """
    filled = chain_blocks(test)
    if place is None and len(filled) == 1:
        (place,) = filled
    if place not in filled:
        which = ", ".join(map(str, filled))
        raise UsageError(f"test {test.name}: choose one of its blocks with transactions: {which}")
    return filled[place]


def chain_blocks(test: BlockchainTest) -> dict[int, ChainBlock]:
    """The valid blocks with transactions by their places; raises what `chain_block` raises."""
    found, earlier = {}, dict[bytes, Block]()
    for place, case in enumerate(test.blocks):
        if not case.exceptions:
            block = decode_block(case.rlp, test.chain_id)
            if block.transactions:
                found[place] = ChainBlock(test, block, dict(earlier))
            earlier[block.header.hash] = block
    return found


def execute_chain_block(
    chosen: ChainBlock, recorder_of: RecorderFactory | None = None
) -> BlockResult:
    """Run the blocks that lead to a block, and the block. Raises `InvalidBlock`."""
    branch = _branch_to(chosen.test, chosen.earlier, chosen.block.header.parent_hash)
    return _extend(chosen.test, branch, chosen.block, recorder_of)


def differences(expected: Mapping[int, Account], actual: Mapping[int, Account]) -> list[str]:
    """Return how two states differ, one line for each account and field."""
    found = []
    for address in sorted(expected.keys() | actual.keys()):
        wanted, got = expected.get(address, Account()), actual.get(address, Account())
        for field, want, have in (
            ("nonce", wanted.nonce, got.nonce),
            ("balance", wanted.balance, got.balance),
            ("code", wanted.code.data.hex(), got.code.data.hex()),
            ("storage", _slots(wanted), _slots(got)),
        ):
            if want != have:
                found.append(f"account {address:#042x}: {field} is {have}, expected {want}")
    return found


def _slots(account: Account) -> dict[int, int]:
    return {key: value for key, value in account.storage.items() if value}
