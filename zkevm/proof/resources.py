"""What proving may use of a machine, and what follows: segments, where they run, what is kept."""

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zkevm.errors import UsageError
from zkevm.phases import peak_memory, resident_memory
from zkevm.plonkish.cells import Cells
from zkevm.proof.circuit import Circuit
from zkevm.proof.cutting import cut, limits
from zkevm.proof.executors import Executor, Serial
from zkevm.proof.messages import Proof, PublicMessage
from zkevm.proof.prover import Kernels, Progress
from zkevm.proof.segments import prove
from zkevm.proof.store import Store
from zkevm.proof.verifier import verify
from zkevm.proof.witness import Witness
from zkevm.srs import Srs

MEBIBYTE = 1 << 20
UNLIMITED = resource.RLIM_INFINITY

WORKER_MEMORY = 160 * MEBIBYTE
"""Of a process that proves a segment: Python, the circuit, the kernels."""

SPARE_MEMORY = 64 * MEBIBYTE
"""Of proving any segment: powers of tau, the opening, buckets of the commitments."""


@dataclass(frozen=True)
class Resources:
    """What proving may use.

    memory    bytes, of all processes together; None: any
    jobs      how many segments are proven at once
    work_dir  keeps what is finished, so that a proof that is interrupted goes on from there
    cluster   the address of a Ray cluster, whose workers are used instead of processes; with it
              `memory` is that of each worker
    """

    memory: int | None = None
    jobs: int = 1
    work_dir: Path | None = None
    cluster: str | None = None

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """Run the body, which makes what is to be proven, within the memory.

        It is the system that refuses more, so the bound holds whatever there is to be made.  Raises
        `UsageError` then.
        """
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limits = [each for each in (self.memory, soft, hard) if each not in {None, UNLIMITED}]
        local = self.memory is not None and self.cluster is None
        try:
            if local:
                resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
            yield
        except MemoryError as error:
            raise UsageError("the trace and its cells alone take more memory than that") from error
        finally:
            resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

    def prove(
        self,
        circuit: Circuit,
        tables: Sequence[Cells],
        public: Sequence[PublicMessage],
        statement_digest: bytes,
        srs: Srs,
        progress: Progress,
        kernels: Kernels,
    ) -> Proof:
        """Prove that the tables satisfy `circuit` and balance with `public`; verify the proof.

        Errors are those of `cut` and of `zkevm.proof.segments.prove`.  What was kept on the way is
        removed when the verifier has accepted.
        """
        store = self.store()
        segments = [Witness.of(each) for each in self.cut(tables, circuit, len(srs), store)]
        executor = self.executor()
        arguments = circuit, segments, public, statement_digest, srs
        proof = prove(
            *arguments, progress=progress, kernels=kernels, executor=executor, store=store
        )
        progress("verify")
        verify(circuit, proof, public, statement_digest, srs.verifier, kernels)
        if store is not None:
            store.clear()
        return proof

    def executor(self) -> Executor:
        """Where segments are proven."""
        if self.cluster is not None:
            from zkevm.proof.cluster import Cluster  # noqa: PLC0415 (Ray need not be installed)

            return Cluster(self.cluster, self.jobs)
        if self.jobs > 1:
            from zkevm.proof.processes import Processes  # noqa: PLC0415 (slow to import)

            return Processes(self.jobs, self.work_dir)
        return Serial()

    def store(self) -> Store | None:
        """Where finished parts are kept."""
        return None if self.work_dir is None else Store(self.work_dir)

    def cut(
        self, tables: Sequence[Cells], circuit: Circuit, powers: int, store: Store | None = None
    ) -> list[list[Cells]]:
        """The tables in segments that can be proven with this, and an SRS of so many powers.

        Raises `UsageError` if the memory does not suffice, or more segments are needed than the
        circuit allows.
        """
        memory = self._memory_of_segment()
        if store is not None and memory is not None:
            memory = store.settle(f"segment {self.memory} {self.jobs}".encode(), memory)
        segments = cut(tables, limits(circuit.bounds, memory, powers), self.jobs)
        if len(segments) > circuit.bounds.segments:
            raise UsageError(
                f"with so little memory it takes {len(segments)} segments;"
                f" {circuit.bounds.segments} are the most"
            )
        return segments

    def _memory_of_segment(self) -> int | None:
        """What is left of the memory for the kernels that prove one segment."""
        if self.memory is None:
            return None
        if self.cluster is not None:
            left = self.memory - WORKER_MEMORY
        elif self.jobs == 1:
            left = self.memory - resident_memory()
        else:
            left = (self.memory - resident_memory()) // self.jobs - WORKER_MEMORY
        left -= SPARE_MEMORY
        if left <= 0 or (self.cluster is None and peak_memory() > self.memory):
            least = (max(peak_memory(), self.memory - left) + SPARE_MEMORY) // MEBIBYTE
            raise UsageError(f"the trace alone takes more memory: {least} MiB are the least")
        return left
