"""Passed cases by the digest of their trace: what did not change isn't checked or proven again."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np

import circuits
import zkevm
from circuits.machine import circuit
from zkevm import api
from zkevm.errors import FileError
from zkevm.replay.results import CaseResult, Level, Verdict
from zkevm.srs.development import cache_directory
from zkevm.trace.trace import Trace

PROVING = ("plonkish", "proof", "trace")
"""The packages of `zkevm` that, with `circuits`, decide about a trace."""


def digest(traces: tuple[Trace, ...], level: Level, statement: api.Level) -> str:
    """Identify traces, the circuit of their fork, the code that fills it, and what is done."""
    found = hashlib.blake2b(digest_size=20)
    found.update(f"{level} {statement.name} {code_digest()} ".encode() + key_digest(traces[0].fork))
    for part in _content(traces):
        found.update(part)
    return found.hexdigest()


def _content(value: object) -> Iterator[bytes]:
    """A byte string for every leaf of a trace, in a fixed order, each with its length or end."""
    if isinstance(value, np.ndarray):
        yield f"{value.dtype.str}{value.shape}".encode() + value.tobytes()
    elif isinstance(value, bytes):
        yield f"{len(value)}:".encode() + value
    elif is_dataclass(value):
        yield from chain.from_iterable(_content(getattr(value, f.name)) for f in fields(value))
    elif isinstance(value, Mapping):
        yield from chain.from_iterable(map(_content, sorted(value.items())))
        yield b"}"
    elif isinstance(value, tuple):
        yield from chain.from_iterable(map(_content, value))
        yield b")"
    else:
        yield f"{value!r};".encode()


@cache
def key_digest(fork: str) -> bytes:
    """Identify the circuit of a fork, with all of its tables."""
    key = circuit(fork)
    return key.digest([0] * len(key.tables))


@cache
def code_digest() -> str:
    """Identify the circuits' source, and the native kernels."""
    root = Path(zkevm.__path__[0])
    folders = [Path(circuits.__path__[0]), *(root / name for name in PROVING)]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    found = hashlib.blake2b(digest_size=20)
    for file in sorted([*files, *root.glob("_native*.so")]):
        found.update(hashlib.blake2b(file.read_bytes()).digest())
    return found.hexdigest()


def read(level: Level) -> dict[str, CaseResult]:
    """Return the cached results of a level and of this version of the code, by digest."""
    try:
        lines = _path(level).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FileError(f"{_path(level)}: {error.strerror}") from error
    found = {}
    for line in lines:
        try:
            result = msgspec.json.decode(line, type=CaseResult)
        except msgspec.MsgspecError:
            continue  # cut off by a process that was killed: the case is run again
        found[result.digest] = result
    return found


def append(level: Level, results: Iterable[CaseResult]) -> None:
    """Keep those that passed; raises `FileError` if the cache cannot be written."""
    lines = [
        msgspec.json.encode(result) + b"\n"
        for result in results
        if result.digest and result.verdict == Verdict.PASS and not result.cached
    ]
    if not lines:
        return
    try:
        _path(level).parent.mkdir(parents=True, exist_ok=True)
        with _path(level).open("ab") as file:
            file.write(b"".join(lines))
    except OSError as error:
        raise FileError(f"{_path(level)}: {error.strerror}; or use --no-cache") from error


def _path(level: Level) -> Path:
    return cache_directory() / "replay" / f"{level}-{code_digest()[:16]}.jsonl"
