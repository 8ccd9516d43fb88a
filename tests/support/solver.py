"""A solver for bit vectors, asked whether the result of a narrow table is determined.

Cells are numbers below the prime.  No sum or product of them is wider than the bit vectors, so what
vanishes modulo the prime is a multiple of it.
"""

from dataclasses import dataclass
from functools import cached_property

import cvc5
from cvc5 import Kind

from tests.support.narrow import Claim, Narrow, evaluate
from zkevm.plonkish.expression import Column, ColumnType, Expr

WIDTH = 24


@dataclass(frozen=True)
class Number:
    """A term with the integers between which it is."""

    terms: cvc5.TermManager
    term: cvc5.Term
    low: int
    high: int

    def _with(self, kind: Kind, other: "Number", *ends: int) -> "Number":
        if max(map(abs, ends)) >= 1 << WIDTH - 2:
            raise OverflowError("a wider bit vector is needed")
        term = self.terms.mkTerm(kind, self.term, other.term)
        return Number(self.terms, term, min(ends), max(ends))

    def __add__(self, other: "Number") -> "Number":
        return self._with(Kind.BITVECTOR_ADD, other, self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Number") -> "Number":
        return self._with(Kind.BITVECTOR_SUB, other, self.low - other.high, self.high - other.low)

    def __mul__(self, other: "Number") -> "Number":
        ends = [x * y for x in (self.low, self.high) for y in (other.low, other.high)]
        return self._with(Kind.BITVECTOR_MULT, other, *ends)


class Question:
    """What is asked of the solver about a narrow table."""

    def __init__(self, narrow: Narrow) -> None:
        self.narrow, self.terms = narrow, cvc5.TermManager()
        self.solver = cvc5.Solver(self.terms)
        self.solver.setLogic("QF_BV")

    def constant(self, value: int) -> Number:
        term = self.terms.mkBitVector(WIDTH, value % (1 << WIDTH))
        return Number(self.terms, term, value, value)

    @cached_property
    def prime(self) -> Number:
        return self.constant(self.narrow.prime)

    def equal(self, left: Number, right: Number) -> cvc5.Term:
        """Modulo the prime."""
        prime, found = self.narrow.prime, left - right
        if -prime < found.low and found.high < prime:
            return self.terms.mkTerm(Kind.EQUAL, left.term, right.term)
        positive = found + self.constant(-(found.low // prime) * prime)
        rest = self.terms.mkTerm(Kind.BITVECTOR_UREM, positive.term, self.prime.term)
        return self.terms.mkTerm(Kind.EQUAL, rest, self.constant(0).term)

    def every(self, told: list[cvc5.Term]) -> cvc5.Term:
        return self.terms.mkTerm(Kind.AND, self.terms.mkTrue(), *told)

    def some(self, told: list[cvc5.Term]) -> cvc5.Term:
        return self.terms.mkTerm(Kind.OR, self.terms.mkFalse(), *told)

    def row(self, name: str) -> tuple[list[Number], list[Number]]:
        """Assert a row; what it is given and its result."""
        narrow = self.narrow
        cells = {c: self._cell(f"{c.name} of {name}", c) for c in narrow.columns}

        def number(expr: Expr) -> Number:
            return evaluate(expr, cells.__getitem__, self.constant)

        def holds(claim: Claim) -> cvc5.Term:
            message = list(map(number, claim.message))
            told = [
                self.every(
                    [self.equal(m, self.constant(x)) for m, x in zip(message, said, strict=True)]
                )
                for said in claim.statements
            ]
            return self.some([self.equal(number(claim.when), self.constant(0)), *told])

        for claim in narrow.claims:
            if len(claim.reads) > 1:  # the others are in the values of a column
                self.solver.assertFormula(holds(claim))
        return list(map(number, narrow.inputs)), list(map(number, narrow.outputs))

    def _cell(self, name: str, column: Column) -> Number:
        """An unknown that has one of the column's values; stored as a bit it is one."""
        values = self.narrow.columns[column].tolist()
        if column.type is ColumnType.BIT:
            values = [x for x in values if x < 2]
        size = max(values[-1].bit_length(), 1)
        narrow = self.terms.mkConst(self.terms.mkBitVectorSort(size), name)
        wider = self.terms.mkOp(Kind.BITVECTOR_ZERO_EXTEND, WIDTH - size)
        number = Number(self.terms, self.terms.mkTerm(wider, narrow), values[0], values[-1])
        if len(values) < 1 << size:
            own = [
                self.terms.mkTerm(Kind.EQUAL, number.term, self.constant(x).term) for x in values
            ]
            self.solver.assertFormula(self.some(own))
        return number


def is_determined(narrow: Narrow) -> bool:
    """Whether no two rows agree in what they are given and differ in the result."""
    question = Question(narrow)
    (given, result), (same, other) = question.row("one"), question.row("another")
    agree = [question.equal(a, b) for a, b in zip(result, other, strict=True)]
    for a, b in zip(given, same, strict=True):
        question.solver.assertFormula(question.equal(a, b))
    differ = question.terms.mkTerm(Kind.NOT, question.every(agree))
    question.solver.assertFormula(differ)
    answer = question.solver.checkSat()
    assert not answer.isUnknown()
    return answer.isUnsat()
