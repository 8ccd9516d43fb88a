"""Writers of the formats that `zkevm.srs.formats` reads, each from one list of affine points."""

import hashlib
import struct
from dataclasses import dataclass, replace

from zkevm.curve import BASE_MODULUS, G1Point, G2Point, g1, g2
from zkevm.field import MODULUS

RADIX = 2**256


@dataclass(frozen=True)
class Powers:
    """What a ceremony publishes; a test changes one part and writes the file."""

    points: list[G1Point]
    tau_g2: G2Point
    generator: G2Point = g2.GENERATOR

    def with_point(self, index: int, point: G1Point) -> "Powers":
        points = list(self.points)
        points[index] = point
        return replace(self, points=points)


def powers_of(tau: int, count: int) -> Powers:
    points = [g1.multiply(g1.GENERATOR, pow(tau, i, MODULUS)) for i in range(count)]
    return Powers(points, g2.multiply(g2.GENERATOR, tau))


def coordinates(point) -> list[int]:
    if point is None:
        return [0, 0]
    return [c for element in point for c in (element if isinstance(element, tuple) else [element])]


def montgomery(point) -> bytes:
    return b"".join((c * RADIX % BASE_MODULUS).to_bytes(32, "little") for c in coordinates(point))


def big_endian(point) -> bytes:
    return b"".join(c.to_bytes(32, "big") for c in coordinates(point))


def little_endian(point) -> bytes:
    return b"".join(c.to_bytes(32, "little") for c in coordinates(point))


def words(point) -> bytes:
    """Words least significant first, each big-endian."""
    data = little_endian(point)
    return b"".join(data[i : i + 8][::-1] for i in range(0, len(data), 8))


def c1_first(point) -> bytes:
    (x0, x1), (y0, y1) = point
    return big_endian((x1, x0)) + big_endian((y1, y0))


def section(number: int, content: bytes) -> bytes:
    return struct.pack("<IQ", number, len(content)) + content


def ptau(powers: Powers, *, prime: int = BASE_MODULUS, width: int = 32, order=(1, 2, 3)) -> bytes:
    power = len(powers.points).bit_length() - 1
    contents = {
        1: struct.pack("<I", width)
        + prime.to_bytes(width, "little")
        + struct.pack("<II", power, 28),
        2: b"".join(map(montgomery, powers.points)),
        3: montgomery(powers.generator) + montgomery(powers.tau_g2),
        7: struct.pack("<I", 0),
    }
    sections = b"".join(section(number, contents[number]) for number in order)
    return b"ptau" + struct.pack("<II", 1, len(order)) + sections


def halo2(powers: Powers) -> bytes:
    degree = len(powers.points).bit_length() - 1
    points = b"".join(map(montgomery, powers.points[: 1 << degree]))
    in_g2 = montgomery(powers.generator) + montgomery(powers.tau_g2)
    return struct.pack("<I", degree) + points + bytes(len(points)) + in_g2


def transcript(powers: Powers, number: int = 0) -> bytes:
    count = len(powers.points) - 1
    manifest = struct.pack(">7I", number, 20, 100 * count, 1, count, 2, 0)
    points = b"".join(map(words, powers.points[1:]))
    content = manifest + points + words(powers.tau_g2) + words(g2.GENERATOR)
    return content + hashlib.blake2b(content).digest()


def flat_g1(powers: Powers) -> bytes:
    return b"".join(map(big_endian, powers.points))


def noir(powers: Powers) -> bytes:
    points = flat_g1(powers)
    head = struct.pack("<Q", len(points)) + points
    return (
        head
        + struct.pack("<Q", 128)
        + big_endian(powers.tau_g2)
        + struct.pack("<I", len(powers.points))
    )


def flagged(data: bytes, point) -> bytes:
    """Arkworks sets the highest bit for the larger y and the next for infinity."""
    *_, y = coordinates(point)
    flag = 0x40 if point is None else 0x80 if y > BASE_MODULUS - y else 0
    return data[:-1] + bytes([data[-1] | flag])


def arkworks(powers: Powers) -> bytes:
    points = b"".join(flagged(little_endian(point), point) for point in powers.points)
    in_g2 = b"".join(flagged(little_endian(p), p) for p in (powers.generator, powers.tau_g2))
    return struct.pack("<Q", len(powers.points)) + points + bytes(8) + in_g2 + bytes(8)


def compressed_g1(point) -> bytes:
    if point is None:
        return b"\x40" + bytes(31)
    x, y = point
    return ((3 if y > BASE_MODULUS - y else 2) << 254 | x).to_bytes(32, "big")


def compressed_g2(point) -> bytes:
    (x0, x1), (y0, y1) = point
    deciding = y1 or y0
    flag = 3 if deciding > BASE_MODULUS - deciding else 2
    return (flag << 254 | x1).to_bytes(32, "big") + x0.to_bytes(32, "big")


LINES = bytes(2 * 2 * 66 * 2 * 64)


def gnark_compressed(powers: Powers, lines: bytes = LINES) -> bytes:
    points = b"".join(map(compressed_g1, powers.points))
    in_g2 = compressed_g2(powers.generator) + compressed_g2(powers.tau_g2)
    head = struct.pack(">I", len(powers.points))
    return head + points + in_g2 + compressed_g1(g1.GENERATOR) + lines


def gnark_raw_key(powers: Powers, lines: bytes) -> bytes:
    in_g2 = c1_first(powers.generator) + c1_first(powers.tau_g2)
    return in_g2 + big_endian(g1.GENERATOR) + lines


def gnark_raw(powers: Powers, lines: bytes = LINES) -> bytes:
    points = flat_g1(powers)
    return struct.pack(">I", len(powers.points)) + points + gnark_raw_key(powers, lines)


def gnark_dump(powers: Powers, lines: bytes = LINES) -> bytes:
    points = b"".join(map(montgomery, powers.points))
    head = struct.pack("<QQ", 0xDEADBEEF, len(powers.points))
    return gnark_raw_key(powers, lines) + head + points


WRITERS = {
    "ptau": ptau,
    "halo2": halo2,
    "transcript": transcript,
    "noir": noir,
    "arkworks": arkworks,
    "gnark compressed": gnark_compressed,
    "gnark raw": gnark_raw,
    "gnark dump": gnark_dump,
}
