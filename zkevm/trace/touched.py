"""What a transaction touched, and what it found there: from its events and the state it leaves."""

from collections.abc import Iterable

from zkevm.evm.events import StateEventKind
from zkevm.evm.state import Slot, State
from zkevm.trace.trace import AccountState, TouchedState

NO_KEY = 0


def touched(
    found: dict[tuple[StateEventKind, int, int], int],
    examined: Iterable[tuple[int, int | None]],
    state: State,
) -> tuple[TouchedState, TouchedState]:
    """The touched accounts and slots before the transaction, and after it, which is now.

    `found` are the values before the first event of each kind, address and key (0 where there is no
    key); `examined` are further accounts and slots.
    """
    kinds = StateEventKind
    of_slots = {kinds.STORAGE, kinds.WARM_SLOT}
    slots = {(address, key) for kind, address, key in found if kind in of_slots}
    slots |= {(address, key) for address, key in examined if key is not None}
    accounts = {address for _, address, _ in found} | {address for address, _ in examined}
    after = {slot: state.storage(*slot) for slot in sorted(slots)}
    before = {slot: found.get((kinds.STORAGE, *slot), value) for slot, value in after.items()}
    changed = _by_account(before)
    pre, post = {}, {}
    for address in sorted(accounts):
        slots_of = changed.get(address, {})
        post[address] = AccountState(
            state.nonce(address),
            state.balance(address),
            state.code(address).hash,
            state.has_storage(address),
        )
        pre[address] = AccountState(
            found.get((kinds.NONCE, address, NO_KEY), post[address].nonce),
            found.get((kinds.BALANCE, address, NO_KEY), post[address].balance),
            found.get((kinds.CODE, address, NO_KEY), post[address].code_hash),
            any(slots_of.values()) or state.has_storage(address, besides=slots_of),
        )
    return TouchedState(pre, before), TouchedState(post, after)


def _by_account(slots: dict[Slot, int]) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = {}
    for (address, key), value in slots.items():
        found.setdefault(address, {})[key] = value
    return found
