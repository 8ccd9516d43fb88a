"""`zkevm check`, `prove`, `verify` and `info`: verdicts, statements, bad input."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zkevm import api
from zkevm.cli import main
from zkevm.errors import VerificationError

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TRANSFER = FIXTURES / "erc20_solidity_transfer.json"
SENDER = 0xA94F5374FCE5EDBC8E2A8697C15331677E6EBF0B
ADDITION = "0x600160020100"  # PUSH1 1, PUSH1 2, ADD, STOP
HASHING = "0x5f5f5f5f60025afa00"  # STATICCALL of SHA-256 at pc 7: no gadget proves it yet


def zkevm(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def transaction(folder, code):
    """A state test of 5 wei sent to `code`. What it expects is that of another transaction."""
    (test,) = json.loads(TRANSFER.read_text()).values()
    to = test["pre"][test["transaction"]["to"]]
    to["code"], to["storage"] = code, {}
    test["transaction"] |= {"value": ["0x05"], "data": ["0x"]}
    path = folder / "input.json"
    path.write_text(json.dumps({"input": test}))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("proving")


@pytest.fixture(scope="module", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def srs(folder):
    assert zkevm("setup", "new", "--degree", 13, "-o", folder / "13.srs").exit_code == 0
    return folder / "13.srs"


@pytest.fixture(scope="module")
def proven(folder, srs):
    """The JSON result of a proof, in folder/proof.json."""
    pytest.importorskip("zkevm._native", reason="proving needs the native kernels")
    path = transaction(folder, ADDITION)
    result = zkevm("prove", path, "--srs", srs, "-o", folder / "proof.json", "--json")
    assert result.exit_code == 0, result.output
    assert "warning: not what the input expects: " in result.stderr
    return json.loads(result.stdout)


def test_check_passes(tmp_path):
    result = zkevm("check", transaction(tmp_path, ADDITION), "--json")
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert (document["verdict"], document["failures"]) == ("passed", [])
    assert document["rows"]["add_sub"] == 1


def test_check_explains_a_failure_in_evm_terms(tmp_path, monkeypatch):
    fill = api.fill

    def wrong_sum(trace, level):
        filled = fill(trace, level)
        columns = filled.witnesses["add_sub"].cells
        (result,) = [column for column in columns if column.name == "result[0]"]
        columns[result] = np.asarray(columns[result]) + 1
        return filled

    monkeypatch.setattr(api, "fill", wrong_sum)
    result = zkevm("check", transaction(tmp_path, ADDITION))
    assert result.exit_code == 1
    assert "add_sub, row 0: step 2, ADD at pc 4" in result.stdout
    assert "does not hold: low half" in result.stdout
    assert "result[0]" in result.stdout
    assert "bus stack" in result.stdout


@pytest.mark.parametrize("verb", ["check", "prove"])
def test_what_is_not_provable_is_refused_by_name(tmp_path, srs, verb):
    options = [] if verb == "check" else ["--srs", srs, "-o", tmp_path / "proof.json"]
    result = zkevm(verb, transaction(tmp_path, HASHING), *options)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("error: not provable yet: ")
    assert "at pc 7" in result.stderr
    assert not (tmp_path / "proof.json").exists()


def test_prove_measures_itself(proven, folder):
    names = [phase["name"] for phase in proven["phases"]]
    assert names[:4] == ["load SRS", "execute", "fill", "compile circuit"]
    assert names[-1] == "verify"
    assert all(phase["seconds"] >= 0 for phase in proven["phases"])
    assert proven["peak_memory"] > 2**20
    assert proven["code_bytes"] == len(ADDITION) - 2
    assert proven["proof_bytes"] < (folder / "proof.json").stat().st_size
    assert proven["srs"]["kind"] == "development"


def test_verify_prints_the_statement(proven, folder, srs):
    result = zkevm("verify", folder / "proof.json", "--srs", srs)
    assert result.exit_code == 0
    assert result.stdout.startswith("accepted\n")
    assert f"{SENDER:#042x}" in result.stdout
    assert "development" in result.stdout
    document = json.loads(zkevm("verify", folder / "proof.json", "--srs", srs, "--json").stdout)
    assert document["verdict"] == "accepted"
    assert document["statement"]["fork"] == "Osaka"
    before, after = (
        next(a[moment] for a in document["statement"]["accounts"] if a["address"] == hex(SENDER))
        for moment in ("before", "after")
    )
    assert int(after["nonce"], 16) == int(before["nonce"], 16) + 1


def test_binary_and_the_small_verifier_part(proven, folder, srs):
    small = folder / "small.srs"
    path = folder / "input.json"
    made = zkevm("setup", "new", "--degree", 12, "-o", folder / "12.srs", "--verifier", small)
    assert made.exit_code == 0
    proof = folder / "proof.bin"
    result = zkevm("prove", path, "--srs", folder / "12.srs", "--binary", "-o", proof, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["proof_bytes"] == proof.stat().st_size
    assert zkevm("verify", proof, "--srs", small).exit_code == 0
    assert zkevm("verify", proof, "--srs", srs).exit_code == 1


def test_segments_side_by_side(proven, folder, srs, tmp_path):
    """A proof of two segments on two processes says the same as one of one."""
    work, output = tmp_path / "work", tmp_path / "proof.json"
    options = ("--jobs", 2, "--work-dir", work, "--srs", srs, "-o", output, "--json")
    result = zkevm("prove", folder / "input.json", *options)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["segments"] >= 2
    assert not list(work.iterdir())
    first, second = (
        json.loads(zkevm("verify", path, "--srs", srs, "--json").stdout)
        for path in (folder / "proof.json", output)
    )
    assert first == second
    assert first["verdict"] == "accepted"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "1M"), "MiB are the least"),
        (("--memory", "much"), "is not a size such as 4G"),
        (("--jobs", 0), "0 is not in the range"),
        (("--work-dir", __file__), "cannot make folder"),
    ],
)
def test_resources_that_do_not_suffice(proven, folder, srs, tmp_path, options, message):
    output = tmp_path / "proof.json"
    result = zkevm("prove", folder / "input.json", "--srs", srs, "-o", output, *options)
    assert result.exit_code in {2, 11}
    assert message in result.stderr
    assert not output.exists()


def test_level_s2_states_no_code(proven, folder, srs):
    """The codes are hashed in the proof, which is larger."""
    proof = folder / "s2.json"
    options = ("--level", "S2", "--srs", srs, "-o", proof, "--json")
    document = json.loads(zkevm("prove", folder / "input.json", *options).stdout)
    assert document["code_bytes"] == 0
    assert document["proof_bytes"] > proven["proof_bytes"]
    result = zkevm("verify", proof, "--srs", srs, "--json")
    assert result.exit_code == 0
    verified = json.loads(result.stdout)
    assert verified["level"].startswith("S2")
    assert verified["statement"]["codes"] == []
    text = proof.read_text()
    proof.write_text(text.replace('"level":"0x2"', '"level":"0x1"').replace(
        '"level": "0x2"', '"level": "0x1"'
    ))  # fmt: skip
    assert proof.read_text() != text
    assert zkevm("verify", proof, "--srs", srs).exit_code == 1


def test_an_unknown_setup_has_to_be_given(proven, folder):
    result = zkevm("verify", folder / "proof.json", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["verdict"] == "rejected"
    assert "--srs" in result.stderr


def leaves(value, path=()):
    """Paths of all leaves of a JSON value."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def changed(value):
    """Another value of the same form."""
    match value:
        case bool():
            return not value
        case int():
            return value ^ 1
        case None:
            return "0x1"
        case str() if value.startswith("0x") and len(value) > 2:
            return value[:-1] + f"{int(value[-1], 16) ^ 1:x}"
        case _:
            return value + "00"


def test_no_altered_field_is_accepted(proven, folder, srs):
    verifier = api.load_srs(srs).verifier
    original = json.loads((folder / "proof.json").read_text())
    assert api.verify(json.dumps(original).encode(), verifier)
    for path in leaves(original):
        altered = json.loads(json.dumps(original))
        *parents, last = path
        place = altered
        for key in parents:
            place = place[key]
        place[last] = changed(place[last])
        with pytest.raises(VerificationError):
            api.verify(json.dumps(altered).encode(), verifier)


@pytest.mark.parametrize(
    ("content", "code"), [(b"", 10), (b"{}", 10), (b"\xff", 10), (b'{"a":' * 10_000, 10)]
)
def test_what_is_no_proof(tmp_path, content, code):
    path = tmp_path / "proof.json"
    path.write_bytes(content)
    result = zkevm("verify", path)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.count("\n") == 1


def test_a_missing_proof(tmp_path):
    assert zkevm("verify", tmp_path / "absent.json").exit_code == 11


def test_an_srs_that_is_too_small_says_which_is_needed(proven, folder):
    assert zkevm("setup", "new", "--degree", 5, "-o", folder / "5.srs").exit_code == 0
    result = zkevm("prove", folder / "input.json", "--srs", folder / "5.srs")
    assert result.exit_code == 20
    assert "--degree" in result.stderr


def test_what_is_no_srs(proven, folder):
    result = zkevm("prove", folder / "input.json", "--srs", folder / "input.json")
    assert result.exit_code == 21


def test_a_place_that_cannot_be_written(proven, folder, srs):
    for output in (folder / "absent" / "proof.json", folder):
        result = zkevm("prove", folder / "input.json", "--srs", srs, "-o", output)
        assert result.exit_code == 11
        (line,) = result.stderr.splitlines()  # nothing was proven in vain
        assert line.startswith(f"error: cannot write {output}: ")


def test_prove_without_native_kernels_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "zkevm._native", None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    result = zkevm("prove", transaction(tmp_path, ADDITION))
    assert result.exit_code == 2
    assert "Rust" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["input.json"], "made an SRS in vain"
    assert zkevm("check", transaction(tmp_path, ADDITION)).exit_code == 0


def test_info_lists_every_gadget():
    document = json.loads(zkevm("info", "--json").stdout)
    by_name = {gadget["name"]: gadget for gadget in document["gadgets"]}
    assert by_name["add_sub"]["opcodes"] == ["ADD", "SUB"]
    assert by_name["add_sub"]["halts"] == []
    assert by_name["fixed_gas"]["halts"] == ["OUT_OF_GAS"]
    assert all(0 < gadget["degree"] <= 3 for gadget in by_name.values())
    lines = zkevm("info").stdout.splitlines()
    assert len(lines) == 1 + len(by_name)
    assert zkevm("info", "--fork", "London").exit_code == 2
