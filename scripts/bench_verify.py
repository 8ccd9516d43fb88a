"""Measure verification in a process that goes on: from the bytes of a proof file to acceptance.

    python scripts/bench_verify.py proof.json

prints JSON: the milliseconds, at best, in plain Python and with the kernels, and those of the first
time with them, when the circuit is compiled and the setup new.
"""

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench_command import run_python

from zkevm import api

RUNS: Final = 20


@dataclass(frozen=True)
class Verification:
    """Milliseconds of CPU time."""

    first: float
    plain: float
    native: float

    def cells(self) -> list[str]:
        """As cells of a table."""
        return [f"{self.plain:.0f} ms", f"{self.native:.1f} ms", f"{self.first:.0f} ms"]


def verification(proof: Path) -> Verification:
    """Measure in a process of its own."""
    return Verification(**run_python(__file__, proof).document)


def milliseconds(data: bytes, *, native: bool) -> float:
    """One verification."""
    start = time.process_time()
    api.verify(data, native=native)
    return (time.process_time() - start) * 1e3


def measure(data: bytes) -> dict[str, Any]:
    """All figures of a proof file."""
    first = milliseconds(data, native=True)
    native = min(milliseconds(data, native=True) for _ in range(RUNS))
    milliseconds(data, native=False)  # the first computes the pairing's lines
    plain = min(milliseconds(data, native=False) for _ in range(RUNS // 4))
    return asdict(Verification(first, plain, native))


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]).read_bytes())))
