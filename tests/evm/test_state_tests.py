"""The official state tests, and real mainnet transactions in their format."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zkevm.errors import FileError, InputError, UsageError
from zkevm.evm.execute import execute
from zkevm.evm.statetest import decode_cases, load_case, load_cases
from zkevm.replay.verdicts import OUT_OF_REACH

TRANSACTIONS = [
    "access_list_swap_22615247_1",
    "approve_24647140_50",
    "blob_transfer_22615247_15",
    "eip7702_batch_24647140_14",
    "eip7702_handleops_24647140_29",
    "erc20_transfer_22615247_24",
    "eth_transfer_22188088_0",
    "eth_transfer_22615247_4",
    "eth_transfer_type1_22615247_16",
    "heavy_defi_24647140_1",
    "pepe_transfer_22188088_11",
    "reverted_22188088_21",
    "safe_receive_eth_22188088_27",
    "uniswap_universal_router_swap_22188088_6",
    "uniswap_v2_swap_24647140_11",
    "uniswap_v3_swap_22188088_1",
    "uniswap_v4_swap_24647140_0",
    "usdc_transfer_22188088_4",
    "usdc_transfer_24647140_23",
    "usdt_transfer_22188088_10",
    "usdt_transfer_24647140_19",
    "weth_deposit_v2_swap_22615247_0",
]

SAMPLE_STEP = 50
"""One official file in so many is run by default."""

TRANSFER = "fixtures/transactions/eth_transfer_22188088_0.json"


def archived(path: Path, step: int) -> Iterator[tuple[str, bytes]]:
    """Yield every `step`-th JSON file of an archive."""
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.name.endswith(".json")]
        for member in members[::step]:
            file = archive.extractfile(member)
            if file is not None:
                yield member.name, file.read()


def failures(path: Path, step: int = 1) -> tuple[int, list[str]]:
    """Return the number of cases and what is wrong with those that fail."""
    count = 0
    found = []
    for name, text in archived(path, step):
        for case in decode_cases(text, name):
            if case.name in OUT_OF_REACH:
                continue
            count += 1
            found += [f"{name} {case.name}: {problem}" for problem in execute(case).problems()]
    return count, found


@pytest.mark.parametrize("name", TRANSACTIONS)
def test_real_transactions(shared, name):
    (case,) = load_cases(shared(f"fixtures/transactions/{name}.json"))
    execution = execute(case)
    assert execution.problems() == []
    assert execution.receipt.gas_used == case.info["gas-used"]
    assert int(execution.receipt.success) == case.info["status"]


def test_sample_of_official_tests(shared):
    count, found = failures(shared("fixtures/state_tests_public.tar.xz"), SAMPLE_STEP)
    assert count > 100
    assert found == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("split", ["public", "slow"])
def test_all_official_tests(shared, split):
    count, found = failures(shared(f"fixtures/state_tests_{split}.tar.xz"))
    assert count > 5000
    assert found == []


def test_a_wrong_expectation_is_noticed(shared):
    (case,) = load_cases(shared("fixtures/transactions/usdc_transfer_22188088_4.json"))
    execution = execute(case)
    object.__setattr__(case.expected, "post_state_root", case.expected.post_state_root ^ 1)
    object.__setattr__(case.expected, "logs_hash", case.expected.logs_hash ^ 1)
    assert execution.problems() == ["logs hash differs", "state root differs"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"nonce": "0x07"', '"nonce": "seven"', "nonce"),
        ('"nonce": "0x07"', '"nonce": 7', "nonce"),
        ('"currentBaseFee": "0x28de8040"', '"currentBaseFee": "0x"', "currentBaseFee"),
        ('"currentBaseFee": "0x28de8040",', "", "currentBaseFee"),
        ('"currentRandom": "0x5d', '"currentRandom": "0x' + "11" * 33, "currentRandom"),
        ('"0x0000000000675d852c8638df2f227949052b1208": {', '"0x0123": {', "pre"),
        ('"gas": 0', '"gas": 1', "gasLimit"),
        ('"to": "0x1bac', '"to": "0x', "to"),
    ],
)
def test_malformed_input_names_the_field(shared, old, new, field):
    text = shared(TRANSFER).read_text()
    assert old in text
    with pytest.raises(InputError, match=field) as caught:
        list(decode_cases(text.replace(old, new).encode(), "file.json"))
    assert "file.json" in str(caught.value)
    assert "eth_transfer_22188088_0" in str(caught.value)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"a": 3}', b"\xff"])
def test_cut_or_foreign_input(text):
    with pytest.raises(InputError, match=r"file\.json"):
        list(decode_cases(text, "file.json"))


def test_the_blob_schedule_of_the_chain_is_used(shared):
    document = json.loads(shared(TRANSFER).read_bytes())
    (body,) = document.values()
    body["env"]["currentExcessBlobGas"] = "0x0a"
    schedule = {"target": "0x01", "max": "0x02", "baseFeeUpdateFraction": "0x05"}
    body["config"] = {"chainid": "0x01", "blobSchedule": {"Cancun": schedule}}
    (case,) = decode_cases(json.dumps(document).encode(), "file.json")
    assert (case.fork.blobs.target, case.fork.blobs.maximum) == (1, 2)
    assert case.environment.blob_base_fee == 7  # e squared
    assert case.fork.dispatch is not None
    del body["config"]["blobSchedule"]["Cancun"]
    (case,) = decode_cases(json.dumps(document).encode(), "file.json")
    assert case.environment.blob_base_fee == 1


def test_missing_file(tmp_path):
    with pytest.raises(FileError, match=r"none\.json"):
        load_cases(tmp_path / "none.json")


def test_choosing_a_case(shared):
    path = shared(TRANSFER)
    assert load_case(path, "eth_transfer_22188088_0", "Cancun", (0, 0, 0)).fork.name == "Cancun"
    for choice in ({"test": "none"}, {"fork": "Homestead"}, {"indexes": (1, 0, 0)}):
        with pytest.raises(UsageError):
            load_case(path, **choice)
