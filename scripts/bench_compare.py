"""Measure other libraries beside the kernels, where they can be built: nanoseconds of CPU time.

    python scripts/bench_compare.py

The programs are in `scripts/compare`; each prints one object of JSON.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from bench_command import ROOT, RUNS

FOLDER: Final = ROOT / "scripts" / "compare"
BINARIES: Final = FOLDER / "target" / "release"
CARGO: Final = ("cargo", "build", "--quiet", "--release", "--target-dir", "target")
ONE_THREAD: Final = {"RAYON_NUM_THREADS": "1", "GOMAXPROCS": "1"}
INSTALL: Final = (
    "`-` is what was not measured. The other libraries need Rust (https://rustup.rs) or Go "
    "(https://go.dev/dl), and a network that fetches them once."
)

Figures = dict[str, float]


def parse(text: str) -> Figures:
    """The figures that a program printed, by name."""
    return {str(name): float(value) for name, value in json.loads(text).items()}


def least(rounds: Sequence[Figures]) -> Figures:
    """The least of each figure of the first round."""
    return {name: min(figures[name] for figures in rounds) for name in rounds[0]}


def cells(figures: Mapping[str, Figures], name: str, own: float) -> list[str]:
    """One operation of each library, with its ratio to `own`."""
    found = (library.get(name) for library in figures.values())
    return ["-" if value is None else f"{value:.1f} ({value / own:.1f})" for value in found]


def libraries() -> dict[str, Figures]:
    """What each library takes on one thread; nothing for one that is not installed."""
    cargo = _built(*CARGO)
    go = _built("go", "-C", "gnark", "build", "-o", BINARIES / "gnark-crypto")
    names = {"arkworks": cargo, "halo2curves": cargo, "gnark-crypto": go}
    return {
        name: least([_run(name, ONE_THREAD) for _ in range(RUNS)]) if built else {}
        for name, built in names.items()
    }


def keccak_line() -> str:
    """What Plonky3 proves in a second, on all cores."""
    if not _built(*CARGO):
        return f"Plonky3's Keccak AIR: {INSTALL}"
    rounds = [_run("plonky3", {}) for _ in range(RUNS)]
    rate = max(figures["permutations a second"] for figures in rounds)
    bits = rounds[0]["security bits"]
    return (
        f"Plonky3's Keccak AIR: {rate:.0f} a second on the same "
        "machine. It proves nothing but permutations, over a field of 31 bits, with hashes in the "
        f"place of a trusted setup, at {bits:.0f} bits of security by a "
        "conjecture; ours are hashes of contracts, wired to the EVM's memory, over 254 bits."
    )


@cache
def _built(tool: str, *arguments: str | Path) -> bool:
    if shutil.which(tool) is None:
        return False
    BINARIES.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"RUSTFLAGS": "-C target-cpu=native"}
    command: Sequence[str | Path] = [tool, *arguments]
    return not subprocess.run(
        command, cwd=FOLDER, env=environment, capture_output=True, check=False
    ).returncode


def _run(name: str, environment: Mapping[str, str]) -> Figures:
    process = subprocess.run(
        [BINARIES / name], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return parse(process.stdout)


if __name__ == "__main__":
    print(json.dumps(libraries(), indent=2))
    print(keccak_line())
