"""Witnesses of states that are known as a whole."""

from collections.abc import Mapping

from trie import HexaryTrie

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import rlp_encode
from zkevm.evm.state import Account


def whole_witness(accounts: Mapping[int, Account]) -> tuple[bytes, list[bytes]]:
    """Return the root and all nodes of the tries of a state."""
    nodes: dict[bytes, bytes] = {}
    state_trie = HexaryTrie(nodes)
    for address, account in accounts.items():
        storage_trie = HexaryTrie(nodes)
        for key, value in account.storage.items():
            storage_trie[keccak256(key.to_bytes(32, "big"))] = rlp_encode(value)
        leaf = (account.nonce, account.balance, storage_trie.root_hash)
        state_trie[keccak256(address.to_bytes(20, "big"))] = rlp_encode(
            [*leaf, account.code.hash.to_bytes(32, "big")]
        )
    return state_trie.root_hash, list(nodes.values())
