"""Measure the kernels, portable ones and vector ones side by side: nanoseconds of CPU time.

    python scripts/bench_kernels.py

The smallest operations are measured by `native/examples/arithmetic.rs`, where cargo is present.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from bench_command import RUNS
from bench_compare import INSTALL, Figures, cells, least, libraries
from numpy.typing import NDArray

from zkevm import _native
from zkevm.field import encode

ROOT: Final = Path(__file__).resolve().parent.parent
ALPHA, BETA, CHALLENGE = encode(3**150), encode(5**105), encode(7**90)
CHOICES: Final = ("portable", "avx512ifma")
SIZE: Final = 16  # log2 of the lengths
LIMBS: Final = 15
DEGREE: Final = 4


def nanoseconds(count: int, run: Callable[[], object]) -> float:
    """The best of three runs, for each of `count` operations; threads add up."""
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return best * 1e9 / count


def arithmetic() -> Iterator[tuple[str, float]]:
    """Field and point operations."""
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
        yield name.replace("_", " "), float(value)


def commitments() -> Iterator[tuple[str, float]]:
    """A cell of each type, two polynomials at once; bits come in hundreds, as Keccak's do."""
    rng = np.random.default_rng(1)
    powers = _native.powers(CHALLENGE, 1 << SIZE)
    bases = _native.Bases(powers, _native.multiples(powers))
    count = 1 << SIZE
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
        polynomials = [[(0, column)]] * (256 if name == "bit" else 2)
        commit = partial(_native.commit, bases, polynomials)
        yield f"committed cell, {name}", nanoseconds(len(polynomials) * count, commit)


def table() -> _native.Rows:
    """A flag and limbs that are looked up; products of the flag with every limb that vanish."""
    rng = np.random.default_rng(2)
    limbs = [rng.integers(0, 1 << 16, 1 << SIZE, dtype=np.uint16) for _ in range(LIMBS)]
    columns: list[NDArray[Any]] = [np.ones(1 << SIZE, dtype=np.uint8), *limbs]
    nodes = [(1, i, 0) for i in range(LIMBS + 1)]
    constraints = []
    for limb in range(1, LIMBS + 1):
        nodes += [(4, 0, limb), (3, limb, len(nodes)), (4, len(nodes) + 1, limb)]
        constraints.append(len(nodes) - 1)
    interactions = [(1, 0, [limb]) for limb in range(1, LIMBS + 1)]
    program = _native.Program(
        LIMBS + 1, 0, np.array(nodes, dtype=np.uint32), b"", constraints, interactions
    )
    return _native.Rows(program, columns, SIZE)


def fraction(rows: _native.Rows) -> float:
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

    return nanoseconds(LIMBS << SIZE, run)


def row_sum_cell(rows: _native.Rows) -> float:
    """The sumcheck over rows, for each cell."""

    def run() -> None:
        total = _native.RowSum([rows], ALPHA, BETA, ALPHA * SIZE, BETA * LIMBS, DEGREE)
        total.begin(CHALLENGE, [ALPHA + BETA + CHALLENGE])
        for _ in range(SIZE):
            total.round()
            total.bind(CHALLENGE)
        total.column_values()

    return nanoseconds((LIMBS + 1) << SIZE, run)


def measure() -> dict[str, float]:
    """All figures of the kernels that this process has."""
    rows = table()
    return {
        **dict(arithmetic()),
        **dict(commitments()),
        "fraction": fraction(rows),
        "row-sum cell": row_sum_cell(rows),
    }


def measure_apart(choice: str) -> dict[str, float]:
    """The same in a process of its own; nothing where these kernels cannot run."""
    process = subprocess.run(
        [sys.executable, __file__, "--json"],
        env=os.environ | {"ZKEVM_KERNELS": choice},
        capture_output=True,
        text=True,
        check=False,
    )
    if "lacks the instructions" in process.stderr:
        return {}
    if process.returncode:
        sys.exit(process.stderr)
    measured: dict[str, float] = json.loads(process.stdout)
    return measured


def table_lines(portable: Figures, vector: Figures, others: Mapping[str, Figures]) -> list[str]:
    """The table: the kernels with their ratio, and libraries with theirs to the faster kernels."""
    lines = [
        f"| operation | {' | '.join((*CHOICES, 'ratio', *others))} |",
        "|---" * (4 + len(others)) + "|",
    ]
    for name, slow in portable.items():
        fast = vector.get(name)
        own = (f"{fast:.1f}", f"{slow / fast:.1f}") if fast else ("-", "-")
        row = (name, f"{slow:.1f}", *own, *cells(others, name, fast or slow))
        lines.append(f"| {' | '.join(row)} |")
    return lines


def section() -> list[str]:
    """Measure, and return the lines of the page."""
    rounds = [{choice: measure_apart(choice) for choice in CHOICES} for _ in range(RUNS)]
    portable, vector = (least([figures[choice] for figures in rounds]) for choice in CHOICES)
    return [
        "## Kernels",
        "",
        f"Nanoseconds of CPU time, columns and tables of 2^{SIZE} rows, measured by",
        f"`scripts/bench_kernels.py`, each the least in {RUNS} rounds; `ZKEVM_KERNELS` chooses",
        "between the two. Beside them other libraries for the same curve, by",
        "`scripts/bench_compare.py`, in as many rounds, and in parentheses how many",
        "times as long they take as the faster kernels. A point addition is one of a batch of",
        "affine points in the kernels, and in the libraries one of a point to a sum in projective",
        f"coordinates. A committed cell is a scalar of a multi-scalar multiplication of 2^{SIZE}",
        "points: the libraries take field elements, however small, the kernels columns of a type,",
        "two polynomials at once.",
        "",
        *table_lines(portable, vector, libraries()),
        "",
        INSTALL,
        "",
    ]


if __name__ == "__main__":
    print(json.dumps(measure()) if sys.argv[1:] else "\n".join(section()))
