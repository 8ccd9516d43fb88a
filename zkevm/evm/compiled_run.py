"""Runs as functions of Python, for those that are executed many times.

Words of the stack become variables: PUSH, DUP, SWAP and POP only say which one is meant, and a
`pure` instruction is a call of its operation, done beforehand where the operands are known. Every
other instruction finds the stack as it should be, and is called as it is.
"""

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from zkevm.evm.frame import Frame
from zkevm.evm.instructions import Instruction
from zkevm.evm.instructions.pure import OPERATIONS, Operation
from zkevm.evm.opcodes import Op

if TYPE_CHECKING:
    from zkevm.evm.runs import Run

Execute: TypeAlias = Callable[[Frame, list[int]], "Run | None"]
"""Does what the instructions do; appends to the list what has to be kept of the words written.

It returns None, or the run that was given to `Translation.leave`.
"""
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


def distinct_variables(values: Sequence[Value]) -> list[str]:
    """The variables among some words, in order."""
    return list(dict.fromkeys(value for value in values if isinstance(value, str)))


class Translation:
    """Instructions on their way to a function, which keeps words or does not.

    It keeps each variable among those that `translate`d instructions write once, in order; then
    those of the last instruction, if that is one that may halt.
    """

    def __init__(self, keeps: bool) -> None:
        self.written: list[Value] = []
        """The words that the instructions write."""
        self._keeps = keeps
        self._names: dict[str, Any] = {}
        self._lines: list[str] = []
        self._top: list[Value] = []
        """The top of the stack as it should be."""
        self._loaded: list[str] = []
        """The top of the frame's stack in variables, the top word first; `top` is in its place."""
        self._variables = 0

    def function(self, last: Step | None) -> Execute:
        """Return the function, which ends with an instruction that may halt if there is one."""
        lines = [*self._lines, *self._keeping(), *self._storing()]
        if last is not None:
            lines.append(f"{self._name(last.instruction)}(frame)")
            lines += [f"words.append(stack[{place}])" for place in last.written if self._keeps]
        source = "\n ".join(["def execute(frame, words):", "stack = frame.stack", *lines])
        exec(source, self._names)  # noqa: S102 (of names and numbers that are made here)
        execute: Execute = self._names["execute"]
        return execute

    def leave(self, jumps: bool, run: "Run") -> None:
        """Go past a JUMPI if it jumps, or else if it does not; return `run` before it if not.

        Then the stack and the words kept are what they should be before it.
        """
        condition = self.reach(2)
        self._lines.append(f"if {'not ' if jumps else ''}{condition}:")
        leaving = (*self._keeping(), *self._storing(), f"return {self._name(run)}")
        self._lines += [f" {line}" for line in leaving]
        del self._top[-2:]

    def translate(self, step: Step) -> None:
        """Add an instruction that does not halt."""
        op = step.op
        if Op.PUSH0 <= op <= Op.PUSH32:
            self._top.append(step.word)
        elif Op.DUP1 <= op <= Op.DUP16:
            self._top.append(self.reach(op - Op.DUP1 + 1))
        elif Op.SWAP1 <= op <= Op.SWAP16:
            below = op - Op.SWAP1 + 2
            self.reach(below)
            self._top[-1], self._top[-below] = self._top[-below], self._top[-1]
        elif op == Op.POP:
            self.pop()
        elif step.instruction in OPERATIONS:
            operation, operands = OPERATIONS[step.instruction]
            values = [self.pop() for _ in range(operands)]
            known = [value for value in values if isinstance(value, int)]
            is_known = len(known) == operands
            self._top.append(operation(*known) if is_known else self._call(operation, *values))
        elif op != Op.JUMPDEST:
            self._lines += [*self._storing(), f"{self._name(step.instruction)}(frame)"]
            self._top, self._loaded = [], []
        self.written += [self.reach(-place) for place in step.written]

    def reach(self, depth: int) -> Value:
        """The word at a depth, the top one being 1."""
        while len(self._top) < depth:
            self._loaded.append(self._variable(f"stack[-{len(self._loaded) + 1}]"))
            self._top.insert(0, self._loaded[-1])
        return self._top[-depth]

    def pop(self) -> Value:
        """Take off the top word."""
        self.reach(1)
        return self._top.pop()

    def _call(self, function: Operation, *arguments: Value) -> str:
        """Call an operation; return the variable of its result."""
        return self._variable(f"{self._name(function)}({', '.join(map(str, arguments))})")

    def _name(self, named: object) -> str:
        """A name for something of ours."""
        name = f"f{len(self._names)}"
        self._names[name] = named
        return name

    def _keeping(self) -> list[str]:
        """Keep what is to be kept so far."""
        kept = distinct_variables(self.written) if self._keeps else []
        return [f"words += {', '.join(kept)},"] if kept else []

    def _storing(self) -> list[str]:
        """Make the stack of the frame what it should be."""
        pairs = zip(self._top, reversed(self._loaded), strict=False)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        values = "".join(f"{value}, " for value in self._top[same:])
        if same < len(self._loaded):
            return [f"stack[{same - len(self._loaded)}:] = ({values})"]
        return [f"stack += ({values})"] if values else []

    def _variable(self, value: str) -> str:
        name = f"v{self._variables}"
        self._variables += 1
        self._lines.append(f"{name} = {value}")
        return name
