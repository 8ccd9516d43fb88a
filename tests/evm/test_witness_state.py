"""States read from trie nodes: as ordinary ones, or an error that names what is missing."""

from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from tests.support.programs import lengths, seeds
from tests.support.random_transactions import CHAIN_ID, random_situation
from tests.support.witnesses import whole_witness
from zkevm.errors import InputError
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.forks import FORKS
from zkevm.evm.keccak import keccak256
from zkevm.evm.partial_trie import EMPTY_ROOT, MissingNodeError, Nodes, PartialTrie
from zkevm.evm.rlp import RlpError, rlp_encode
from zkevm.evm.state import Account, State
from zkevm.evm.transition import apply_transaction
from zkevm.evm.validity import InvalidTransaction
from zkevm.evm.witness_state import MissingCodeError, WitnessState

ADDRESSES = range(1, 9)
KEYS = range(6)
CODES = (EMPTY_CODE, Code(b"\x5b"), Code(b"\x00" * 40))


def witness_state(accounts: dict[int, Account]) -> WitnessState:
    root, nodes = whole_witness(accounts)
    return WitnessState(root, nodes, [account.code.data for account in accounts.values()])


values = st.integers(0, 3)
stored_accounts = st.builds(
    Account,
    nonce=st.integers(1, 3),
    balance=st.integers(0, 2**70),
    code=st.sampled_from(CODES),
    storage=st.dictionaries(st.sampled_from(KEYS), st.integers(1, 2**256 - 1)),
)
states = st.dictionaries(st.sampled_from(ADDRESSES), stored_accounts)
changes = st.lists(
    st.one_of(
        st.tuples(st.just("set_nonce"), st.sampled_from(ADDRESSES), values),
        st.tuples(st.just("set_balance"), st.sampled_from(ADDRESSES), values),
        st.tuples(st.just("set_code"), st.sampled_from(ADDRESSES), st.sampled_from(CODES)),
        st.tuples(st.just("store"), st.sampled_from(ADDRESSES), st.sampled_from(KEYS), values),
        st.tuples(st.just("load"), st.sampled_from(ADDRESSES), st.sampled_from(KEYS)),
        st.tuples(st.just("code"), st.sampled_from(ADDRESSES)),
        st.tuples(st.just("is_empty"), st.sampled_from(ADDRESSES)),
        st.just(("finish_transaction",)),
    ),
    max_size=30,
)


def apply(state: State, change: tuple) -> object:
    name, *arguments = change
    result = getattr(state, name)(*arguments)
    return result.hash if isinstance(result, Code) else result


@given(states, changes, st.data())
def test_a_state_of_a_witness_is_one_of_accounts(accounts, listed, data):
    ordinary, lazy = State(accounts), witness_state(accounts)
    mark = data.draw(st.integers(0, len(listed)))
    for change in listed[:mark]:
        assert apply(lazy, change) == apply(ordinary, change)
    snapshots = ordinary.snapshot(), lazy.snapshot()
    listed = [change for change in listed[mark:] if change != ("finish_transaction",)]
    for change in listed:
        assert apply(lazy, change) == apply(ordinary, change)
    if data.draw(st.booleans()):
        ordinary.revert(snapshots[0])
        lazy.revert(snapshots[1])
    assert lazy.root() == ordinary.root()
    for address in ADDRESSES:
        assert lazy.balance(address) == ordinary.balance(address)
        for key in KEYS:
            assert lazy.storage(address, key) == ordinary.storage(address, key)
    assert lazy.root() == ordinary.root()


def test_a_destroyed_account_is_gone():
    lazy, ordinary = witness_state({2: Account(1, 1)}), State({2: Account(1, 1)})
    for state in (lazy, ordinary):
        state.mark_created(1)
        state.set_nonce(1, 1)
        state.store(1, 5, 6)
        state.mark_destroyed(1)
        state.finish_transaction()
        assert state.storage(1, 5) == 0
        assert state.is_empty(1)
    assert lazy.root() == ordinary.root()


ACCOUNTS = {
    address: Account(1, address, CODES[2], {key: key + 1 for key in range(address)})
    for address in range(1, 20)
}


def touch(state: State) -> bytes:
    """Read, write and remove here and there; return the new root."""
    for address in (3, 7, 12, 99):
        state.set_balance(address, state.balance(address) + 1)
    state.code(7)
    state.store(12, 3, 100)
    for key in range(11):
        state.store(12, key, 0)
    state.store(7, 20, 1)
    for address in (1, 2):
        state.set_nonce(address, 0)
        state.set_balance(address, 0)
        state.set_code(address, EMPTY_CODE)
        state.store(address, 0, 0)
        state.store(address, 1, 0)
    return state.root()


@pytest.mark.parametrize(
    "damage",
    [lambda node: None, lambda node: node[:-1] + bytes((node[-1] ^ 1,)), lambda node: b""],
    ids=["left out", "altered", "emptied"],
)
def test_any_damaged_node_is_not_needed_or_named(damage: Callable[[bytes], bytes | None]):
    root, nodes = whole_witness(ACCOUNTS)
    codes = [CODES[2].data]
    expected = touch(State(ACCOUNTS))
    named = 0
    for index, node in enumerate(nodes):
        damaged = damage(node)
        rest = nodes[:index] + ([] if damaged is None else [damaged]) + nodes[index + 1 :]
        try:
            outcome = touch(WitnessState(root, rest, codes))
        except MissingNodeError as error:
            outcome = error.node
            named += 1
        assert outcome in {expected, keccak256(node)}
    assert 20 < named < len(nodes)


def test_what_is_missing_is_named():
    root, nodes = whole_witness(ACCOUNTS)
    with pytest.raises(MissingNodeError, match=f"on the path to account 0x{3:040x}: it was left"):
        WitnessState(root, [], []).balance(3)
    storage_root = HexaryTrie({})
    for key, value in ACCOUNTS[3].storage.items():
        storage_root[keccak256(key.to_bytes(32, "big"))] = rlp_encode(value)
    rest = [node for node in nodes if keccak256(node) != storage_root.root_hash]
    state = WitnessState(root, rest, [])
    with pytest.raises(MissingNodeError, match=f"path to slot 0x2 of account 0x{3:040x}: it was"):
        state.storage(3, 2)
    with pytest.raises(MissingCodeError, match=f"0x{CODES[2].hash:064x}, which account 0x{3:040x}"):
        len(state.code(3))


def test_the_hash_of_a_code_is_known_without_its_bytes():
    state = WitnessState(*whole_witness({1: Account(0, 0, CODES[1])}), [])
    assert state.code(1).hash == CODES[1].hash
    assert not state.is_empty(1)
    state.set_balance(1, 5)
    assert state.root() == State({1: Account(0, 5, CODES[1])}).root()


def test_a_removal_that_needs_a_node_beside_its_path_says_so():
    nodes: dict[bytes, bytes] = {}
    trie = HexaryTrie(nodes)
    mine, other = b"\0", b"\1"
    for key in (mine, other):
        trie[keccak256(key)] = key * 40
    sibling = next(name for name, node in nodes.items() if node.endswith(other * 40))
    whole = PartialTrie(Nodes(nodes.values()), trie.root_hash, repr)
    whole.update({mine: b""})
    assert (whole.get(mine), whole.get(other)) == (b"", other * 40)
    del nodes[sibling]
    partial = PartialTrie(Nodes(nodes.values()), trie.root_hash, repr)
    with pytest.raises(MissingNodeError, match="beside the path") as raised:
        partial.update({mine: b""})
    assert raised.value.node == sibling
    replaced = PartialTrie(Nodes(nodes.values()), trie.root_hash, repr)
    replaced.update({mine: b"new"})
    assert replaced.get(mine) == b"new"
    whole.update({other: b""})
    assert whole.root == EMPTY_ROOT


@given(seed=seeds, statements=lengths, fork_name=st.sampled_from(list(FORKS)))
def test_transactions_run_alike_from_the_nodes_they_need(seed, statements, fork_name):
    fork = FORKS[fork_name]
    situation = random_situation(Random(seed), fork, statements)
    root, nodes = whole_witness(situation.pre)
    codes = [account.code.data for account in situation.pre.values()]

    def outcome(state: State) -> tuple[object, bytes]:
        state.prepare(fork.precompiles)
        transaction = situation.signed.transaction
        try:
            receipt = apply_transaction(fork, CHAIN_ID, state, situation.environment, transaction)
        except InvalidTransaction as error:
            return error.rejection, state.root()
        return receipt, state.root()

    expected = outcome(State(situation.pre))
    whole = WitnessState(root, nodes, codes)
    assert outcome(whole) == expected
    needed = [node for node in nodes if keccak256(node) in whole._nodes._checked]
    assert outcome(WitnessState(root, needed, codes)) == expected
    copied = whole.copy()
    for address in situation.pre:
        assert copied.code(address).data == whole.code(address).data
        assert copied.balance(address) == whole.balance(address)
        assert copied.storage(address, 1) == whole.storage(address, 1)
    for position in range(0, len(needed), 3):
        with pytest.raises(MissingNodeError) as raised:
            outcome(WitnessState(root, needed[:position] + needed[position + 1 :], codes))
        assert raised.value.node == keccak256(needed[position])


def random_item(random: Random, depth: int = 0) -> bytes | list:
    """Something of the shape of a node, or nearly."""

    def child() -> bytes | list:
        kind = random.randrange(5)
        if kind == 0 and depth < 3:
            return random_item(random, depth + 1)
        return (b"", b"", b"value", bytes(32), random.randbytes(33))[kind]

    kind = random.randrange(6)
    if kind < 2:
        return [child() if random.random() < 0.2 else b"" for _ in range(17)]
    if kind < 5:
        path = bytes((random.choice((0x00, 0x11, 0x20, 0x3F, 0x50)),))
        return [path + random.randbytes(random.randrange(3)), child()]
    return [child() for _ in range(random.randrange(4))]


@given(seed=seeds, key=st.binary(max_size=2))
def test_any_root_node_is_a_trie_or_refused(seed, key):
    node = rlp_encode(random_item(Random(seed)))
    trie = PartialTrie(Nodes([node]), keccak256(node), repr)
    with suppress(InputError):
        trie.get(key)
    for value in (b"new", b""):
        with suppress(InputError):
            trie.update({key: value})


@pytest.mark.parametrize(
    "item",
    [
        b"bytes",
        [],
        [b"\x20"],
        [b"", b"value"],
        [b"\x40", b"value"],
        [b"\x21", [b"\x20", b""]],
        [b"\x01", b"short"],
        [[b"\x20"], b"value"],
        [b""] * 16 + [[]],
        [b"short"] + [b""] * 15 + [b"value"],
        [[b"\x20"]] + [b""] * 15 + [b"value"],
        [bytes(32)] + [b""] * 16,
        [b""] * 18,
    ],
)
def test_what_is_no_node_is_refused(item):
    node = rlp_encode(item)
    trie = PartialTrie(Nodes([node]), keccak256(node), repr)
    with pytest.raises(RlpError, match=f"0x{keccak256(node).hex()} is no trie node"):
        trie.get(b"key")
