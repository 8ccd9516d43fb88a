"""Alterations of a proof and of what it is checked against, each of which a verifier must refuse.

`alterations(case)` yields all of them with a name; a proof of any circuit will do.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from zkevm.curve import BASE_MODULUS
from zkevm.errors import VerificationError
from zkevm.field import MODULUS
from zkevm.proof import Circuit, Proof, PublicMessage, verify
from zkevm.proof.circuit import ROUND_DEGREE
from zkevm.proof.layout import Layout, lay_out_segments
from zkevm.proof.messages import Heights
from zkevm.proof.verifier import message_parts
from zkevm.transcript import POINT, WORD

DATA_STRIDE = 101
M = 5
"""log2 of the powers of tau behind the proof of the toy that is altered."""


@dataclass(frozen=True)
class Case:
    """A proof with all that a verifier is given."""

    circuit: Circuit
    proof: Proof
    public: Sequence[PublicMessage]
    digest: bytes
    srs: Any  # VerifierSrs
    kernels: ModuleType | None = None

    def verify(self) -> None:
        verify(self.circuit, self.proof, self.public, self.digest, self.srs, self.kernels)


Alteration = tuple[str, Case]


def assert_rejected(name: str, case: Case) -> None:
    """Require a `VerificationError`, neither acceptance nor another exception."""
    try:
        case.verify()
    except VerificationError:
        return
    except Exception as error:
        raise AssertionError(f"{name}: {error!r} instead of a VerificationError") from error
    raise AssertionError(f"{name}: accepted")


def elements(case: Case) -> list[slice]:
    """Where each point and each scalar lies in the messages."""
    layouts = layouts_of(case)
    sizes = [POINT] * sum(layout.stacks for layout in layouts)
    for layout in layouts:
        layer_scalars = sum(3 * k + 4 for k in range(layout.layers))
        row_scalars = 2 * len(layout.tables) + ROUND_DEGREE * layout.rounds + layout.columns
        stacking_scalars = 2 * layout.m + layout.stacks
        sizes += [WORD] * (layer_scalars + row_scalars + stacking_scalars)
        sizes += [POINT] * (layout.m - 1) + [WORD] * layout.m + [POINT] * 2
    found, start = [], 0
    for size in sizes:
        found.append(slice(start, start + size))
        start += size
    if start != len(case.proof.messages):
        raise AssertionError("the elements do not fill the proof")
    return found


def layouts_of(case: Case) -> tuple[Layout, ...]:
    """The layouts of the segments."""
    return lay_out_segments(case.circuit, case.proof.heights, case.proof.m)


def alterations(case: Case) -> Iterator[Alteration]:
    """Every alteration of this module."""
    yield from altered_elements(case)
    yield from altered_lengths(case)
    yield from altered_shapes(case)
    yield from altered_segments(case)
    yield from altered_statements(case)


def sampled(case: Case, share: float, seed: int = 0) -> Iterator[Alteration]:
    """Each alteration with this probability, for proofs that have many."""
    chance = random.Random(seed)
    return (alteration for alteration in alterations(case) if chance.random() < share)


def altered_elements(case: Case) -> Iterator[Alteration]:
    """Each element changed, zeroed, not reduced, off the curve, or swapped with its neighbour."""
    messages = case.proof.messages
    places = elements(case)
    for i, place in enumerate(places):
        old = messages[place]
        for name, new in other_values(old):
            if new != old:
                yield f"element {i} {name}", _with_bytes(case, place, new)
        if place != places[-1]:
            next_ = places[i + 1]
            both = slice(place.start, next_.stop)
            swapped = messages[next_] + old
            if swapped != messages[both]:
                yield f"elements {i} and {i + 1} swapped", _with_bytes(case, both, swapped)


def other_values(old: bytes) -> Iterator[tuple[str, bytes]]:
    """Other bytes in the place of a scalar or of a point."""
    yield "zeroed", bytes(len(old))
    yield "all ones", b"\xff" * len(old)
    yield "flipped in its last bit", old[:-1] + bytes([old[-1] ^ 1])
    yield "flipped in its first byte", bytes([old[0] ^ 1]) + old[1:]
    if len(old) == WORD:
        value = int.from_bytes(old, "big")
        yield "negated", _word(-value % MODULUS)
        yield "plus p", _word(value + MODULUS)
        yield "plus one", _word((value + 1) % MODULUS)
        return
    x, y = int.from_bytes(old[:WORD], "big"), int.from_bytes(old[WORD:], "big")
    yield "negated", _word(x) + _word(-y % BASE_MODULUS)
    yield "with x not reduced", _word(x + BASE_MODULUS) + _word(y)
    yield "with y not reduced", _word(x) + _word(y + BASE_MODULUS)
    yield "off the curve", _word(x) + _word((y + 1) % BASE_MODULUS)
    yield "coordinates swapped", _word(y) + _word(x)
    yield "the generator", _word(1) + _word(2)
    yield "infinity not reduced", _word(BASE_MODULUS) + _word(BASE_MODULUS)


def altered_lengths(case: Case) -> Iterator[Alteration]:
    """Messages that are cut, extended, or moved."""
    messages = case.proof.messages
    for count in (1, 31, 32, 33, 64, 96, len(messages) // 2, len(messages)):
        yield f"{count} bytes cut at the end", _with_messages(case, messages[:-count])
        yield f"{count} bytes cut at the start", _with_messages(case, messages[count:])
    for extra in (b"\0", bytes(32), bytes(64), messages[-32:], messages):
        yield f"{len(extra)} bytes appended", _with_messages(case, messages + extra)
        yield f"{len(extra)} bytes prepended", _with_messages(case, extra + messages)
        shifted = (extra + messages)[: len(messages)]
        if shifted != messages:
            yield f"{len(extra)} bytes shifted in", _with_messages(case, shifted)
    yield "reversed", _with_messages(case, messages[::-1])


def altered_shapes(case: Case) -> Iterator[Alteration]:
    """Heights, m and the circuit's digest changed."""
    proof = case.proof
    for s, of_segment in enumerate(proof.heights):
        for other in other_heights(of_segment):
            heights = (*proof.heights[:s], other, *proof.heights[s + 1 :])
            yield f"heights {heights}", replace(case, proof=replace(proof, heights=heights))
    for m in OTHER_SIZES:
        if m != proof.m:
            yield f"m is {m}", replace(case, proof=replace(proof, m=m))
    for name, digest in other_bytes(proof.circuit_digest):
        yield f"circuit digest {name}", replace(case, proof=replace(proof, circuit_digest=digest))


OTHER_SIZES = (*range(-1, 26), 255, 1 << 40)


def other_heights(heights: tuple[int | None, ...]) -> Iterator[tuple[int | None, ...]]:
    """One height changed, or their number or order."""
    for t, old in enumerate(heights):
        for new in (None, *OTHER_SIZES):
            if new != old:
                yield (*heights[:t], new, *heights[t + 1 :])
    yield from (heights[1:], (*heights, None), (*heights, 3), (), (None,) * len(heights))
    if heights[::-1] != heights:
        yield heights[::-1]


def altered_segments(case: Case) -> Iterator[Alteration]:
    """Segments moved, missing, twice, from nowhere: with their heights, or without."""
    proof, layouts = case.proof, layouts_of(case)
    first, *parts = message_parts(proof.messages, layouts)
    commitments, start = [], 0
    for layout in layouts:
        commitments.append(first[start : start + layout.commitments_length])
        start += layout.commitments_length
    for name, order in other_orders(len(parts)):
        heights = tuple(proof.heights[s] for s in order)
        points = b"".join(commitments[s] for s in order)
        messages = points + b"".join(parts[s] for s in order)
        whole = replace(proof, heights=heights, messages=messages)
        yield f"segments {name}", replace(case, proof=whole)
        alone = first + b"".join(parts[s] for s in order)
        for what, other in (("messages", alone), ("all but heights", messages)):
            if other != proof.messages:
                altered = replace(proof, messages=other)
                yield f"{what} of segments {name}", replace(case, proof=altered)
        if heights != proof.heights:
            altered = replace(proof, heights=heights)
            yield f"heights of segments {name}", replace(case, proof=altered)
    nothing: Heights = (None,) * len(case.circuit.tables)
    for heights in ((*proof.heights, nothing), (nothing, *proof.heights), (), (nothing,)):
        altered = replace(proof, heights=heights)
        yield f"{len(heights)} segments with an empty one", replace(case, proof=altered)


def other_orders(count: int) -> Iterator[tuple[str, list[int]]]:
    """Other lists of segments than each once, in order."""
    every = list(range(count))
    for s in every:
        yield f"without {s}", every[:s] + every[s + 1 :]
        yield f"with {s} twice", [*every[:s], s, *every[s:]]
        yield f"with {s} again at the end", [*every, s]
        for t in every[:s]:
            swapped = list(every)
            swapped[s], swapped[t] = t, s
            yield f"with {t} and {s} swapped", swapped
            yield f"with {t} in the place of {s}", [t if u == s else u for u in every]
            yield f"with {s} in the place of {t}", [s if u == t else u for u in every]


def altered_statements(case: Case) -> Iterator[Alteration]:
    """Public messages and the statement's digest changed."""
    public = list(case.public)
    for i, message in enumerate(public):
        for name, new in other_messages(case.circuit, message):
            changed = [*public[:i], new, *public[i + 1 :]]
            yield f"public message {i} {name}", replace(case, public=changed)
        yield f"public message {i} missing", replace(case, public=public[:i] + public[i + 1 :])
        yield f"public message {i} twice", replace(case, public=[*public, message])
        nothing = message._replace(multiplicity=0)
        yield f"public message {i} added, 0 times", replace(case, public=[*public, nothing])
    for i in range(len(public) - 1):
        swapped = [*public[:i], public[i + 1], public[i], *public[i + 2 :]]
        if swapped != public:
            yield f"public messages {i} and {i + 1} swapped", replace(case, public=swapped)
    for name, digest in other_bytes(case.digest):
        yield f"statement digest {name}", replace(case, digest=digest)


def other_messages(circuit: Circuit, message: PublicMessage) -> Iterator[tuple[str, PublicMessage]]:
    """Other public messages in the place of one."""
    for k, value in enumerate(message.values):
        for new in (value + 1, value - 1, value + MODULUS, -1, 1 << 256):
            values = (*message.values[:k], new, *message.values[k + 1 :])
            yield f"value {k} is {new}", message._replace(values=values)
    yield "longer", message._replace(values=(*message.values, 0))
    if message.values:
        yield "shorter", message._replace(values=message.values[:-1])
    for name, data in () if message.data is None else other_bytes(message.data, DATA_STRIDE):
        yield f"data {name}", message._replace(data=data)
    yield "with or without data", message._replace(data=b"1" if message.data is None else None)
    for new in (-message.multiplicity, 0, message.multiplicity + 1, MODULUS, 1 << 300):
        yield f"multiplicity {new}", message._replace(multiplicity=new)
    for bus in circuit.buses:
        if bus != message.bus:
            yield f"on bus {bus.name}", message._replace(bus=bus)
    unknown = replace(message.bus, number=message.bus.number + 1000)
    yield "on an unknown bus", message._replace(bus=unknown)


def other_bytes(old: bytes, stride: int = 1) -> Iterator[tuple[str, bytes]]:
    """Other byte strings; of bytes `stride` apart one is changed."""
    yield "empty", b""
    yield "longer", old + b"\0"
    for i in range(0, len(old), stride):
        yield f"byte {i} flipped", old[:i] + bytes([old[i] ^ 1]) + old[i + 1 :]


def _word(number: int) -> bytes:
    return min(number, (1 << 256) - 1).to_bytes(WORD, "big")


def _with_messages(case: Case, messages: bytes) -> Case:
    return replace(case, proof=replace(case.proof, messages=messages))


def _with_bytes(case: Case, place: slice, new: bytes) -> Case:
    messages = case.proof.messages
    return _with_messages(case, messages[: place.start] + new + messages[place.stop :])
