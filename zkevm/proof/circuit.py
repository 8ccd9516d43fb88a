"""A circuit: its tables compiled to programs, checked, and named by a digest.

The digest is the verifying key: there are no commitments in it, because fixed columns are
evaluated by the verifier, so one key serves every trusted setup.  It is a digest of the tables that
a proof has: the others enter no equation, and need not be declared to prove or to verify.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from zkevm.field import MODULUS
from zkevm.keccak import keccak256
from zkevm.plonkish.program import Program, compile_table
from zkevm.plonkish.table import MAX_DEGREE, Bus, Source, Table
from zkevm.transcript import word

PROTOCOL = "zkevm/proof/v3"
"""The protocol and its version: every change of what is sent or absorbed changes it."""

SEGMENT = f"{PROTOCOL}/segment"
"""The domain of the transcripts of segments."""

ROUND_DEGREE = MAX_DEGREE + 1
"""D: the degree of a round polynomial of the sum over rows; eq contributes 1."""


class CircuitError(ValueError):
    """The declaration of a circuit is wrong; the message lists what."""


@dataclass(frozen=True)
class Bounds:
    """What a verifier accepts of shapes; they bound its work and keep every count far below p."""

    height: int = 24  # log2 of the rows of a table
    smallest_stack: int = 11  # log2 of the size of a stack polynomial
    largest_stack: int = 20
    stacks: int = 2048  # stack polynomials of a segment
    segments: int = 256
    public_messages: int = 1 << 20


@dataclass(frozen=True)
class Compiled:
    """A table with its program and a digest of everything that its equations depend on."""

    table: Table
    program: Program
    digest: bytes


@dataclass(frozen=True)
class Circuit:
    """Tables that talk over buses.  Raises `CircuitError` if the declaration is unsound.

    The order of the tables is part of the circuit.  Every table may be absent from a proof, which
    means that it is all zero: that rests on the check that its zero row is legal and silent.
    Tables are declared, compiled and checked when they are first needed; `check` does it for all.
    """

    name: str
    tables: tuple[Source, ...]
    buses: tuple[Bus, ...]
    bounds: Bounds = field(default=Bounds())
    _compiled: dict[int, Compiled] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        self._refuse(self._faults())

    def compiled(self, number: int) -> Compiled:
        """A table; raises `CircuitError` if its declaration is unsound."""
        if number not in self._compiled:
            self._compiled[number] = self._compile(self.tables[number].table)
        return self._compiled[number]

    def named(self, names: Container[str]) -> list[Compiled]:
        """The tables that have one of these names, in order."""
        return [self.compiled(i) for i, table in enumerate(self.tables) if table.name in names]

    def check(self) -> None:
        """Raise `CircuitError` if the declaration of any table is unsound."""
        for number in range(len(self.tables)):
            self.compiled(number)

    def digest(self, *segments: Sequence[int | None]) -> bytes:
        """Keccak-256 of everything that the verifier's equations depend on.

        That is the tables that are present in a segment, with their numbers: not of an absent one,
        of whose height each segment says None.
        """
        bounds = self.bounds
        numbers = (
            ROUND_DEGREE,
            bounds.height,
            bounds.smallest_stack,
            bounds.largest_stack,
            bounds.stacks,
            bounds.segments,
            bounds.public_messages,
            len(self.tables),
            len(self.buses),
        )
        parts = [PROTOCOL.encode(), self.name.encode(), b"".join(map(word, numbers))]
        parts += (word(bus.number) + word(len(bus.fields)) for bus in self.buses)
        heights = (enumerate(segment[: len(self.tables)]) for segment in segments)
        present = {number for number, height in chain.from_iterable(heights) if height is not None}
        parts += (word(number) + self.compiled(number).digest for number in sorted(present))
        return _hash(parts)

    def _compile(self, table: Table) -> Compiled:
        try:
            program = compile_table(table)
        except ValueError as error:
            raise CircuitError(f"circuit {self.name}: {table.name}: {error}") from error
        faults = list(self._table_faults(table, program)) or _zero_row_faults(table, program)
        self._refuse(f"{table.name}: {fault}" for fault in faults)
        height = word(0 if table.height is None else table.height + 1)
        fixed = (column.describe() for column in table.fixed)
        return Compiled(table, program, _hash([height, program.encoded, *fixed]))

    def _refuse(self, faults: Iterable[str]) -> None:
        if found := list(faults):
            raise CircuitError(f"circuit {self.name}: " + "; ".join(found))

    def _faults(self) -> Iterator[str]:
        yield from _repeated("bus number", [bus.number for bus in self.buses])
        yield from _repeated("table name", [table.name for table in self.tables])
        if not all(0 < bus.number < 1 << 32 for bus in self.buses):
            yield "a bus number is zero or large"

    def _table_faults(self, table: Table, program: Program) -> Iterator[str]:
        yield from table.faults()
        read = program.reads()
        yield from (
            f"column never read: {c.name}" for i, c in enumerate(table.columns) if i not in read
        )
        unknown = {i.bus for i in table.interactions} - set(self.buses)
        yield from (f"bus {bus.name} is not of this circuit" for bus in unknown)
        if table.fixed and table.height is None:
            yield "fixed columns, but no forced height"
        if table.height is not None and not 0 <= table.height <= self.bounds.height:
            yield f"height {table.height} out of bounds"
        if not table.columns:
            yield "no column"


def _zero_row_faults(table: Table, program: Program) -> Iterator[str]:
    """What the row of zeros breaks or sends, whatever the fixed columns hold.

    Constraints and numerators have to vanish as polynomials in the fixed columns.  They are
    evaluated at one point fixed by hashing the program: a non-zero polynomial of degree 3 has a
    root there with probability below 2^-250.
    """
    seed = keccak256(b"zero row" + program.encoded)
    cells = [0] * program.width + [
        int.from_bytes(keccak256(seed + word(2 * i)) + keccak256(seed + word(2 * i + 1)), "big")
        % MODULUS
        for i in range(program.fixed)
    ]
    values = program.run(cells)
    for constraint, node in zip(table.constraints, program.constraints, strict=True):
        if values[node]:
            yield f"the zero row breaks: {constraint.label}"
    for interaction, nodes in zip(table.interactions, program.interactions, strict=True):
        if values[nodes.numerator]:
            yield f"the zero row is not silent: {interaction.label}"


def _hash(parts: Iterable[bytes]) -> bytes:
    """Keccak-256 of parts, each with its length."""
    return keccak256(b"".join(word(len(part)) + part for part in parts))


def _repeated(what: str, values: Iterable[object]) -> Iterator[str]:
    return (f"{what} used twice: {value}" for value, n in Counter(values).items() if n > 1)
