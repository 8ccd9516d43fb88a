"""The tables of docs/PERFORMANCE.md: what is read of other programs, and how it is written."""

from importlib import import_module
from pathlib import Path

import pytest

pytest.importorskip("zkevm._native")


@pytest.fixture
def script(monkeypatch):
    """Import a script by its name."""
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "scripts")
    return import_module


def test_figures_are_read(script):
    parse = script("bench_compare").parse
    assert parse('{"a": 1, "b": 2.5}\n') == {"a": 1.0, "b": 2.5}
    for text in ("", "{", '{"a": "fast"}'):
        with pytest.raises(ValueError):
            parse(text)


def test_the_least_of_all_rounds_counts(script):
    rounds = [{"a": 2.0, "b": 5.0}, {"a": 3.0, "b": 4.0}]
    assert script("bench_compare").least(rounds) == {"a": 2.0, "b": 4.0}
    assert script("bench_compare").least([{}, {}]) == {}


def test_a_line_for_each_operation(script):
    others = {"one": {"addition": 300.0}, "two": {}}
    slow, fast = {"addition": 160.0, "fold": 30.0}, {"addition": 40.0}
    assert script("bench_kernels").table_lines(slow, fast, others) == [
        "| operation | portable | avx512ifma | ratio | one | two |",
        "|---|---|---|---|---|---|",
        "| addition | 160.0 | 40.0 | 4.0 | 300.0 (7.5) | - |",
        "| fold | 30.0 | - | - | - | - |",
    ]


def test_tools_that_are_missing_leave_gaps(script, monkeypatch):
    compare = script("bench_compare")
    monkeypatch.setenv("PATH", "")
    compare._built.cache_clear()
    assert compare.libraries() == {"arkworks": {}, "halo2curves": {}, "gnark-crypto": {}}
    assert "rustup" in compare.keccak_line()
    compare._built.cache_clear()
