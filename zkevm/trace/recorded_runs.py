"""What is kept of each run of instructions, and the rows of the trace that follow from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from zkevm.evm.compiled_run import Value, distinct_variables
from zkevm.evm.opcodes import ARITY, stack_change
from zkevm.evm.runs import WRITTEN, Run
from zkevm.trace.trace import I64, RESUME, U16, U32, Rows, WrittenWords
from zkevm.trace.words import words_from_ints
from zkevm.vectors import spread, take

_Number = TypeVar("_Number", np.int64, np.uint64, np.uint16)

_RECORD = np.dtype("<u8, <i8, <u4, <u4, <u2, <u4")
_RECORD.names = ("gas", "words", "frame", "msize", "sp", "run")
state_before = Struct("<QqIIHI").pack
"""The state of the machine before a run: gas, words kept, frame, active words of memory, height of
the stack; number of the run.  One call for all is twice as fast as one for each."""
NUMBER_BYTES: Final = 4
"""Of the number of the run, which comes last."""

_GAS: Final = np.zeros(RESUME + 1, np.uint64)
_CHANGE: Final = np.zeros(RESUME + 1, np.uint16)
"""By how much an instruction makes the stack higher, modulo 2**16."""
_WORDS: Final = np.zeros(RESUME + 1, np.int64)
"""How many words it writes."""
for _op, _arity in ARITY.items():
    _GAS[_op] = _arity.fixed_gas
    _CHANGE[_op] = stack_change(_op) % (1 << 16)
    _WORDS[_op] = len(WRITTEN[_op])


class Single(NamedTuple):
    """A row by itself, which keeps what it writes."""

    pcs: tuple[int]
    ops: tuple[int]
    written: tuple[()] = ()


def rows_of_runs(
    runs: Iterable[Run | Single], states: bytearray, words: list[int]
) -> tuple[Rows, WrittenWords]:
    """Return the rows of an execution, and what they wrote, of which its runs have kept `words`.

    `runs` are the distinct ones, and `states` what `state_before` said of each that was executed.
    """
    laid = _lay_out(runs)
    records = np.frombuffer(states, _RECORD)
    before = {name: np.ascontiguousarray(records[name]) for name in _RECORD.names or ()}
    run = before["run"]
    record, nth = spread(laid.length[run])
    place = take(laid.start[run], record) + nth
    rows = Rows(
        frame=take(before["frame"], record),
        pc=take(laid.pc, place),
        op=take(laid.op, place),
        gas=take(before["gas"], record) - take(laid.before(_GAS), place),
        sp=take(before["sp"], record) + take(laid.before(_CHANGE), place),
        msize=take(before["msize"], record),
    )
    # A last instruction may have halted, or be a call that tells for itself: what the run has
    # kept beside the words of the others is what it wrote.
    ends = np.cumsum(laid.length[run]) - 1
    all_kept = np.diff(before["words"], append=len(words))
    all_written = laid.written[run] + all_kept - laid.kept[run]
    written = take(_WORDS[laid.op], place)
    written[ends] = all_written - laid.before(_WORDS)[laid.start + laid.length - 1][run]
    record, nth = spread(all_written)
    source = take(laid.source, take(laid.first_source[run], record) + nth)
    kept = take(before["words"], record) + source
    values = words_from_ints([*words, *laid.known])
    place = np.where(source < 0, len(words) + ~source, kept)
    return rows, WrittenWords(row=spread(written)[0], words=take(values, place))


@dataclass(frozen=True)
class _LaidOut:
    """Distinct runs, one after the other."""

    length: I64
    start: I64
    pc: U32
    op: U16
    kept: I64
    """How many words a run keeps, those of its last instruction apart if that may halt."""
    written: I64
    """How many words these stand for."""
    first_source: I64
    source: I64
    """Of each word that a run writes the place among those that it keeps, or ~place in `known`."""
    known: list[int]

    def before(self, table: NDArray[_Number]) -> NDArray[_Number]:
        """Return for each instruction the sum of the entries of those before it in its run."""
        values = table[self.op]
        total = np.cumsum(values, dtype=values.dtype) - values
        return total - np.repeat(total[self.start], self.length)


def _lay_out(runs: Iterable[Run | Single]) -> _LaidOut:
    pcs, ops, lengths = list[int](), list[int](), list[int]()
    kept, written, sources, known = list[int](), list[int](), list[int](), list[int]()
    for run in runs:
        pcs += run.pcs
        ops += run.ops
        lengths.append(len(run.ops))
        places = _sources(run, known)
        written.append(len(places))
        kept.append(max(0, 1 + max(places, default=-1)))
        # Then those of the last instruction, one word or two.
        sources += (*places, kept[-1], kept[-1] + 1)
    length, all_written = np.array(lengths, np.int64), np.array(written, np.int64)
    return _LaidOut(
        length=length,
        start=np.cumsum(length) - length,
        pc=np.array(pcs, np.uint32),
        op=np.array(ops, np.uint16),
        kept=np.array(kept, np.int64),
        written=all_written,
        first_source=np.cumsum(all_written + 2) - all_written - 2,
        source=np.array(sources, np.int64),
        known=known,
    )


def _sources(run: Run | Single, known: list[int]) -> list[int]:
    """Return the `source` of each word but the last instruction's; add to what is `known`."""
    if run.written is None:
        return list(range(sum(len(WRITTEN[op]) for op in run.ops[:-1])))
    place: dict[Value, int] = {v: i for i, v in enumerate(distinct_variables(run.written))}
    constants = dict.fromkeys(value for value in run.written if isinstance(value, int))
    place |= {word: ~(len(known) + i) for i, word in enumerate(constants)}
    known += constants
    return [place[value] for value in run.written]
