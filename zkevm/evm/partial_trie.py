"""Merkle-Patricia tries of which only some nodes are known, by the `trie` library.

Nodes are found by their Keccak-256, so that a trie needs no trust: an altered node is not found at
all. Source: yellow paper, appendix D.
"""

from collections.abc import Callable, Iterable, Mapping

from zkevm.errors import InputError
from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import Item, RlpError, rlp_decode

EMPTY_ROOT = keccak256(b"\x80")
"""Root of the trie without entries."""

LEAF_FLAG, FLAGS_END = 0x20, 0x40
"""In the first byte of a path; the flag beside that of a leaf is that of an odd length."""


class MissingNodeError(InputError):
    """A trie node that is needed is not among the known ones."""

    def __init__(self, node: bytes, entry: str, *, beside: bool) -> None:
        self.node = node
        """Its hash."""
        self.entry = entry
        """The account or slot, in words, that it is needed for."""
        where = "beside the path (to remove the entry)" if beside else "on the path"
        super().__init__(
            f"the witness has no trie node 0x{node.hex()}, {where} to {entry}: "
            "it was left out or altered"
        )


class Nodes(dict[bytes, bytes]):
    """Encoded nodes by their hash. Reading one that is no node of a trie raises `RlpError`."""

    def __init__(self, nodes: Iterable[bytes]) -> None:
        super().__init__((keccak256(node), node) for node in nodes)
        self._checked: set[bytes] = set()

    def __getitem__(self, digest: bytes) -> bytes:
        encoded = super().__getitem__(digest)
        if digest not in self._checked:
            if not _is_node(rlp_decode(encoded)):
                raise RlpError(f"what has the hash 0x{digest.hex()} is no trie node")
            self._checked.add(digest)
        return encoded


def _is_node(item: Item) -> bool:
    """Whether an item has the shape of a leaf, an extension or a branch."""
    match item:
        case [bytes(path), child] if path and path[0] < FLAGS_END:
            return isinstance(child, bytes) if path[0] & LEAF_FLAG else _is_child(child)
        case [*children, bytes(value)] if len(children) == 16:
            entries = [child for child in children if child != b""]
            return len(entries) + bool(value) > 1 and all(map(_is_child, entries))
    return False


def _is_child(item: Item) -> bool:
    """Whether an item is the hash of a node, or a node shorter than that."""
    return len(item) == 32 if isinstance(item, bytes) else _is_node(item)


class PartialTrie:
    """A trie that maps the hash of each key to its value, given by its root and known nodes.

    `nodes` gains those that updates make; several tries may share it. `name_entry` says in words
    what a key stands for. Every method raises `RlpError` for a node that has its hash but is none.
    """

    def __init__(
        self,
        nodes: Nodes,
        root: bytes,
        name_entry: Callable[[bytes], str],
    ) -> None:
        from trie import HexaryTrie  # noqa: PLC0415 (slow to import, and a verifier needs none)

        self._trie = HexaryTrie(nodes, root)
        self._name_entry = name_entry

    @property
    def root(self) -> bytes:
        """The root after all updates."""
        root: bytes = self._trie.root_hash
        return root

    def get(self, key: bytes) -> bytes:
        """Return the value, empty if the trie has none. Raises `MissingNodeError`."""
        from trie.exceptions import MissingTrieNode  # noqa: PLC0415

        try:
            value: bytes = self._trie.get(keccak256(key))
        except MissingTrieNode as error:
            raise self._missing(error, key, beside=False) from error
        return value

    def update(self, entries: Mapping[bytes, bytes]) -> None:
        """Set entries whose paths are known; an empty value removes its entry.

        Removals come last: one after which a branch has a single child needs that child, known or
        not, and fewer are left so if the new entries are there. Raises `MissingNodeError`.
        """
        from trie.exceptions import MissingTrieNode  # noqa: PLC0415

        for key, value in sorted(entries.items(), key=lambda entry: not entry[1]):
            try:
                self._trie.set(keccak256(key), value)
            except MissingTrieNode as error:
                self.get(key)
                raise self._missing(error, key, beside=True) from error

    def _missing(self, error: Exception, key: bytes, *, beside: bool) -> MissingNodeError:
        return MissingNodeError(bytes(error.args[0]), self._name_entry(key), beside=beside)
