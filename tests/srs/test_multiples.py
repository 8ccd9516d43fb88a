"""Multiples of the powers: made once, kept, and made again when they are not right."""

import os
import secrets
import threading
from dataclasses import replace

import numpy as np
import pytest

from tests.support.kernels import native, needs_native
from zkevm import srs
from zkevm.field import encode
from zkevm.srs import multiples
from zkevm.srs.powers_of_tau import of_tau

pytestmark = needs_native

TAU = 0x1234567890ABCDEF1234567890ABCDEF
COUNT = 512


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "zkevm"


@pytest.fixture(scope="module")
def setup():
    return of_tau(TAU, COUNT)


@pytest.fixture
def notices():
    return []


def with_multiples(setup, notices):
    made = srs.with_multiples(setup, notices.append)
    assert native.are_multiples(made.multiples, setup.points)
    return made


def test_made_once_and_kept(setup, cache, notices):
    first = with_multiples(setup, notices)
    second = with_multiples(setup, notices)
    (path,) = cache.iterdir()
    assert path == srs.multiples_path(setup)
    assert notices == [f"making multiples of the powers of this SRS, once: {path}, 0.1 MB"]
    assert path.read_bytes() == first.multiples.tobytes() == second.multiples.tobytes()
    assert path.stat().st_size == srs.multiples_size(setup)
    assert not second.multiples.flags.writeable, "it is not mapped"


def test_few_files_are_kept(cache, notices):
    made = [of_tau(TAU + i, 256) for i in range(multiples.KEPT + 2)]
    for number, setup in enumerate(made):
        with_multiples(setup, notices)
        os.utime(srs.multiples_path(setup), (number, number))
    assert set(cache.iterdir()) == {srs.multiples_path(setup) for setup in made[-multiples.KEPT :]}


def _cut(data):
    return data[: len(data) // 2]


def _cut_within_a_point(data):
    return data[:-1]


def _altered(data):
    place = len(data) // 3
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _zeros(data):
    return bytes(len(data))


def _foreign(_data):
    return native.multiples(of_tau(TAU + 1, COUNT).points).tobytes()


@pytest.mark.parametrize(
    "spoil", [_cut, _cut_within_a_point, _altered, _zeros, _foreign, lambda _: b""]
)
def test_a_bad_file_is_made_again(setup, notices, spoil):
    good = with_multiples(setup, notices).multiples.tobytes()
    path = srs.multiples_path(setup)
    path.write_bytes(spoil(good))
    with_multiples(setup, notices)
    assert path.read_bytes() == good
    assert len(notices) == 2


def test_those_of_another_srs_with_the_same_name_are_not_used(setup, notices):
    with_multiples(setup, notices)
    other = srs.Srs(of_tau(TAU + 1, COUNT).points, setup.verifier)
    assert srs.multiples_path(other) == srs.multiples_path(setup)
    with_multiples(other, notices)


@pytest.mark.parametrize("in_the_way", ["folder", "file"])
def test_where_nothing_can_be_kept_they_are_made_all_the_same(setup, notices, cache, in_the_way):
    if in_the_way == "file":
        cache.write_text("a file where the folder should be")
    else:
        srs.multiples_path(setup).mkdir(parents=True)
    for _ in range(2):
        with_multiples(setup, notices)
    assert [notice.split(" ")[0] for notice in notices] == ["making", "cannot"] * 2
    assert notices[1].endswith(": they will be made again")


def test_several_at_once(setup, cache):
    notices, found = [], []
    several = [
        threading.Thread(target=lambda: found.append(with_multiples(setup, notices)))
        for _ in range(4)
    ]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()
    assert len(found) == 4
    assert [path.name for path in cache.iterdir()] == [srs.multiples_path(setup).name]
    assert with_multiples(setup, notices).multiples.tobytes() == found[0].multiples.tobytes()


def test_few_powers_have_none(cache):
    small = of_tau(TAU, 255)
    assert srs.with_multiples(small).multiples is None
    assert srs.first_multiples(small, 128) is None
    assert not cache.exists()


def test_only_the_first_powers_have_them(setup, monkeypatch, notices):
    monkeypatch.setattr(multiples, "LARGEST_DEGREE", 8)
    made = srs.with_multiples(setup, notices.append)
    assert made.multiples.nbytes == srs.multiples_size(setup) == 772 * 64
    assert srs.first_multiples(made, 256).tobytes() == made.multiples.tobytes()
    for count in (128, 300, 512):
        assert srs.first_multiples(made, count) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_commitments_are_the_same(setup, notices, dtype):
    lines = with_multiples(setup, notices).multiples
    plain, fast = native.Bases(setup.points), native.Bases(setup.points, lines)
    most = np.iinfo(dtype).max
    random = np.frombuffer(secrets.token_bytes(8 * COUNT), dtype)[:COUNT]
    for cells in (random, np.full(COUNT, most), np.full(COUNT, most // 2 + 1), np.zeros(COUNT)):
        column = cells.astype(dtype)
        for start in (0, 100):
            assert fast.msm(column[start:], start) == plain.msm(column[start:], start)


def test_what_is_no_multiple_of_enough_is_refused(setup):
    lines = native.multiples(setup.points)
    with pytest.raises(ValueError, match="multiples"):
        native.Bases(setup.points, lines[:-1])
    with pytest.raises(ValueError, match="multiples"):
        native.Bases(setup.points[:300], lines)
    assert not native.are_multiples(lines[:, :32].repeat(2, axis=1), setup.points)
    bad = setup.points.copy()
    bad[6] = 255
    with pytest.raises(ValueError, match="modulus"):
        native.multiples(bad)
    assert native.multiples(native.powers(encode(TAU), 255)).shape == (0, 64)
    assert replace(setup, multiples=lines).truncated(8).multiples is None
