"""Asking for copies of bytes: `circuits.tables.copy` says what becomes of them."""

from __future__ import annotations

import numpy as np

from circuits.buses import COPY
from circuits.execution.steps import Steps
from circuits.execution.tokens import U64, Mask
from circuits.language.memory import Growth, WordCount
from circuits.language.plan import Plan
from circuits.language.step import Next
from zkevm.evm import gas

COPY_TICKS = 2
"""A copy reads at the clock of its step and writes at the next tick."""


def request_copy(
    plan: Plan,
    s: Steps,
    source: tuple[int, U64, U64, U64],
    dest: tuple[int, U64, U64],
    size: U64,
    where: Mask | None = None,
) -> None:
    """Ask for the copies of the steps that copy any bytes.

    `source` is kind, id, index and end, `dest` kind, id and index.
    """
    some = size > 0 if where is None else where & (size > 0)
    columns = [
        np.broadcast_to(x, (len(s),)).astype(np.uint64) for x in (*source, *dest, size, 0, 0)
    ]
    plan.request(COPY, s.clock[some], *(column[some] for column in columns))


def after_copy(opcode: int, words: WordCount, growth: Growth) -> Next:
    """What a step that copies to memory does to the state: 3 gas, 3 a word, and the growth."""
    return Next(
        opcode=opcode,
        gas=gas.VERY_LOW + gas.COPY_WORD * words.count + growth.cost,
        msize=growth.msize,
        ticks=COPY_TICKS,
    )
