"""`zkevm statetest`: sources, verdicts, exit codes, the cache and the report."""

import io
import json
import tarfile
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zkevm import api
from zkevm.cli import main
from zkevm.errors import NotProvableError
from zkevm.replay import CaseResult, Level, Options, Verdict, replay, report_page, verdicts
from zkevm.replay import cache as result_cache

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
TRANSFER = FIXTURES / "erc20_solidity_transfer.json"
LOOP = FIXTURES / "loop_small.json"


@pytest.fixture(autouse=True)
def cache_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def zkevm(*arguments):
    return CliRunner().invoke(main, ["statetest", *map(str, arguments)])


def altered(change):
    """The text of the transfer with one change to its only test."""
    tests = json.loads(TRANSFER.read_text())
    change(tests[TRANSFER.stem])
    return json.dumps(tests).encode()


def unexpected(test):
    test["post"]["Prague"][0]["hash"] = "0x" + "11" * 32


FILES = {
    "a/transfer.json": TRANSFER.read_bytes(),
    "a/wrong.json": altered(unexpected),
    "b/loop.json": LOOP.read_bytes(),
    "b/cut.json": TRANSFER.read_bytes()[:-100],
    "b/abi.json": b'{"abi": [], "bytecode": "0x"}',
    "b/notes.txt": b"{",
    ".meta/index.json": b"{",
}


def folder(path):
    for name, content in FILES.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def tar(path, mode):
    with tarfile.open(path, f"w:{mode}") as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def zipped(path):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(name, content)
    return path


def facts(results):
    return sorted(
        (result.source.replace(":", "/").rpartition("/")[2], result.fork, result.verdict)
        for result in results
    )


def test_folders_and_archives_say_the_same(tmp_path):
    sources = [
        folder(tmp_path / "files"),
        tar(tmp_path / "files.tar", ""),
        tar(tmp_path / "files.tar.gz", "gz"),
        tar(tmp_path / "files.tar.xz", "xz"),
        zipped(tmp_path / "files.zip"),
    ]
    forks = ["Cancun", "Prague", "Osaka"]
    expected = sorted(
        [
            *(("transfer.json", fork, "pass") for fork in forks),
            *(("loop.json", fork, "pass") for fork in forks),
            *(("wrong.json", fork, "fail" if fork == "Prague" else "pass") for fork in forks),
            ("cut.json", "", "malformed"),
            ("abi.json", "", "skipped"),
        ]
    )
    for source in sources:
        assert facts(replay([source])) == expected, source
    everything = list(replay(sources))
    assert facts(everything) == sorted(expected * len(sources))


def test_processes_say_the_same_in_the_same_order(tmp_path):
    path = folder(tmp_path / "files")
    alone = [(r.source, r.fork, r.verdict) for r in replay([path, TRANSFER])]
    assert [(r.source, r.fork, r.verdict) for r in replay([path, TRANSFER], jobs=2)] == alone


def test_the_summary_and_its_exit_code(tmp_path):
    result = zkevm(folder(tmp_path / "files"))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    failure = f"FAIL {tmp_path}/files/a/wrong.json: erc20_solidity_transfer, Prague, index 0,0,0"
    assert lines[:2] == [failure, "  state root differs"]
    assert lines[-1].startswith("11 cases: 8 pass, 1 fail, 1 skipped, 1 malformed; median ")
    assert "Osaka: 3 pass" in lines
    *at_once, phase = result.stderr.splitlines()
    malformed = f"MALFORMED {tmp_path}/files/b/cut.json"
    assert at_once == [failure, malformed]
    assert phase.startswith(str(tmp_path / "files"))


def test_exit_codes(tmp_path):
    cut = tmp_path / "cut.json"
    cut.write_bytes(FILES["b/cut.json"])
    assert zkevm(TRANSFER).exit_code == 0
    assert zkevm(TRANSFER, cut).exit_code == 10
    assert zkevm(TRANSFER, tmp_path / "absent").exit_code == 11
    assert zkevm(TRANSFER, "--fork", "London").exit_code == 2
    assert zkevm(TRANSFER, "--run", "(").exit_code == 2
    assert zkevm(TRANSFER, "--run", "nothing of this name").exit_code == 2
    assert zkevm().exit_code == 2


@pytest.mark.parametrize("name", ["cut.tar.xz", "cut.tar.gz", "cut.tar", "cut.zip"])
def test_a_damaged_archive_is_malformed(tmp_path, name):
    whole = tar(tmp_path / "whole.tar.xz", "xz").read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    result = zkevm(tmp_path / name)
    assert result.exit_code == 10, result.output
    assert result.stderr.splitlines()[-1].startswith(f"error: {tmp_path / name}: damaged archive")


def test_choosing_by_fork_and_name(tmp_path):
    path = folder(tmp_path / "files")
    (path / "b/cut.json").unlink()
    result = zkevm(path, "--fork", "Osaka", "--run", r"/a/.*::erc20", "--json")
    assert result.exit_code == 0
    cases = json.loads(result.stdout)["cases"]
    chosen = [(Path(case["source"]).name, case["fork"]) for case in cases if case["test"]]
    assert chosen == [("transfer.json", "Osaka"), ("wrong.json", "Osaka")]


def test_a_sample_is_that_of_its_seed(tmp_path):
    path = folder(tmp_path / "files")
    first, again, other = (
        zkevm(path, "--sample", 4, "--seed", seed, "--json") for seed in (1, 1, 3)
    )
    assert "a sample of 4 cases with --seed 1" in first.stderr
    chosen = [
        [(c["source"], c["fork"]) for c in json.loads(r.stdout)["cases"] if c["test"]]
        for r in (first, again, other)
    ]
    assert len(chosen[0]) == 4
    assert chosen[0] == chosen[1] != chosen[2]
    everything = zkevm(path, "--sample", 100, "--json")
    assert len([c for c in json.loads(everything.stdout)["cases"] if c["test"]]) == 9


def test_the_first_step_that_differs_from_a_reference(tmp_path):
    path, traces = tmp_path / "wrong.json", tmp_path / "traces"
    path.write_bytes(altered(unexpected))
    traces.mkdir()
    reference = traces / "erc20_solidity_transfer-Prague-0-0-0.jsonl"
    steps = list(api.trace(api.load(TRANSFER, fork="Prague")).steps())

    def reasons():
        result = zkevm(path, "--traces", traces, "--json", "--report", tmp_path / "report.html")
        assert result.exit_code == 1
        (case,) = (c for c in json.loads(result.stdout)["cases"] if c["fork"] == "Prague")
        return case["reasons"]

    assert reasons() == ["state root differs"]
    reference.write_text("\n".join(steps))
    assert reasons() == ["state root differs", "no step differs from the reference"]
    step = json.loads(steps[7])
    steps[7] = json.dumps({**step, "gas": hex(int(step["gas"], 16) + 1)})
    reference.write_text("\n".join(steps))
    assert reasons()[1].startswith(f"step 7: depth 1, pc {step['pc']}, op {step['op']}, gas ")
    assert reasons()[1].endswith(f"the reference has gas {int(step['gas'], 16) + 1}")
    assert "the reference has gas" in (tmp_path / "report.html").read_text()
    reference.write_text("\n".join(steps[:7]))
    assert reasons()[1].startswith("step 7: only the execution goes on, with depth 1")
    reference.write_text('{"pc": 0}')
    assert reasons()[1].startswith(f"no comparison with {reference}: not a step")


def test_a_case_out_of_reach_is_skipped_with_its_reason(tmp_path):
    (test,) = json.loads(TRANSFER.read_text()).values()
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"tests/loopMul[fork_Osaka]": test}))
    result = zkevm(path, "--json")
    assert {(c["verdict"], *c["reasons"]) for c in json.loads(result.stdout)["cases"]} == {
        ("skipped", "more than a billion steps")
    }


def test_check_measures_and_remembers(monkeypatch):
    options = Options(level=Level.CHECK, fork="Osaka")
    (first,) = replay([TRANSFER], options)
    assert (first.verdict, first.cached) == (Verdict.PASS, False)
    assert 100 < first.steps < first.rows < first.cells
    assert first.seconds > 0
    monkeypatch.setattr(api, "check", None)  # the second run may not need it
    (second,) = replay([TRANSFER], options)
    assert (second.verdict, second.cached) == (Verdict.PASS, True)
    assert (second.cells, second.seconds) == (first.cells, first.seconds)
    (third,) = replay([TRANSFER], Options(level=Level.CHECK, fork="Osaka", cache=False))
    assert third.verdict == Verdict.FAIL
    assert third.reasons[0].startswith("unexpected TypeError")


def test_another_trace_level_or_circuit_is_run_again(monkeypatch):
    case = api.load(TRANSFER, fork="Osaka")
    traces = api.trace(case).traces
    s1 = api.Level.S1
    found = {result_cache.digest(traces, level, of) for level in Level for of in api.Level}
    for other in (api.load(TRANSFER, fork="Prague"), api.load(LOOP, fork="Osaka")):
        found.add(result_cache.digest(api.trace(other).traces, Level.CHECK, s1))
    found.add(result_cache.digest(traces * 2, Level.CHECK, s1))
    traces[0].rows.gas[5] ^= 1
    found.add(result_cache.digest(traces, Level.CHECK, s1))
    monkeypatch.setattr(result_cache, "code_digest", lambda: "another gadget")
    found.add(result_cache.digest(traces, Level.CHECK, s1))
    assert len(found) == 3 * len(api.Level) + 5


def test_a_damaged_cache_is_no_obstacle():
    options = Options(level=Level.CHECK, fork="Osaka")
    list(replay([TRANSFER], options))
    (file,) = (result_cache.cache_directory() / "replay").iterdir()
    file.write_bytes(file.read_bytes()[:-20] + b"\n\xff{}\n")
    (again,) = replay([TRANSFER], options)
    assert (again.verdict, again.cached) == (Verdict.PASS, False)


def test_a_broken_constraint_is_a_failure_and_is_not_remembered(tmp_path, monkeypatch):
    fill = api.fill

    def wrong_sum(*arguments):
        filled = fill(*arguments)
        columns = filled.witnesses["add_sub"].cells
        (result,) = [column for column in columns if column.name == "result[0]"]
        columns[result] = np.asarray(columns[result]) + 1
        return filled

    monkeypatch.setattr(api, "fill", wrong_sum)
    for _ in range(2):
        result = zkevm(LOOP, "--level", "check", "--fork", "Cancun", "--report", tmp_path / "r")
        assert result.exit_code == 1
        assert "does not hold: low half" in result.stdout
        assert "add_sub, row 0: step" in result.stdout
    assert "does not hold: low half" in (tmp_path / "r").read_text()


@pytest.mark.parametrize("level", ["check", "prove"])
def test_what_is_not_provable_is_refused_by_name(tmp_path, level, monkeypatch):
    def refuse(*_):
        raise NotProvableError("not provable yet: CREATE at pc 3")

    monkeypatch.setattr(api, "fill", refuse)
    monkeypatch.setattr(verdicts, "_development_srs", lambda: None)
    result = zkevm(TRANSFER, "--level", level)
    assert result.exit_code == 0
    assert "3 refused: not provable yet: CREATE" in result.stdout


def test_codes_are_hashed_where_the_statement_asks_for_it():
    options = [Options(Level.CHECK, "Osaka", statement=of) for of in api.Level]
    rows = [result.rows for each in options for result in replay([LOOP], each)]
    assert rows == sorted(set(rows)), "each statement adds rows"


def test_longer_cases_are_not_checked():
    result = zkevm(TRANSFER, "--level", "check", "--step-limit", 50)
    assert result.exit_code == 0
    assert "3 skipped: more than 50 steps" in result.stdout


def test_prove_proves_and_verifies(tmp_path):
    pytest.importorskip("zkevm._native", reason="proving needs the native kernels")
    result = zkevm(LOOP, "--level", "prove", "--fork", "Osaka", "--json")
    assert result.exit_code == 0, result.output
    (case,) = json.loads(result.stdout)["cases"]
    assert (case["verdict"], case["cached"]) == ("pass", False)
    (case,) = json.loads(zkevm(LOOP, "--level", "prove", "--fork", "Osaka", "--json").stdout)[
        "cases"
    ]
    assert case["cached"]


@pytest.mark.parametrize("level", ["execute", "check"])
@pytest.mark.parametrize(
    "name",
    ["bcEIP3675/tipInsideBlock", "bcEIP1153-transientStorage/tloadDoesNotPersistAcrossBlocks"],
)
def test_blockchain_tests_are_recognised(shared, tmp_path, level, name):
    """To check one is to check the transactions of each of its blocks."""
    archive = shared("fixtures/blockchain_tests_public.tar.xz")
    with tarfile.open(archive) as members:
        names = [n for n in members.getnames() if n.endswith(f"{name}.json")]
        text = members.extractfile(names[0]).read()
    path = tmp_path / "blocks.json"
    path.write_bytes(text)
    result = zkevm(path, "--level", level, "--json")
    assert result.exit_code == 0, result.output
    cases = json.loads(result.stdout)["cases"]
    assert {case["verdict"] for case in cases} == {"pass"}
    assert all(bool(case["rows"]) == (level == "check") for case in cases)
    tests = {name: test["network"] for name, test in json.loads(text).items()}
    assert all(tests[case["test"]] == case["fork"] for case in cases)


class Page(HTMLParser):
    """The text of a page, and what it would load."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data):
        self.text.append(data)


def test_the_report_is_self_contained_and_shows_failures_first(tmp_path):
    path = tmp_path / "report.html"
    zkevm(folder(tmp_path / "files"), "--report", path)
    page = Page()
    page.feed(path.read_text())
    assert page.links == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    text = "".join(page.text)
    places = [text.index(part) for part in ("state root differs", "By fork", "Every case")]
    assert places == sorted(places)
    for fork in ("Cancun", "Prague", "Osaka"):
        assert fork in text


def test_the_report_escapes_what_it_shows():
    result = CaseResult(
        source="<b>.json", test="<i>", verdict=Verdict.FAIL, reasons=("<script>alert(1)</script>",)
    )
    page = Page()
    page.feed(report_page([result], Level.EXECUTE))
    assert not {"b", "i", "script"} & set(page.tags)


def test_a_report_that_cannot_be_written(tmp_path):
    result = zkevm(TRANSFER, "--report", tmp_path / "absent" / "r.html")
    assert result.exit_code == 11
    assert len(result.stderr.splitlines()) == 1, "replayed in vain"
