"""The frame of the command line: exit codes, one-line errors, lazy verbs, phases."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from zkevm import errors
from zkevm.cli import main
from zkevm.cli.console import aligned, phases_on_stderr
from zkevm.cli.group import Verb, VerbGroup
from zkevm.phases import phase


def raising(error):
    @click.command()
    def verb():
        raise error

    group = VerbGroup("zkevm", "help", {"verb": Verb(f"{__name__}:never_imported", "fails")})
    group.get_command = lambda _ctx, _name: verb
    return group


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.VerificationError, 1),
        (errors.NotProvableError, 1),
        (errors.UsageError, 2),
        (errors.InputError, 10),
        (errors.FileError, 11),
        (errors.TooLargeError, 20),
        (errors.SrsError, 21),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(error, code):
    result = CliRunner().invoke(raising(error("do this instead")), ["verb"])
    assert (result.exit_code, result.stdout, result.stderr) == (
        code,
        "",
        "error: do this instead\n",
    )


def test_a_bug_is_not_hidden():
    result = CliRunner().invoke(raising(ZeroDivisionError()), ["verb"])
    assert isinstance(result.exception, ZeroDivisionError)


@pytest.mark.parametrize("arguments", [["nonsense"], ["run"], ["run", "--index", "1,2", "x.json"]])
def test_usage_errors_exit_with_2(arguments):
    assert CliRunner().invoke(main, arguments).exit_code == 2


@pytest.mark.parametrize(("name", "verb"), main.verbs.items())
def test_a_summary_is_how_the_help_of_the_verb_begins(name, verb):
    assert main.get_command(None, name).get_short_help_str(limit=100) == verb.summary


def test_help_imports_no_verb():
    program = (
        "import sys; from zkevm.cli import main; main(['--help'], standalone_mode=False);"
        "print([m for m in sys.modules if m.startswith(('numpy', 'rich', 'py_ecc', 'zkevm.api'))])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert answer.stdout.decode().splitlines()[-1] == "[]"


def test_verifying_imports_no_library_of_other_curves_and_tries():
    program = (
        "import sys, zkevm.cli.proving;"
        "heavy = {'py_ecc', 'coincurve', 'Crypto', 'trie', 'rlp', 'rich', 'lru', 'eth_utils'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert answer.stdout.decode().strip() == "[]"


def test_phases_are_told_when_they_end(capsys):
    with phases_on_stderr() as phases, phase("execute"), phase("fill"):
        pass
    assert [p.name for p in phases] == ["fill", "execute"]
    assert all(p.seconds >= 0 and p.peak_memory > 2**20 for p in phases)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split()[0] for line in captured.err.splitlines()] == ["fill", "execute"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system counts otherwise")
def test_peak_memory_is_not_what_the_parent_had():
    held = b"1" * (300 << 20)
    program = "from zkevm.phases import peak_memory; print(peak_memory())"
    child = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert 2**20 < int(child.stdout) < len(held)


def test_a_phase_without_listener_is_silent(capsys):
    with phase("execute"):
        pass
    assert capsys.readouterr() == ("", "")


def test_aligned_values_share_a_column():
    assert aligned([("a", "1"), ("long", "2")]) == ["a     1", "long  2"]
