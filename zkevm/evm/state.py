"""The world state during a transaction, with all that is needed to undo changes.

Accounts are spread over flat mappings, one a field, so that one kind of entry
`(mapping, key, value before)` undoes everything. Values that live as long as a transaction (warm
marks, transient storage, created and destroyed marks) are kept beside them.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.events import Recorder, StateEventKind
from zkevm.evm.merkle import secure_trie_root
from zkevm.evm.rlp import Encodable, rlp_encode

K = TypeVar("K")
V = TypeVar("V")

Slot: TypeAlias = tuple[int, int]
"""Address and key."""

Layer: TypeAlias = dict[tuple[int, Any], tuple[dict[Any, Any], Any, Any]]
"""Mapping, key and value before (None for none) by the identity of the mapping and the key."""


@dataclass(slots=True)
class Account:
    """An account as a value; for input and output of states."""

    nonce: int = 0
    balance: int = 0
    code: Code = EMPTY_CODE
    storage: dict[int, int] = field(default_factory=dict)


class State:
    """Accounts by address. An absent account reads as one with nonce, balance and code empty."""

    def __init__(
        self,
        accounts: Mapping[int, Account],
        always_warm: Container[int] = (),
        recorder: Recorder | None = None,
    ) -> None:
        self._nonces = {address: account.nonce for address, account in accounts.items()}
        self._balances = {address: account.balance for address, account in accounts.items()}
        self._codes = {address: account.code for address, account in accounts.items()}
        self._storages = {a: dict(account.storage) for a, account in accounts.items()}
        self._always_warm = always_warm
        self._recorder = recorder or Recorder()
        self._layers: list[Layer] = [{}]
        """What to undo, by snapshot: the value that each changed entry had when it was taken."""
        self._warm_accounts: dict[int, bool] = {}
        self._warm_slots: dict[Slot, bool] = {}
        self._originals: dict[Slot, int] = {}
        self._transient: dict[Slot, int] = {}
        self._created: dict[int, bool] = {}
        self._destroyed: dict[int, bool] = {}

    def copy(self) -> "State":
        """Return an independent state of the same accounts, between two transactions."""
        return State(self.accounts(), self._always_warm)

    def prepare(self, always_warm: Container[int], recorder: Recorder | None = None) -> None:
        """Before a transaction: set which addresses are always warm, and who listens."""
        self._always_warm = always_warm
        self._recorder = recorder or Recorder()

    def snapshot(self) -> int:
        """Return a mark that `revert` can go back to, or `keep` forget; the latest comes first."""
        self._layers.append({})
        return len(self._layers) - 1

    def revert(self, snapshot: int) -> None:
        """Undo everything since the mark."""
        while len(self._layers) > snapshot:
            for mapping, key, before in self._layers.pop().values():
                self._restore(mapping, key, before)

    def keep(self, snapshot: int) -> None:
        """Let what changed since the mark be undone with the mark before it only."""
        while len(self._layers) > snapshot:
            newer, older = self._layers.pop(), self._layers[-1]
            if len(newer) > len(older):
                newer.update(older)
                self._layers[-1] = newer
            else:
                for name, entry in newer.items():
                    older.setdefault(name, entry)

    @staticmethod
    def _restore(mapping: dict[K, V], key: K, before: V | None) -> None:
        if before is None:
            del mapping[key]
        else:
            mapping[key] = before

    def _set(self, mapping: dict[K, V], key: K, value: V) -> None:
        layer, name = self._layers[-1], (id(mapping), key)
        if name not in layer:
            layer[name] = (mapping, key, mapping.get(key))
        mapping[key] = value

    # Accounts.

    def nonce(self, address: int) -> int:
        """Return the nonce, 0 if absent."""
        return self._nonces.get(address, 0)

    def balance(self, address: int) -> int:
        """Return the balance in wei, 0 if absent."""
        return self._balances.get(address, 0)

    def code(self, address: int) -> Code:
        """Return the code, empty if absent."""
        return self._codes.get(address, EMPTY_CODE)

    def is_empty(self, address: int) -> bool:
        """Whether the account is dead in the sense of EIP-161: no nonce, balance or code."""
        return not (self.nonce(address) or self.balance(address) or self.code(address))

    def has_storage(self, address: int, besides: Container[int] = ()) -> bool:
        """Whether any slot of the account is not zero, other than those `besides`."""
        slots = self._storages.get(address, {})
        return any(value and key not in besides for key, value in slots.items())

    def set_nonce(self, address: int, nonce: int) -> None:
        """Set the nonce."""
        old = self.nonce(address)
        self._set(self._nonces, address, nonce)
        self._recorder.state_event(StateEventKind.NONCE, address, 0, old, nonce)

    def set_balance(self, address: int, balance: int) -> None:
        """Set the balance."""
        old = self.balance(address)
        self._set(self._balances, address, balance)
        self._recorder.state_event(StateEventKind.BALANCE, address, 0, old, balance)

    def set_code(self, address: int, code: Code) -> None:
        """Set the code."""
        old = self.code(address)
        self._set(self._codes, address, code)
        self._recorder.state_event(StateEventKind.CODE, address, 0, old.hash, code.hash)

    def transfer(self, sender: int, recipient: int, value: int) -> None:
        """Move `value` wei, which the sender has; nothing happens for zero."""
        if value:
            self.set_balance(sender, self.balance(sender) - value)
            self.set_balance(recipient, self.balance(recipient) + value)

    # Storage.

    def storage(self, address: int, key: int) -> int:
        """Return the value of a slot, 0 if never written."""
        slots = self._storages.get(address)
        return slots.get(key, 0) if slots else 0

    def original_storage(self, address: int, key: int) -> int:
        """Return the value that a slot had when the transaction began."""
        original = self._originals.get((address, key))
        return self.storage(address, key) if original is None else original

    def load(self, address: int, key: int) -> int:
        """Read a slot as SLOAD does."""
        value = self.storage(address, key)
        self._recorder.state_event(
            StateEventKind.STORAGE, address, key, value, value, self.original_storage(address, key)
        )
        return value

    def store(self, address: int, key: int, value: int) -> None:
        """Write a slot as SSTORE does."""
        old = self.storage(address, key)
        original = self._originals.setdefault((address, key), old)
        self._set(self._storages.setdefault(address, {}), key, value)
        self._recorder.state_event(StateEventKind.STORAGE, address, key, old, value, original)

    def load_transient(self, address: int, key: int) -> int:
        """Read a transient slot (EIP-1153)."""
        value = self._transient.get((address, key), 0)
        self._recorder.state_event(StateEventKind.TRANSIENT, address, key, value, value)
        return value

    def store_transient(self, address: int, key: int, value: int) -> None:
        """Write a transient slot (EIP-1153)."""
        old = self._transient.get((address, key), 0)
        self._set(self._transient, (address, key), value)
        self._recorder.state_event(StateEventKind.TRANSIENT, address, key, old, value)

    # Marks.

    def is_warm(self, address: int) -> bool:
        """Whether the account was accessed in this transaction (EIP-2929)."""
        self._recorder.examined(address)
        return address in self._warm_accounts or address in self._always_warm

    def warm(self, address: int) -> None:
        """Mark the account as accessed."""
        old = self.is_warm(address)
        if not old:
            self._set(self._warm_accounts, address, True)
        self._recorder.state_event(StateEventKind.WARM_ACCOUNT, address, 0, old, 1)

    def is_warm_slot(self, address: int, key: int) -> bool:
        """Whether the slot was accessed in this transaction (EIP-2929)."""
        self._recorder.examined(address, key)
        return (address, key) in self._warm_slots

    def warm_slot(self, address: int, key: int) -> None:
        """Mark the slot as accessed."""
        old = self.is_warm_slot(address, key)
        if not old:
            self._set(self._warm_slots, (address, key), True)
        self._recorder.state_event(StateEventKind.WARM_SLOT, address, key, old, 1)

    def is_created(self, address: int) -> bool:
        """Whether the account was created in this transaction (EIP-6780)."""
        return address in self._created

    def mark_created(self, address: int) -> None:
        """Mark the account as created in this transaction."""
        old = self.is_created(address)
        self._set(self._created, address, True)
        self._recorder.state_event(StateEventKind.CREATED, address, 0, old, 1)

    def mark_destroyed(self, address: int) -> None:
        """Mark the account for removal at the end of the transaction."""
        old = address in self._destroyed
        self._set(self._destroyed, address, True)
        self._recorder.state_event(StateEventKind.DESTROYED, address, 0, old, 1)

    def finish_transaction(self) -> None:
        """Remove the destroyed accounts and forget what lives as long as a transaction."""
        for address in self._destroyed:
            self.set_nonce(address, 0)
            self.set_balance(address, 0)
            self.set_code(address, EMPTY_CODE)
            self._storages.pop(address, None)
        for mapping in (
            self._warm_accounts,
            self._warm_slots,
            self._originals,
            self._transient,
            self._created,
            self._destroyed,
        ):
            mapping.clear()
        self._layers = [{}]

    # The whole.

    def accounts(self) -> dict[int, Account]:
        """Return the accounts that exist: those not empty, or with storage."""
        result = {}
        mappings = (self._nonces, self._balances, self._codes, self._storages)
        for address in set().union(*mappings):
            storage = {k: v for k, v in self._storages.get(address, {}).items() if v}
            if storage or not self.is_empty(address):
                result[address] = Account(
                    self.nonce(address), self.balance(address), self.code(address), storage
                )
        return result

    def root(self) -> bytes:
        """Return the Merkle-Patricia root of the state trie."""
        return state_root(self.accounts())


def state_root(accounts: Mapping[int, Account]) -> bytes:
    """Return the root of the state trie of the given accounts (yellow paper, section 4.1)."""
    leaves = {}
    for address, account in accounts.items():
        slots = {
            key.to_bytes(32, "big"): rlp_encode(value) for key, value in account.storage.items()
        }
        leaf: list[Encodable] = [
            account.nonce,
            account.balance,
            secure_trie_root(slots),
            account.code.hash.to_bytes(32, "big"),
        ]
        leaves[address.to_bytes(20, "big")] = rlp_encode(leaf)
    return secure_trie_root(leaves)
