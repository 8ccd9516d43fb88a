"""Proving segments wherever an executor runs them: all commitments first, then each by itself.

Between the two lies the one barrier of the protocol.  A task takes the cells of its segment and
gives back points or messages, as bytes: the cells of one segment and what the kernels make of them
are all that a worker holds.
"""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from typing import Any

from zkevm.curve import G1Point
from zkevm.phases import advance, listening
from zkevm.proof.circuit import Circuit
from zkevm.proof.executors import Executor, Serial, Source
from zkevm.proof.layout import Layout, lay_out_segments
from zkevm.proof.messages import Proof, PublicMessage
from zkevm.proof.protocol import Start, Statement
from zkevm.proof.prover import (
    KernelProver,
    Kernels,
    Progress,
    assemble,
    choose_stack_size,
    native_kernels,
    write_segment,
)
from zkevm.proof.store import Store
from zkevm.proof.witness import Witness, heights_of, wide_cells
from zkevm.srs import Srs, first_multiples
from zkevm.srs.points import Points
from zkevm.transcript import POINT, decode_point, encode_point, word


def prove(
    circuit: Circuit,
    segments: Sequence[Witness],
    public: Sequence[PublicMessage],
    statement_digest: bytes,
    srs: Srs,
    *,
    progress: Progress | None = None,
    kernels: Kernels | None = None,
    executor: Executor | None = None,
    store: Store | None = None,
) -> Proof:
    """Prove that `segments` satisfy `circuit` and together balance with `public`.

    The witness is not checked: a false one gives a proof that no verifier accepts.  `progress` is
    told the name of each phase as it begins.  What `store` has from a run that was interrupted is
    not computed again.  Raises `TooLargeError` if the SRS has too few powers, and `UsageError`
    without native kernels.
    """
    kernels, executor = kernels or native_kernels(), executor or Serial()
    heights = tuple(heights_of(circuit, witness) for witness in segments)
    m = max(
        choose_stack_size(circuit, of_segment, wide_cells(circuit, witness), len(srs))
        for witness, of_segment in zip(segments, heights, strict=True)
    )
    layouts = lay_out_segments(circuit, heights, m)
    statement = Statement(circuit, heights, public, statement_digest, srs.identifier)
    tell = progress or _silent
    alone = len(segments) == 1 and executor.in_process
    points, multiples = srs.points[: 1 << m], first_multiples(srs, 1 << m)
    job = Job(layouts, points, multiples, kernels.__name__, tell if alone else None)
    keys = [b""] * len(segments)
    if store is not None:
        named = b"".join((circuit.digest(*heights), srs.identifier, bytes([m])))
        keys = [sha256(named + witness.digest()).digest() for witness in segments]
    results = Results(executor, job, store)
    with executor.hand_out(segments) as sources:
        if not alone:
            tell("commit to segments")
        parts = results.of(
            commit_segment,
            [Commitment(s, source) for s, source in enumerate(sources)],
            [key + b"commitments" for key in keys],
            [layout.commitments_length for layout in layouts],
        )
        commitments = [_points(part) for part in parts]

        def messages(start: Start) -> list[bytes]:
            if not alone:
                tell("prove segments")
            return results.of(
                prove_segment,
                [Rounds(s, sources[s], commitments[s], start) for s in range(len(sources))],
                [key + start.seed + word(s) for s, key in enumerate(keys)],
                [layout.messages_length for layout in layouts],
            )

        return assemble(statement, layouts, commitments, messages)


@dataclass(frozen=True)
class Job:
    """What the tasks of all segments share.

    multiples  of the points, or none
    kernels   the name of a module
    progress  None where segments are counted, and not their phases
    """

    layouts: tuple[Layout, ...]
    points: Points
    multiples: Points | None
    kernels: str
    progress: Progress | None

    def prover(self, number: int, source: Source) -> KernelProver:
        """The prover of a segment."""
        kernels, progress = import_module(self.kernels), self.progress or _silent
        arguments = self.layouts[number], source(), self.points, progress
        return KernelProver(kernels, *arguments, multiples=self.multiples)


@dataclass(frozen=True)
class Commitment:
    """The task to commit to a segment."""

    number: int
    source: Source


def commit_segment(job: Job, task: Commitment) -> bytes:
    """The points, as a transcript has them."""
    prover = job.prover(task.number, task.source)
    return b"".join(map(encode_point, prover.commitments()))


@dataclass(frozen=True)
class Rounds:
    """The task to prove a segment, once everything is committed to."""

    number: int
    source: Source
    commitments: Sequence[G1Point]
    start: Start


def prove_segment(job: Job, task: Rounds) -> bytes:
    """The messages."""
    prover, layout = job.prover(task.number, task.source), job.layouts[task.number]
    with nullcontext() if job.progress else listening(None):
        return write_segment(prover, task.number, layout, task.commitments, task.start)


@dataclass(frozen=True)
class Results:
    """Gets the results of tasks: from the store, or from the executor and into the store."""

    executor: Executor
    job: Job
    store: Store | None

    def of(
        self,
        task: Callable[[Job, Any], bytes],
        items: Sequence[Any],
        keys: Sequence[bytes],
        lengths: Sequence[int],
    ) -> list[bytes]:
        """The result of each item, which has this length, and depends on this key."""
        names = [sha256(key).digest() for key in keys]
        found: dict[int, bytes] = {}
        if self.store is not None:
            for number, name in enumerate(names):
                kept = self.store.get(name)
                if kept is not None and len(kept) == lengths[number]:
                    found[number] = kept
        missing = [number for number in range(len(items)) if number not in found]
        resumed = len(found)
        for place, result in self.executor.run(task, self.job, [items[n] for n in missing]):
            number = missing[place]
            found[number] = result
            if self.store is not None:
                self.store.put(names[number], result)
            if self.job.progress is None:
                advance(len(found), len(items), resumed)
        return [found[number] for number in range(len(items))]


def _points(encoded: bytes) -> list[G1Point]:
    starts = range(0, len(encoded), POINT)
    return [decode_point("commitments", encoded[i : i + POINT]) for i in starts]


def _silent(_: str) -> None:
    """Tell nobody."""
