"""Roots of Merkle-Patricia tries, from all their entries at once.

Each node is hashed once, where a trie that grows entry by entry hashes a path for each: roots are
most of the time that a small test takes. Source: yellow paper, appendix D.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import Encodable, rlp_encode

Entry: TypeAlias = tuple[str, bytes]
"""A path, as one hexadecimal digit for each nibble, and the value at its end."""


def trie_root(items: Mapping[bytes, bytes]) -> bytes:
    """Return the root of the trie that maps each key to its value, none of them empty."""
    entries = sorted((key.hex(), value) for key, value in items.items())
    return keccak256(rlp_encode(_node(entries, 0) if entries else b""))


def secure_trie_root(items: Mapping[bytes, bytes]) -> bytes:
    """Return the root of the trie that maps the hash of each key to its value."""
    return trie_root({keccak256(key): value for key, value in items.items()})


def list_root(values: Sequence[bytes]) -> bytes:
    """Return the root of the trie that maps the RLP of each index to the value there."""
    return trie_root({rlp_encode(index): value for index, value in enumerate(values)})


def _node(entries: Sequence[Entry], depth: int) -> list[Encodable]:
    """Return the node below which the sorted entries are, whose paths agree up to `depth`."""
    first, last = entries[0][0], entries[-1][0]
    if len(entries) == 1:
        return [_compact(first[depth:], is_leaf=True), entries[0][1]]
    fork = depth
    while fork < len(first) and first[fork] == last[fork]:
        fork += 1
    if fork > depth:
        return [_compact(first[depth:fork], is_leaf=False), _reference(_node(entries, fork))]
    branch: list[Encodable] = [b""] * 17
    if len(first) == depth:
        branch[16] = entries[0][1]
        entries = entries[1:]
    for nibble, below in groupby(entries, key=lambda entry: entry[0][depth]):
        branch[int(nibble, 16)] = _reference(_node(list(below), depth + 1))
    return branch


def _reference(node: list[Encodable]) -> Encodable:
    """Return what a parent holds: the node itself if it is small, else its hash."""
    encoded = rlp_encode(node)
    return node if len(encoded) < 32 else keccak256(encoded)


def _compact(path: str, *, is_leaf: bool) -> bytes:
    """Return the path with its kind and its parity in the first nibble (appendix C)."""
    flag = 2 * is_leaf + len(path) % 2
    return bytes.fromhex(f"{flag}{path}" if len(path) % 2 else f"{flag}0{path}")
