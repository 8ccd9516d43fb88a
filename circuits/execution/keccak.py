"""Keccak-f[1600] over many states at once, and the sponges of an execution.

Source: FIPS 202.  A state is 25 lanes of 64 bits, lane x + 5 y; all arrays have a row a state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from circuits.execution.tokens import I64, U64
from zkevm.vectors import native

LANES: Final = 25
LANE_BYTES: Final = 8
RATE: Final = 136
"""Bytes that a block of Keccak-256 absorbs."""
RATE_LANES: Final = RATE // LANE_BYTES
ROUNDS: Final = 24


def _rotations() -> tuple[int, ...]:
    """The offsets of rho, by lane (FIPS 202, 3.2.2)."""
    found = [0] * LANES
    x, y = 1, 0
    for t in range(24):
        found[x + 5 * y] = (t + 1) * (t + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % 5
    return tuple(found)


def _round_constants() -> tuple[int, ...]:
    """The constants of iota, from a linear feedback shift register (FIPS 202, 3.2.5)."""
    register, constants = 1, []
    for _ in range(ROUNDS):
        constant = 0
        for j in range(7):
            constant |= (register & 1) << (2**j - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


ROTATIONS: Final = _rotations()
ROUND_CONSTANTS: Final = _round_constants()


def rotated(x: int, y: int) -> tuple[int, int]:
    """The lane that rho and pi bring to (x, y), and by how much it is rotated."""
    source = (x + 3 * y) % 5 + 5 * x
    return source, ROTATIONS[source]


@dataclass(frozen=True)
class Rounds:
    """The insides of the rounds of n permutations, each of shape (n, 24, lanes).

    `parity` are the column parities C, `mixed` the C'[x] = C[x] ^ C[x-1] ^ rot(C[x+1], 1), `theta`
    the state after theta.  `output` (n, 25) is the state after the last round.
    """

    parity: U64
    mixed: U64
    theta: U64
    output: U64


def _rotate(lanes: U64, by: U64 | np.uint64) -> U64:
    """Rotate lanes to the left; numpy shifts all bits out where FIPS 202 would shift by 64."""
    return np.asarray(lanes << by | lanes >> np.uint64(64) - by, np.uint64)


def permute(states: U64) -> Rounds:
    """Keccak-f of each state (n, 25)."""
    n = len(states)
    parity, mixed = (np.empty((n, ROUNDS, 5), np.uint64) for _ in range(2))
    theta = np.empty((n, ROUNDS, LANES), np.uint64)
    moves = [rotated(x, y) for y in range(5) for x in range(5)]
    source, by = [lane for lane, _ in moves], np.array([[by] for _, by in moves], np.uint64)
    before, after, second = (np.arange(5) + step for step in (-1, -4, -3))  # all modulo 5
    state = states.T
    for r, constant in enumerate(ROUND_CONSTANTS):
        square = state.reshape(5, 5, n)  # by y, then x
        c = np.bitwise_xor.reduce(square, axis=0)
        d = c[before] ^ _rotate(c[after], np.uint64(1))
        after_theta = (square ^ d).reshape(LANES, n)
        parity[:, r], mixed[:, r], theta[:, r] = c.T, (c ^ d).T, after_theta.T
        square = _rotate(after_theta[source], by).reshape(5, 5, n)
        chi = square ^ (~square[:, after] & square[:, second])
        state = chi.reshape(LANES, n)
        state[0] ^= np.uint64(constant)
    return Rounds(parity, mixed, theta, state.T)


def keccak_f(states: U64) -> U64:
    """What `permute` has for `output`."""
    kernels = native()
    return permute(states).output if kernels is None else np.asarray(kernels.keccak_f(states))


@dataclass(frozen=True)
class Blocks:
    """Blocks absorbed, one entry a block, numbered from 1 in this order.

    sponge   the number of the first block of the same input
    left     bytes of the input from this block on
    data     (n, 136) uint8, zero after the end of the input
    before   (n, 25) the state, zero for a first block
    entry    (n, 25) the state after absorbing, which `rounds` permute
    """

    sponge: U64
    left: I64
    data: NDArray[np.uint8]
    before: U64
    entry: U64
    rounds: Rounds

    @property
    def number(self) -> U64:
        """The numbers of the blocks."""
        return np.arange(1, len(self.left) + 1, dtype=np.uint64)


class Sponges:
    """The distinct inputs hashed.  An input's id is the number of its first block."""

    def __init__(self) -> None:
        self._ids: dict[bytes, int] = {}
        self._next = 1

    def identify(self, data: bytes) -> int:
        """The id of an input, which is registered if it is new."""
        found = self._ids.get(data)
        if found is None:
            found = self._ids[data] = self._next
            self._next += len(data) // RATE + 1
        return found

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return self._next - 1

    @cached_property
    def blocks(self) -> Blocks:
        """All blocks; read once every input is known."""
        lengths = np.array([len(d) for d in self._ids], np.int64)
        sizes = lengths // RATE + 1
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        depth = np.arange(self.count) - first
        padded = b"".join(
            d.ljust(int(s) * RATE, b"\0") for d, s in zip(self._ids, sizes, strict=True)
        )
        data = np.frombuffer(padded, np.uint8).reshape(-1, RATE)
        left = np.repeat(lengths, sizes) - RATE * depth
        absorbed = padding(data, left).view("<u8")
        before, entry = (np.zeros((self.count, LANES), np.uint64) for _ in range(2))
        entry[:, :RATE_LANES] = absorbed
        for level in range(1, int(sizes.max(initial=0))):
            now = np.flatnonzero(depth == level)
            before[now] = keccak_f(entry[now - 1])
            entry[now] ^= before[now]
        rounds = permute(entry)
        return Blocks((first + 1).astype(np.uint64), left, data, before, entry, rounds)


def padding(data: NDArray[np.uint8], left: I64) -> NDArray[np.uint8]:
    """Blocks with the padding of Keccak-256, 0x01 ... 0x80, where the input ends."""
    padded = data.copy()
    last = np.flatnonzero(left < RATE)
    padded[last, left[last]] = 1
    padded[last, RATE - 1] |= 0x80
    return padded
