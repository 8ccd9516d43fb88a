"""The code that a call of an address runs: its own, or that of the account it is delegated to.

Relation.  The account's code hash is looked up in `code_info`.  If it is a delegation and the fork
           has them (EIP-7702), the account it names is touched and its code runs instead; that one
           is not followed further.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from circuits.buses import CODE_INFO
from circuits.execution.execution import Execution
from circuits.execution.tokens import I64, U64, Mask
from circuits.language.arrays import integers
from circuits.language.builder import Builder
from circuits.language.columns import Bit
from circuits.language.part import Cell, Part
from circuits.language.plan import Plan
from circuits.language.state import AddressAccess, CodeAccess, Inverses, Undoing
from circuits.language.witness import Witness
from zkevm.errors import NotProvableError
from zkevm.evm.code import EMPTY_CODE, Code
from zkevm.evm.fork import Fork
from zkevm.plonkish.expression import ZERO, Column, ColumnType, Expr
from zkevm.trace.words import Words, words_from_ints

Rows = I64 | Sequence[int]


@dataclass(frozen=True)
class CodeFacts:
    """What `code_info` says of a code hash."""

    code: int
    length: int
    delegated: bool
    target: int


NO_CODE = CodeFacts(0, 0, False, 0)


def code_facts(execution: Execution, address: int, row: int) -> CodeFacts:
    """Of the code that an account has before a row of the trace.

    Raises NotProvableError if the trace does not hold that code.
    """
    code_hash = execution.code_history.before(address, row)
    if code_hash == EMPTY_CODE.hash:
        return NO_CODE
    found = execution.code_places.get(code_hash)
    if found is None:
        raise NotProvableError(f"not provable yet: the code of {address:#042x} is not in the trace")
    return listed_code(execution, found)


def listed_code(execution: Execution, place: int) -> CodeFacts:
    """Of the code at a place of the trace's list; -1 is the empty code."""
    if place < 0:
        return NO_CODE
    code = execution.trace.codes[place]
    delegate = Code(code).delegate
    code_id = int(execution.code_ids[place])
    return CodeFacts(code_id, len(code), delegate is not None, delegate or 0)


class CodeInfo(Part):
    """Looks a code hash up."""

    def __init__(self) -> None:
        self.code = Cell(ColumnType.U32)
        self.length = Cell(ColumnType.U16)
        self.delegated = Bit()
        self.target = Cell(ColumnType.FIELD)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield ".id", self.code
        yield ".length", self.length
        yield ".delegated", self.delegated
        yield ".target", self.target

    def use(self, c: Builder, when: Expr, code_hash: Iterable[Expr]) -> None:
        """Where `when` is 1, of the hash with these halves."""
        facts = (self.code, self.length, self.delegated, self.target)
        c.request(CODE_INFO, when, *code_hash, *facts, label=f"{self.label} of the hash")

    def fill(self, w: Witness, facts: Sequence[CodeFacts]) -> None:
        """From the facts, NO_CODE where it is not looked up."""
        w[self.code] = np.array([f.code for f in facts], np.uint64)
        w[self.length] = np.array([f.length for f in facts], np.uint64)
        w[self.delegated] = np.array([f.delegated for f in facts], np.bool_)
        w[self.target] = words_from_ints(f.target for f in facts)


class OwnCode(Part):
    """The code of an account that is not delegated, with its store; one tick."""

    follows: Expr = ZERO
    """Whether another account's code runs."""

    cost: Expr = ZERO
    """The gas of touching that account."""

    def __init__(self) -> None:
        self.account = CodeAccess()
        self.info = CodeInfo()
        self.store: Expr = self.account.old[2]
        self.code: Expr = self.info.code
        self.length: Expr = self.info.length

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield "", self.account
        yield "", self.info

    def use(
        self,
        c: Builder,
        fork: Fork,
        address: Expr,
        clock: Expr,
        scope: Expr,
        undoing: Undoing | None = None,
    ) -> None:
        """On real rows, read the code at `clock`."""
        self._read(c, address, clock)
        if fork.has_delegations:
            c.require_zero(f"{self.label} is no delegation", self.info.delegated)

    def _read(self, c: Builder, address: Expr, clock: Expr) -> None:
        self.account.read(c, c.real, address, clock)
        self.info.use(c, c.real, self.account.hash)

    def plan(
        self,
        owner: object,
        plan: Plan,
        fork: Fork,
        address: Words,
        rows: Rows,
        clock: U64,
        warm: Mask | None = None,
        inverses: Inverses | None = None,
    ) -> None:
        """Register the accesses; `warm` tells which delegates were, needed with `inverses`."""
        self.account.plan_read(owner, plan, address, clock)

    def fill(
        self, w: Witness, execution: Execution, fork: Fork, address: Words, rows: Rows
    ) -> None:
        """From the addresses called and the rows of the trace that call them."""
        self.info.fill(w, codes_of(execution, address, rows))


class CalleeCode(OwnCode):
    """The code that runs, with the account's store; two ticks."""

    def __init__(self) -> None:
        super().__init__()
        self.follows: Bit = Bit()
        self.touch = AddressAccess()
        self.delegate = CodeAccess()
        self.delegate_info = CodeInfo()
        self.cost = self.follows * self.touch.cost
        own, other = self.info, self.delegate_info
        self.code = own.code + self.follows * (other.code - own.code)
        self.length = own.length + self.follows * (other.length - own.length)

    def children(self) -> Iterator[tuple[str, Column | Part]]:
        yield from super().children()
        yield ".follows", self.follows
        yield ".touch", self.touch
        yield ".delegate", self.delegate
        yield ".delegate", self.delegate_info

    def use(
        self,
        c: Builder,
        fork: Fork,
        address: Expr,
        clock: Expr,
        scope: Expr,
        undoing: Undoing | None = None,
    ) -> None:
        """On real rows, read the code at `clock`; touch the delegate, read its code at the next."""
        self._read(c, address, clock)
        # `info` is looked up on real rows only: on padding `delegated` may be anything
        followed = c.real * self.info.delegated if fork.has_delegations else 0
        c.require_equal(f"{self.label} follows a delegation", self.follows, followed)
        target = self.info.target
        self.touch.use(c, self.follows, target, clock + 1, scope, undoing)
        self.delegate.read(c, self.follows, target, clock + 1)
        self.delegate_info.use(c, self.follows, self.delegate.hash)
        # A delegation to a precompile runs no code, whatever code its account has.
        runs = self.touch.mark.old[1] * self.delegate_info.length
        c.require_zero(f"{self.label} of a precompile is empty", self.follows * runs)

    def plan(
        self,
        owner: object,
        plan: Plan,
        fork: Fork,
        address: Words,
        rows: Rows,
        clock: U64,
        warm: Mask | None = None,
        inverses: Inverses | None = None,
    ) -> None:
        super().plan(owner, plan, fork, address, rows, clock)
        targets, follows = followed(plan.execution, fork, address, rows)
        later = clock + np.uint64(1)
        self.touch.plan(owner, plan, targets, later, warm, inverses, follows)
        self.delegate.plan_read(owner, plan, targets, later, follows)

    def fill(
        self, w: Witness, execution: Execution, fork: Fork, address: Words, rows: Rows
    ) -> None:
        super().fill(w, execution, fork, address, rows)
        targets, follows = followed(execution, fork, address, rows)
        w[self.follows] = follows
        delegates = codes_of(execution, targets, rows, follows)
        refuse_precompiles(fork, targets, delegates)
        self.delegate_info.fill(w, delegates)


def refuse_precompiles(fork: Fork, targets: Words, delegates: Iterable[CodeFacts]) -> None:
    """Refuse delegations to precompiles that have code, as they have on no real chain."""
    pairs = zip(integers(targets), delegates, strict=True)
    if any(facts.length and target in fork.precompiles for target, facts in pairs):
        raise NotProvableError("not provable yet: a delegation to a precompile that has code")


def codes_of(
    execution: Execution, address: Words, rows: Rows, where: Mask | None = None
) -> list[CodeFacts]:
    """Of the codes that accounts have before rows of the trace; of none where `where` is clear."""
    asked = np.ones(len(address), np.bool_) if where is None else where
    return [
        code_facts(execution, a, int(row)) if when else NO_CODE
        for a, row, when in zip(integers(address), rows, asked, strict=True)
    ]


def followed(execution: Execution, fork: Fork, address: Words, rows: Rows) -> tuple[Words, Mask]:
    """To which accounts those called by rows of the trace are delegated, and which are."""
    facts = codes_of(execution, address, rows)
    follows = np.array([fork.has_delegations and f.delegated for f in facts], np.bool_)
    return words_from_ints(f.target for f in facts), follows
