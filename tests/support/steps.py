"""The steps of an execution, to compare with those of another implementation."""

from collections.abc import Sequence
from typing import NamedTuple

from zkevm.evm.events import Recorder
from zkevm.evm.frame import Frame


class Step(NamedTuple):
    """The machine before an instruction; gas before its cost is taken, memory in bytes."""

    pc: int
    op: int
    gas: int
    depth: int
    memory: int
    stack: tuple[int, ...]


class StepRecorder(Recorder):
    """Keeps the steps, but for the implied STOP of an account without code: others take none."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, frame: Frame, pc: int, op: int) -> None:
        if frame.code or frame.is_create:
            memory, stack = len(frame.memory), tuple(frame.stack)
            self.steps.append(Step(pc, op, frame.gas, frame.depth + 1, memory, stack))


def first_difference(ours: Sequence[Step], theirs: Sequence[Step]) -> str | None:
    """Say where two lists of steps part, if they do."""
    for index, (mine, other) in enumerate(zip(ours, theirs, strict=False)):
        if mine != other:
            return f"step {index}: {mine}, but the reference has {other}"
    if len(ours) != len(theirs):
        return f"{len(ours)} steps, but the reference has {len(theirs)}"
    return None
