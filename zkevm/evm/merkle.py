"""Roots of Merkle-Patricia tries, by the `trie` library."""

from collections.abc import Mapping, Sequence

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import rlp_encode


def trie_root(items: Mapping[bytes, bytes]) -> bytes:
    """Return the root of the trie that maps each key to its value, none of them empty."""
    from trie import HexaryTrie  # noqa: PLC0415 (slow to import, and a verifier needs none)

    trie = HexaryTrie({})
    for key, value in items.items():
        trie[key] = value
    root: bytes = trie.root_hash
    return root


def secure_trie_root(items: Mapping[bytes, bytes]) -> bytes:
    """Return the root of the trie that maps the hash of each key to its value."""
    return trie_root({keccak256(key): value for key, value in items.items()})


def list_root(values: Sequence[bytes]) -> bytes:
    """Return the root of the trie that maps the RLP of each index to the value there."""
    return trie_root({rlp_encode(index): value for index, value in enumerate(values)})
