"""Running `zkevm` as a user does, measured from its start to its end."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Command:
    """What one run of the command line took and said."""

    seconds: float
    peak_memory: int  # bytes
    document: dict[str, Any]


RUNS: Final = 3
"""Of what is measured, the fastest counts: whatever else a machine does only adds to it."""


def run(*arguments: str | Path) -> Command:
    """Run `zkevm ... --json` to its end."""
    return run_python("-m", "zkevm", *arguments, "--json")


def fastest(*arguments: str | Path) -> Command:
    """The fastest of some runs of `zkevm ... --json`."""
    return min((run(*arguments) for _ in range(RUNS)), key=lambda command: command.seconds)


def run_python(*arguments: str | Path) -> Command:
    """Run Python to its end; a failure ends the benchmark with the command's words."""
    command = [sys.executable, *map(str, arguments)]
    # A user has compiled modules from the second run on.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, cwd=ROOT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Command(seconds, usage.ru_maxrss * 1024, json.loads(text))
