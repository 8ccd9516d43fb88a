"""The official tests of RLP, tries, keys and genesis blocks, against what we use."""

import json
import sys
import tarfile

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from zkevm.evm.keccak import keccak256
from zkevm.evm.merkle import list_root, secure_trie_root, trie_root
from zkevm.evm.rlp import RlpError, as_bytes, as_integer, as_list, rlp_decode, rlp_encode
from zkevm.evm.signature import recover_address, sign

NOT_APPLICABLE = {
    # Proof of work: the supported forks have no difficulty.
    "BasicTests/difficulty",
    "BasicTests/difficultyCustomHomestead",
    "BasicTests/difficultyCustomMainNetwork",
    "BasicTests/difficultyMainNetwork",
    "BasicTests/difficultyRopsten",
    # The peer-to-peer protocol: AES and ECIES.
    "BasicTests/crypto",
    # The compact encoding of nibbles is inside the trie library, and shows in every root.
    "BasicTests/hexencodetest",
    # Headers of a proof of concept older than the chain: fewer fields, another account format.
    "BasicTests/blockgenesistest",
    # Neighbours of a key: nothing here walks along a trie.
    "TrieTests/trietestnextprev",
}
APPLICABLE = {
    "BasicTests/genesishashestest",
    "BasicTests/keyaddrtest",
    "BasicTests/txtest",  # by test_transaction_codec
    "RLPTests/RandomRLPTests/example",
    "RLPTests/invalidRLPTest",
    "RLPTests/rlptest",
    "TrieTests/hex_encoded_securetrie_test",
    "TrieTests/trieanyorder",
    "TrieTests/trieanyorder_secureTrie",
    "TrieTests/trietest",
    "TrieTests/trietest_secureTrie",
}


@pytest.fixture(scope="module")
def files(shared):
    """The decoded files of the archive by name, transaction tests aside."""
    with tarfile.open(shared("fixtures/basics_ethereum_tests.tar.xz")) as archive:
        return {
            member.name.removesuffix(".json"): json.load(archive.extractfile(member))
            for member in archive
            if member.name.endswith(".json") and not member.name.startswith("TransactionTests/")
        }


def data(text):
    """Bytes written as hexadecimal after 0x, or as text."""
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode("latin-1")


def test_every_file_is_accounted_for(files):
    assert files.keys() == NOT_APPLICABLE | APPLICABLE


# RLP.


def item_of(value):
    if isinstance(value, list):
        return [item_of(entry) for entry in value]
    if isinstance(value, str) and value.startswith("#"):
        return int(value[1:])
    return value if isinstance(value, int) else value.encode("latin-1")


def plain(item):
    """The item that decoding gives for what was encoded."""
    if isinstance(item, list):
        return [plain(entry) for entry in item]
    return item.to_bytes((item.bit_length() + 7) // 8, "big") if isinstance(item, int) else item


def test_rlp(files):
    for name, test in files["RLPTests/rlptest"].items():
        item = item_of(test["in"])
        assert rlp_encode(item) == data(test["out"]), name
        assert rlp_decode(data(test["out"])) == plain(item), name
    for name, test in files["RLPTests/RandomRLPTests/example"].items():
        assert rlp_encode(rlp_decode(data(test["out"]))) == data(test["out"]), name


def test_invalid_rlp(files):
    for name, test in files["RLPTests/invalidRLPTest"].items():
        with pytest.raises(RlpError):
            pytest.fail(f"{name}: {rlp_decode(bytes.fromhex(test['out'].removeprefix('0x')))}")


items = st.recursive(st.binary(max_size=80), lambda inner: st.lists(inner, max_size=6))


@given(items)
def test_rlp_round_trip(item):
    assert rlp_decode(rlp_encode(item)) == item


@given(st.recursive(st.binary(max_size=80) | st.integers(0, 2**300), st.lists, max_leaves=40))
def test_rlp_is_the_library_s(item):
    assert rlp_encode(item) == rlp.encode(item)


@pytest.mark.parametrize("size", [55, 56, 255, 256, 65_535, 65_536])
def test_rlp_of_long_items(size):
    assert rlp_encode(bytes(size)) == rlp.encode(bytes(size))
    assert rlp_encode([b""] * size) == rlp.encode([b""] * size)
    assert rlp_encode(bytearray(size)) == rlp.encode(bytes(size))


@given(items, st.data())
def test_rlp_is_canonical(item, draw):
    """Changed bytes decode to nothing, or to an item of which they are the encoding."""
    encoded = bytearray(rlp_encode(item))
    position = draw.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = draw.draw(st.integers(0, 255))
    try:
        changed = rlp_decode(bytes(encoded))
    except RlpError:
        return
    assert rlp_encode(changed) == bytes(encoded)


def test_nesting_too_deep_for_python_is_refused():
    nested = b"\xc0"
    while len(nested) < 10_000:
        size = len(nested)
        digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
        nested = (
            bytes((0xC0 + size,)) if size < 56 else bytes((0xF7 + len(digits),)) + digits
        ) + nested
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    try:
        with pytest.raises(RlpError):
            rlp_decode(nested)
    finally:
        sys.setrecursionlimit(limit)


def test_strict_readers():
    assert as_integer(b"\x01\x00", "field", 16) == 256
    assert as_integer(b"", "field", 8) == 0
    for item, read in (
        (b"\x00", lambda item: as_integer(item, "field", 8)),
        (b"\x01\x00", lambda item: as_integer(item, "field", 8)),
        ([], lambda item: as_integer(item, "field", 8)),
        ([], lambda item: as_bytes(item, "field")),
        (b"abc", lambda item: as_bytes(item, "field", 4)),
        (b"", lambda item: as_list(item, "field")),
    ):
        with pytest.raises(RlpError, match="field"):
            read(item)


# Tries.


def entries(test):
    """The keys and values that are there in the end."""
    given_ = test["in"].items() if isinstance(test["in"], dict) else test["in"]
    last = {data(key): None if value is None else data(value) for key, value in given_}
    return {key: value for key, value in last.items() if value is not None}


@pytest.mark.parametrize("name", sorted(name for name in APPLICABLE if name.startswith("Trie")))
def test_tries(files, name):
    root = secure_trie_root if "secure" in name else trie_root
    for case, test in files[name].items():
        assert root(entries(test)).hex() == test["root"].removeprefix("0x"), case


keys = st.binary(max_size=3) | st.sampled_from([b"", b"\0", b"\0\0", b"\1\0", b"\x10"])


@given(st.dictionaries(keys, st.binary(min_size=1, max_size=40), max_size=30))
def test_roots_are_the_library_s(items_):
    """Small values make nodes that parents hold; keys that begin others end in branches."""
    trie = HexaryTrie({})
    for key, value in items_.items():
        trie[key] = value
    assert trie_root(items_) == trie.root_hash
    hashed = HexaryTrie({})
    for key, value in items_.items():
        hashed[keccak256(key)] = value
    assert secure_trie_root(items_) == hashed.root_hash


def test_roots_of_lists():
    """A list is the trie from the RLP of its indexes, past 127 too."""
    values = [bytes((index % 256,)) * 40 for index in range(200)]
    assert list_root(values) == trie_root({rlp_encode(i): v for i, v in enumerate(values)})
    assert list_root([]) == keccak256(rlp_encode(b""))


# Keys and genesis blocks.


def test_keys(files):
    for test in files["BasicTests/keyaddrtest"]:
        key, address = int(test["key"], 16), int(test["addr"], 16)
        assert keccak256(test["seed"].encode()).hex() == test["key"]
        digest = keccak256(b"any")
        assert recover_address(digest, *sign(digest, key)) == address


def test_hash_of_the_genesis_block(files):
    test = files["BasicTests/genesishashestest"]
    header = rlp_decode(bytes.fromhex(test["genesis_rlp_hex"]))[0]
    assert keccak256(rlp_encode(header)).hex() == test["genesis_hash"]
    assert header[3].hex() == test["genesis_state_root"]
