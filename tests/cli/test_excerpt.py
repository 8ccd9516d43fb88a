"""`zkevm check` and `prove` of some transactions of a block."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.support.blocks import CHAIN_ID, accounts, genesis, transaction, valid_block
from zkevm import api
from zkevm.cli import main
from zkevm.evm.block import Block
from zkevm.evm.block_codec import encode_block
from zkevm.evm.block_transition import apply_block
from zkevm.evm.code import Code
from zkevm.evm.fork_schedule import ForkSchedule
from zkevm.evm.forks import FORKS
from zkevm.evm.state import Account, State

PRAGUE = FORKS["Prague"]
COUNTER = 0xC0DE00
COUNTING = bytes.fromhex("5f546001015f55005f")  # slot 0 goes up by one


def zkevm(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def data(value):
    return "0x" + value.hex()


def blockchain_test(pre, blocks, first):
    """A blockchain test of these blocks, as JSON."""
    return {
        "network": PRAGUE.name,
        "config": {"chainid": hex(CHAIN_ID)},
        "genesisRLP": data(encode_block(Block(first, (), ()))),
        "pre": {
            f"{address:#042x}": {
                "nonce": hex(account.nonce),
                "balance": hex(account.balance),
                "code": data(account.code.data),
                "storage": {},
            }
            for address, account in pre.items()
        },
        "blocks": [{"rlp": data(encode_block(block))} for block in blocks],
        "lastblockhash": data(blocks[-1].header.hash),
        "postStateHash": data(blocks[-1].header.state_root),
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("excerpt")


@pytest.fixture(scope="module")
def chain(folder):
    """A file with a test of two blocks, of five transactions and of one."""
    pre = accounts(PRAGUE, {COUNTER: Account(nonce=1, code=Code(COUNTING))})
    state = State(pre)
    first = genesis(PRAGUE, state)
    to = [0xDEAD, COUNTER, COUNTER, 0xDEAD, COUNTER]
    sent = [transaction(nonce, to=address) for nonce, address in enumerate(to)]
    block = valid_block(PRAGUE, state, first, sent)
    hashes = {0: int.from_bytes(first.hash, "big")}
    apply_block(ForkSchedule.always(PRAGUE), CHAIN_ID, state, first, hashes, block)
    later = valid_block(PRAGUE, state, block.header, [transaction(5, to=COUNTER)])
    path = folder / "chain.json"
    path.write_text(json.dumps({"counting": blockchain_test(pre, [block, later], first)}))
    return path


@pytest.fixture(scope="module")
def proven(folder, chain):
    """A proof of transactions 1 to 3 of the first block."""
    pytest.importorskip("zkevm._native", reason="proving needs the native kernels")
    srs, proof = folder / "17.srs", folder / "proof.json"
    assert zkevm("setup", "new", "--degree", 17, "-o", srs).exit_code == 0
    choice = ("--block", 0, "--transactions", "1..3")
    result = zkevm("prove", chain, *choice, "--srs", srs, "-o", proof, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["transactions"] == [1, 3]
    return proof, srs


@pytest.mark.parametrize("which", ["0", "4", "0..4", "2..3"])
def test_transactions_of_a_blockchain_test(chain, which):
    result = zkevm("check", chain, "--block", 0, "--transactions", which, "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    first, _, last = which.partition("..")
    assert document["transactions"] == [int(first), int(last or first)]
    assert document["verdict"] == "passed"
    assert document["rows"]["end_transaction"] == int(last or first) - int(first) + 1


def test_the_state_is_what_the_transactions_before_left(chain):
    for place, which, before in ((0, range(2, 5), 1), (1, range(1), 3)):
        said = api.check(api.load_excerpt(chain, which, place=place)).statement
        (slot,) = said.slots
        changes = sum(e.transaction.to == COUNTER for e in said.transactions)
        assert (slot.before, slot.after) == (before, before + changes)
        assert said.index == which[0]
    assert said.gas_before == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (("--block", 0, "--transactions", "5"), "the block has 5 transactions, from 0 on"),
        (("--block", 0, "--transactions", "3..7"), "the block has 5 transactions, from 0 on"),
        (("--transactions", "0"), "choose one of its blocks with transactions: 0, 1"),
        (("--block", 2, "--transactions", "0"), "choose one of its blocks with transactions: 0, 1"),
        (("--block", -1, "--transactions", "0"), "choose one of its blocks"),
        (
            ("--transactions", "0", "--test", "other"),
            "0 tests match, choose one of --test counting",
        ),
        (("--block", 0), "go with --transactions"),
        (("--assume-absent", f"{COUNTER:#042x}"), "go with --transactions"),
        (("--transactions", "0", "--fork", "Prague"), "are of state tests"),
        (("--transactions", "0", "--index", "0,0,0"), "are of state tests"),
        (("--transactions", "4..3"), "is neither an index such as 4 nor a range"),
        (("--transactions", "-1"), "is neither an index such as 4 nor a range"),
        (("--transactions", "1..2..3"), "is neither an index such as 4 nor a range"),
    ],
)
def test_what_is_not_there_is_refused(chain, options, complaint):
    result = zkevm("check", chain, *options)
    assert result.exit_code == 2
    assert complaint in " ".join(result.stderr.split())


def test_a_state_test_has_no_transactions_to_choose(chain):
    fixtures = Path(__file__).resolve().parents[2] / "fixtures"
    state_test = fixtures / "erc20_solidity_transfer.json"
    assert zkevm("check", state_test, "--transactions", "0").exit_code == 10
    assert zkevm("check", chain).exit_code == 10


def test_a_block_with_its_witness(shared):
    path = shared("fixtures/mainnet/22615247.json.xz")
    result = zkevm("check", path, "--transactions", "13..18", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert (document["block"], document["fork"]) == (22615247, "Prague")
    assert document["rows"]["end_transaction"] == 6
    result = zkevm("check", path)
    assert result.exit_code == 2
    assert "choose transactions with --transactions" in result.stderr


def test_a_fork_that_changes_blob_parameters_only(shared):
    path = shared("fixtures/mainnet/24647140.json.xz")
    said = api.check(api.load_excerpt(path, range(30, 36))).statement
    assert (said.fork, said.index, len(said.transactions)) == ("BPO2", 30, 6)


def test_a_proof_of_several_says_what_each_did(proven):
    proof, srs = proven
    result = zkevm("verify", proof, "--srs", srs)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert [line.split(",")[0] for line in lines if line.startswith("transaction")] == [
        f"transaction  {index} of the block" for index in (1, 2, 3)
    ]
    assert len([line for line in lines if line.startswith("status       success")]) == 3


def test_a_proof_of_several_is_of_no_other_statement(proven):
    proof, srs = proven
    text = json.loads(proof.read_text())
    stated = text["statement"]
    for change in (
        {"transactions": stated["transactions"][:2]},
        {"transactions": stated["transactions"][::-1]},
        {"transactions": [*stated["transactions"], stated["transactions"][-1]]},
        {"index": "0x0"},
        {"gas_before": "0x0"},
    ):
        altered = proof.with_name("altered.json")
        altered.write_text(json.dumps(text | {"statement": stated | change}))
        assert zkevm("verify", altered, "--srs", srs).exit_code == 1
