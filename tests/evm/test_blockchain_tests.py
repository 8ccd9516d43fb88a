"""The official blockchain tests, and what their reader and their verdict notice."""

import json
import tarfile
from dataclasses import replace

import pytest

from tests.support.blocks import CHAIN_ID, accounts, genesis, transaction, valid_block
from zkevm.errors import InputError
from zkevm.evm.block_codec import encode_block
from zkevm.evm.block_transition import apply_block
from zkevm.evm.blockchain_test import (
    SYNONYMS,
    BlockCase,
    BlockchainTest,
    decode_blockchain_tests,
    execute_chain,
    load_blockchain_tests,
)
from zkevm.evm.fork_schedule import ForkSchedule
from zkevm.evm.forks import FORKS
from zkevm.evm.state import Account, State

ARCHIVE = "fixtures/blockchain_tests_public.tar.xz"

SAMPLE = [
    "classic/InvalidBlocks/bc4895-withdrawals/differentValidatorToTheSameAddress",
    "classic/InvalidBlocks/bcBlockGasLimitTest/GasUsedHigherThanBlockGasLimitButNotWithRefundsSuicideLast",
    "classic/InvalidBlocks/bcEIP1559/checkGasLimit",
    "classic/InvalidBlocks/bcInvalidHeaderTest/wrongDifficulty",
    "classic/InvalidBlocks/bcInvalidHeaderTest/wrongGasLimit",
    "classic/InvalidBlocks/bcInvalidHeaderTest/wrongReceiptTrie",
    "classic/InvalidBlocks/bcStateTests/txCost-sec73",
    "classic/InvalidBlocks/bcUncleTest/InChainUncle",
    "classic/ValidBlocks/bcEIP1153-transientStorage/tloadDoesNotPersistAcrossBlocks",
    "classic/ValidBlocks/bcStateTests/BLOCKHASH_Bounds",
    "eest/cancun/eip4788_beacon_root/test_beacon_root_selfdestruct",
    "eest/cancun/eip4844_blobs/test_invalid_non_multiple_excess_blob_gas",
    "eest/london/validation/test_invalid_header",
    "eest/osaka/eip7825_transaction_gas_limit_cap/test_transaction_gas_limit_cap_at_transition",
    "eest/osaka/eip7918_blob_reserve_price/test_blob_base_fee_with_bpo_transition",
    "eest/prague/eip2935_historical_block_hashes_from_state/test_invalid_history_contract_calls",
    "eest/prague/eip6110_deposits/test_invalid_log_length",
    "eest/prague/eip7251_consolidations/test_consolidation_requests_during_fork",
    "eest/prague/eip7685_general_purpose_el_requests/test_valid_multi_type_request_from_same_tx",
    "eest/prague/eip7702_set_code_tx/test_invalid_transaction_after_authorization",
]
"""Files that run by default: every kind of rejection and of system call, little work each."""


@pytest.fixture(scope="module")
def files(shared):
    """Text of the archive's files by name, without folder of the archive and extension."""
    with tarfile.open(shared(ARCHIVE)) as archive:
        return {
            member.name.partition("/")[2].removesuffix(".json"): archive.extractfile(member).read()
            for member in archive
            if member.name.endswith(".json")
        }


def failures(text, name):
    tests = list(decode_blockchain_tests(text, name))
    found = [f"{test.name}: {p}" for test in tests for p in execute_chain(test).problems()]
    return len(tests), found


@pytest.mark.parametrize("name", SAMPLE)
def test_sample_of_official_tests(files, name):
    count, found = failures(files[name], name)
    assert count > 0
    assert found == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_official_tests(files):
    results = [failures(text, name) for name, text in files.items()]
    assert sum(count for count, _ in results) == 587
    assert [problem for _, found in results for problem in found] == []


@pytest.fixture
def transfer(files):
    """A file with one test of one valid block."""
    return json.loads(files["classic/ValidBlocks/bcEIP3675/tipInsideBlock"])


def only(document):
    (test,) = decode_blockchain_tests(json.dumps(document).encode(), "file.json")
    return test


def test_a_wrong_expectation_is_noticed(transfer):
    test = only(transfer)
    assert execute_chain(test).problems() == []
    state = dict(test.post_state)
    address = next(iter(state))
    state[address] = replace(state[address], balance=state[address].balance + 1)
    (problem,) = execute_chain(replace(test, post_state=state)).problems()
    assert f"account {address:#042x}: balance" in problem
    (problem,) = execute_chain(replace(test, last_block_hash=1)).problems()
    assert "ends in another block" in problem
    (problem,) = execute_chain(replace(test, post_state_root=1)).problems()
    assert problem == "state root differs"


def test_a_wrong_verdict_on_a_block_is_noticed(transfer):
    test = only(transfer)
    blocks = list(test.blocks)
    blocks[0] = replace(blocks[0], exceptions=frozenset({"BlockException.INVALID_GASLIMIT"}))
    problems = execute_chain(replace(test, blocks=tuple(blocks))).problems()
    assert problems[0] == "block 0: accepted, but expected BlockException.INVALID_GASLIMIT"
    cut = replace(test.blocks[0], rlp=test.blocks[0].rlp[:-1])
    problems = execute_chain(replace(test, blocks=(cut,))).problems()
    assert "RLP_STRUCTURES_ENCODING" in problems[0]
    wrong_class = replace(cut, exceptions=frozenset({"BlockException.INVALID_GASLIMIT"}))
    problems = execute_chain(replace(test, blocks=(wrong_class,))).problems()
    assert "RLP_STRUCTURES_ENCODING" in problems[0]


def test_a_wrong_genesis_state_is_noticed(transfer):
    test = only(transfer)
    pre = {**test.pre, 1: Account(balance=1)}
    assert "genesis" in execute_chain(replace(test, pre=pre)).problems()[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("genesisRLP", "0x"),
        ("genesisRLP", "0xzz"),
        ("lastblockhash", "0x12"),
        ("pre", {"0x01": {}}),
        ("blocks", [{"rlp": 3}]),
        ("config", {"blobSchedule": {"Cancun": {"target": "0x1", "max": "0x0"}}}),
    ],
)
def test_malformed_input_names_the_field(transfer, field, value):
    (body,) = transfer.values()
    body[field] = value
    with pytest.raises(InputError, match=field) as caught:
        only(transfer)
    assert "file.json" in str(caught.value)
    assert "tipInsideBlock" in str(caught.value)


def test_a_zero_fraction_is_refused(transfer):
    (body,) = transfer.values()
    schedule = {"target": "0x1", "max": "0x1", "baseFeeUpdateFraction": "0x0"}
    body["config"] = {"blobSchedule": {"Cancun": schedule}}
    with pytest.raises(InputError, match=r"blobSchedule\.Cancun"):
        only(transfer)


def test_a_test_without_its_last_state_is_refused(transfer):
    (body,) = transfer.values()
    del body["postState"]
    with pytest.raises(InputError, match="postState"):
        only(transfer)


def test_a_branch_that_becomes_the_chain():
    """Two blocks on the genesis block: the second one, and its child, are a chain of their own."""
    fork = FORKS["Prague"]
    state = State(accounts(fork))
    start = genesis(fork, state)
    left = valid_block(fork, state, start, [transaction(0, value=1)])
    right = valid_block(fork, state, start, [transaction(0, value=2)])
    after = state.copy()
    apply_block(ForkSchedule.always(fork), CHAIN_ID, after, start, {}, right)
    last = valid_block(fork, after, right.header, [transaction(1, value=3)])
    test = BlockchainTest(
        name="branches",
        network="Prague",
        schedule=ForkSchedule.always(fork),
        chain_id=CHAIN_ID,
        genesis=start,
        pre=accounts(fork),
        blocks=tuple(BlockCase(encode_block(b), frozenset()) for b in (left, right, last)),
        last_block_hash=int.from_bytes(last.header.hash, "big"),
        post_state=None,
        post_state_root=int.from_bytes(last.header.state_root, "big"),
        info={},
    )
    execution = execute_chain(test)
    assert execution.problems() == []
    assert execution.state.balance(0xDEAD) == 5
    (problem,) = execute_chain(replace(test, blocks=test.blocks[2:])).problems()
    assert "UNKNOWN_PARENT" in problem


@pytest.mark.parametrize("network", ["Homestead", "ShanghaiToCancunAtTime15k", "BPO7", "Prague2"])
def test_unsupported_networks_are_left_out(transfer, network):
    (body,) = transfer.values()
    body["network"] = network
    assert list(decode_blockchain_tests(json.dumps(transfer).encode(), "file.json")) == []


def test_networks_that_change(transfer):
    (body,) = transfer.values()
    body["network"] = "PragueToBPO9AtTime15k"
    schedule = {"target": "0x7", "max": "0x8", "baseFeeUpdateFraction": "0x9"}
    body["config"] = {"blobSchedule": {"BPO9": schedule}}
    schedule = only(transfer).schedule
    assert schedule.at(14_999).name == "Prague"
    fork = schedule.at(15_000)
    assert (fork.name, fork.blobs.target, fork.blobs.maximum) == ("BPO9", 7, 8)
    assert fork.max_transaction_gas is not None


def test_synonyms_are_needed(files):
    """Each entry of the table is one that a fixture relies on."""
    texts = list(files.values())
    for exception in SYNONYMS:
        assert any(exception.encode() in text for text in texts)


def test_loading_a_file(tmp_path, transfer):
    path = tmp_path / "test.json"
    path.write_text(json.dumps(transfer))
    assert [test.network for test in load_blockchain_tests(path)] == ["Cancun"]
