"""What the JSON formats of the official fixtures share: hexadecimal types, accounts, chain.

Decoding is strict; errors name the file, the test and the field.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from zkevm.errors import FileError, InputError
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.fork import BlobSchedule, Fork
from zkevm.evm.state import Account
from zkevm.evm.transaction import AccessListEntry, Authorization


class Quantity(int):
    """A hexadecimal integer below 2**256, with or without leading zeros."""

    __slots__ = ()


class Data(bytes):
    """Hexadecimal bytes."""

    __slots__ = ()


class Address(int):
    """Twenty hexadecimal bytes."""

    __slots__ = ()


class Hash(int):
    """Thirty-two hexadecimal bytes."""

    __slots__ = ()


class Number(int):
    """An integer below 2**256 in hexadecimal or decimal digits, or a number of JSON."""

    __slots__ = ()


DECIMAL_INTEGER = re.compile(r"[0-9]{1,78}")
HEX_INTEGER = re.compile(r"0x[0-9a-fA-F]+")
HEX_DIGITS: dict[type, int] = {Address: 40, Hash: 64}
"""The types whose number of digits is fixed."""


class AccountJson(msgspec.Struct, rename="camel", frozen=True):
    """An account of a state."""

    nonce: Quantity
    balance: Quantity
    code: Data
    storage: dict[Quantity, Quantity]


N = TypeVar("N", bound=int)


class AccessListEntryJson(msgspec.Struct, Generic[N], rename="camel", frozen=True):
    """An entry of an access list, its integers of the form N."""

    address: Address
    storage_keys: list[N]

    def decoded(self) -> AccessListEntry:
        """Return the entry."""
        return AccessListEntry(self.address, tuple(self.storage_keys))


class AuthorizationJson(msgspec.Struct, Generic[N], rename="camel", frozen=True):
    """An entry of an authorization list, its integers of the form N."""

    chain_id: N
    address: Address
    nonce: N
    r: N
    s: N
    v: N | None = None
    y_parity: N | None = None

    def __post_init__(self) -> None:
        if self.v is None and self.y_parity is None:
            raise ValueError("an authorization has neither `v` nor `yParity`")

    def decoded(self) -> Authorization:
        """Return the entry; `yParity` comes before `v`."""
        parity = self.v if self.y_parity is None else self.y_parity
        return Authorization(self.chain_id, self.address, self.nonce, parity or 0, self.r, self.s)


class BlobScheduleJson(msgspec.Struct, rename="camel", frozen=True):
    """The market of blobs in a fork."""

    target: Quantity
    max: Quantity
    base_fee_update_fraction: Quantity


class ConfigJson(msgspec.Struct, rename="camel", frozen=True):
    """The chain."""

    chainid: Quantity = Quantity(1)
    blob_schedule: dict[str, BlobScheduleJson] | None = None


T = TypeVar("T")


def read_file(path: Path) -> bytes:
    """Return the content of a file, or raise `FileError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error


def decode_json(text: bytes | msgspec.Raw, type_: type[T], source: str) -> T:
    """Return the decoded text; `source` names it in errors."""
    try:
        return msgspec.json.decode(text, type=type_, dec_hook=_decode_hex)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InputError(f"{source}: {error}") from error


def _decode_hex(type_: type, value: object) -> object:
    """Decode one of the hexadecimal types above; msgspec adds the field to the error."""
    if type_ is Number and (type(value) is int or DECIMAL_INTEGER.fullmatch(str(value))):
        value = hex(int(str(value)))
    if not isinstance(value, str):
        raise TypeError(f"expected a hexadecimal string, got {value!r}")
    if type_ is Data:
        return Data(bytes.fromhex(value.removeprefix("0x")))
    if not HEX_INTEGER.fullmatch(value):
        raise ValueError(f"{value!r} is not a hexadecimal integer")
    digits = value[2:]
    limit = HEX_DIGITS.get(type_)
    if limit is not None and len(digits) != limit:
        raise ValueError(f"{value!r} does not have {limit} digits")
    if len(digits.lstrip("0")) > 64:
        raise ValueError(f"{value!r} exceeds 256 bits")
    return type_(int(digits, 16))


def accounts_of(state: Mapping[Address, AccountJson]) -> dict[int, Account]:
    """Return the accounts of a state."""
    return {
        int(address): Account(
            account.nonce,
            account.balance,
            Code(bytes(account.code)) if account.code else EMPTY_CODE,
            {int(key): int(value) for key, value in account.storage.items()},
        )
        for address, account in state.items()
    }


def exceptions_of(expected: str | None) -> frozenset[str]:
    """Return the names of the exceptions that a test allows; none if it expects success."""
    return frozenset((expected or "").split("|")) - {""}


def with_blob_schedule(fork: Fork, config: ConfigJson, source: str) -> Fork:
    """Return the fork with the blob schedule that the chain has for it, if it names one."""
    schedule = (config.blob_schedule or {}).get(fork.name)
    if schedule is None:
        return fork
    if not schedule.max or not schedule.base_fee_update_fraction:
        raise InputError(f"{source}: config.blobSchedule.{fork.name}: zero max or fraction")
    blobs = BlobSchedule(schedule.target, schedule.max, schedule.base_fee_update_fraction)
    return fork if blobs == fork.blobs else replace(fork, blobs=blobs)
