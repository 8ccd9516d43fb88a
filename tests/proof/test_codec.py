"""Proof files: what is written is read back, and nothing else is read."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkevm.errors import VerificationError
from zkevm.proof import Proof, codec
from zkevm.proof.codec import MalformedProofError, ProofFile

STATEMENT = {"sender": "0x01", "logs": [], "gas": 21000, "note": "\u00e9\ud800"}
FILE = ProofFile(
    Proof(bytes(range(32)), ((3, None, 0), (None, 4, 0)), 15, bytes(range(96))), STATEMENT
)

heights = st.none() | st.integers(0, codec.MAX_HEIGHT)
segments = st.integers(0, 5).flatmap(
    lambda tables: st.lists(st.tuples(*[heights] * tables), min_size=1, max_size=4).map(tuple)
)
proofs = st.builds(
    Proof,
    st.binary(min_size=32, max_size=32),
    segments,
    st.integers(0, codec.MAX_HEIGHT),
    st.binary(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
files = st.builds(ProofFile, proofs, st.dictionaries(st.text(), json_values))


@given(files)
def test_round_trip(file):
    assert codec.decode(codec.encode_json(file).encode()) == file
    assert codec.decode(codec.encode_binary(file)) == file


@given(files)
def test_binary_is_canonical(file):
    data = codec.encode_binary(file)
    assert codec.encode_binary(codec.decode_binary(data)) == data


@given(st.binary())
def test_arbitrary_bytes(data):
    for decode in (codec.decode, codec.decode_binary, codec.decode_json):
        with pytest.raises(MalformedProofError):
            decode(data)


@given(files, st.data())
def test_altered_binary(file, data):
    """Another file, or none: never the same, never another exception."""
    written = bytearray(codec.encode_binary(file))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= data.draw(st.integers(1, 255))
    with suppress(MalformedProofError):
        assert codec.decode_binary(bytes(written)) != file


def test_cut_json():
    text = codec.encode_json(FILE).encode()
    for length in range(len(text) - 2):
        with pytest.raises(MalformedProofError):
            codec.decode(text[:length])


def document(**changes):
    return json.loads(codec.encode_json(FILE)) | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "zkevm/proof/v0"},
        {"curve": "bls12-381"},
        {"circuit": "0x00"},
        {"circuit": "0x" + "0" * 63},
        {"statement": []},
        {"statement": "text"},
        {"m": -1},
        {"m": 15.0},
        {"m": True},
        {"m": "15"},
        {"m": 1 << 70},
        {"segments": {}},
        {"segments": []},
        {"segments": [None, 3]},
        {"segments": [[None, "3"]]},
        {"segments": [[255]]},
        {"segments": [[False]]},
        {"segments": [[[3]]]},
        {"segments": [[3], [3, None]]},
        {"segments": [[3], {}]},
        {"segments": [[None] * (codec.MAX_TABLES + 1)]},
        {"segments": [[]] * (codec.MAX_SEGMENTS + 1)},
        {"messages": "00"},
        {"messages": "0x0"},
        {"messages": "0x0G"},
        {"messages": "0xAB"},
        {"messages": "0X00"},
        {"messages": "0000"},
        {"messages": "0x 00"},
        {"messages": "0x00\n"},
        {"messages": None},
        {"surplus": 1},
    ],
)
def test_wrong_fields(changes):
    with pytest.raises(MalformedProofError):
        codec.decode(json.dumps(document(**changes)).encode())


@pytest.mark.parametrize("key", codec.KEYS)
def test_missing_fields(key):
    fields = document()
    del fields[key]
    with pytest.raises(MalformedProofError, match=key):
        codec.decode(json.dumps(fields).encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"m": ' + "9" * 10_000 + "}",
        '{"m": NaN}',
        '{"m": 1.5}',
        '{"m": 1e9}',
        '{"m": "' + "[" * 10,
        '{"m": 1, "m": 1}',
        "\ufeff{}",
        codec.encode_json(FILE) + "{}",
    ],
)
def test_wrong_json(text):
    with pytest.raises(MalformedProofError):
        codec.decode(text.encode())


def nested(depth, text):
    return f'{json.dumps(document())[:-1]}, "x": {"[" * depth}{json.dumps(text)}{"]" * depth}}}'


@pytest.mark.parametrize(
    "text", ["", "[" * 100, '"[', '\\"' + "[" * 100, "\\\\", "]" * 100, '\\"]"\\']
)
def test_nesting_is_that_outside_of_strings(text):
    """The document itself is one level."""
    for data in (nested(codec.MAX_NESTING - 1, text), nested(0, text)):
        with pytest.raises(MalformedProofError, match="unknown fields"):
            codec.decode(data.encode())
    with pytest.raises(MalformedProofError, match="nested deeper"):
        codec.decode(nested(codec.MAX_NESTING, text).encode())


def test_non_canonical_statement_in_binary():
    written = codec.encode_binary(ProofFile(FILE.proof, {"a": 1}))
    for spaced in (b'{"a": 1}', b'{"a":1} ', b'{"\\u0061":1}'):
        data = written.replace(b'\x00\x00\x00\x07{"a":1}', len(spaced).to_bytes(4, "big") + spaced)
        assert data != written
        with pytest.raises(MalformedProofError, match="canonical"):
            codec.decode(data)


def test_size_is_bounded(monkeypatch):
    monkeypatch.setattr(codec, "MAX_FILE", 100)
    for data in (codec.encode_json(FILE).encode(), codec.encode_binary(FILE)):
        with pytest.raises(MalformedProofError, match="the most"):
            codec.decode(data)


def test_error_is_the_verifiers_and_exits_as_malformed_input():
    assert issubclass(MalformedProofError, VerificationError)
    assert MalformedProofError.exit_code == 10


def test_counts_in_binary_are_bounded():
    written = codec.encode_binary(FILE)
    place = len(codec.MAGIC) + codec.DIGEST + 1
    for segments, tables in ((0, 3), (codec.MAX_SEGMENTS + 1, 3), (2, codec.MAX_TABLES + 1)):
        counts = segments.to_bytes(2, "big") + tables.to_bytes(2, "big")
        with pytest.raises(MalformedProofError, match="out of bounds"):
            codec.decode(written[:place] + counts + written[place + 4 :])
