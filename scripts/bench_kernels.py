"""Measure the kernels: nanoseconds for each operation, on all cores unless it says one.

    python scripts/bench_kernels.py [log2 of the sizes, 16 unless given]

The smallest operations are measured by `native/examples/arithmetic.rs`, where cargo is present.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zkevm import _native
from zkevm.field import encode

ROOT: Final = Path(__file__).resolve().parent.parent
ALPHA, BETA, CHALLENGE = encode(3**150), encode(5**105), encode(7**90)
LIMBS: Final = 15
DEGREE: Final = 4


def nanoseconds(count: int, run: Callable[[], object]) -> float:
    """The best of three runs, for each of `count` operations."""
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best * 1e9 / count


def arithmetic() -> None:
    """Field and point operations, one core."""
    if shutil.which("cargo") is None:
        return
    command = ["cargo", "run", "--quiet", "--release", "--no-default-features"]
    output = subprocess.run(
        [*command, "--example", "arithmetic"],
        cwd=ROOT / "native",
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for line in output.splitlines():
        name, value = line.split()
        show(f"{name.replace('_', ' ')}, one core", float(value))


def commitments(size: int) -> None:
    """A cell of each type, two polynomials at once."""
    rng = np.random.default_rng(1)
    bases = _native.Bases(_native.powers(CHALLENGE, 1 << size))
    count = 1 << size
    cells: dict[str, NDArray[Any]] = {
        "zero": np.zeros(count, dtype=np.uint8),
        "bit": rng.integers(0, 2, count, dtype=np.uint8),
        "8-bit": rng.integers(0, 1 << 8, count, dtype=np.uint8),
        "16-bit": rng.integers(0, 1 << 16, count, dtype=np.uint16),
        "32-bit": rng.integers(0, 1 << 32, count, dtype=np.uint32),
        "64-bit": rng.integers(0, 1 << 63, count, dtype=np.uint64),
        "128-bit": rng.integers(0, 1 << 63, (count, 2), dtype=np.uint64),
        "254-bit": rng.integers(0, 1 << 61, (count, 4), dtype=np.uint64),
    }
    for name, column in cells.items():
        both = [[(0, column)]] * 2
        show(
            f"committed cell, {name}", nanoseconds(2 * count, partial(_native.commit, bases, both))
        )


def table(size: int) -> _native.Rows:
    """A flag and limbs that are looked up; products of the flag with every limb that vanish."""
    rng = np.random.default_rng(2)
    limbs = [rng.integers(0, 1 << 16, 1 << size, dtype=np.uint16) for _ in range(LIMBS)]
    columns: list[NDArray[Any]] = [np.ones(1 << size, dtype=np.uint8), *limbs]
    nodes = [(1, i, 0) for i in range(LIMBS + 1)]
    constraints = []
    for limb in range(1, LIMBS + 1):
        nodes += [(4, 0, limb), (3, limb, len(nodes)), (4, len(nodes) + 1, limb)]
        constraints.append(len(nodes) - 1)
    interactions = [(1, 0, [limb]) for limb in range(1, LIMBS + 1)]
    program = _native.Program(
        LIMBS + 1, 0, np.array(nodes, dtype=np.uint32), b"", constraints, interactions
    )
    return _native.Rows(program, columns, size)


def fractions(rows: _native.Rows, size: int) -> None:
    """Building the tree and all its sumchecks, for each leaf."""

    def run() -> None:
        tree = _native.Fractions([rows], ALPHA, BETA)
        point: list[bytes] = []
        for layer in range(1, tree.layers):
            point.append(BETA)
            tree.begin_layer(layer, b"".join(point), ALPHA)
            for _ in range(layer):
                tree.round()
                tree.bind(CHALLENGE)
            tree.children()
            point = [CHALLENGE] * layer

    show("fraction", nanoseconds(LIMBS << size, run))


def row_sum(rows: _native.Rows, size: int) -> None:
    """The sumcheck over rows, for each cell."""

    def run() -> None:
        total = _native.RowSum([rows], ALPHA, BETA, ALPHA * size, BETA * LIMBS, DEGREE)
        total.begin(CHALLENGE, [ALPHA + BETA + CHALLENGE])
        for _ in range(size):
            total.round()
            total.bind(CHALLENGE)
        total.column_values()

    show("row-sum cell", nanoseconds((LIMBS + 1) << size, run))


def show(name: str, value: float) -> None:
    """One line of the report."""
    print(f"{name:40s} {value:9.1f} ns")


def main() -> None:
    """Print all figures."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 16
    print(f"kernels: {_native.features()}, size 2^{size}")
    arithmetic()
    commitments(size)
    rows = table(size)
    fractions(rows, size)
    row_sum(rows, size)


if __name__ == "__main__":
    main()
