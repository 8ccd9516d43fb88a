"""Exceptional halts: how an instruction says that its frame fails and loses all its gas."""

from zkevm.evm.events import Halt


class ExceptionalHalt(Exception):
    """Part of the semantics, not a fault: the interpreter's loop catches it and nothing else."""

    def __init__(self, halt: Halt) -> None:
        super().__init__(halt.name)
        self.halt = halt
