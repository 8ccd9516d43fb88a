"""Runs as functions of Python, for those that are executed many times.

Words of the stack become variables: PUSH, DUP, SWAP and POP only say which one is meant, and a
`pure` instruction is a call of its operation, done beforehand where the operands are known. Every
other instruction finds the stack as it should be, and is called as it is.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction
from zkevm.evm.instructions.pure import OPERATIONS, Operation
from zkevm.evm.opcodes import Op

Execute: TypeAlias = Callable[[Frame, list[int]], None]
"""Does what the instructions do; appends to the list what has to be kept of the words written."""
Value: TypeAlias = str | int
"""Of a word: the name of its variable, or the word itself where it is known."""


class Step(NamedTuple):
    """An instruction of a run."""

    op: int
    word: int
    """What PUSH pushes."""
    instruction: Instruction
    written: tuple[int, ...]
    """Where the words that it has written are in the stack after it."""


def compiled(steps: Sequence[Step], last: Step | None, keeps: bool) -> tuple[Execute, list[Value]]:
    """Return a function for the run, and the words that `steps` write, in order.

    These are instructions that do not halt; `last`, which may, follows them. The function keeps
    every variable among the words once, then those of `last`; without `keeps` nothing.
    """
    text = _Text()
    for step in steps:
        text.translate(step)
    kept = distinct_variables(text.written) if keeps else []
    if kept:
        text.lines.append(f"words += {', '.join(kept)},")
    text.store()
    if last is not None:
        text.lines.append(f"{text.name(last.instruction)}(frame)")
        text.lines += [f"words.append(stack[{place}])" for place in last.written if keeps]
    source = "\n ".join(["def execute(frame, words):", "stack = frame.stack", *text.lines])
    exec(source, text.names)  # noqa: S102 (of names and numbers that are made here)
    return text.names["execute"], text.written


def distinct_variables(values: Sequence[Value]) -> list[str]:
    """The variables among some words, in order."""
    return list(dict.fromkeys(value for value in values if isinstance(value, str)))


class _Text:
    """The lines of a function, while the instructions are read."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.lines: list[str] = []
        self.written: list[Value] = []
        self.top: list[Value] = []
        """The top of the stack as it should be."""
        self.loaded: list[str] = []
        """The top of the frame's stack in variables, the top word first; `top` is in its place."""
        self._variables = 0

    def translate(self, step: Step) -> None:
        """Add an instruction that does not halt."""
        op = step.op
        if Op.PUSH0 <= op <= Op.PUSH32:
            self.top.append(step.word)
        elif Op.DUP1 <= op <= Op.DUP16:
            self.top.append(self.reach(op - Op.DUP1 + 1))
        elif Op.SWAP1 <= op <= Op.SWAP16:
            below = op - Op.SWAP1 + 2
            self.reach(below)
            self.top[-1], self.top[-below] = self.top[-below], self.top[-1]
        elif op == Op.POP:
            self.pop()
        elif step.instruction in OPERATIONS:
            operation, operands = OPERATIONS[step.instruction]
            values = [self.pop() for _ in range(operands)]
            known = [value for value in values if isinstance(value, int)]
            is_known = len(known) == operands
            self.top.append(operation(*known) if is_known else self.call(operation, *values))
        elif op != Op.JUMPDEST:
            self.store()
            self.lines.append(f"{self.name(step.instruction)}(frame)")
        self.written += [self.reach(-place) for place in step.written]

    def reach(self, depth: int) -> Value:
        """The word at a depth, the top one being 1."""
        while len(self.top) < depth:
            self.loaded.append(self._variable(f"stack[-{len(self.loaded) + 1}]"))
            self.top.insert(0, self.loaded[-1])
        return self.top[-depth]

    def pop(self) -> Value:
        """Take off the top word."""
        self.reach(1)
        return self.top.pop()

    def call(self, function: Operation, *arguments: Value) -> str:
        """Call an operation; return the variable of its result."""
        return self._variable(f"{self.name(function)}({', '.join(map(str, arguments))})")

    def name(self, function: Callable[..., object]) -> str:
        """A name for a function of ours."""
        name = f"f{len(self.names)}"
        self.names[name] = function
        return name

    def store(self) -> None:
        """Make the stack of the frame what it should be."""
        while self.top and self.loaded and self.top[0] == self.loaded[-1]:
            del self.top[0], self.loaded[-1]
        values = "".join(f"{value}, " for value in self.top)
        if self.loaded:
            self.lines.append(f"stack[-{len(self.loaded)}:] = ({values})")
        elif values:
            self.lines.append(f"stack += ({values})")
        self.top, self.loaded = [], []

    def _variable(self, value: str) -> str:
        name = f"v{self._variables}"
        self._variables += 1
        self.lines.append(f"{name} = {value}")
        return name
