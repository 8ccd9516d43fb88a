"""`zkevm t8n` against the transition tool of the execution specification; its files and streams."""

import io
import json
import tarfile

import pytest
from click.testing import CliRunner

from zkevm.cli import main
from zkevm.evm.block import Block
from zkevm.evm.block_codec import decode_block
from zkevm.evm.rlp import rlp_decode, rlp_encode
from zkevm.evm.transaction import SignedTransaction, TransactionType

BLOCKS = [
    "bcEIP1559/transType.json",
    "bcEIP1153-transientStorage/tloadDoesNotPersistCrossTxn.json",
    "bcEIP3675/tipInsideBlock.json",
    "bcExample/optionsTest.json",
    "bc4895-withdrawals/warmup.json",
    "eip4844_blobs/test_blobhash_opcode_contexts_tx_types.json",
    "eip6780_selfdestruct/test_dynamic_create2_selfdestruct_collision_multi_tx.json",
    "security/test_tx_selfdestruct_balance_bug.json",
    "eip7251_consolidations/test_extra_consolidations.json",
    "eip7685_general_purpose_el_requests/test_valid_multi_type_request_from_same_tx.json",
    "eip7702_set_code_tx/test_pointer_normal.json",
    "eip7702_set_code_tx/test_reset_code.json",
    "eip7594_peerdas/test_valid_max_blobs_per_tx.json",
]


def zkevm(*arguments, stdin=None):
    return CliRunner().invoke(main, ["t8n", *map(str, arguments)], input=stdin)


def number(value):
    return hex(value)


def word(value):
    return f"0x{value:064x}"


def address(value):
    return f"0x{value:040x}"


def item(signed: SignedTransaction):
    legacy = signed.transaction.type is TransactionType.LEGACY
    return rlp_decode(signed.encoded) if legacy else signed.encoded


def transaction_json(signed: SignedTransaction, chain_id: int):
    """A signed transaction as the tools read it."""
    tx = signed.transaction
    common = {
        "type": number(tx.type),
        "nonce": number(tx.nonce),
        "gas": number(tx.gas_limit),
        "value": number(tx.value),
        "input": "0x" + tx.data.hex(),
        "to": None if tx.to is None else address(tx.to),
        "v": number(signed.v),
        "r": number(signed.r),
        "s": number(signed.s),
    }
    if tx.type is not TransactionType.LEGACY:
        common["chainId"] = number(chain_id)
        common["y_parity"] = common["v"]
        common["accessList"] = [
            {
                "address": address(entry.address),
                "storageKeys": [word(k) for k in entry.storage_keys],
            }
            for entry in tx.access_list
        ]
    if tx.type in {TransactionType.LEGACY, TransactionType.ACCESS_LIST}:
        return {**common, "gasPrice": number(tx.max_fee_per_gas)}
    fees = {
        "maxFeePerGas": number(tx.max_fee_per_gas),
        "maxPriorityFeePerGas": number(tx.max_priority_fee_per_gas),
    }
    if tx.type is TransactionType.SET_CODE:
        fees["authorizationList"] = [
            {
                "chainId": number(entry.chain_id),
                "address": address(entry.address),
                "nonce": number(entry.nonce),
                "v": number(entry.y_parity),
                "yParity": number(entry.y_parity),
                "r": number(entry.r),
                "s": number(entry.s),
            }
            for entry in tx.authorizations
        ]
    if tx.type is TransactionType.BLOB:
        fees["maxFeePerBlobGas"] = number(tx.max_fee_per_blob_gas)
        fees["blobVersionedHashes"] = [word(h) for h in tx.blob_versioned_hashes]
    return {**common, **fees}


def documents(test, block: Block, chain_id: int, *, as_rlp: bool):
    """The inputs for the first block of a blockchain test."""
    header = block.header
    parent = test["genesisBlockHeader"]
    env = {
        "currentCoinbase": address(header.coinbase),
        "currentGasLimit": number(header.gas_limit),
        "currentNumber": number(header.number),
        "currentTimestamp": number(header.timestamp),
        "currentRandom": "0x" + header.prev_randao.hex(),
        "parentBeaconBlockRoot": "0x" + header.parent_beacon_block_root.hex(),
        "parentBaseFee": parent["baseFeePerGas"],
        "parentGasUsed": parent["gasUsed"],
        "parentGasLimit": parent["gasLimit"],
        "parentExcessBlobGas": parent["excessBlobGas"],
        "parentBlobGasUsed": parent["blobGasUsed"],
        "blockHashes": {"0x00": parent["hash"]},
        "withdrawals": [
            {
                "index": number(w.index),
                "validatorIndex": number(w.validator_index),
                "address": address(w.address),
                "amount": number(w.amount),
            }
            for w in block.withdrawals
        ],
    }
    transactions = block.transactions
    if as_rlp:
        txs = "0x" + rlp_encode([item(signed) for signed in transactions]).hex()
    else:
        txs = [transaction_json(signed, chain_id) for signed in transactions]
    return {"alloc": test["pre"], "env": env, "txs": txs}


def specification(fork, chain_id, inputs):
    """What the specification's tool makes of the same inputs."""
    tools = pytest.importorskip("ethereum_spec_tools.evm_tools")
    flags = [f"--input.{name}=stdin" for name in ("alloc", "env", "txs")]
    flags += [f"--output.{name}=stdout" for name in ("alloc", "result", "body")]
    output = io.StringIO()
    code = tools.main(
        ["t8n", *flags, f"--state.fork={fork}", f"--state.chainid={chain_id}"],
        output,
        io.StringIO(json.dumps(inputs)),
    )
    assert code == 0
    return json.loads(output.getvalue())


def ours(fork, chain_id, inputs):
    flags = [f"--input.{name}=stdin" for name in ("alloc", "env", "txs")]
    flags += [f"--output.{name}=stdout" for name in ("alloc", "result", "body")]
    result = zkevm(
        *flags,
        f"--state.fork={fork}",
        f"--state.chainid={chain_id}",
        "--state.reward=-1",
        stdin=json.dumps(inputs),
    )
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def normal(alloc):
    """Accounts with every field, as integers."""
    return {
        int(place, 16): (
            int(account.get("balance", "0x0"), 16),
            int(account.get("nonce", "0x0"), 16),
            account.get("code", "0x"),
            {int(k, 16): int(v, 16) for k, v in account.get("storage", {}).items() if int(v, 16)},
        )
        for place, account in alloc.items()
    }


def receipt(document):
    """What both say of a transaction."""
    return (
        document["transactionHash"],
        document["succeeded"] if "succeeded" in document else document["status"] == "0x1",
        document["cumulativeGasUsed"],
        document.get("bloom", document.get("logsBloom")),
        document["logs"],
    )


def compare(got, expected):
    ours_result, their_result = dict(got["result"]), dict(expected["result"])
    ours_result.pop("blobGasUsed")  # the specification's tool leaves it out
    assert [r["index"] for r in ours_result.pop("rejected")] == [
        r["index"] for r in their_result.pop("rejected")
    ]
    assert list(map(receipt, ours_result.pop("receipts"))) == list(
        map(receipt, their_result.pop("receipts"))
    )
    assert ours_result == their_result
    assert normal(got["alloc"]) == normal(expected["alloc"])


@pytest.fixture(scope="module")
def archive(shared):
    with tarfile.open(shared("fixtures/blockchain_tests_public.tar.xz")) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar if m.name.endswith(".json")}


def first_blocks(archive, name):
    """The tests of supported forks in a file whose first block is one."""
    (text,) = [text for path, text in archive.items() if path.endswith("/" + name)]
    found = []
    for test in json.loads(text).values():
        if test["network"] in {"Cancun", "Prague", "Osaka"}:
            chain_id = int(test.get("config", {}).get("chainid", "0x1"), 16)
            block = test["blocks"][0]
            if "expectException" not in block:
                encoded = bytes.fromhex(block["rlp"][2:])
                found.append((test, decode_block(encoded, chain_id), chain_id))
    return found


@pytest.mark.parametrize("as_rlp", [True, False], ids=["rlp", "json"])
@pytest.mark.parametrize("name", BLOCKS)
def test_the_same_as_the_specification(archive, name, as_rlp):
    found = first_blocks(archive, name)
    assert found, "no such test"
    for test, block, chain_id in found[:: max(1, len(found) // 3)]:
        inputs = documents(test, block, chain_id, as_rlp=as_rlp)
        got = ours(test["network"], chain_id, inputs)
        compare(got, specification(test["network"], chain_id, inputs))
        header = test["blocks"][0]["blockHeader"]
        assert got["result"]["stateRoot"] == header["stateRoot"]
        assert got["result"]["txRoot"] == header["transactionsTrie"]
        assert int(got["result"]["blobGasUsed"], 16) == int(header["blobGasUsed"], 16)
        assert got["body"] == "0x" + rlp_encode([item(s) for s in block.transactions]).hex()


def one_transfer(**changes):
    """Inputs of a block with one transfer of 7 wei by the key 1."""
    sender = "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf"
    transaction = {
        "type": "0x2",
        "nonce": "0x0",
        "gas": "0x5208",
        "to": address(0xB0B),
        "value": "7",
        "input": "0x",
        "maxFeePerGas": "0x64",
        "maxPriorityFeePerGas": "0x2",
        "secretKey": word(1),
    }
    env = {
        "currentCoinbase": address(0xC0FFEE),
        "currentGasLimit": "0x1c9c380",
        "currentNumber": "1",
        "currentTimestamp": "1000",
        "currentRandom": "0x0",
        "currentBaseFee": "0xa",
        "parentBeaconBlockRoot": word(0),
        "withdrawals": [],
    }
    return {
        "alloc": {sender: {"balance": "1000000000000000000"}},
        "env": env,
        "txs": [{**transaction, **changes}],
    }


def files(folder, inputs):
    for name, document in inputs.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return [f"--input.{name}={folder / name}.json" for name in inputs]


def test_files_in_files_out(tmp_path):
    flags = files(tmp_path, one_transfer())
    out = tmp_path / "out"
    result = zkevm(
        *flags, "--state.fork=Cancun", f"--output.basedir={out}", "--output.body=txs.rlp"
    )
    assert (result.exit_code, result.stdout) == (0, "")
    assert {path.name for path in out.iterdir()} == {"alloc.json", "result.json", "txs.rlp"}
    alloc = normal(json.loads((out / "alloc.json").read_text()))
    assert alloc[0xB0B] == (7, 0, "0x", {})
    assert alloc[0xC0FFEE] == (2 * 21000, 0, "0x", {})
    first = json.loads((out / "result.json").read_text())
    assert first["gasUsed"] == hex(21000)
    assert first["receipts"][0]["status"] == "0x1"
    again = zkevm(
        *flags[:2],
        f"--input.txs={out / 'txs.rlp'}",
        "--state.fork=Cancun",
        "--output.alloc=",
        "--output.result=stdout",
    )
    assert json.loads(again.stdout) == {"result": first}


@pytest.mark.parametrize("fork", ["Cancun", "BPO1", "BPO2"])
def test_signed_here_and_by_the_specification(fork):
    inputs = one_transfer()
    inputs["env"] |= {"parentExcessBlobGas": "0x700000", "parentBlobGasUsed": "0x1a0000"}
    inputs["env"] |= {"parentBaseFee": "0x7", "blockHashes": {"0": word(5)}}
    got, expected = ours(fork, 1, inputs), specification(fork, 1, inputs)
    for result in (got["result"], expected["result"]):
        result.pop("blockException", None)  # each in its own words
    compare(got, expected)
    assert int(got["result"]["currentExcessBlobGas"], 16) > 0x600000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"nonce": "0x1"}, "NONCE_MISMATCH_TOO_HIGH"),
        ({"maxFeePerGas": "0x9"}, "INSUFFICIENT_MAX_FEE_PER_GAS"),
        ({"type": "0x7"}, "TYPE_NOT_SUPPORTED"),
        ({"secretKey": None}, "INVALID_SIGNATURE_VRS"),
        ({"chainId": "0x2"}, "INVALID_CHAINID"),
        ({"gas": "0x10000000000000000"}, "GASLIMIT_OVERFLOW"),
    ],
)
def test_a_rejected_transaction_is_left_out(changes, reason):
    inputs = one_transfer(**changes)
    inputs["txs"].append(one_transfer()["txs"][0])
    result = ours("Cancun", 1, inputs)["result"]
    (rejected,) = result["rejected"]
    assert rejected["index"] == 0
    assert reason in rejected["error"]
    assert len(result["receipts"]) == 1


def test_a_block_without_the_contracts_of_its_fork_says_so():
    inputs = one_transfer()
    result = ours("Prague", 1, inputs)["result"]
    assert "system contract" in result["blockException"]
    assert len(result["receipts"]) == 1


def test_another_blob_schedule():
    inputs = one_transfer()
    inputs["env"] |= {"parentExcessBlobGas": "0x0", "parentBlobGasUsed": "0x60000"}
    inputs["blobParams"] = {"target": "0x1", "max": "0x2", "baseFeeUpdateFraction": "0x32f0ed"}
    flags = [f"--input.{name}=stdin" for name in inputs]
    result = zkevm(
        *flags,
        "--state.fork=Cancun",
        "--output.result=stdout",
        "--output.alloc=",
        stdin=json.dumps(inputs),
    )
    assert json.loads(result.stdout)["result"]["currentExcessBlobGas"] == "0x40000"


@pytest.mark.parametrize(
    ("document", "field", "value"),
    [
        ("alloc", "0x7e5f4552091a69125d5dfcb7b8c2659029395bdf", {"balance": "many"}),
        ("env", "currentNumber", None),
        ("env", "currentBaseFee", "-1"),
        ("env", "withdrawals", {}),
        ("env", "blockHashes", {"0x0": "0x11"}),
    ],
)
def test_malformed_input_names_the_document(tmp_path, document, field, value):
    inputs = one_transfer()
    inputs[document][field] = value
    flags = files(tmp_path, inputs)
    result = zkevm(*flags, "--state.fork=Cancun", "--output.basedir", tmp_path)
    assert (result.exit_code, result.stdout) == (10, "")
    assert result.stderr.startswith(f"error: {document}")
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize("txs", [b"[{}]", b'"0x"', b'"0xzz"', b"{}", b"[1]", b"", b'"0x01"'])
def test_malformed_transactions(tmp_path, txs):
    flags = files(tmp_path, one_transfer())
    (tmp_path / "txs.json").write_bytes(txs)
    result = zkevm(*flags, "--state.fork=Cancun", "--output.basedir", tmp_path)
    assert result.exit_code == 10, result.output
    assert result.stderr.startswith("error: txs")


def test_other_exit_codes(tmp_path):
    flags = files(tmp_path, one_transfer())
    assert zkevm(*flags, "--state.fork=London").exit_code == 2
    assert zkevm(*flags, "--state.reward=2").exit_code == 2
    assert zkevm(*flags[:2], "--input.txs=stdin", stdin="{}").exit_code == 2
    assert zkevm(*flags[:2], "--input.txs=stdin", stdin="{").exit_code == 10
    assert zkevm(*flags[:2], f"--input.txs={tmp_path}/absent").exit_code == 11
    (tmp_path / "file").write_text("")
    assert (
        zkevm(*flags, "--output.basedir", tmp_path / "file", "--state.fork=Cancun").exit_code == 11
    )
