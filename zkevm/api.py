"""The library face: execute, trace, check and prove a transaction, and verify a proof.

    case = load("fixtures/erc20_solidity_transfer.json", fork="Cancun")
    proven = prove(case)
    Path("proof.json").write_bytes(proven.encode())
    statement = verify(Path("proof.json").read_bytes()).statement

Every function raises errors of the `ZkevmError` family only. Phases can be listened to with
`zkevm.phases.listening`.
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from circuits import check as checking
from circuits.costs import row_cost
from circuits.execution.level import Level
from circuits.filled import Filled
from circuits.language import Gadget, StepGadget
from circuits.machine import all_gadgets, cells, circuit, fill
from circuits.statement import Statement, statement
from zkevm import srs as trusted_setup
from zkevm.errors import VerificationError
from zkevm.evm import excerpt as excerpts
from zkevm.evm import witness_codec
from zkevm.evm.block_transition import BlockResult
from zkevm.evm.block_validity import InvalidBlock
from zkevm.evm.excerpt import Excerpt
from zkevm.evm.execute import Execution, execute
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import Op
from zkevm.evm.statetest import TestCase, load_case
from zkevm.evm.witness import StatelessBlock, execute_block
from zkevm.phases import phase, successive_phases
from zkevm.plonkish.cells import Cells
from zkevm.proof import Proof, codec, prover, verifier
from zkevm.proof.resources import Resources
from zkevm.srs import Srs, VerifierSrs
from zkevm.trace import eip3155
from zkevm.trace.recorder import record, record_excerpt
from zkevm.trace.trace import RESUME, Trace

__all__ = [
    "BlockResult",
    "Checked",
    "Excerpt",
    "Execution",
    "GadgetInfo",
    "InvalidBlock",
    "Level",
    "Proven",
    "Resources",
    "StatelessBlock",
    "Statement",
    "TestCase",
    "Trace",
    "Traced",
    "TracedExcerpt",
    "Verified",
    "check",
    "holds_block",
    "info",
    "load",
    "load_block",
    "load_excerpt",
    "load_srs",
    "prove",
    "run",
    "run_block",
    "trace",
    "trace_excerpt",
    "verify",
]

NEWEST_FORK = list(FORKS)[-1]
IDENTIFIER = re.compile("0x[0-9a-f]{64}")
ALL = Resources()
"""Of the machine: no bound."""
SRS_KEY = "srs"
"""Beside the fields of the statement in a proof file: the identifier of the setup."""


@dataclass(frozen=True, slots=True)
class TracedExcerpt:
    """Transactions of a block, which was executed, with their traces."""

    execution: Excerpt
    traces: tuple[Trace, ...]


@dataclass(frozen=True, slots=True)
class Traced:
    """An execution with its trace."""

    execution: Execution
    trace: Trace

    @property
    def traces(self) -> tuple[Trace, ...]:
        """The trace, as the one of its statement."""
        return (self.trace,)

    def steps(self) -> Iterator[str]:
        """Yield every step and a summary, as the JSON lines of EIP-3155."""
        return eip3155.lines(self.trace, self.execution.state_root)


Provable: TypeAlias = TestCase | Excerpt | Traced | TracedExcerpt


@dataclass(frozen=True, slots=True)
class Checked:
    """A filled circuit, and what is wrong with it: nothing, if the gadgets are right."""

    execution: Execution | Excerpt
    statement: Statement
    rows: Mapping[str, int]
    """The rows in use of each table that is present, by name."""
    cells: int
    """The cells of these rows."""
    failures: tuple[checking.Failure, ...]


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof of a statement, accepted by the verifier when it was made."""

    execution: Execution | Excerpt
    statement: Statement
    proof: Proof
    srs: VerifierSrs
    rows: Mapping[str, int]
    """The rows in use of each table that is present, by name."""
    cells: int
    """The cells of these rows."""

    def file(self) -> codec.ProofFile:
        """The proof with what a verifier must know: the statement and which setup was used."""
        stated = {SRS_KEY: "0x" + self.srs.identifier.hex(), **self.statement.to_json()}
        return codec.ProofFile(self.proof, stated)

    def encode(self, *, binary: bool = False) -> bytes:
        """The proof as a file, JSON or binary."""
        if binary:
            return codec.encode_binary(self.file())
        return codec.encode_json(self.file()).encode()


@dataclass(frozen=True, slots=True)
class Verified:
    """What an accepted proof says, and whose honesty it rests on."""

    statement: Statement
    srs: VerifierSrs


@dataclass(frozen=True, slots=True)
class GadgetInfo:
    """What a gadget is made of; `cost` is a model of the proving time of a row, in microseconds."""

    name: str
    opcodes: tuple[str, ...]
    """Those whose steps it proves, one row each; none for a table that serves others.

    Bytes that are no opcode are left out: only the gadgets of failing steps have them.
    """
    halts: tuple[str, ...]
    """The exceptional halts of those steps; none for steps that succeed."""
    columns: int
    constraints: int
    interactions: int
    degree: int
    cost: float


def load(
    path: str | Path,
    *,
    test: str | None = None,
    fork: str | None = None,
    index: tuple[int, int, int] | None = None,
) -> TestCase:
    """Return the case of a state-test file that the arguments choose.

    Without `fork` it is the newest one that the file has. `index` is the choice of data, gas limit
    and value. Raises `UsageError` unless exactly one case is meant, `InputError` for a malformed
    file, `FileError` for one that cannot be read.
    """
    with phase("load"):
        return load_case(Path(path), test, fork, index)


def run(case: TestCase) -> Execution:
    """Execute a case. A transaction that no block may hold is an outcome, not an error."""
    with phase("execute"):
        return execute(case)


def holds_block(path: str | Path) -> bool:
    """Whether a file is one of a block with its witness. Raises `FileError`."""
    return witness_codec.holds_block(Path(path))


def load_block(path: str | Path) -> StatelessBlock:
    """Return the mainnet block of a file that has its witness, in either of the two known formats.

    Raises `UsageError` for another chain, `InputError` for a malformed file, `FileError` for one
    that cannot be read.
    """
    with phase("load"):
        return witness_codec.load_block(Path(path))


def load_excerpt(
    path: str | Path,
    transactions: range,
    *,
    test: str | None = None,
    place: int | None = None,
    absent: Container[int] = (),
) -> Excerpt:
    """Return some consecutive transactions of a block, by their indices, from 0.

    The block is that of a file with its witness, or of a blockchain test: `test` chooses one of
    several tests, `place` one of the test's blocks. `absent` are accounts that a witness does not
    reach, to take as not existing. Raises `UsageError` unless exactly one block is meant and has
    the transactions, `InputError` and `FileError` as `load` does.
    """
    with phase("load"):
        return excerpts.load_excerpt(
            Path(path), transactions, test=test, place=place, absent=absent
        )


def run_block(stateless: StatelessBlock, absent: Container[int] = ()) -> BlockResult:
    """Execute a block from its witness alone, and check what its header says of the outcome.

    `absent` are accounts to take as not existing. Raises `InvalidBlock` if the block is not what
    its header says, another `InputError` that names what is missing if the witness is not enough.
    """
    with phase("execute"):
        return execute_block(stateless, absent)


def trace(case: TestCase) -> Traced:
    """Execute a case and record everything that the circuits need to know of it.

    Raises `InvalidTransaction`, an `InputError`, if no block may hold the transaction.
    """
    with phase("execute"):
        return Traced(*record(case))


def trace_excerpt(excerpt: Excerpt) -> TracedExcerpt:
    """Execute a block and record everything that the circuits need to know of its excerpt.

    Raises what `run_block` raises.
    """
    with phase("execute"):
        return TracedExcerpt(excerpt, record_excerpt(excerpt))


def _traced(case: Provable) -> Traced | TracedExcerpt:
    if isinstance(case, TestCase):
        return trace(case)
    return trace_excerpt(case) if isinstance(case, Excerpt) else case


def check(case: Provable, level: Level = Level.S1) -> Checked:
    """Execute a case, fill every table, and check every constraint and bus without cryptography.

    The statement is that of `level`.
    Raises `NotProvableError` naming the first step that no gadget proves.
    """
    traced = _traced(case)
    filled, tables, stated = _assign(traced, level)
    with phase("check"):
        failures = checking.failures(filled, tables, stated.messages())
    return Checked(
        execution=traced.execution,
        statement=stated,
        rows=_rows(tables),
        cells=_cells(tables),
        failures=tuple(failures),
    )


def load_srs(path: str | Path | None = None) -> Srs:
    """Open an SRS file, or this user's development SRS. Raises `FileError` and `SrsError`."""
    with phase("load SRS"):
        srs = trusted_setup.development_srs() if path is None else trusted_setup.load(Path(path))
        return trusted_setup.with_multiples(srs)


def prove(
    case: Provable,
    srs: Srs | None = None,
    level: Level = Level.S1,
    resources: Resources = ALL,
) -> Proven:
    """Execute a case, prove what it did, and verify the proof.

    The statement is that of `level`: at S2 the codes are hashed in the proof. Without `srs` the
    development SRS of this user serves, see `load_srs`. `resources` say how much memory may be used
    and where the segments of a long proof are proven. Raises `UsageError` without native kernels or
    if the memory is too little, `NotProvableError` naming the first step that no gadget proves, and
    `TooLargeError` if the SRS has too few powers.
    """
    kernels = prover.native_kernels()
    with resources.bounded():
        traced = _traced(case)
        _, tables, stated = _assign(traced, level)
    srs = load_srs() if srs is None else srs
    key, messages, digest = circuit(stated.fork), stated.messages(), stated.digest()
    with successive_phases() as begin:
        proof = resources.prove(key, tables, messages, digest, srs, begin, kernels)
    return Proven(traced.execution, stated, proof, srs.verifier, _rows(tables), _cells(tables))


def verify(proof_file: bytes, srs: VerifierSrs | None = None, *, native: bool = False) -> Verified:
    """Accept a proof file, or raise `VerificationError` with the reason.

    A known ceremony and this user's development SRS are found by the proof's word; for another
    setup pass its verifier's part. Needs no native code; `native` is faster, or a `UsageError`.
    """
    proof, fields = codec.decode(proof_file)
    setup = _setup_of(fields, srs)
    stated = Statement.from_json({name: fields[name] for name in fields if name != SRS_KEY})
    with phase("verify"):
        key, kernels = circuit(stated.fork), prover.native_kernels() if native else None
        verifier.verify(key, proof, stated.messages(), stated.digest(), setup, kernels)
    return Verified(stated, setup)


def _assign(traced: Traced | TracedExcerpt, level: Level) -> tuple[Filled, list[Cells], Statement]:
    """Fill the tables, and say what they prove."""
    with phase("fill"):
        filled = fill(traced.traces, level)
    with phase("compile circuit"):
        circuit(filled.fork).named(filled.witnesses)
    with phase("count lookups"):
        tables = cells(filled)
    stated = statement(filled)
    stated.check()
    return filled, tables, stated


def _rows(tables: Sequence[Cells]) -> dict[str, int]:
    return {each.table.name: each.rows for each in tables}


def _cells(tables: Sequence[Cells]) -> int:
    return sum(each.rows * len(each.table.columns) for each in tables)


def _setup_of(fields: Mapping[str, object], given: VerifierSrs | None) -> VerifierSrs:
    """The setup of a proof; that it really is the proof's is shown by the proof."""
    written = fields.get(SRS_KEY)
    if not isinstance(written, str) or not IDENTIFIER.fullmatch(written):
        raise codec.MalformedProofError("the proof does not name its SRS")
    identifier = bytes.fromhex(written[2:])
    if given is not None:
        if given.identifier != identifier:
            raise VerificationError("the proof was made with another SRS than the one given")
        return given
    known = trusted_setup.known_verifier(identifier) or trusted_setup.cached_verifier(identifier)
    if known is None:
        raise VerificationError("the proof's SRS is no known ceremony: pass that SRS with --srs")
    return known


def info(fork: str = NEWEST_FORK) -> tuple[GadgetInfo, ...]:
    """Describe every gadget and table of a fork's circuit, in its order."""
    return tuple(_describe(gadget) for gadget in all_gadgets(fork))


def _describe(gadget: Gadget) -> GadgetInfo:
    table = gadget.table
    return GadgetInfo(
        name=gadget.name,
        opcodes=_opcode_names(gadget),
        halts=tuple(halt.name for halt in gadget.halts) if isinstance(gadget, StepGadget) else (),
        columns=len(table.columns),
        constraints=len(table.constraints),
        interactions=len(table.interactions),
        degree=max(expr.degree for _, expr in table.expressions()),
        cost=row_cost(table),
    )


def _opcode_names(gadget: Gadget) -> tuple[str, ...]:
    if not isinstance(gadget, StepGadget):
        return ()
    names = {RESUME: "RESUME", **{int(op): op.name for op in Op}}
    return tuple(names[op] for op in gadget.opcodes if op in names)
