"""Roots of Merkle-Patricia tries and hashes of lists, by the `trie` and `rlp` libraries."""

from collections.abc import Mapping

from zkevm.evm.keccak import keccak256


def trie_root(items: Mapping[bytes, bytes]) -> bytes:
    """Return the root of the trie that maps the hash of each key to its value (a "secure" trie)."""
    from trie import HexaryTrie  # noqa: PLC0415 (slow to import, and a verifier needs none)

    trie = HexaryTrie({})
    for key, value in items.items():
        trie[keccak256(key)] = value
    root: bytes = trie.root_hash
    return root


def rlp_encode(item: object) -> bytes:
    """Return the RLP encoding of bytes, integers, and lists of them."""
    import rlp  # noqa: PLC0415

    encoded: bytes = rlp.encode(item)
    return encoded
