"""`zkevm run` and `zkevm trace`: results, selection, verdicts, bad input."""

import json
import lzma
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from zkevm.cli import main
from zkevm.evm.block_codec import decode_block, encode_block

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TRANSFER = FIXTURES / "erc20_solidity_transfer.json"


def zkevm(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def altered(tmp_path, change):
    """A copy of the transfer with one change to its only test."""
    tests = json.loads(TRANSFER.read_text())
    change(tests[TRANSFER.stem])
    path = tmp_path / "altered.json"
    path.write_text(json.dumps(tests))
    return path


@pytest.mark.parametrize("fork", ["Cancun", "Prague", "Osaka"])
def test_run_says_what_the_fixture_expects(fork):
    result = zkevm("run", TRANSFER, "--fork", fork, "--json")
    assert result.exit_code == 0
    outcome = json.loads(result.stdout)
    test = json.loads(TRANSFER.read_text())[TRANSFER.stem]
    assert outcome["state_root"] == test["post"][fork][0]["hash"]
    assert outcome["logs_hash"] == test["post"][fork][0]["logs"]
    assert outcome["gas_used"] == test["_info"]["gas-used"][fork]
    assert (outcome["fork"], outcome["status"], outcome["problems"]) == (fork, "success", [])
    (log,) = outcome["logs"]
    assert int(log["data"], 16) == 10**18


def test_run_prints_text_on_stdout_and_phases_on_stderr():
    result = zkevm("run", FIXTURES / "erc20_solidity_revert.json")
    assert result.exit_code == 0
    labels = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert labels == ["case", "status", "gas used", "state root", "logs hash", "expected"]
    assert "failed" in result.stdout
    assert result.stderr.startswith("execute ")


def test_the_newest_fork_is_the_default():
    assert json.loads(zkevm("run", TRANSFER, "--json").stdout)["fork"] == "Osaka"


def test_another_result_than_expected_is_a_negative_verdict(tmp_path):
    def change(test):
        test["post"]["Osaka"][0]["hash"] = "0x" + "11" * 32

    result = zkevm("run", altered(tmp_path, change))
    assert result.exit_code == 1
    assert "state root differs" in result.stdout


def test_an_invalid_transaction_is_a_negative_verdict(tmp_path):
    def change(test):
        test["transaction"]["nonce"] = "0x08"

    result = zkevm("run", altered(tmp_path, change))
    assert result.exit_code == 1
    assert "NONCE_MISMATCH_TOO_HIGH" in result.stdout


@pytest.mark.parametrize(
    "selection",
    [["--test", "absent"], ["--fork", "Frontier"], ["--index", "0,0,9"], ["--index", "0,0,-1"]],
)
def test_a_case_that_is_not_there_is_a_usage_error(selection):
    result = zkevm("run", TRANSFER, *selection)
    assert result.exit_code == 2
    assert result.stdout == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"a": 1}',
        b'{"a": {"env": {}}}',
        b"[" * 100_000,
        b'{"a": {"post": ' + b"[" * 100_000,
        TRANSFER.read_bytes()[:-200],
        TRANSFER.read_bytes().replace(b'"nonce": "0x07"', b'"nonce": 7'),
        TRANSFER.read_bytes().replace(b'"to": "0x70ce', b'"to": "0xzzce'),
        TRANSFER.read_bytes().replace(b'"value": [', b'"value": [], "values": ['),
        TRANSFER.read_bytes().replace(b'"0x00"', b'"0x' + b"ff" * 40 + b'"'),
    ],
    ids=lambda content: repr(content[:20]),
)
def test_malformed_input_is_one_clear_line(tmp_path, content):
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    result = zkevm("run", path)
    assert result.exit_code == 10, result
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert str(path) in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_file_of_no_supported_fork_says_which_there_are(tmp_path):
    def change(test):
        test["post"] = {"London": test["post"]["Cancun"]}

    result = zkevm("run", altered(tmp_path, change))
    assert result.exit_code == 2
    assert "Cancun" in result.stderr


def test_a_missing_file(tmp_path):
    result = zkevm("run", tmp_path / "absent.json")
    assert (result.exit_code, result.stdout) == (11, "")
    assert result.stderr == f"error: {tmp_path / 'absent.json'}: No such file or directory\n"


def test_a_directory(tmp_path):
    assert zkevm("run", tmp_path).exit_code == 11


def test_trace_writes_a_line_for_every_step(tmp_path):
    steps = tmp_path / "steps.jsonl"
    result = zkevm("trace", TRANSFER, "--fork", "Cancun", "-o", steps, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["status"] == "success"
    lines = [json.loads(line) for line in steps.read_text().splitlines()]
    info = json.loads(TRANSFER.read_text())[TRANSFER.stem]["_info"]
    executed = [line["opName"] for line in lines if "opName" in line]
    assert {name: executed.count(name) for name in executed} == info["opcodes"]


def test_trace_without_a_file_goes_to_stderr():
    result = zkevm("trace", TRANSFER)
    assert result.exit_code == 0
    assert all(json.loads(line) for line in result.stderr.splitlines())


def test_trace_to_a_place_that_cannot_be_written(tmp_path):
    assert zkevm("trace", TRANSFER, "-o", tmp_path / "absent" / "steps.jsonl").exit_code == 11


def places(value, path=()):
    """Paths of everything in a JSON value."""
    if path:
        yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


@pytest.mark.parametrize(
    "wrong",
    [None, 5, -1, 1.5, True, "", "0x", "0xzz", "7", "-0x1", "0x" + "f" * 66, [], {}, ["0x"]],
    ids=repr,
)
def test_no_wrong_value_anywhere_is_a_traceback(tmp_path, wrong):
    tests = json.loads(TRANSFER.read_text())
    del tests[TRANSFER.stem]["_info"]
    path = tmp_path / "wrong.json"
    for place in places(tests):
        altered = json.loads(json.dumps(tests))
        *parents, last = place
        inner = altered
        for key in parents:
            inner = inner[key]
        inner[last] = wrong
        path.write_text(json.dumps(altered))
        result = zkevm("run", path)
        assert isinstance(result.exception, SystemExit | None), place
        assert result.exit_code in {0, 1, 2, 10}, place
        if result.exit_code:
            assert result.stdout or result.stderr.count("\n") == 1, place


def test_run_executes_a_block_from_its_witness(shared):
    path = shared("fixtures/mainnet/22615247.json.xz")
    result = zkevm("run", path, "--json")
    assert result.exit_code == 0
    outcome = json.loads(result.stdout)
    assert (outcome["block"], outcome["fork"], outcome["transactions"]) == (22615247, "Prague", 26)
    assert (outcome["gas_used"], outcome["problems"]) == (0x1450D5, [])
    assert outcome["state_root"].startswith("0x1f6dc521")
    assert outcome["hash"].startswith("0x0497f695")
    labels = [line.split("  ")[0] for line in zkevm("run", path).stdout.splitlines()]
    assert labels[:3] == ["block", "transactions", "gas used"]
    assert labels[-1] == "computed"


def test_run_of_a_block_names_what_the_witness_lacks(shared):
    path = shared("fixtures/mainnet/22188088.json.xz")
    account = "0xc83f7d9f2d4a76e81145849381aba02602373723"
    result = zkevm("run", path)
    assert result.exit_code == 10
    assert f"on the path to account {account}" in result.stderr
    assert zkevm("run", path, "--assume-absent", account).exit_code == 0
    assert zkevm("run", path, "--assume-absent", "0x1").exit_code == 2


def test_run_of_a_block_that_its_header_misstates(shared, tmp_path):
    document = json.loads(lzma.decompress(shared("fixtures/mainnet/24647140.json.xz").read_bytes()))
    block = decode_block(bytes.fromhex(document["block"][2:]), 1)
    header = replace(block.header, gas_used=block.header.gas_used + 1)
    document["block"] = "0x" + encode_block(replace(block, header=header)).hex()
    path = tmp_path / "block.json"
    path.write_text(json.dumps(document))
    result = zkevm("run", path)
    assert result.exit_code == 1
    assert "gas used is 7704952, but should be 7704951" in result.stdout
