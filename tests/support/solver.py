"""A solver for finite fields, asked whether the result of a narrow table is determined."""

from typing import Any

import cvc5
from cvc5 import Kind

from tests.support.narrow import Narrow
from zkevm.plonkish.expression import Column


class Term:
    """A term with the operators of expressions."""

    def __init__(self, terms: Any, term: Any) -> None:
        self.terms, self.term = terms, term

    def _with(self, kind: Kind, other: "Term") -> "Term":
        return Term(self.terms, self.terms.mkTerm(kind, self.term, other.term))

    def __add__(self, other: "Term") -> "Term":
        return self._with(Kind.FINITE_FIELD_ADD, other)

    def __mul__(self, other: "Term") -> "Term":
        return self._with(Kind.FINITE_FIELD_MULT, other)

    def __sub__(self, other: "Term") -> "Term":
        negated = self.terms.mkTerm(Kind.FINITE_FIELD_NEG, other.term)
        return self + Term(self.terms, negated)

    def equals(self, other: "Term") -> Any:
        return self.terms.mkTerm(Kind.EQUAL, self.term, other.term)


class Question:
    """What is asked of the solver about a narrow table."""

    def __init__(self, narrow: Narrow) -> None:
        self.narrow, self.terms = narrow, cvc5.TermManager()
        self.field = self.terms.mkFiniteFieldSort(str(narrow.prime))
        self.solver = cvc5.Solver(self.terms)
        self.solver.setLogic("QF_FF")

    def constant(self, value: int) -> Term:
        return Term(self.terms, self.terms.mkFiniteFieldElem(str(value), self.field))

    def row(self, name: str) -> tuple[list[Term], list[Term]]:
        """Assert a row; what it is given and its result."""
        narrow = self.narrow
        cells = {c: self._cell(f"{c.name} of {name}", narrow.domain(c)) for c in narrow.columns}

        def cell(column: Column) -> Term:
            return cells[column] if column in cells else self.constant(int(column.name == "real"))

        def value(expr) -> Term:
            return narrow.evaluate(expr, cell, self.constant)

        for expr in narrow.constraints:
            self.solver.assertFormula(value(expr).equals(self.constant(0)))
        return list(map(value, narrow.inputs)), list(map(value, narrow.outputs))

    def _cell(self, name: str, domain: int) -> Term:
        """An unknown below its bound, which is a root of a polynomial."""
        term = Term(self.terms, self.terms.mkConst(self.field, name))
        if domain < self.narrow.prime:
            product = self.constant(1)
            for value in range(domain):
                product *= term - self.constant(value)
            self.solver.assertFormula(product.equals(self.constant(0)))
        return term


def is_determined(narrow: Narrow) -> bool:
    """Whether no two rows agree in what they are given and differ in the result."""
    question = Question(narrow)
    (given, result), (same, other) = question.row("one"), question.row("another")
    terms, solver = question.terms, question.solver
    for a, b in zip(given, same, strict=True):
        solver.assertFormula(a.equals(b))
    agree = [a.equals(b) for a, b in zip(result, other, strict=True)]
    solver.assertFormula(terms.mkTerm(Kind.NOT, terms.mkTerm(Kind.AND, *agree)))
    answer = solver.checkSat()
    assert not answer.isUnknown()
    return answer.isUnsat()
