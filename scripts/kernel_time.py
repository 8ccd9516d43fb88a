"""How long a command spends in the native kernels: all the rest is Python's share.

    python scripts/kernel_time.py prove fixtures/loop.json -o proof.json --json

runs `zkevm` with these arguments, every call of the kernels timed, and prints the document of the
command with the seconds in it.
"""

import contextlib
import io
import json
import sys
import time
from typing import Any

from zkevm.cli import main as zkevm_command


class Timed:
    """A module or an object of it whose calls are timed; what they return is timed as well."""

    seconds = 0.0

    def __init__(self, target: Any) -> None:
        self.target = target

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        return len(self.target)

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.target, name)
        if name == "__name__":  # by which other processes find the kernels
            return function

        def call(*arguments: Any) -> Any:
            plain = [_target(a) for a in arguments]
            start = time.perf_counter()
            result = function(*plain)
            Timed.seconds += time.perf_counter() - start
            return Timed(result) if type(result).__module__ == "zkevm._native" else result

        return call


def _target(argument: Any) -> Any:
    if type(argument) in {list, tuple}:
        return type(argument)(map(_target, argument))
    return argument.target if isinstance(argument, Timed) else argument


def main() -> None:
    """Run the command and print the seconds."""
    from zkevm import _native  # noqa: PLC0415 (where it is missing there is nothing to time)

    sys.modules["zkevm._native"] = Timed(_native)  # type: ignore[assignment]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        zkevm_command(sys.argv[1:], standalone_mode=False)
    print(json.dumps({**json.loads(output.getvalue()), "kernel_seconds": Timed.seconds}))


if __name__ == "__main__":
    main()
