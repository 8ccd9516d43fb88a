"""``.ptau`` files of snarkjs: whole, truncated, prepared for Groth16, or pruned to sections 1 to 3.

    "ptau", u32 version, u32 sections; then for each: u32 id, u64 length, content
    section 1    u32 bytes of a coordinate, the prime, u32 power, u32 power of the whole ceremony
    section 2    2**(power + 1) - 1 powers in G1
    section 3    powers in G2, of which the first two are read

Integers are little-endian, points in Montgomery form (snarkjs, src/powersoftau_utils.js).
"""

from zkevm.curve import BASE_MODULUS, g2
from zkevm.errors import SrsError
from zkevm.srs.formats.source import MAX_DEGREE, Source, g2_from_montgomery
from zkevm.srs.powers_of_tau import Srs

MAGIC = b"ptau"
HEADER_SECTION, G1_SECTION, G2_SECTION = 1, 2, 3


def recognises(source: Source) -> bool:
    """Say whether the file is of this format."""
    return source.peek(0, len(MAGIC)) == MAGIC


def read(source: Source, limit: int | None) -> Srs:
    """Read the first `limit` powers; ``SrsError`` if the file is not what it should be."""
    source.take(len(MAGIC), "the magic number")
    version = source.integer(4, "little", "the version")
    if version != 1:
        raise SrsError(f"a .ptau file of version {version}, not 1")
    sections = _sections(source)
    power, ceremony_power = _read_header(sections[HEADER_SECTION])
    count = 2 ** (power + 1) - 1
    in_g1 = sections[G1_SECTION]
    points = in_g1.points(count, limit)
    in_g1.finish()
    in_g2 = sections[G2_SECTION]
    generator = g2_from_montgomery(in_g2.take(g2.ENCODED_LENGTH, "[1]_2 in section 3"))
    tau_g2 = g2_from_montgomery(in_g2.take(g2.ENCODED_LENGTH, "[tau]_2 in section 3"))
    return source.srs(
        points, generator, tau_g2, f"snarkjs .ptau of power {power}, cut from {ceremony_power}"
    )


def _sections(source: Source) -> dict[int, Source]:
    """Return the sections by id: their order in the file is free."""
    sections: dict[int, Source] = {}
    for _ in range(source.integer(4, "little", "the number of sections")):
        number = source.integer(4, "little", "the head of a section")
        length = source.integer(8, "little", "the head of a section")
        content = source.take(length, f"section {number}")
        if number in sections:
            raise SrsError(f"section {number} occurs twice")
        sections[number] = Source(source.path, content)
    source.finish()
    for number in (HEADER_SECTION, G1_SECTION, G2_SECTION):
        if number not in sections:
            raise SrsError(f"section {number} is missing")
    return sections


def _read_header(header: Source) -> tuple[int, int]:
    """Return the power of the file and that of its ceremony."""
    length = header.integer(4, "little", "section 1")
    prime = header.integer(length, "little", "the prime in section 1")
    if prime != BASE_MODULUS:
        raise SrsError(f"its coordinates are of another field, of {length} bytes: not BN254")
    power = header.integer(4, "little", "section 1")
    ceremony_power = header.integer(4, "little", "section 1")
    if power > MAX_DEGREE:
        raise SrsError(f"power {power} is more than {MAX_DEGREE}")
    return power, ceremony_power
