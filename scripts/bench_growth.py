"""How time and memory grow with the length of a trace, and the rate of Keccak-256.

    python scripts/bench_growth.py

prints its section of docs/PERFORMANCE.md; `make bench` writes it there, and the plot beside it.
"""

import json
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench_command import ROOT, RUNS, Command, fastest, run, run_python
from bench_compare import keccak_line
from make_fixtures import hashes, loop_of_steps, write

SIZES: Final = range(15, 21)
"""log2 of the steps of the loops."""

BOUND: Final = "4G"
BESIDE_PROVING: Final = ("load", "compile circuit", "load SRS", "verify")
"""Phases that take as long for every input."""
HASHES: Final = 1000
PLOT: Final = ROOT / "docs" / "growth.svg"


@dataclass(frozen=True)
class Growth:
    """A proof of a loop; `bound` is its --memory, if it had one."""

    steps: int
    bound: str | None
    proven: Command

    def row(self) -> str:
        """One line of the table."""
        seconds, memory = self.proven.seconds, self.proven.peak_memory
        return (
            f"| {self.steps:,} | {self.bound or 'none'} | {seconds:.2f} s | {memory / 1e9:.2f} GB "
            f"| {1e6 * seconds / self.steps:.1f} µs |"
        )


def growth(folder: Path) -> list[Growth]:
    """Prove the loops, the longest also within the bound."""
    found = []
    for size in SIZES:
        path = folder / f"loop_{size}.json"
        write(path, loop_of_steps(1 << size))
        steps = json.loads(path.read_text())[path.stem]["_info"]["evm-steps"]
        for bound in (None, BOUND) if size == SIZES[-1] else (None,):
            options = ["--memory", bound] if bound else []
            proven = fastest("prove", path, "-o", folder / "proof.json", *options)
            found.append(Growth(steps, bound, proven))
            print(found[-1].row(), flush=True)
    return found


def python_share(path: Path, folder: Path) -> str:
    """Say how much of the time of proving is not spent in the kernels."""
    script = ROOT / "scripts" / "kernel_time.py"
    timed = run_python(script, "prove", path, "-o", folder / "proof.json", "--json")
    kernels = timed.document["kernel_seconds"]
    phases = timed.document["phases"]
    proving = sum(p["seconds"] for p in phases if p["name"] not in BESIDE_PROVING)
    return (
        f"The longest took {timed.seconds:.2f} s in one more run, {proving:.2f} s from execution "
        f"to proof, of which the kernels {kernels:.2f} s: Python's share of proving is "
        f"{1 - kernels / proving:.0%}. The other {timed.seconds - proving:.2f} s are the same for "
        "every input: start-up, compiling the circuit, loading the SRS, verification."
    )


def permutations_a_second(folder: Path) -> float:
    """The rate of keccak-f: what as many hashes again take, all but them being the same.

    It is a difference of two commands, so each counts with the fastest of some runs.
    """
    paths = [folder / f"hashes_{turns}.json" for turns in (HASHES, 2 * HASHES)]
    for path, turns in zip(paths, (HASHES, 2 * HASHES), strict=True):
        write(path, hashes(turns))
    runs = [
        [run("prove", path, "-o", folder / "proof.json").seconds for path in paths]
        for _ in range(RUNS)
    ]
    short, long = (min(seconds[which] for seconds in runs) for which in range(2))
    return HASHES / (long - short)


def plot(measured: list[Growth]) -> None:
    """Draw seconds and memory against steps."""
    # of development alone, and slow to import
    from matplotlib import pyplot as plt  # noqa: PLC0415

    free = [each for each in measured if each.bound is None]
    steps = [each.steps for each in free]
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
    for axis, label, values in (
        (axes[0], "seconds", [each.proven.seconds for each in free]),
        (axes[1], "peak memory, GB", [each.proven.peak_memory / 1e9 for each in free]),
    ):
        axis.plot(steps, values, marker="o")
        axis.set(xlabel="steps", ylabel=label, xscale="log", yscale="log")
        axis.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(PLOT, metadata={"Date": None})


def section() -> list[str]:
    """Measure; the lines of the page."""
    with tempfile.TemporaryDirectory() as name:
        measured = growth(Path(name))
        share = python_share(Path(name) / f"loop_{SIZES[-1]}.json", Path(name))
        rate = permutations_a_second(Path(name))
    plot(measured)
    free = [each.proven.seconds for each in measured if each.bound is None]
    ratios = ", ".join(f"{longer / shorter:.2f}" for shorter, longer in pairwise(free))
    return [
        "## Growth",
        "",
        "The loop at different lengths; a bound is that of `--memory`.",
        "",
        "| steps | bound | prove | peak memory | a step |",
        "|---|---|---|---|---|",
        *(each.row() for each in measured),
        "",
        f"Each doubling takes {ratios} times as long.",
        "",
        share,
        "",
        f"![time and memory against steps]({PLOT.name})",
        "",
        f"Keccak-f: {rate:.0f} a second more, from {HASHES:,} to {2 * HASHES:,} hashes, each",
        f"the fastest of {RUNS} runs. A hash takes 44 steps of the EVM besides.",
        "",
        keccak_line(),
        "",
    ]


if __name__ == "__main__":
    print("\n".join(section()))
