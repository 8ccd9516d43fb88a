"""Measure proving and verifying, and write docs/PERFORMANCE.md.

    python scripts/bench.py            # every input that is here
    python scripts/bench.py loop usdc  # those whose name contains a word

Each figure is that of a whole command, the fastest of some runs, from its start to its end:
wall-clock time and largest resident set as the operating system counts them. Real transactions and
the real ceremony are read from `../shared` where that is present; the loops are too long for so few
powers of tau.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench_command import ROOT, RUNS, Command, fastest, run
from bench_growth import section as growth_section
from bench_interpreter import section as interpreter_section
from bench_kernels import section as kernel_section
from bench_verify import Verification, verification

TRANSACTIONS: Final = ROOT.parent / "shared" / "fixtures" / "transactions"
CEREMONY: Final = ROOT.parent / "shared" / "srs" / "hez_15_pruned.ptau"
PAGE: Final = ROOT / "docs" / "PERFORMANCE.md"

OWN: Final = (
    "erc20_solidity_transfer",
    "erc20_vyper_transfer",
    "erc20_solidity_revert",
    "hashes",
    "loop",
)
REAL: Final = (
    "eth_transfer_22188088_0",
    "erc20_transfer_22615247_24",
    "usdt_transfer_22188088_10",
    "usdc_transfer_22188088_4",
    "approve_24647140_50",
    "uniswap_v2_swap_24647140_11",
    "uniswap_v3_swap_22188088_1",
)
HASHED: Final = ("usdc_transfer_22188088_4",)
"""Those that are proven at level S2 too."""
TOO_LONG: Final = ("hashes", "loop")
"""For the powers of tau of the ceremony."""
DEVELOPMENT: Final = "development"


@dataclass(frozen=True)
class Measurement:
    """One input proven with one SRS, and its proof verified."""

    name: str
    level: str
    srs: str
    steps: int
    prove: Command
    verify: Command
    warm: Verification


def measure(path: Path, level: str, srs: Path | None, folder: Path) -> Measurement:
    """Prove and verify one input; without `srs` the development one of the cache is used."""
    proof = folder / "proof.json"
    options: list[str | Path] = ["--srs", srs] if srs else []
    prove = fastest("prove", path, "-o", proof, "--level", level, *options)
    verify = fastest("verify", proof)
    test = json.loads(path.read_text())[path.stem]
    return Measurement(
        name=path.stem,
        level=level,
        srs=srs.stem if srs else DEVELOPMENT,
        steps=test["_info"]["evm-steps"],
        prove=prove,
        verify=verify,
        warm=verification(proof),
    )


def inputs(words: list[str]) -> list[Path]:
    """Every input that is here and whose name contains one of `words` (all of them without)."""
    paths = [ROOT / "fixtures" / f"{name}.json" for name in OWN]
    paths += [TRANSACTIONS / f"{name}.json" for name in REAL]
    return [
        path
        for path in paths
        if path.exists() and (not words or any(word in path.stem for word in words))
    ]


def row(m: Measurement) -> str:
    """One line of the table."""
    proof = m.prove.document["proof_bytes"] - m.prove.document["code_bytes"]
    cells = (
        m.name,
        m.level,
        m.srs,
        f"{m.steps:,}",
        f"{m.prove.seconds:.2f} s",
        f"{m.prove.peak_memory / 1e9:.2f} GB",
        f"{m.verify.seconds:.2f} s",
        f"{proof / 1000:.0f} KB",
    )
    return "| " + " | ".join(cells) + " |"


def verification_section(measurements: list[Measurement]) -> list[str]:
    """Verification in a process that has verified before."""
    lines = [
        "## Verification",
        "",
        "CPU time from the bytes of a proof file to its acceptance, threads added up, in a process",
        "that has verified one of the same circuit and setup before: decoding, finding the setup,",
        "every check of the statement and of the proof. The first time adds compiling the circuit",
        "and, for a setup of no known ceremony, its membership in G2. `verify` in the table above",
        "is the whole command, in plain Python.",
        "",
        "| input | level | SRS | plain Python | with the kernels | first time with them |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join((m.name, m.level, m.srs, *m.warm.cells()))} |" for m in measurements]
    return [*lines, ""]


def phase_table(m: Measurement) -> list[str]:
    """The phases of one proof."""
    lines = [
        f"### {m.name}, {m.level}, {m.srs} SRS",
        "",
        "| phase | seconds | peak so far |",
        "|---|---|---|",
    ]
    for phase in m.prove.document["phases"]:
        memory = phase["peak_memory"] / 1e9
        lines.append(f"| {phase['name']} | {phase['seconds']:.2f} | {memory:.2f} GB |")
    return [*lines, ""]


def page(measurements: list[Measurement], sections: list[str]) -> str:
    """The performance page; `sections` are the lines of what else was measured."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    ).stdout.strip()
    python = f"Python {platform.python_version()}"
    lines = [
        "# Performance",
        "",
        "Made by `make bench`; not edited by hand. A figure is that of a whole command, from its",
        f"start to its end, the fastest of {RUNS} runs. Proof sizes are without the public code",
        "bytes.",
        "",
        f"Commit {commit}, {platform.machine()}, {os.cpu_count()} cores, {python}.",
        "",
        "| input | level | SRS | steps | prove | peak memory | verify | proof |",
        "|---|---|---|---|---|---|---|---|",
        *map(row, measurements),
        "",
        *verification_section(measurements),
        *sections,
        "## Phases",
        "",
    ]
    for m in measurements:
        lines += phase_table(m)
    return "\n".join(lines)


def main() -> None:
    """Measure, and write the page if nothing was left out by words."""
    words = sys.argv[1:]
    measurements = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ceremony = folder / f"{CEREMONY.stem}.srs"
        if CEREMONY.exists():
            run("setup", "import", CEREMONY, "-o", ceremony)
        run("prove", inputs([])[0], "-o", folder / "proof.json")  # makes the development SRS
        for path in inputs(words):
            fits = ceremony.exists() and path.stem not in TOO_LONG
            for level in ("S1", "S2") if path.stem in HASHED else ("S1",):
                for srs in (None, ceremony) if fits else (None,):
                    measurements.append(measure(path, level, srs, folder))
                    print(row(measurements[-1]), flush=True)
        if not words:
            sections = [*growth_section(), *kernel_section(), *interpreter_section()]
            PAGE.write_text(page(measurements, sections))


if __name__ == "__main__":
    main()
