"""Altered proofs and statements: all refused, with one kind of error."""

from dataclasses import replace

import pytest

from tests.support import toy
from tests.support.tampering import (
    altered_elements,
    altered_lengths,
    altered_shapes,
    altered_statements,
    assert_rejected,
)
from zkevm.proof import Circuit

M = 5


@pytest.fixture(scope="module")
def case():
    case = toy.prove_toy(M)
    case.verify()
    return case


@pytest.mark.parametrize("worker", range(4))
def test_altered_elements(case, worker):
    found = list(altered_elements(case))
    assert len(found) > 1500
    for name, altered in found[worker::4]:
        assert_rejected(name, altered)


@pytest.mark.parametrize(
    ("family", "least"),
    [(altered_lengths, 30), (altered_shapes, 200), (altered_statements, 50)],
)
def test_altered_surroundings(case, family, least):
    found = list(family(case))
    assert len(found) >= least
    for name, altered in found:
        assert_rejected(name, altered)


@pytest.mark.slow
def test_every_byte_flipped(case):
    messages = case.proof.messages
    for i in range(len(messages)):
        for bit in (0, 7):
            flipped = messages[:i] + bytes([messages[i] ^ 1 << bit]) + messages[i + 1 :]
            proof = replace(case.proof, messages=flipped)
            assert_rejected(f"bit {bit} of byte {i}", replace(case, proof=proof))


def test_another_srs(case):
    assert_rejected("other tau", replace(case, srs=toy.srs(M, toy.TAU + 1).verifier))


def test_another_circuit(case):
    """One that differs in one constraint alone, and one that takes its digest."""
    mul, *rest = case.circuit.tables
    other = Circuit(
        "toy", (replace(mul, constraints=mul.constraints[1:]), *rest), toy.BUSES, toy.BOUNDS
    )
    assert_rejected("other circuit", replace(case, circuit=other))
    proof = replace(case.proof, circuit_digest=other.digest)
    assert_rejected("proof renamed", replace(case, circuit=other, proof=proof))
