import pytest

from zkevm import srs
from zkevm.errors import FileError
from zkevm.srs import Kind, development


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(development, "DEFAULT_DEGREE", 4)
    return tmp_path / "zkevm"


@pytest.fixture
def notices():
    return []


def test_made_once(cache, notices):
    first = srs.development_srs(3, notices.append)
    second = srs.development_srs(4, notices.append)
    assert first.identifier == second.identifier
    assert first.kind is Kind.DEVELOPMENT
    assert first.degree == 4
    assert [path.name for path in cache.iterdir()] == ["development-4.srs"]
    assert [notice.split(":")[0] for notice in notices] == [
        "making a development SRS, once",
        f"using the development SRS {cache / 'development-4.srs'}",
        f"using the development SRS {cache / 'development-4.srs'}",
    ]


def test_a_larger_one_serves_smaller_requests(notices):
    srs.development_srs(6, notices.append)
    assert srs.development_srs(5, notices.append).degree == 6


def test_notices_go_to_standard_error(capsys):
    srs.development_srs(2)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "not for production" in captured.err


def test_another_process_was_faster(monkeypatch, notices):
    """The file of the first process stays, and both use it."""
    make = development.generate
    fast = []

    def slow(degree):
        fast.append(make(degree))
        srs.save(fast[0], development._path(degree))
        return make(degree)

    monkeypatch.setattr(development, "generate", slow)
    assert srs.development_srs(2, notices.append).identifier == fast[0].identifier


def test_cached_verifier(notices):
    made = srs.development_srs(2, notices.append)
    assert srs.cached_verifier(made.identifier) == made.verifier
    assert srs.cached_verifier(bytes(32)) is None


def test_home_is_the_fallback(monkeypatch, tmp_path):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert development.cache_directory() == tmp_path / ".cache" / "zkevm"


def test_cache_that_cannot_be_made(cache, notices):
    cache.write_text("in the way")
    with pytest.raises(FileError, match="cannot make"):
        srs.development_srs(2, notices.append)
