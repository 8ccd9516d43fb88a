"""Altered proofs and statements: all refused, with one kind of error."""

import random
from dataclasses import replace
from itertools import combinations

import pytest

from tests.support import toy
from tests.support.kernels import native, needs_native
from tests.support.tampering import (
    M,
    alterations,
    altered_elements,
    altered_lengths,
    altered_segments,
    altered_shapes,
    altered_statements,
    assert_rejected,
    elements,
    sampled,
)
from zkevm.proof import Circuit


@pytest.mark.parametrize("worker", range(4))
def test_altered_elements(case, worker):
    found = list(altered_elements(case))
    assert len(found) > 1500
    for name, altered in found[worker::4]:
        assert_rejected(name, altered)


@pytest.mark.parametrize(
    ("family", "least"),
    [
        (altered_lengths, 30),
        (altered_shapes, 200),
        (altered_segments, 10),
        (altered_statements, 50),
    ],
)
def test_altered_surroundings(case, family, least):
    found = list(family(case))
    assert len(found) >= least
    for name, altered in found:
        assert_rejected(name, altered)


@needs_native
def test_the_kernels_refuse_as_well(case):
    case = replace(case, kernels=native)
    case.verify()
    for name, altered in sampled(case, 0.05):
        assert_rejected(name, altered)


def test_samples_come_from_all_families(case):
    names = [name for name, _ in sampled(case, 0.3)]
    for family in ("element", "cut", "height", "m is", "public message", "statement digest"):
        assert any(family in name for name in names)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_byte_flipped(case):
    messages = case.proof.messages
    for i in range(len(messages)):
        flipped = messages[:i] + bytes([messages[i] ^ 1 << i % 8]) + messages[i + 1 :]
        proof = replace(case.proof, messages=flipped)
        assert_rejected(f"byte {i} flipped", replace(case, proof=proof))


@pytest.mark.slow
def test_pairs_of_elements_swapped(case):
    messages = case.proof.messages
    places = elements(case)
    pairs = [(a, b) for a, b in combinations(places, 2) if messages[a] != messages[b]]
    alike = [(a, b) for a, b in pairs if a.stop - a.start == b.stop - b.start]
    for a, b in random.Random(1).sample(alike, 2000):
        swapped = messages[: a.start] + messages[b] + messages[a.stop : b.start] + messages[a]
        proof = replace(case.proof, messages=swapped + messages[b.stop :])
        assert_rejected(f"{a} and {b} swapped", replace(case, proof=proof))


def test_another_srs(case):
    assert_rejected("other tau", replace(case, srs=toy.srs(M, toy.TAU + 1).verifier))


def test_another_circuit(case):
    """One that differs in one constraint alone, and one that takes its digest."""
    mul, *rest = case.circuit.tables
    other = Circuit(
        "toy", (replace(mul, constraints=mul.constraints[1:]), *rest), toy.BUSES, toy.BOUNDS
    )
    assert_rejected("other circuit", replace(case, circuit=other))
    proof = replace(case.proof, circuit_digest=other.digest(*case.proof.heights))
    assert_rejected("proof renamed", replace(case, circuit=other, proof=proof))


def test_there_are_many_alterations(case):
    assert sum(1 for _ in alterations(case)) >= 2000
