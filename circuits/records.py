"""Frozen dataclasses as objects of JSON, read strictly: one record has one form.

Numbers are hexadecimal strings without leading zeros, bytes strings of hexadecimal pairs, both with
`0x`; tuples are arrays, mappings of numbers are arrays of pairs in rising order, None is null.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache, partial
from typing import Any, TypeAlias, TypeVar, cast, get_args, get_origin, get_type_hints

from zkevm.proof.codec import read_hex

T = TypeVar("T")
Decoder: TypeAlias = Callable[[object, str], object]

NUMBER = re.compile("0x(?:0|[1-9a-f][0-9a-f]{0,63})")


class RecordError(ValueError):
    """The JSON is not that of the record; the message says where."""


def encode(record: object) -> dict[str, object]:
    """A dataclass as an object of JSON."""
    return {name: _encode(getattr(record, name)) for name in _names(cast("Any", type(record)))}


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


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
    return cast("T", _decoder(cast("Any", kind))(value, kind.__name__))


@cache
def _decoder(kind: Any) -> Decoder:
    """What reads a value of this type, which stands at a place named in errors."""
    origin = get_origin(kind)
    if origin is types.UnionType:
        return _optional(kind)
    if origin is tuple:
        return _tuple(kind)
    if origin is Mapping:
        return _mapping(kind)
    if is_dataclass(kind):
        return _record(cast("type", kind))
    return partial(_decode_plain, kind)


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


def _optional(kind: Any) -> Decoder:
    (inner,) = (_decoder(a) for a in get_args(kind) if a is not type(None))
    return lambda value, where: None if value is None else inner(value, where)


def _tuple(kind: Any) -> Decoder:
    inner = _decoder(get_args(kind)[0])

    def read(value: object, where: str) -> object:
        items = cast("list[object]", _require(isinstance(value, list), value, where, "an array"))
        return tuple([inner(item, f"{where}[{i}]") for i, item in enumerate(items)])

    return read


def _mapping(kind: Any) -> Decoder:
    read_key, read_value = map(_decoder, get_args(kind))

    def read(value: object, where: str) -> object:
        pairs = cast("list[object]", _require(isinstance(value, list), value, where, "an array"))
        found: dict[Any, object] = {}
        for pair in pairs:
            _require(isinstance(pair, list) and len(pair) == 2, pair, where, "a pair")
            key, item = cast("list[object]", pair)
            number: Any = read_key(key, where)
            _require(not found or number > max(found), key, where, "a greater key")
            found[number] = read_value(item, where)
        return found

    return read


def _record(kind: type) -> Decoder:
    hints = get_type_hints(kind)
    readers = {name: _decoder(hints[name]) for name in _names(kind)}

    def read(value: object, where: str) -> object:
        record = _require(isinstance(value, dict), value, where, "an object")
        given = cast("dict[str, object]", record)
        if given.keys() != readers.keys():
            _require(False, sorted(given), where, f"the fields {', '.join(readers)}")
        return kind(**{n: inner(given[n], f"{where}.{n}") for n, inner in readers.items()})

    return read


def _require(valid: bool, value: object, where: str, what: str) -> object:
    if not valid:
        raise RecordError(f"{where} should be {what}, is {str(value)[:40]}")
    return value
