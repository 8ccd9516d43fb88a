"""Comparing an execution with the EIP-3155 trace of another implementation."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias

from zkevm.replay.results import CaseResult

Step: TypeAlias = dict[str, Any]

INTEGERS = ("depth", "pc", "op", "gas")
"""What is compared before the stack; other fields differ between implementations."""


def reference_file(folder: Path, result: CaseResult) -> Path:
    """Where the reference trace of a case is: `TEST-FORK-DATA-GAS-VALUE.jsonl`.

    Characters of the test's name but letters, digits, `_`, `.` and `-` are written as `_`.
    """
    index = "-".join(map(str, result.index))
    name = re.sub(r"[^\w.-]", "_", result.test, flags=re.ASCII)
    return folder / f"{name}-{result.fork}-{index}.jsonl"


def first_difference(ours: Iterable[str], reference: Iterable[str]) -> str | None:
    """The first step at which two traces in JSON lines differ, in words; None if none does.

    Raises `ValueError` for lines that are no steps.
    """
    pairs = zip_longest(_steps(ours), _steps(reference))
    for number, (here, there) in enumerate(pairs):
        if here is None or there is None:
            where = "reference" if here is None else "execution"
            longer = here or there or {}
            return f"step {number}: only the {where} goes on, with {_words(longer)}"
        if differing := [name for name in (*INTEGERS, "stack") if here[name] != there[name]]:
            of = ", ".join(f"{name} {_show(there[name])}" for name in differing)
            return f"step {number}: {_words(here)}; the reference has {of}"
    return None


def _steps(lines: Iterable[str]) -> Iterator[Step]:
    """The lines that are steps, with integers for their numbers."""
    for line in lines:
        step = json.loads(line)
        if "pc" not in step:
            continue
        try:
            found: Step = {name: _integer(step[name]) for name in INTEGERS}
            yield {**found, "stack": [_integer(word) for word in step["stack"]]}
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a step of EIP-3155: {line.strip()[:100]}") from error


def _integer(value: str | int) -> int:
    return value if isinstance(value, int) else int(value, 16)


def _words(step: Step) -> str:
    numbers = ", ".join(f"{name} {_show(step[name])}" for name in INTEGERS)
    return f"{numbers}, stack {_show(step['stack'])}"


def _show(value: int | list[int]) -> str:
    """A number, or the top of a stack first."""
    if isinstance(value, int):
        return str(value)
    top = [hex(word) for word in value[:-5:-1]]
    return f"[{', '.join(top)}{', ...' if len(value) > 4 else ''}] of {len(value)}"
