from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.srs import ceremony_files as files
from tests.srs.ceremony_files import WRITERS, powers_of
from zkevm.curve import BASE_MODULUS, g2
from zkevm.errors import FileError, SrsError
from zkevm.field import MODULUS
from zkevm.srs import Kind, import_ceremony
from zkevm.srs.points import to_affine

TAU = 0x1234567890ABCDEF1234567890ABCDEF
COUNT = 15  # a .ptau of power 3
POWERS = powers_of(TAU, COUNT)
BLS12_381_PRIME = int(
    "1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB",
    16,
)


def write(tmp_path, data, name="ceremony"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_powers(name, tmp_path):
    srs = import_ceremony(write(tmp_path, WRITERS[name](POWERS)))
    assert to_affine(srs.points) == POWERS.points[: 8 if name == "halo2" else COUNT]
    assert srs.verifier.tau_g2 == POWERS.tau_g2
    assert srs.degree == 3
    assert srs.kind is Kind.UNKNOWN
    assert "from ceremony" in srs.verifier.provenance


@pytest.mark.parametrize("name", WRITERS)
def test_the_first_powers_alone(name, tmp_path):
    srs = import_ceremony(write(tmp_path, WRITERS[name](POWERS)), degree=2)
    assert to_affine(srs.points) == POWERS.points[:4]


@pytest.mark.parametrize("name", WRITERS)
def test_more_powers_than_there_are(name, tmp_path):
    path = write(tmp_path, WRITERS[name](POWERS))
    with pytest.raises(SrsError, match="powers of tau, fewer than the 2\\^4 asked for"):
        import_ceremony(path, degree=4)


@pytest.mark.parametrize("cut", [1, 40, 200, 700])
@pytest.mark.parametrize("name", WRITERS)
def test_cut_files_are_refused(name, cut, tmp_path):
    path = write(tmp_path, WRITERS[name](POWERS)[:-cut])
    with pytest.raises(SrsError, match=r"cut: .* should end at byte"):
        import_ceremony(path)


@pytest.mark.parametrize("name", WRITERS)
def test_longer_files_are_refused(name, tmp_path):
    path = write(tmp_path, WRITERS[name](POWERS) + bytes(2))
    with pytest.raises(SrsError, match=r"2 bytes after its end|should end at byte"):
        import_ceremony(path)


@pytest.mark.parametrize("name", WRITERS)
def test_swapped_powers_are_refused(name, tmp_path):
    swapped = POWERS.with_point(5, POWERS.points[6]).with_point(6, POWERS.points[5])
    path = write(tmp_path, WRITERS[name](swapped))
    with pytest.raises(SrsError, match="power 5 is not tau times power 4"):
        import_ceremony(path)


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"gnark compressed"}))
def test_infinity_is_refused(name, tmp_path):
    path = write(tmp_path, WRITERS[name](POWERS.with_point(3, None)))
    with pytest.raises(SrsError, match="power 3 is the point at infinity"):
        import_ceremony(path)


def test_compressed_infinity_is_refused(tmp_path):
    path = write(tmp_path, files.gnark_compressed(POWERS.with_point(3, None)))
    with pytest.raises(SrsError, match="infinite or has unknown flags"):
        import_ceremony(path)


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"gnark compressed"}))
def test_points_of_another_curve_are_refused(name, tmp_path):
    path = write(tmp_path, WRITERS[name](POWERS.with_point(7, (5, 6))))
    with pytest.raises(SrsError, match="power 7 is not a point of BN254"):
        import_ceremony(path)


def test_compressed_point_of_another_curve_is_refused(tmp_path):
    path = write(tmp_path, files.gnark_compressed(POWERS.with_point(7, (4, 1))))
    with pytest.raises(SrsError, match="not on the curve of BN254"):
        import_ceremony(path)


@pytest.mark.parametrize("name", ["transcript", "noir", "arkworks", "gnark raw"])
def test_coordinates_that_are_not_reduced_are_refused(name, tmp_path):
    x, y = POWERS.points[4]
    path = write(tmp_path, WRITERS[name](POWERS.with_point(4, (x + BASE_MODULUS, y))))
    # A transcript starts with power 1, and arkworks keeps flags in the bits of y alone.
    with pytest.raises(SrsError, match=r"a coordinate of power [34] is not reduced"):
        import_ceremony(path)


@pytest.mark.parametrize("name", WRITERS)
def test_another_tau_in_g2_is_refused(name, tmp_path):
    path = write(tmp_path, WRITERS[name](replace(POWERS, tau_g2=powers_of(TAU + 1, 1).tau_g2)))
    with pytest.raises(SrsError, match="power 1 is not tau times power 0"):
        import_ceremony(path)


@pytest.mark.parametrize("name", sorted(set(WRITERS) - {"transcript", "noir"}))
def test_another_generator_of_g2_is_refused(name, tmp_path):
    other = g2.multiply(g2.GENERATOR, 2)
    path = write(tmp_path, WRITERS[name](replace(POWERS, generator=other)))
    with pytest.raises(SrsError, match=r"not the standard generator|known format"):
        import_ceremony(path)


@pytest.mark.parametrize("name", WRITERS)
def test_tau_outside_the_group_is_refused(name, tmp_path):
    outside = next(((x, 0), y) for x in range(1, 50) if (y := g2.y_at((x, 0))) is not None)
    path = write(tmp_path, WRITERS[name](replace(POWERS, tau_g2=outside)))
    with pytest.raises(SrsError, match=r"not in the group|not on the curve"):
        import_ceremony(path)


@pytest.mark.parametrize("name", WRITERS)
def test_tau_is_one(name, tmp_path):
    path = write(tmp_path, WRITERS[name](powers_of(1, COUNT)))
    with pytest.raises(SrsError, match="tau = 1"):
        import_ceremony(path)


def test_tau_is_minus_one(tmp_path):
    with pytest.raises(SrsError, match="tau = -1"):
        import_ceremony(write(tmp_path, files.ptau(powers_of(MODULUS - 1, COUNT))))


def test_tau_of_small_order_repeats_powers(tmp_path):
    root = pow(5, (MODULUS - 1) // 8, MODULUS)
    with pytest.raises(SrsError, match=r"powers \d+ and \d+ are the same point, or opposite"):
        import_ceremony(write(tmp_path, files.ptau(powers_of(root, COUNT))))


def test_duplicated_power_is_refused(tmp_path):
    doubled = POWERS.with_point(9, POWERS.points[4])
    with pytest.raises(SrsError, match="powers 4 and 9 are the same point"):
        import_ceremony(write(tmp_path, files.ptau(doubled)))


def test_powers_must_begin_with_the_generator(tmp_path):
    shifted = powers_of(TAU, COUNT + 1).points[1:]
    with pytest.raises(SrsError, match="power 0 is not the generator"):
        import_ceremony(write(tmp_path, files.ptau(replace(POWERS, points=shifted))))


@pytest.mark.parametrize("order", [(3, 2, 1), (2, 7, 1, 3)])
def test_ptau_sections_in_any_order(order, tmp_path):
    assert import_ceremony(write(tmp_path, files.ptau(POWERS, order=order))).degree == 3


PTAU_REFUSED = {
    "another curve": (files.ptau(POWERS, prime=BLS12_381_PRIME, width=48), "48 bytes: not BN254"),
    "another prime": (files.ptau(POWERS, prime=MODULUS), "another field"),
    "missing section": (files.ptau(POWERS, order=(1, 2)), "section 3 is missing"),
    "repeated section": (files.ptau(POWERS, order=(1, 2, 3, 2)), "section 2 occurs twice"),
    "version": (files.ptau(POWERS).replace(b"ptau\1", b"ptau\2", 1), "version 2"),
    "too few powers": (files.ptau(replace(POWERS, points=POWERS.points[:14])), "cut: "),
}


@pytest.mark.parametrize(("data", "message"), PTAU_REFUSED.values(), ids=PTAU_REFUSED.keys())
def test_ptau_refused(data, message, tmp_path):
    path = write(tmp_path, data)
    with pytest.raises(SrsError, match=message):
        import_ceremony(path)


@pytest.mark.parametrize("write_g2", [files.big_endian, files.words])
def test_flat_files(write_g2, tmp_path):
    write(tmp_path, write_g2(POWERS.tau_g2), "g2.dat")
    srs = import_ceremony(write(tmp_path, files.flat_g1(POWERS), "g1.dat"))
    assert to_affine(srs.points) == POWERS.points


def test_flat_file_needs_its_neighbour(tmp_path):
    with pytest.raises(SrsError, match=r"g2.dat beside it"):
        import_ceremony(write(tmp_path, files.flat_g1(POWERS), "g1.dat"))


def test_flat_file_cut_within_a_point(tmp_path):
    with pytest.raises(SrsError, match="cut within point 14"):
        import_ceremony(write(tmp_path, files.flat_g1(POWERS)[:-1], "g1.dat"))


def test_damaged_transcript(tmp_path):
    data = bytearray(files.transcript(POWERS))
    data[-1] ^= 1
    with pytest.raises(SrsError, match="checksum"):
        import_ceremony(write(tmp_path, bytes(data)))


def test_later_transcript(tmp_path):
    with pytest.raises(SrsError, match=r"import transcript00.dat"):
        import_ceremony(write(tmp_path, files.transcript(POWERS, number=1)))


@pytest.mark.parametrize("form", ["gnark compressed", "gnark raw", "gnark dump"])
def test_gnark_before_it_wrote_lines(form, tmp_path):
    srs = import_ceremony(write(tmp_path, WRITERS[form](POWERS, lines=b"")))
    assert to_affine(srs.points) == POWERS.points


def test_compressed_points_of_either_sign(tmp_path):
    for tau in range(2, 8):
        powers = powers_of(tau, COUNT)
        srs = import_ceremony(write(tmp_path, files.gnark_compressed(powers)))
        assert to_affine(srs.points) == powers.points


NOT_A_CEREMONY = {
    "text": (b"# a page of notes, longer than any header " * 20, "known format"),
    "zeros": (bytes(5000), "known format"),
    "json": (b'{"g1_monomial": []}', "BLS12-381"),
    "c-kzg": (b"4096\n65\n0a1b", "BLS12-381"),
    "own": (b"zkevmsrs" + bytes(100), "already"),
    "empty": (b"", "is empty"),
    "a byte": (b"p", "known format"),
}


@pytest.mark.parametrize(("data", "message"), NOT_A_CEREMONY.values(), ids=NOT_A_CEREMONY.keys())
def test_other_files_are_refused(data, message, tmp_path):
    path = write(tmp_path, data)
    with pytest.raises(SrsError, match=message):
        import_ceremony(path)


def test_unreadable_file(tmp_path):
    with pytest.raises(FileError, match="cannot read"):
        import_ceremony(tmp_path / "absent")


REAL_FILES = {
    "powersOfTau28_hez_final_08.ptau": (511, Kind.HERMEZ),
    "powersOfTau28_hez_final_11.ptau": (4095, Kind.HERMEZ),
    "hermez-raw-11": (2048, Kind.HERMEZ),
    "kzg10-aztec20-srs-1024.bin": (1025, Kind.AZTEC),
    "noir_multiplier2.srs": (513, Kind.AZTEC),
}


@pytest.mark.parametrize("name", REAL_FILES)
def test_real_ceremonies(name, shared):
    count, kind = REAL_FILES[name]
    srs = import_ceremony(shared(f"srs/{name}"))
    assert len(srs) == count
    assert srs.kind is kind


def test_real_pruned_ceremony(shared):
    srs = import_ceremony(shared("srs/hez_15_pruned.ptau"))
    assert len(srs) == 2**16 - 1
    assert srs.kind is Kind.HERMEZ


def test_formats_agree_on_real_powers(shared):
    """The .ptau and the halo2 file come from one ceremony; so do the arkworks and Noir files."""
    for left, right in [
        ("powersOfTau28_hez_final_11.ptau", "hermez-raw-11"),
        ("kzg10-aztec20-srs-1024.bin", "noir_multiplier2.srs"),
    ]:
        first = import_ceremony(shared(f"srs/{left}"), degree=9)
        second = import_ceremony(shared(f"srs/{right}"), degree=9)
        assert first.points.tobytes() == second.points.tobytes()
        assert first.identifier == second.identifier


def test_real_beginning_of_a_ceremony(shared):
    path = shared("srs/TAU_IS_ONE_start.ptau")
    with pytest.raises(SrsError, match="tau = 1"):
        import_ceremony(path)


@given(data=st.data())
def test_any_bytes_give_powers_or_an_srs_error(data, tmp_path_factory):
    """Header bytes in particular: lengths and counts are read before anything is checked."""
    content = bytearray(WRITERS[data.draw(st.sampled_from(sorted(WRITERS)))](POWERS))
    start = data.draw(st.one_of(st.integers(0, 200), st.integers(0, len(content) - 1)))
    change = data.draw(st.binary(min_size=1, max_size=12))
    content[start : start + len(change)] = change
    path = write(tmp_path_factory.mktemp("srs"), bytes(content))
    try:
        srs = import_ceremony(path)
    except SrsError:
        return
    assert to_affine(srs.points) == POWERS.points[: len(srs)]
