"""What is kept of each run of instructions, and the rows of the trace that follow from it."""

from collections.abc import Iterable
from struct import Struct
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from zkevm.evm.frame import Frame
from zkevm.evm.opcodes import ARITY, stack_change
from zkevm.evm.runs import WRITTEN, Run
from zkevm.trace.trace import RESUME, U16, U32, Rows

_Number = TypeVar("_Number", np.int64, np.uint64, np.uint16)

_RECORD = np.dtype("<u8, <i8, <u4, <u4, <u4, <u2")
_RECORD.names = ("gas", "words", "frame", "run", "msize", "sp")
_pack = Struct("<QqIIIH").pack

_GAS: Final = np.zeros(RESUME + 1, np.uint64)
_CHANGE: Final = np.zeros(RESUME + 1, np.uint16)
"""By how much an instruction makes the stack higher, modulo 2**16."""
_WORDS: Final = np.zeros(RESUME + 1, np.int64)
"""How many words it writes."""
for _op, _arity in ARITY.items():
    _GAS[_op] = _arity.fixed_gas
    _CHANGE[_op] = stack_change(_op) % (1 << 16)
    _WORDS[_op] = len(WRITTEN[_op])

Single: TypeAlias = tuple[int, int]
"""Program counter and opcode of a row by itself."""


class RecordedRuns:
    """The runs and single rows of an execution, in order."""

    def __init__(self) -> None:
        self._distinct: dict[Run | Single, int] = {}
        self._records = bytearray()

    def begun(self, frame: Frame, run: Run | Single, words: int) -> None:
        """Keep the state of the machine before a run, when `words` had been written."""
        distinct = self._distinct
        number = distinct.setdefault(run, len(distinct))
        # One call for all columns: twice as fast as one for each.
        self._records += _pack(
            frame.gas, words, frame.index, number, len(frame.memory) >> 5, len(frame.stack)
        )

    def rows(self, words: int) -> tuple[Rows, U32]:
        """Return the rows, and for each of the `words` written the row that wrote it."""
        lengths, pc, op = _lay_out(self._distinct)
        starts = np.cumsum(lengths) - lengths
        gas = _before(_GAS[op], starts, lengths)
        height = _before(_CHANGE[op], starts, lengths)
        records = np.frombuffer(self._records, _RECORD)
        run = records["run"]
        times = lengths[run]
        ends = np.cumsum(times)
        # Where in the runs laid out a row is: these count up from where its run starts.
        place = np.arange(times.sum()) + np.repeat(starts[run] - (ends - times), times)
        rows = Rows(
            frame=np.repeat(records["frame"], times),
            pc=pc[place],
            op=op[place],
            gas=np.repeat(records["gas"], times) - gas[place],
            sp=np.repeat(records["sp"], times) + height[place],
            msize=np.repeat(records["msize"], times),
        )
        written = _WORDS[op][place]
        # The last instruction of a run may have halted, or be a call that tells for itself.
        inner = _before(_WORDS[op], starts, lengths)[starts + lengths - 1]
        written[ends - 1] = np.diff(records["words"], append=words) - inner[run]
        return rows, np.repeat(np.arange(len(rows), dtype=np.uint32), written)


def _lay_out(runs: Iterable[Run | Single]) -> tuple[NDArray[np.int64], U32, U16]:
    """Return the lengths of runs, and program counters and opcodes, one run after the other."""
    pcs: list[int] = []
    ops: list[int] = []
    lengths: list[int] = []
    for run in runs:
        pc, op = (run.pcs, run.ops) if isinstance(run, Run) else ((run[0],), (run[1],))
        pcs += pc
        ops += op
        lengths.append(len(op))
    return np.array(lengths, np.int64), np.array(pcs, np.uint32), np.array(ops, np.uint16)


def _before(
    values: NDArray[_Number], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[_Number]:
    """Return for each instruction the sum of the values before it in its run."""
    total = np.cumsum(values, dtype=values.dtype) - values
    return total - np.repeat(total[starts], lengths)
