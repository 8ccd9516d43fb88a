"""A world state that is read from the trie nodes of a witness, an account or slot when it is asked.

Nothing is taken on trust but the root: nodes and codes are found by their hash.
"""

from collections.abc import Container, Iterable
from typing import NamedTuple

from zkevm.errors import InputError
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.keccak import keccak256
from zkevm.evm.partial_trie import EMPTY_ROOT, Nodes, PartialTrie
from zkevm.evm.rlp import RlpError, as_bytes, as_integer, as_list, rlp_decode, rlp_encode
from zkevm.evm.state import State


class MissingCodeError(InputError):
    """A code that is needed is not in the witness."""


class CodeByHash(Code):
    """A code of which the witness has nothing but the hash, which may be all that is asked."""

    def __init__(self, digest: bytes, address: int) -> None:
        self.hash = int.from_bytes(digest, "big")
        self._address = address

    def __bool__(self) -> bool:
        """Whether there is any code: of the empty code one knows all from its hash."""
        return True

    def __getattr__(self, name: str) -> bytes:
        """Raise `MissingCodeError` for the bytes, the one attribute that is missing."""
        if name != "data":
            raise AttributeError(name)
        raise MissingCodeError(
            f"the witness has no code 0x{self.hash:064x}, which account {_account(self._address)} "
            "has: it was left out or altered"
        )


class WitnessState(State):
    """A state that loads into the mappings of `State` what is asked for, before it is asked.

    `nodes` are encoded trie nodes and `codes` code bytes, in any order, and `root` that of the
    state before. `absent` are accounts that are taken not to exist, whatever the nodes say: a
    change to them must still find its place in the trie. Reading raises `MissingNodeError` and
    `MissingCodeError`. What `accounts` returns is what was loaded.
    """

    def __init__(
        self,
        root: bytes,
        nodes: Iterable[bytes],
        codes: Iterable[bytes],
        absent: Container[int] = (),
    ) -> None:
        super().__init__({})
        self._nodes = Nodes(nodes)
        self._known_codes = {keccak256(code): Code(code) for code in codes}
        self._known_codes[keccak256(b"")] = EMPTY_CODE
        self._absent = absent
        self._accounts = PartialTrie(self._nodes, root, _account_entry)
        self._leaves: dict[int, bytes] = {}
        """Of every account that was loaded: as the trie has it, empty if it has none."""
        self._storage_tries: dict[int, PartialTrie] = {}

    # What `State` reads.

    def nonce(self, address: int) -> int:
        self._load(address)
        return self._nonces[address]

    def balance(self, address: int) -> int:
        self._load(address)
        return self._balances[address]

    def code(self, address: int) -> Code:
        self._load(address)
        return self._codes[address]

    def has_storage(self, address: int, besides: Container[int] = ()) -> bool:
        """Whether the account had any slot in the beginning, or has one of those written since.

        The account for which it matters, one to be created, cannot have cleared slots before.
        """
        self._load(address)
        had_any = self._storage_tries[address].root != EMPTY_ROOT
        return had_any or super().has_storage(address, besides)

    def storage(self, address: int, key: int) -> int:
        slots = self._storages.setdefault(address, {})
        if key not in slots:
            self._load(address)
            slots[key] = self._stored(address, key)
        return slots[key]

    def _load(self, address: int) -> None:
        """Have the account in the mappings."""
        if address in self._leaves:
            return
        leaf = b"" if address in self._absent else self._accounts.get(_address_key(address))
        account = _decode_leaf(leaf, address)
        self._leaves[address] = leaf
        self._nonces[address] = account.nonce
        self._balances[address] = account.balance
        self._codes[address] = (
            self._known_codes[account.code_hash]
            if account.code_hash in self._known_codes
            else CodeByHash(account.code_hash, address)
        )
        self._storage_tries[address] = PartialTrie(
            self._nodes,
            account.storage_root,
            lambda key: f"slot 0x{key.hex().lstrip('0') or '0'} of account {_account(address)}",
        )

    def _stored(self, address: int, key: int) -> int:
        """The value of a slot in the beginning."""
        value = self._storage_tries[address].get(key.to_bytes(32, "big"))
        return as_integer(rlp_decode(value), "a slot", 256) if value else 0

    # The whole.

    def copy(self) -> "WitnessState":
        codes = [*self._known_codes.values(), *self._codes.values()]
        known = [code.data for code in codes if not isinstance(code, CodeByHash)]
        return WitnessState(self.root(), self._nodes.values(), known, self._absent)

    def root(self) -> bytes:
        """Return the root of the state trie with the changes, which needs only what they touch.

        Raises `MissingNodeError` if a removal needs a node beside its path that is not there.
        """
        changed = {}
        for address, before in self._leaves.items():
            leaf = self._leaf(address)
            if leaf != before:
                changed[address] = leaf
        self._accounts.update({_address_key(a): leaf for a, leaf in changed.items()})
        self._leaves |= changed
        return self._accounts.root

    def _leaf(self, address: int) -> bytes:
        """The account with its new storage root, encoded; empty if it does not exist."""
        trie = self._storage_tries[address]
        slots = self._storages.get(address, {})
        trie.update(
            {
                key.to_bytes(32, "big"): rlp_encode(value) if value else b""
                for key, value in slots.items()
                if value != self._stored(address, key)
            }
        )
        if self.is_empty(address) and trie.root == EMPTY_ROOT:
            return b""
        code_hash = self.code(address).hash.to_bytes(32, "big")
        return rlp_encode([self.nonce(address), self.balance(address), trie.root, code_hash])


class Leaf(NamedTuple):
    """An account as the state trie holds it."""

    nonce: int
    balance: int
    storage_root: bytes
    code_hash: bytes


ABSENT = Leaf(0, 0, EMPTY_ROOT, keccak256(b""))


def _decode_leaf(encoded: bytes, address: int) -> Leaf:
    if not encoded:
        return ABSENT
    what = f"account {_account(address)} in the state trie"
    items = as_list(rlp_decode(encoded), what)
    if len(items) != len(Leaf._fields):
        raise RlpError(f"{what} has {len(items)} fields")
    nonce, balance, storage_root, code_hash = items
    return Leaf(
        as_integer(nonce, what, 64),
        as_integer(balance, what, 256),
        as_bytes(storage_root, what, 32),
        as_bytes(code_hash, what, 32),
    )


def _address_key(address: int) -> bytes:
    return address.to_bytes(20, "big")


def _account(address: int) -> str:
    return f"0x{address:040x}"


def _account_entry(key: bytes) -> str:
    return f"account 0x{key.hex()}"
