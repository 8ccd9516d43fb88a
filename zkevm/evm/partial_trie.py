"""Merkle-Patricia tries of which only some nodes are known, by the `trie` library.

Nodes are found by their Keccak-256, so that a trie needs no trust: an altered node is not found at
all. Source: yellow paper, appendix D.
"""

from collections.abc import Callable, Mapping, MutableMapping

from zkevm.errors import InputError
from zkevm.evm.keccak import keccak256

EMPTY_ROOT = keccak256(b"\x80")
"""Root of the trie without entries."""


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


class PartialTrie:
    """A trie that maps the hash of each key to its value, given by its root and known nodes.

    `nodes` maps hashes to encoded nodes and gains those that updates make; several tries may share
    it. `name_entry` says in words what a key stands for.
    """

    def __init__(
        self,
        nodes: MutableMapping[bytes, bytes],
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
