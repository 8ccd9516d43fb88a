"""Frozen dataclasses as objects of JSON, read strictly: one record has one form.

Numbers are hexadecimal strings without leading zeros, bytes strings of hexadecimal pairs, both with
`0x`; tuples are arrays, mappings of numbers are arrays of pairs in rising order, None is null.
"""

from __future__ import annotations

import re
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from zkevm.proof.codec import read_hex

T = TypeVar("T")

NUMBER = re.compile("0x(?:0|[1-9a-f][0-9a-f]{0,63})")


class RecordError(ValueError):
    """The JSON is not that of the record; the message says where."""


def encode(record: object) -> dict[str, object]:
    """A dataclass as an object of JSON."""
    return {f.name: _encode(getattr(record, f.name)) for f in fields(cast("Any", record))}


def _encode(value: Any) -> object:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, Mapping):
        return [[_encode(key), _encode(value[key])] for key in sorted(value)]
    return encode(value)


def decode(kind: type[T], value: object) -> T:
    """A dataclass of this type from JSON.  Raises RecordError."""
    return cast("T", _decode(kind, value, kind.__name__))


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _decode(kind: Any, value: object, where: str) -> object:
    origin = get_origin(kind)
    if origin is types.UnionType:
        return _decode_optional(kind, value, where)
    if origin is tuple:
        return _decode_tuple(kind, value, where)
    if origin is Mapping:
        return _decode_mapping(kind, value, where)
    if is_dataclass(kind):
        return _decode_record(cast("type", kind), value, where)
    return _decode_plain(kind, value, where)


def _decode_plain(kind: type, value: object, where: str) -> object:
    if kind in {bool, str}:
        return _require(isinstance(value, kind), value, where, kind.__name__)
    if kind is bytes:
        data = read_hex(value)
        _require(data is not None, value, where, "bytes")
        return data
    valid = isinstance(value, str) and NUMBER.fullmatch(value) is not None
    number = int(cast("str", _require(valid, value, where, "a number")), 16)
    if issubclass(kind, IntEnum):
        _require(number in [int(member) for member in kind], value, where, kind.__name__)
        return kind(number)
    return number


def _decode_optional(kind: Any, value: object, where: str) -> object:
    if value is None:
        return None
    (inner,) = (a for a in get_args(kind) if a is not type(None))
    return _decode(inner, value, where)


def _decode_tuple(kind: Any, value: object, where: str) -> object:
    inner, _ = get_args(kind)
    items = cast("list[object]", _require(isinstance(value, list), value, where, "an array"))
    return tuple(_decode(inner, item, f"{where}[{i}]") for i, item in enumerate(items))


def _decode_mapping(kind: Any, value: object, where: str) -> object:
    key_kind, value_kind = get_args(kind)
    found: dict[Any, object] = {}
    for pair in cast("list[object]", _require(isinstance(value, list), value, where, "an array")):
        _require(isinstance(pair, list) and len(pair) == 2, pair, where, "a pair")
        key, item = cast("list[object]", pair)
        read: Any = _decode(key_kind, key, where)
        _require(not found or read > max(found), key, where, "a greater key")
        found[read] = _decode(value_kind, item, where)
    return found


def _decode_record(kind: type, value: object, where: str) -> object:
    names = [f.name for f in fields(kind)]
    record = _require(isinstance(value, dict), value, where, "an object")
    given = cast("dict[str, object]", record)
    _require(set(given) == set(names), sorted(given), where, f"the fields {', '.join(names)}")
    hints = _hints(kind)
    return kind(**{n: _decode(hints[n], given[n], f"{where}.{n}") for n in names})


def _require(valid: bool, value: object, where: str, what: str) -> object:
    if not valid:
        raise RecordError(f"{where} should be {what}, is {str(value)[:40]}")
    return value
