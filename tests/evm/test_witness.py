"""Mainnet blocks executed from their witnesses alone, and witnesses that are not enough."""

import json
import lzma
import tarfile
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from tests.support.witnesses import whole_witness
from zkevm.errors import FileError, InputError, UsageError
from zkevm.evm.block_codec import decode_block
from zkevm.evm.block_transition import BlockResult, apply_block
from zkevm.evm.block_validity import BlockRejection, InvalidBlock
from zkevm.evm.blockchain_test import BlockchainTest, decode_blockchain_tests
from zkevm.evm.code import Code
from zkevm.evm.keccak import keccak256
from zkevm.evm.partial_trie import MissingNodeError
from zkevm.evm.state import State
from zkevm.evm.witness import Ancestors, MissingHeaderError, StatelessBlock, Witness, execute_block
from zkevm.evm.witness_codec import holds_block, load_block
from zkevm.evm.witness_state import MissingCodeError

CANCUN, PRAGUE, OSAKA = 22188088, 22615247, 24647140
UNREACHED = 0xC83F7D9F2D4A76E81145849381ABA02602373723
"""Gets no value in the block of Cancun, whose witness was made without it: it has no code."""


@pytest.fixture(scope="module")
def block(shared) -> Callable[[int], StatelessBlock]:
    loaded: dict[int, StatelessBlock] = {}

    def load(number: int) -> StatelessBlock:
        if number not in loaded:
            loaded[number] = load_block(shared(f"fixtures/mainnet/{number}.json.xz"))
        return loaded[number]

    return load


def with_witness(stateless: StatelessBlock, **changes) -> StatelessBlock:
    return replace(stateless, witness=replace(stateless.witness, **changes))


def altered(data: bytes) -> bytes:
    return data[:-1] + bytes((data[-1] ^ 1,))


@pytest.mark.parametrize(
    ("number", "fork", "transactions"),
    [(CANCUN, "Cancun", 28), (PRAGUE, "Prague", 26), (OSAKA, "BPO2", 60)],
)
def test_mainnet_blocks_are_what_their_headers_say(block, number, fork, transactions):
    stateless = block(number)
    header = stateless.block.header
    result = execute_block(stateless, {UNREACHED} if number == CANCUN else ())
    assert isinstance(result, BlockResult)
    assert (header.number, stateless.fork.name) == (number, fork)
    assert len(result.receipts) == transactions
    assert result.gas_used == header.gas_used
    assert result.receipts_root == header.receipts_root


def test_an_account_that_the_witness_does_not_reach_is_named(block):
    with pytest.raises(MissingNodeError, match=f"account 0x{UNREACHED:040x}"):
        execute_block(block(CANCUN))


@pytest.mark.parametrize("damage", [lambda node: None, altered], ids=["left out", "altered"])
@pytest.mark.parametrize("number", [PRAGUE, pytest.param(OSAKA, marks=pytest.mark.slow)])
def test_a_damaged_node_is_not_needed_or_named(block, number, damage):
    stateless = block(number)
    nodes = stateless.witness.nodes
    named = 0
    positions = range(0, len(nodes), len(nodes) // 16)
    for position in positions:
        others = [*nodes[:position], *nodes[position + 1 :]]
        replacement = damage(nodes[position])
        if replacement is not None:
            others.append(replacement)
        try:
            execute_block(with_witness(stateless, nodes=others))
        except MissingNodeError as error:
            named += 1
            missing = error.node
        else:
            continue
        assert missing == keccak256(nodes[position])
    assert named > len(positions) // 2


def test_the_first_account_needs_the_root(block):
    stateless = block(PRAGUE)
    root = Ancestors(stateless.block.header, stateless.witness.headers).parent.state_root
    nodes = [node for node in stateless.witness.nodes if keccak256(node) != root]
    message = f"no trie node 0x{root.hex()}, on the path to account 0x[0-9a-f]{{40}}: it was left"
    with pytest.raises(MissingNodeError, match=message):
        execute_block(with_witness(stateless, nodes=nodes))


@pytest.mark.parametrize("damage", [lambda code: b"", altered], ids=["left out", "altered"])
def test_a_damaged_code_is_named(block, damage):
    stateless = block(PRAGUE)
    codes = stateless.witness.codes
    named = 0
    for position in range(0, len(codes), 6):
        others = [*codes[:position], damage(codes[position]), *codes[position + 1 :]]
        with pytest.raises(MissingCodeError, match=f"no code 0x{Code(codes[position]).hash:064x}"):
            execute_block(with_witness(stateless, codes=others))
        named += 1
    assert named


def test_ancestors_are_a_chain_of_hashes(block):
    stateless = block(CANCUN)
    header, headers = stateless.block.header, stateless.witness.headers
    ancestors = Ancestors(header, headers[::-1])
    assert ancestors.parent == headers[0]
    for ancestor in headers:
        assert ancestors[ancestor.number] == int.from_bytes(ancestor.hash, "big")
    oldest = headers[-1].number - 1
    assert ancestors[oldest] == int.from_bytes(headers[-1].parent_hash, "big")
    assert sorted(ancestors) == list(range(oldest, header.number))
    with pytest.raises(MissingHeaderError, match=f"no header of block {oldest} with hash 0x"):
        ancestors.get(oldest - 1)
    assert ancestors.get(header.number) is None

    broken = [*headers[:3], replace(headers[3], gas_used=headers[3].gas_used + 1), *headers[4:]]
    ancestors = Ancestors(header, broken)
    assert ancestors[headers[3].number] == int.from_bytes(headers[3].hash, "big")
    with pytest.raises(MissingHeaderError, match=f"no header of block {headers[3].number} with"):
        ancestors.get(headers[4].number)


def test_a_block_without_the_ancestors_it_asks_for(block):
    stateless = block(CANCUN)
    headers = stateless.witness.headers
    with pytest.raises(MissingHeaderError, match=f"no header of block {headers[0].number} with"):
        execute_block(with_witness(stateless, headers=headers[1:]), {UNREACHED})
    with pytest.raises(MissingHeaderError, match=f"no header of block {headers[9].number} with"):
        execute_block(with_witness(stateless, headers=headers[:9]), {UNREACHED})


def test_a_header_that_states_another_outcome(block):
    stateless = block(PRAGUE)
    header = replace(stateless.block.header, state_root=bytes(32))
    changed = replace(stateless, block=replace(stateless.block, header=header))
    with pytest.raises(InvalidBlock, match="state root") as raised:
        execute_block(changed)
    assert raised.value.rejection is BlockRejection.INVALID_STATE_ROOT


@pytest.fixture
def document(shared) -> dict:
    return json.loads(lzma.decompress(shared(f"fixtures/mainnet/{PRAGUE}.json.xz").read_bytes()))


def load_document(tmp_path: Path, document: object) -> StatelessBlock:
    path = tmp_path / "block.json"
    path.write_text(json.dumps(document))
    assert holds_block(path)
    return load_block(path)


def test_malformed_files_are_refused(tmp_path, document):
    def refused(message: str, kind: type[Exception] = InputError) -> None:
        with pytest.raises(kind, match=message):
            load_document(tmp_path, document)

    header = document["blocks"][0]["header"]
    header["gasUsed"] = "0x1"
    refused("the header of block 22615247 has the hash 0x[0-9a-f]{64}, not 0x0497")
    document["chainConfig"]["chainId"] = 10
    refused("a block of chain 10, not of mainnet", UsageError)
    document["blocks"] *= 2
    document["chainConfig"]["chainId"] = 1
    refused("holds 2 blocks instead of one")
    first = document["witness"]["state"][0]
    document["witness"]["state"][0] = "0xzz"
    refused(r"witness\.state")
    document["witness"]["state"][0] = first
    document["witness"]["headers"] = []
    del document["blocks"]
    refused("missing required field `block`")


def test_files_that_are_none(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(FileError):
        holds_block(path)
    path.write_bytes(b"\xfd7zXZ\0and then nothing of the kind")
    assert not holds_block(path)
    with pytest.raises(InputError, match="file: "):
        load_block(path)
    path.write_text('{"name": {}}')
    assert not holds_block(path)


def replay_statelessly(test: BlockchainTest) -> int:
    """Run the valid blocks of a test that follow one another, each from the nodes it needs.

    Returns their number.
    """
    state, headers, count = State(test.pre), [test.genesis], 0
    for case in test.blocks:
        if case.exceptions:
            continue
        block = decode_block(case.rlp, test.chain_id)
        if block.header.parent_hash != headers[-1].hash:
            break
        accounts = state.accounts()
        root, nodes = whole_witness(accounts)
        assert root == headers[-1].state_root
        codes = [account.code.data for account in accounts.values()]
        witness = Witness(nodes, codes, headers)
        execute_block(StatelessBlock(block, witness, test.schedule, test.chain_id))
        hashes = {header.number: int.from_bytes(header.hash, "big") for header in headers}
        apply_block(test.schedule, test.chain_id, state, headers[-1], hashes, block)
        headers.append(block.header)
        count += 1
    return count


def test_official_blocks_are_executed_from_witnesses(shared):
    """The first test of each file."""
    count = 0
    with tarfile.open(shared("fixtures/blockchain_tests_public.tar.xz")) as archive:
        for member in archive:
            if member.name.endswith(".json"):
                text = archive.extractfile(member).read()
                for test in islice(decode_blockchain_tests(text, member.name), 1):
                    count += replay_statelessly(test)
    assert count > 100
