import signal
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkevm import srs
from zkevm.curve import g2
from zkevm.errors import FileError, SrsError, TooLargeError
from zkevm.field import MODULUS
from zkevm.srs import Kind, Srs, VerifierSrs, storage
from zkevm.srs.ceremonies import CEREMONIES
from zkevm.srs.powers_of_tau import of_tau

SRS = of_tau(0xABCDEF, 8)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "setup.srs"
    srs.save(SRS, path)
    return path


def test_round_trip(saved):
    loaded = srs.load(saved)
    assert loaded.points.tobytes() == SRS.points.tobytes()
    assert loaded.verifier == SRS.verifier
    assert loaded.identifier == SRS.identifier
    assert loaded.kind is Kind.DEVELOPMENT
    assert loaded.points.ctypes.data % 64 == 0
    assert not loaded.points.flags.writeable


def test_verifier_part_of_either_file(saved, tmp_path):
    small = tmp_path / "verifier.srs"
    srs.save_verifier(SRS.verifier, small)
    assert small.stat().st_size < 512
    assert srs.load_verifier(small) == srs.load_verifier(saved) == SRS.verifier
    assert isinstance(srs.load_any(small), VerifierSrs)
    assert isinstance(srs.load_any(saved), Srs)
    with pytest.raises(SrsError, match="for verifying only"):
        srs.load(small)


@given(data=st.data())
def test_any_changed_byte_is_noticed(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("srs") / "setup.srs"
    srs.save(SRS, path)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(SrsError):
        srs.load(path)


@given(data=st.data())
def test_any_cut_is_noticed(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("srs") / "setup.srs"
    srs.save(SRS, path)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(SrsError):
        srs.load(path)


CUT = {
    0: "is empty",
    5: "not an SRS file",
    20: "cut within its header",
    300: "cut or extended",
    -1: "cut or extended",
}


@pytest.mark.parametrize("length", CUT)
def test_a_cut_says_so(length, saved):
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(SrsError, match=CUT[length]):
        srs.load(saved)


def test_damage_says_so(saved):
    content = bytearray(saved.read_bytes())
    content[-100] ^= 1
    saved.write_bytes(content)
    with pytest.raises(SrsError, match="checksum"):
        srs.load(saved)


def rewritten(path, position, content):
    """Change bytes of a file and make its checksum fit again."""
    data = bytearray(path.read_bytes()[: -storage.CHECKSUM_LENGTH])
    data[position : position + len(content)] = content
    path.write_bytes(data + storage.hashlib.sha256(data).digest())


def g2_position(path):
    return path.read_bytes().index(g2.encode(g2.GENERATOR))


def test_a_later_version_is_refused(saved):
    rewritten(saved, 8, struct.pack("<I", 2))
    with pytest.raises(SrsError, match="version 2"):
        srs.load(saved)


def test_another_generator_is_refused(saved):
    rewritten(saved, g2_position(saved), g2.encode(g2.negate(g2.GENERATOR)))
    with pytest.raises(SrsError, match="standard generator"):
        srs.load(saved)


@pytest.mark.parametrize(
    ("tau_g2", "message"),
    [
        (None, "tau = 0"),
        (g2.GENERATOR, "tau = 1"),
        (g2.negate(g2.GENERATOR), "tau = -1"),
    ],
)
def test_a_telling_tau_is_refused(tau_g2, message, saved):
    rewritten(saved, g2_position(saved) + 128, g2.encode(tau_g2))
    with pytest.raises(SrsError, match=message):
        srs.load_verifier(saved)


def test_tau_off_the_curve_is_refused(saved):
    rewritten(saved, g2_position(saved) + 128, bytes([1]) + bytes(127))
    with pytest.raises(SrsError, match="not on the curve"):
        srs.load_verifier(saved)


def test_powers_are_checked_apart(saved):
    srs.check(srs.load(saved))
    other = of_tau(0xABCDE0, 8)
    srs.save(Srs(SRS.points, other.verifier), saved)
    with pytest.raises(SrsError, match="power 1 is not tau times power 0"):
        srs.check(srs.load(saved))


def test_a_file_does_not_choose_its_ceremony():
    """The kind follows from [tau]_2, whatever the file says of itself."""
    assert VerifierSrs(CEREMONIES[Kind.AZTEC], is_development=True).kind is Kind.AZTEC
    tau_g2 = SRS.verifier.tau_g2
    assert VerifierSrs(tau_g2, provenance="powersOfTau28_hez_final").kind is Kind.UNKNOWN


def test_ceremonies_are_known_by_identifier():
    for kind, tau_g2 in CEREMONIES.items():
        assert g2.is_in_group(tau_g2)
        known = srs.known_verifier(VerifierSrs(tau_g2).identifier)
        assert known is not None
        assert known.kind is kind
    assert srs.known_verifier(SRS.identifier) is None


def test_identifiers_are_those_pinned():
    """An identifier is part of every transcript: changing it invalidates all proofs."""
    identifiers = {kind: VerifierSrs(tau).identifier.hex() for kind, tau in CEREMONIES.items()}
    assert identifiers == {
        Kind.HERMEZ: "ce7b64403daa962c3b15e2b331f658e8194e2a313e1cf7fab76841992048ee48",
        Kind.AZTEC: "81e4cbd0e616bb68b06f1b3c7be64acae1bcb4943a75129c36af157ac70589eb",
    }


def test_degree_and_truncation():
    odd = Srs(SRS.points[:7], SRS.verifier)
    assert (SRS.degree, odd.degree) == (3, 2)
    assert len(SRS.truncated(2)) == 4
    with pytest.raises(SrsError, match="holds 7 powers"):
        odd.truncated(3)
    SRS.require(3)
    with pytest.raises(TooLargeError, match="degree 4"):
        SRS.require(4)


def test_generated_taus_differ():
    first, second = srs.generate(1), srs.generate(1)
    assert first.identifier != second.identifier
    srs.check(first)


def test_unwritable_and_unreadable_files(tmp_path):
    with pytest.raises(FileError, match="cannot write"):
        srs.save(SRS, tmp_path / "absent" / "setup.srs")
    for read in (srs.load, srs.load_verifier, srs.is_srs_file):
        with pytest.raises(FileError, match="cannot read"):
            read(tmp_path / "absent")


def test_replacing_is_optional(saved):
    other = of_tau(5, 4)
    storage.save(other, saved, replace=False)
    assert srs.load(saved).identifier == SRS.identifier
    storage.save(other, saved)
    assert srs.load(saved).identifier == other.identifier
    assert list(saved.parent.iterdir()) == [saved]


KILLED_WRITER = """
import os, signal, sys
from pathlib import Path
from zkevm.srs import storage
from zkevm.srs.powers_of_tau import of_tau
sections = storage._sections
def dying(points, verifier):
    yield from sections(points, verifier)[:3]
    os.kill(os.getpid(), signal.SIGKILL)
storage._sections = dying
storage.save(of_tau(7, 4), Path(sys.argv[1]))
"""


def test_a_killed_writer_leaves_the_old_file(saved):
    command = [sys.executable, "-c", KILLED_WRITER, saved]
    result = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert result.returncode == -signal.SIGKILL
    assert srs.load(saved).identifier == SRS.identifier


def test_a_known_tau_of_the_field(saved):
    assert of_tau(2, 2).verifier.tau_g2 == g2.multiply(g2.GENERATOR, 2 + MODULUS)
