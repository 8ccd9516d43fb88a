"""Measure proving and verifying, and write docs/PERFORMANCE.md.

    python scripts/bench.py            # every input that is here
    python scripts/bench.py loop usdc  # those whose name contains a word

Each figure is that of a whole command, from its start to its end: wall-clock time and largest
resident set as the operating system counts them. Real transactions and the real ceremony are read
from `../shared` where that is present; the loops are too long for so few powers of tau.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench_interpreter import section as interpreter_section

ROOT: Final = Path(__file__).resolve().parent.parent
TRANSACTIONS: Final = ROOT.parent / "shared" / "fixtures" / "transactions"
CEREMONY: Final = ROOT.parent / "shared" / "srs" / "hez_15_pruned.ptau"
PAGE: Final = ROOT / "docs" / "PERFORMANCE.md"

OWN: Final = (
    "erc20_solidity_transfer",
    "erc20_vyper_transfer",
    "erc20_solidity_revert",
    "loop",
    "loop_double",
)
REAL: Final = (
    "eth_transfer_22188088_0",
    "erc20_transfer_22615247_24",
    "usdt_transfer_22188088_10",
    "usdc_transfer_22188088_4",
    "approve_24647140_50",
)
BESIDE_PROVING: Final = ("load", "compile circuit", "load SRS", "verify")
DEVELOPMENT: Final = "development"


@dataclass(frozen=True)
class Command:
    """What one run of the command line took and said."""

    seconds: float
    peak_memory: int  # bytes
    document: dict[str, Any]


@dataclass(frozen=True)
class Measurement:
    """One input proven with one SRS, and its proof verified."""

    name: str
    srs: str
    steps: int
    prove: Command
    verify: Command


def run(*arguments: str | Path) -> Command:
    """Run `zkevm ... --json` to its end."""
    return run_python("-m", "zkevm", *arguments, "--json")


def run_python(*arguments: str | Path) -> Command:
    """Run Python to its end; a failure ends the benchmark with the command's words."""
    command = [sys.executable, *map(str, arguments)]
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Command(seconds, usage.ru_maxrss * 1024, json.loads(text))


def measure(path: Path, srs: Path | None, folder: Path) -> Measurement:
    """Prove and verify one input; without `srs` the development one of the cache is used."""
    proof = folder / "proof.json"
    options: list[str | Path] = ["--srs", srs] if srs else []
    prove = run("prove", path, "-o", proof, *options)
    verify = run("verify", proof)
    test = json.loads(path.read_text())[path.stem]
    return Measurement(
        name=path.stem,
        srs=srs.stem if srs else DEVELOPMENT,
        steps=test["_info"]["evm-steps"],
        prove=prove,
        verify=verify,
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


def python_share(path: Path, folder: Path) -> str:
    """Say how much of the time of proving is not spent in the kernels."""
    script = ROOT / "scripts" / "kernel_time.py"
    timed = run_python(script, "prove", path, "-o", folder / "proof.json", "--json")
    kernels = timed.document["kernel_seconds"]
    fixed = [p["seconds"] for p in timed.document["phases"] if p["name"] in BESIDE_PROVING]
    proving = sum(p["seconds"] for p in timed.document["phases"]) - sum(fixed)
    rest = timed.seconds - proving
    return (
        f"Proving {path.stem} took {timed.seconds:.2f} s in all, {proving:.2f} s from execution "
        f"to proof, of which the kernels {kernels:.2f} s: Python's share of proving is "
        f"{1 - kernels / proving:.0%}. The other {rest:.2f} s are the same for every input: "
        "start-up, compiling the circuit, loading the SRS, verification."
    )


def row(m: Measurement) -> str:
    """One line of the table."""
    proof = m.prove.document["proof_bytes"] - m.prove.document["code_bytes"]
    cells = (
        m.name,
        m.srs,
        f"{m.steps:,}",
        f"{m.prove.seconds:.2f} s",
        f"{m.prove.peak_memory / 1e9:.2f} GB",
        f"{m.verify.seconds:.2f} s",
        f"{proof / 1000:.0f} KB",
    )
    return "| " + " | ".join(cells) + " |"


def phase_table(m: Measurement) -> list[str]:
    """The phases of one proof."""
    lines = [f"### {m.name}, {m.srs} SRS", "", "| phase | seconds | peak so far |", "|---|---|---|"]
    for phase in m.prove.document["phases"]:
        memory = phase["peak_memory"] / 1e9
        lines.append(f"| {phase['name']} | {phase['seconds']:.2f} | {memory:.2f} GB |")
    return [*lines, ""]


def page(measurements: list[Measurement], share: str, interpreters: list[str]) -> str:
    """The performance page; `interpreters` are the lines of their section."""
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
        "start to its end. Proof sizes are without the public code bytes.",
        "",
        f"Commit {commit}, {platform.machine()}, {os.cpu_count()} cores, {python}.",
        "",
        "| input | SRS | steps | prove | peak memory | verify | proof |",
        "|---|---|---|---|---|---|---|",
        *map(row, measurements),
        "",
        *scaling(measurements),
        share,
        "",
        *interpreters,
        "## Phases",
        "",
    ]
    for m in measurements:
        lines += phase_table(m)
    return "\n".join(lines)


def scaling(measurements: list[Measurement]) -> list[str]:
    """How much longer twice the steps take, if both loops were measured."""
    seconds = {m.name: m.prove.seconds for m in measurements if m.srs == DEVELOPMENT}
    if not {"loop", "loop_double"} <= seconds.keys():
        return []
    ratio = seconds["loop_double"] / seconds["loop"]
    return [f"Twice the steps of the loop take {ratio:.2f} times as long.", ""]


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
            fits = ceremony.exists() and not path.stem.startswith("loop")
            for srs in (None, ceremony) if fits else (None,):
                measurements.append(measure(path, srs, folder))
                print(row(measurements[-1]), flush=True)
        if not words:
            share = python_share(ROOT / "fixtures" / "loop.json", folder)
            print(share)
            PAGE.write_text(page(measurements, share, interpreter_section()))


if __name__ == "__main__":
    main()
