import json

import pytest
from click.testing import CliRunner

from tests.srs import ceremony_files as files
from zkevm import srs
from zkevm.cli import main

POWERS = files.powers_of(0xFEDCBA9876543210, 15)


def run(*arguments):
    return CliRunner().invoke(main, ["setup", *map(str, arguments)])


@pytest.fixture
def ceremony(tmp_path):
    path = tmp_path / "ceremony.ptau"
    path.write_bytes(files.ptau(POWERS))
    return path


def test_new_then_verify_then_info(tmp_path):
    path, verifier = tmp_path / "a.srs", tmp_path / "verifier.srs"
    made = run("new", "--degree", 3, "-o", path, "--verifier", verifier)
    assert made.exit_code == 0
    assert "for development only" in made.stdout
    for file in (path, verifier):
        assert run("verify", file).stdout.startswith("sound")
    assert "for development only" in run("info", path).stdout
    assert "for verifying only" in run("info", verifier).stdout
    assert srs.load_verifier(verifier) == srs.load(path).verifier


def test_import(ceremony, tmp_path):
    path = tmp_path / "a.srs"
    done = run("import", ceremony, "--degree", 2, "-o", path, "--json")
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert (document["degree"], document["powers"], document["kind"]) == (2, 4, "unknown")
    assert "consecutive" in done.stderr
    assert json.loads(run("info", path, "--json").stdout) == document


def test_verify_checks_the_powers_of_an_srs_file(tmp_path):
    path = tmp_path / "a.srs"
    one, other = srs.generate(2), srs.generate(2)
    srs.save(srs.Srs(one.points, other.verifier), path)
    done = run("verify", path)
    assert done.exit_code == 21
    assert done.stdout == ""
    assert "power 1 is not tau times power 0" in done.stderr


def test_verify_takes_a_ceremony_too(ceremony):
    assert run("verify", ceremony).stdout.startswith("sound")


def test_a_bad_ceremony_is_not_written(tmp_path):
    bad, output = tmp_path / "bad.ptau", tmp_path / "a.srs"
    bad.write_bytes(files.ptau(POWERS.with_point(3, POWERS.points[4])))
    done = run("import", bad, "-o", output)
    assert done.exit_code == 21
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith(f"error: {bad}: powers 3 and 4 are the same")
    assert not output.exists()


def test_known_ceremony(shared, tmp_path):
    path = shared("srs/powersOfTau28_hez_final_08.ptau")
    assert "ceremony:hermez" in run("import", path, "-o", tmp_path / "a.srs").stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("verify", "absent"), 11),
        (("info", "absent"), 11),
        (("import", "absent", "-o", "out"), 11),
        (("new", "--degree", 2, "-o", "absent/out"), 11),
        (("new", "--degree", 29, "-o", "out"), 2),
        (("new", "-o", "out"), 2),
        (("unknown",), 2),
        (("info", __file__), 21),
        (("verify", __file__), 21),
        (("import", __file__, "-o", "out"), 21),
    ],
)
def test_exit_codes(arguments, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments).exit_code == code
