"""A proof with its statement as one file: JSON to read, or compact binary.

The statement is a JSON object whose meaning is the caller's.  Reading is strict: one proof has one
binary encoding, and sizes are bounded before anything of that size is made.

Binary, numbers big-endian:
    protocol  16 bytes, the name zero-padded
    circuit   32 bytes, the digest
    m         1 byte
    segments  2 bytes: how many; 2 bytes: of how many tables;
              then for each segment 1 byte a table: 0 absent, else 1 + height
    statement 4 bytes: the length; then canonical JSON (sorted keys, no space, ASCII, no fractions)
    messages  the rest
"""

import json
import re
from binascii import unhexlify
from itertools import accumulate
from typing import Any, NamedTuple, NoReturn

from zkevm.errors import VerificationError
from zkevm.proof.circuit import PROTOCOL
from zkevm.proof.messages import Heights, Proof

CURVE = "bn254"
MAGIC = PROTOCOL.encode().ljust(16, b"\0")
DIGEST = 32
MAX_TABLES = 1 << 12
MAX_SEGMENTS = 1 << 12
MAX_HEIGHT = 0xFE
MAX_FILE = 1 << 27
MAX_NESTING = 64
ESCAPE = re.compile(r"\\.", re.DOTALL)
BRACKETS = re.compile("[][{}]")
KEYS = ("protocol", "curve", "circuit", "statement", "m", "segments", "messages")

JsonObject = dict[str, Any]


class MalformedProofError(VerificationError):
    """The file is not a proof at all; the message says why."""

    exit_code = 10


class ProofFile(NamedTuple):
    """A proof and the statement it is for."""

    proof: Proof
    statement: JsonObject


def encode_json(file: ProofFile) -> str:
    """Write a proof file as JSON, one field a line."""
    proof = file.proof
    fields = {
        "protocol": PROTOCOL,
        "curve": CURVE,
        "circuit": "0x" + proof.circuit_digest.hex(),
        "statement": file.statement,
        "m": proof.m,
        "segments": proof.heights,
        "messages": "0x" + proof.messages.hex(),
    }
    lines = (f"{json.dumps(key)}: {json.dumps(value)}" for key, value in fields.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def decode_json(data: bytes) -> ProofFile:
    """Read a proof file of JSON; raise `MalformedProofError` if it is none."""
    fields = _parse_json(data)
    if set(fields) != set(KEYS):
        wrong = sorted(set(fields) ^ set(KEYS))
        raise MalformedProofError(f"the proof has missing or unknown fields: {', '.join(wrong)}")
    if fields["protocol"] != PROTOCOL or fields["curve"] != CURVE:
        raise MalformedProofError(f"the proof is not of protocol {PROTOCOL} over {CURVE}")
    if not isinstance(fields["statement"], dict):
        raise MalformedProofError("the statement is not an object")
    digest = _hex(fields["circuit"], "circuit")
    if len(digest) != DIGEST:
        raise MalformedProofError("the circuit digest has another length than 32 bytes")
    heights = _segments(fields["segments"])
    proof = Proof(digest, heights, _small(fields["m"], "m"), _hex(fields["messages"], "messages"))
    return ProofFile(proof, fields["statement"])


def encode_binary(file: ProofFile) -> bytes:
    """Write a proof file in binary."""
    proof, statement = file.proof, _canonical(file.statement)
    heights = [bytes(0 if n is None else n + 1 for n in of_segment) for of_segment in proof.heights]
    return b"".join(
        (
            MAGIC,
            proof.circuit_digest,
            bytes([proof.m]),
            len(heights).to_bytes(2, "big") + len(heights[0]).to_bytes(2, "big"),
            *heights,
            len(statement).to_bytes(4, "big") + statement,
            proof.messages,
        )
    )


def decode_binary(data: bytes) -> ProofFile:
    """Read a binary proof file; raise `MalformedProofError` if it is none."""
    _check_size(data)
    position = 0

    def take(count: int) -> bytes:
        nonlocal position
        part = data[position : position + count]
        if len(part) != count:
            raise MalformedProofError("the proof is cut")
        position += count
        return part

    if take(len(MAGIC)) != MAGIC:
        raise MalformedProofError(f"the proof is not of protocol {PROTOCOL}")
    digest, m = take(DIGEST), take(1)[0]
    segments, tables = (int.from_bytes(take(2), "big") for _ in range(2))
    _check_counts(segments, tables)
    heights = tuple(tuple(None if n == 0 else n - 1 for n in take(tables)) for _ in range(segments))
    written = take(int.from_bytes(take(4), "big"))
    statement = _parse_json(written)
    if _canonical(statement) != written:
        raise MalformedProofError("the statement is not canonical JSON")
    return ProofFile(Proof(digest, heights, m, data[position:]), statement)


def decode(data: bytes) -> ProofFile:
    """Read a proof file of either kind; raise `MalformedProofError` if it is none."""
    return decode_binary(data) if data.startswith(MAGIC) else decode_json(data)


def _canonical(statement: JsonObject) -> bytes:
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode("ascii")


def _check_size(data: bytes) -> None:
    if len(data) > MAX_FILE:
        raise MalformedProofError(f"the proof has {len(data)} bytes; {MAX_FILE} are the most")


def _parse_json(data: bytes) -> JsonObject:
    _check_size(data)
    try:
        text = data.decode("utf-8")
        _check_nesting(text)
        parsed = json.loads(
            text, object_pairs_hook=_unique_keys, parse_constant=_refuse, parse_float=_refuse
        )
    except ValueError as error:
        raise MalformedProofError(f"the proof is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise MalformedProofError("the proof is not a JSON object")
    return parsed


def _check_nesting(text: str) -> None:
    """Refuse deep nesting: the parser recurses, and libraries lift Python's limit on that.

    Once escapes are gone, what stands between quotes is by turns outside of a string and in one.
    """
    if "\\" in text:
        text = ESCAPE.sub("", text)
    outside = "".join(text.split('"')[::2])
    steps = (1 if bracket in "[{" else -1 for bracket in BRACKETS.findall(outside))
    if max(accumulate(steps), default=0) > MAX_NESTING:
        raise ValueError(f"nested deeper than {MAX_NESTING}")


def _unique_keys(pairs: list[tuple[str, Any]]) -> JsonObject:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field occurs twice")
    return fields


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not an integer")


def read_hex(text: object) -> bytes | None:
    """The bytes that a string of 0x and pairs of lower-case digits stands for; None for another."""
    if not isinstance(text, str) or not text.startswith("0x") or any(c in text for c in "ABCDEF"):
        return None
    try:
        return unhexlify(text[2:])
    except ValueError:
        return None


def _hex(text: object, name: str) -> bytes:
    data = read_hex(text)
    if data is None:
        raise MalformedProofError(f"{name} is not 0x and pairs of lower-case hexadecimal digits")
    return data


def _segments(written: object) -> tuple[Heights, ...]:
    if not isinstance(written, list) or not all(isinstance(heights, list) for heights in written):
        raise MalformedProofError("the segments are not lists of heights")
    sizes = {len(heights) for heights in written}
    if len(sizes) != 1:
        raise MalformedProofError("the segments are not of the same tables")
    _check_counts(len(written), *sizes)
    return tuple(
        tuple(None if n is None else _small(n, "height") for n in heights) for heights in written
    )


def _check_counts(segments: int, tables: int) -> None:
    if not 0 < segments <= MAX_SEGMENTS or tables > MAX_TABLES:
        raise MalformedProofError(f"{segments} segments of {tables} tables: out of bounds")


def _small(number: object, name: str) -> int:
    if type(number) is not int or not 0 <= number <= MAX_HEIGHT:
        raise MalformedProofError(f"{name} is not a number of [0, {MAX_HEIGHT}]")
    return number
