"""Segments: how tables are cut, where segments are proven, and what an interrupted proof keeps."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import reference_kernels, toy
from tests.support.kernels import needs_native
from zkevm.cli.console import LivePhases
from zkevm.errors import UsageError, VerificationError
from zkevm.phases import listening, resident_memory
from zkevm.plonkish.cells import Cells, height_of
from zkevm.proof import Witness, cluster, prove, verify
from zkevm.proof.cutting import NODE_BYTES, Limits, Load, cut
from zkevm.proof.executors import Serial
from zkevm.proof.processes import Processes
from zkevm.proof.resources import Resources
from zkevm.proof.store import Store

M = 5
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
CIRCUIT = toy.circuit()
NAMES = [table.name for table in CIRCUIT.tables]


def cells(**rows):
    """Tables with so many rows, numbered."""
    found = []
    for compiled in CIRCUIT.named(rows):
        table, count = compiled.table, rows[compiled.table.name]
        columns = [np.arange(count, dtype=np.uint32)] * len(table.columns)
        found.append(Cells(table, compiled.program, columns, count, height_of(table, count)))
    return found


def honest():
    """The honest example."""
    tables = toy.witness(heights={"user": 3}).tables
    found = []
    for compiled in CIRCUIT.named(tables):
        own = tables[compiled.table.name]
        rows = max(map(len, own.columns))
        found.append(Cells(compiled.table, compiled.program, own.columns, rows, own.height))
    return found


# ---- cutting -------------------------------------------------------------------------------------

some_rows = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.integers(1, 3000) for name in ("mul", "user", "single", "quiet")},
        "range": st.just(16),
        "squares": st.just(8),
    },
)


@given(some_rows, st.none() | st.integers(20_000, 200_000), st.integers(4, 12), st.integers(1, 4))
def test_every_row_is_in_one_segment_within_the_limits(rows, memory, height, parts):
    most = Limits(memory, 4000, height)
    segments = cut(cells(**rows), most, parts)
    placed = {name: [] for name in rows}
    for segment in segments:
        assert segment
        names = [piece.table.name for piece in segment]
        assert len(names) == len(set(names))
        load = Load()
        for piece in segment:
            assert all(len(column) == piece.rows <= 1 << piece.height for column in piece.columns)
            assert piece.table.height in {None, piece.height}
            load = load.plus(piece, piece.height)
            placed[piece.table.name] += piece.columns[0].tolist()
        assert most.allow(load, max(piece.height for piece in segment))
    assert placed == {name: list(range(count)) for name, count in rows.items()}


def test_what_fits_is_not_cut():
    assert len(cut(cells(mul=3000, user=70), Limits(None, 1 << 20, 24))) == 1


@pytest.mark.parametrize("parts", [2, 3, 5])
def test_parts(parts):
    assert len(cut(cells(mul=1 << 12, user=1 << 12), Limits(None, 1 << 30, 24), parts)) >= parts


def test_a_table_that_cannot_be_cut():
    with pytest.raises(UsageError, match="too little memory for table range"):
        cut(cells(range=16), Limits(1000, 1 << 20, 24))


# ---- executors -----------------------------------------------------------------------------------


def prove_honest(executor=None, store=None, digest=b"", memory=52 * NODE_BYTES):
    segments = [Witness.of(segment) for segment in cut(honest(), Limits(memory, 1 << 20, 8))]
    assert len(segments) >= 3 or memory is None
    public = toy.publish(*toy.OUTPUT)
    arguments = CIRCUIT, segments, public, digest, toy.srs(M)
    proof = prove(*arguments, kernels=reference_kernels, executor=executor, store=store)
    verify(CIRCUIT, proof, public, digest, toy.srs(M).verifier)
    with pytest.raises(VerificationError):
        verify(CIRCUIT, proof, [*public, *toy.publish(5)], digest, toy.srs(M).verifier)
    return proof


def test_tables_cut_into_segments_are_proven():
    heights = prove_honest().heights
    occurrences = [sum(own[t] is not None for own in heights) for t in range(len(NAMES))]
    assert max(occurrences) > 1, "no table lies in several segments"


def test_processes_make_the_same_proof(tmp_path):
    assert prove_honest(Processes(2, tmp_path)) == prove_honest()
    assert not list(tmp_path.iterdir())


def kill(context, item):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_is_said(tmp_path):
    with pytest.raises(UsageError, match="killed"):
        list(Processes(1, tmp_path).run(kill, None, [1, 2]))


def test_a_ray_cluster_makes_the_same_proof():
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'zkevm[ray]'")
    assert prove_honest(Resources(jobs=1, cluster="local").executor()) == prove_honest()


def test_a_cluster_without_ray_says_what_is_missing(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(cluster, "import_module", absent)
    with pytest.raises(UsageError, match="pip install"):
        Resources(cluster="local").executor()


# ---- what an interrupted proof keeps -------------------------------------------------------------


class Interrupted(Exception):
    """As by the user."""


class Counting(Serial):
    """Counts its tasks, and is interrupted before one."""

    def __init__(self, last=1000):
        self.last, self.done = last, 0

    def run(self, task, context, items):
        for number, item in enumerate(items):
            if self.done == self.last:
                raise Interrupted
            self.done += 1
            yield number, task(context, item)


def interrupted(store, last, **arguments):
    with pytest.raises(Interrupted):
        prove_honest(Counting(last), store, **arguments)


def test_an_interrupted_proof_goes_on(tmp_path):
    expected = prove_honest()
    total = 2 * len(expected.heights)
    for last in (1, total - 2):
        interrupted(Store(tmp_path), last)
    store, again = Store(tmp_path), Counting()
    assert prove_honest(again, store) == expected
    assert again.done == 1
    store.clear()
    assert not list(tmp_path.iterdir())


def test_results_of_another_proof_are_not_used(tmp_path):
    """The commitments are those of the same cells; the rounds depend on the statement."""
    count = len(prove_honest().heights)
    prove_honest(store=Store(tmp_path))
    again = Counting()
    assert prove_honest(again, Store(tmp_path), digest=b"other") == prove_honest(digest=b"other")
    assert again.done == count
    again = Counting()
    assert prove_honest(again, Store(tmp_path), memory=49 * NODE_BYTES) == prove_honest(
        memory=49 * NODE_BYTES
    )
    assert again.done > count


@pytest.mark.parametrize("spoil", [lambda data: data[:-1], lambda data: b"", lambda d: d[::-1]])
def test_altered_results_are_computed_again(spoil, tmp_path):
    expected = prove_honest(store=Store(tmp_path))
    for path in tmp_path.iterdir():
        path.write_bytes(spoil(path.read_bytes()))
    again = Counting()
    assert prove_honest(again, Store(tmp_path)) == expected
    assert again.done == 2 * len(expected.heights)


def test_a_result_in_the_place_of_another_is_computed_again(tmp_path):
    expected = prove_honest(store=Store(tmp_path))
    paths = sorted(tmp_path.iterdir(), key=lambda path: path.stat().st_size)
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    again = Counting()
    assert prove_honest(again, Store(tmp_path)) == expected
    assert again.done == len(paths)


def test_a_measurement_is_settled(tmp_path):
    """Two runs cut alike although they find a little more or less memory free."""
    first = Store(tmp_path).settle(b"memory", 1000)
    assert first <= 1000
    assert [Store(tmp_path).settle(b"memory", found) for found in (first, 990, 2000)] == [first] * 3
    less = Store(tmp_path).settle(b"memory", first - 1)
    assert less < first
    assert Store(tmp_path).settle(b"memory", 1000) == less
    assert Store(tmp_path).settle(b"other", 1000) == first


# ---- progress ------------------------------------------------------------------------------------


class Heard:
    """A listener that writes down how far a proof is."""

    def __init__(self):
        self.advances = []

    def began(self, name):
        pass

    def ended(self, phase):
        pass

    def advanced(self, done, total, resumed):
        self.advances.append((done, total, resumed))


def test_segments_are_counted(tmp_path):
    heard = Heard()
    with listening(heard):
        count = len(prove_honest().heights)
    assert heard.advances == 2 * [(done + 1, count, 0) for done in range(count)]
    interrupted(Store(tmp_path), 2)
    heard.advances.clear()
    with listening(heard):
        prove_honest(store=Store(tmp_path))
    assert heard.advances[0] == (3, count, 2)


def test_one_segment_tells_how_far_its_tree_is():
    heard = Heard()
    with listening(heard):
        prove_honest(memory=None)
    shares = [done / total for done, total, _ in heard.advances]
    assert shares == sorted(shares)
    assert len(shares) > 3
    assert 0.5 < shares[0] < shares[-1] < 1


def test_time_left_is_shown():
    class Status:
        def update(self, text):
            self.text = text

        def start(self):
            pass

    status = Status()
    lines = LivePhases(status)
    lines.began("prove segments")
    lines.start -= 10
    lines.advanced(3, 8, 1)
    assert status.text == "prove segments, 37 %, 25 s left"


# ---- memory --------------------------------------------------------------------------------------


def test_too_little_memory_is_said():
    with pytest.raises(UsageError, match="are the least"):
        Resources(memory=1 << 20).cut(honest(), CIRCUIT, 1 << M)


def test_too_many_segments_are_refused():
    few = replace(CIRCUIT, bounds=replace(toy.BOUNDS, segments=1))
    with pytest.raises(UsageError, match="2 segments; 1 are the most"):
        Resources(jobs=2).cut(cells(mul=64, user=64), few, 1 << M)


def test_without_a_limit_there_is_one_segment():
    assert len(Resources().cut(honest(), CIRCUIT, 1 << M)) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="other systems set no bound to data")
def test_what_is_made_is_bounded():
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    with Resources(memory=resident_memory() + (4 << 30)).bounded():
        np.ones(1 << 20, np.uint8)
    with (
        pytest.raises(UsageError, match="more memory than that"),
        Resources(memory=resident_memory() + (64 << 20)).bounded(),
    ):
        np.ones(1 << 34, np.uint8)
    assert resource.getrlimit(resource.RLIMIT_DATA) == limits


# ---- whole commands ------------------------------------------------------------------------------


def command(*arguments):
    return [sys.executable, "-m", "zkevm", "prove", *map(str, arguments)]


def hashing(path):
    """A transaction that hashes 16 KiB: few leaves, and many cells."""
    (test,) = json.loads((FIXTURES / "erc20_solidity_transfer.json").read_text()).values()
    to = test["pre"][test["transaction"]["to"]]
    to["code"], to["storage"] = "0x6140005f2000", {}  # PUSH2 16384, PUSH0, KECCAK256, STOP
    test["transaction"]["data"] = ["0x"]
    path.write_text(json.dumps({"hashing": test}))
    return path


@needs_native
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("name", "mebibytes"), [("loop", 250), ("hashing", 240)])
def test_the_bound_holds(name, mebibytes, tmp_path):
    """The model of what the kernels take is right, for leaves and for cells."""
    path = FIXTURES / f"{name}.json"
    if name == "hashing":
        path = hashing(tmp_path / "hashing.json")
    options = "--memory", f"{mebibytes}M", "-o", tmp_path / "proof", "--binary", "--json"
    done = subprocess.run(command(path, *options), stdout=subprocess.PIPE, check=True)
    document = json.loads(done.stdout)
    assert document["segments"] > 2
    assert document["peak_memory"] <= mebibytes << 20


@needs_native
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_killed_proof_goes_on_and_leaves_no_broken_file(tmp_path):
    work, output = tmp_path / "work", tmp_path / "proof.json"
    whole = command(FIXTURES / "loop.json", "--memory", "250M", "--work-dir", work, "-o", output)
    process = subprocess.Popen(whole, stderr=subprocess.DEVNULL)
    while len(list(work.glob("*.part"))) < 3:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert not output.exists()
    kept = {path: path.stat().st_mtime_ns for path in work.glob("*.part")}
    assert len(kept) >= 3
    again = subprocess.Popen(whole, stderr=subprocess.DEVNULL)
    while len(list(work.glob("*.part"))) <= len(kept):
        assert again.poll() is None
        time.sleep(0.01)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert again.wait() == 0
    assert output.exists()
    assert not list(work.iterdir())
