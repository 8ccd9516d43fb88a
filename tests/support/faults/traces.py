"""Traces that nobody executed: every column and every other part of a trace, changed."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import numpy as np

from tests.support.faults.executor import ImpossibleError, chosen, other_word
from zkevm.evm.forks import FORKS
from zkevm.evm.transaction import AccessListEntry
from zkevm.evm.validity import BlockUsage
from zkevm.trace.trace import (
    AccountState,
    Calls,
    Frames,
    MemoryWrites,
    Refunds,
    Rows,
    StateEvents,
    TouchedState,
    Trace,
    WrittenWords,
)

PARTS = {
    "rows": Rows, "written": WrittenWords, "memory": MemoryWrites, "state": StateEvents,
    "frames": Frames, "refunds": Refunds, "calls": Calls,
}  # fmt: skip

Change = Callable[[Trace, Random], Trace]


def is_same(one: Any, other: Any) -> bool:
    """Whether two traces, or parts of them, are the same."""
    if isinstance(one, np.ndarray):
        return bool(np.array_equal(one, other))
    if type(one) in (Trace, *PARTS.values()):
        names = (f.name for f in dataclasses.fields(one))
        return all(is_same(getattr(one, n), getattr(other, n)) for n in names)
    return one == other


# Columns.


def column(part: str, name: str, trace: Trace, random: Random) -> Trace:
    """A number of a column changed, or all from some place on."""
    held = getattr(trace, part)
    values = getattr(held, name).copy()
    place = chosen(random, range(len(values)))
    if values.ndim == 2:
        word = sum(int(limb) << 64 * i for i, limb in enumerate(values[place]))
        bent = other_word(random, word)
        values[place] = [bent >> 64 * i & (1 << 64) - 1 for i in range(4)]
    else:
        _bend(values, place, random)
    return replace(trace, **{part: replace(held, **{name: values})})


def _bend(values: np.ndarray, place: int, random: Random) -> None:
    kind, one = random.randrange(5), np.array(1).astype(values.dtype)
    with np.errstate(over="ignore"):
        if kind == 0:
            values[place:] += one
        elif kind == 1 and values[place] > 0:
            values[place] -= one
        elif kind == 2:
            values[place] ^= one << np.array(random.randrange(12)).astype(values.dtype)
        elif kind == 3:
            values[place] = values[random.randrange(len(values))]
        else:
            values[place] += one


def moved(part: str, trace: Trace, random: Random) -> Trace:
    """An entry left out, done twice, or in the place of the next, in all columns of a part."""
    held = getattr(trace, part)
    names = [f.name for f in dataclasses.fields(held)]
    length = len(getattr(held, names[0]))
    at = chosen(random, range(length))
    order = list(range(length))
    kind = random.randrange(3)
    if kind == 0:
        del order[at]
    elif kind == 1:
        order.insert(at, at)
    else:
        order[at : at + 2] = order[at : at + 2][::-1]
    words = _words_of(trace, order) if part == "memory" else None
    columns = {n: _taken(getattr(held, n), order) for n in names if n != "words" or words is None}
    return replace(trace, **{part: replace(held, **columns, **(words or {}))})


def _words_of(trace: Trace, order: list[int]) -> dict[str, np.ndarray]:
    ends = np.cumsum(trace.memory.count)
    pieces = [trace.memory.words[ends[i] - trace.memory.count[i] : ends[i]] for i in order]
    return {"words": np.concatenate(pieces) if pieces else trace.memory.words[:0]}


def _taken(held: Any, order: list[int]) -> Any:
    return held[order] if isinstance(held, np.ndarray) else tuple(held[i] for i in order)


# What is no column.


def pieces(name: str, trace: Trace, random: Random) -> Trace:
    """One of several strings of bytes changed, left out, or more."""
    return replace(trace, **{name: _pieces(getattr(trace, name), random)})


def outputs(trace: Trace, random: Random) -> Trace:
    return replace(
        trace, calls=replace(trace.calls, output=_pieces(trace.calls.output, random, keep=True))
    )


def _pieces(held: tuple[bytes, ...], random: Random, keep: bool = False) -> tuple[bytes, ...]:
    at = chosen(random, range(len(held)))
    others = [bent_bytes(held[at], random), *(() if keep else (None,))]
    found = random.choice(others)
    return (*held[:at], *(() if found is None else (found,)), *held[at + 1 :])


def bent_bytes(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data)) if data else 0
    changed = bytearray(data)
    if data:
        changed[at] ^= 1 << random.randrange(8)
    return random.choice((bytes(changed), data + b"\0", data[:-1], data[:at] + data[at + 1 :]))


def logs(trace: Trace, random: Random) -> Trace:
    held = trace.logs
    at = chosen(random, range(len(held)))
    log = held[at]
    topics = tuple(other_word(random, t) for t in log.topics)
    others = (
        (), (log, log), (replace(log, address=log.address ^ 1),), (replace(log, topics=topics),),
        (replace(log, data=bent_bytes(log.data, random)),), (replace(log, row=log.row + 1),),
        (replace(log, topics=log.topics[:-1]),),
    )  # fmt: skip
    return replace(trace, logs=(*held[:at], *random.choice(others), *held[at + 1 :]))


def receipt(trace: Trace, random: Random) -> Trace:
    held = trace.receipt
    used = held.gas_used + random.choice((1, -1, 100, -21_000))
    others = (replace(held, success=not held.success), replace(held, gas_used=used))
    return replace(trace, receipt=random.choice(others))


def post(trace: Trace, random: Random) -> Trace:
    return replace(trace, post=_touched(trace.post, random))


def pre(trace: Trace, random: Random) -> Trace:
    return replace(trace, pre=_touched(trace.pre, random))


def _touched(held: TouchedState, random: Random) -> TouchedState:
    """Another value of an account or a slot."""
    if held.storage and random.random() < 0.4:
        slot = chosen(random, held.storage)
        value = other_word(random, held.storage[slot])
        return replace(held, storage={**held.storage, slot: value})
    address = chosen(random, held.accounts)
    values: AccountState = held.accounts[address]
    others = (
        replace(values, nonce=values.nonce + 1), replace(values, nonce=0),
        replace(values, balance=other_word(random, values.balance)),
        replace(values, balance=values.balance + 1),
        replace(values, code_hash=other_word(random, values.code_hash)),
        replace(values, has_storage=not values.has_storage),
    )  # fmt: skip
    return replace(held, accounts={**held.accounts, address: random.choice(others)})


def given(name: str, trace: Trace, random: Random) -> Trace:
    """A field of the transaction or of the block."""
    held = getattr(trace, name)
    field = chosen(random, [f.name for f in dataclasses.fields(held) if f.name != "type"])
    value = _other_value(getattr(held, field), random)
    return replace(trace, **{name: replace(held, **{field: value})})


def _other_value(held: Any, random: Random) -> Any:
    if held is None:
        return random.getrandbits(160)
    if isinstance(held, int):
        return random.choice((held + 1, max(held - 1, 0), held ^ 1 << random.randrange(160)))
    if isinstance(held, bytes):
        return bent_bytes(held, random)
    if isinstance(held, Mapping):
        return {n: h ^ 1 for n, h in held.items()} or {7: 7}
    if held and random.random() < 0.5:
        return held[1:]
    more = random.choice(held) if held else AccessListEntry(random.getrandbits(160), (1,))
    return (*held, more)


def chain_id(trace: Trace, random: Random) -> Trace:
    return replace(trace, chain_id=trace.chain_id + random.choice((1, 255)))


def index(trace: Trace, random: Random) -> Trace:
    return replace(trace, index=trace.index + 1)


def used_before(trace: Trace, random: Random) -> Trace:
    gas, blob_gas = trace.used_before
    others = ((gas + 1, blob_gas), (gas, blob_gas + 1), (2**64, 0), (2**25, 2**20))
    return replace(trace, used_before=BlockUsage(*random.choice(others)))


def fork(trace: Trace, random: Random) -> Trace:
    return replace(trace, fork=chosen(random, [name for name in FORKS if name != trace.fork]))


def _kinds() -> Iterator[tuple[str, Change]]:
    for part, kind in PARTS.items():
        for field in dataclasses.fields(kind):
            if (part, field.name) != ("calls", "output"):
                yield f"{part}.{field.name}", partial(column, part, field.name)
        yield f"entries of {part}", partial(moved, part)
    yield "calls.output", outputs
    for name in ("hashes", "init_codes", "codes"):
        yield name, partial(pieces, name)
    yield "code_hashes", _code_hash
    for change in (logs, receipt, pre, post, chain_id, fork, index, used_before):
        yield change.__name__, change
    for name in ("transaction", "environment"):
        yield name, partial(given, name)


def _code_hash(trace: Trace, random: Random) -> Trace:
    hashes = trace.code_hashes.copy()
    if not len(hashes):
        raise ImpossibleError
    hashes[random.randrange(len(hashes)), random.randrange(4)] ^= np.uint64(1)
    return replace(trace, code_hashes=hashes)


KINDS: dict[str, Change] = dict(_kinds())


def transactions(held: tuple[Trace, ...], random: Random) -> tuple[Trace, ...]:
    """One of several left out, done twice, or in the place of the next."""
    at = chosen(random, range(len(held) - 1))
    return random.choice((
        (*held[:at], *held[at + 1 :]),
        (*held[: at + 1], *held[at:]),
        (*held[:at], held[at + 1], held[at], *held[at + 2 :]),
        held[:-1],
    ))  # fmt: skip
