"""Honest proofs of tables of every shape are accepted, and both kernels make the same proof."""

from dataclasses import replace

import numpy as np
import pytest

from tests.support import reference_kernels, toy
from tests.support.kernels import BOTH, native, needs_native
from zkevm.errors import TooLargeError, UsageError, VerificationError
from zkevm.field import MODULUS
from zkevm.proof import Bounds, TableWitness, Witness, prove, prover, verify
from zkevm.proof.prover import choose_stack_size
from zkevm.proof.witness import heights_of


def table(height, *columns):
    arrays = [c if isinstance(c, np.ndarray) else np.array(c, dtype=np.uint8) for c in columns]
    return TableWitness(arrays, height)


def field_column(*values):
    words = [[v >> 64 * i & (1 << 64) - 1 for i in range(4)] for v in values]
    return np.array(words, dtype=np.uint64)


HONEST = toy.witness()
SINGLE = {name: HONEST.tables[name] for name in ("squares", "single")}

WITNESSES = {  # tables and what they publish
    "all but one table": (HONEST, (27, 26)),
    "all tables": (Witness({**HONEST.tables, "quiet": table(2, [0, 1, 1])}), (27, 26)),
    "no row given": (Witness({**HONEST.tables, "quiet": table(2, [])}), (27, 26)),
    "heights with room": (toy.witness(heights={"mul": 8, "user": 7}), (27, 26)),
    "heights without room": (toy.witness(heights={"user": 3, "single": 2}), (27, 26)),
    "no table with leaves": (Witness({"quiet": table(3, [1, 0, 1])}), ()),
    "one cell": (Witness({"quiet": table(0, [1])}), ()),
    "more rows than leaves": (Witness({**SINGLE, "quiet": table(8, [1] * 255)}), (26,)),
    "one row, one lookup": (Witness(SINGLE), (26,)),
    "only padding": (Witness({"user": table(1, *[[0, 0]] * 5)}), ()),
    "wide cells": (
        Witness(
            {
                **SINGLE,
                "single": table(0, field_column(1), field_column(25), field_column(26)),
                "user": TableWitness(
                    [
                        np.zeros(2, np.uint8),
                        np.array([7, 2**16 - 1], np.uint16),
                        np.array([[2**64 - 1, 1], [0, 2**64 - 1]], np.uint64),
                        field_column(MODULUS - 1, 1 << 200),
                        np.array([0], np.uint32),
                    ],
                    1,
                ),
            }
        ),
        (26,),
    ),
}


@pytest.mark.parametrize("kernels", BOTH)
@pytest.mark.parametrize("m", [1, 2, 4, 5, 7, 10])
@pytest.mark.parametrize("name", WITNESSES)
def test_honest_proofs_are_accepted(name, m, kernels):
    witness, published = WITNESSES[name]
    if (name == "heights with room" and m == 1) or (kernels is reference_kernels and m == 10):
        pytest.skip("too many stack polynomials" if m == 1 else "slow")
    circuit, public, srs = toy.circuit(), toy.publish(*published), toy.srs(m)
    proof = prove(circuit, [witness], public, b"", srs, kernels=kernels)
    assert proof.m == m
    assert proof.heights == (heights_of(circuit, witness),)
    verify(circuit, proof, public, b"", srs.verifier)
    with pytest.raises(VerificationError):
        verify(circuit, proof, [*public, *toy.publish(5)], b"", srs.verifier)


@needs_native
@pytest.mark.parametrize("m", [1, 4, 7])
@pytest.mark.parametrize("name", WITNESSES)
def test_both_kernels_make_the_same_proof(name, m):
    if name == "heights with room" and m == 1:
        pytest.skip("too many stack polynomials")
    witness, published = WITNESSES[name]
    arguments = toy.circuit(), [witness], toy.publish(*published), b"", toy.srs(m)
    assert prove(*arguments, kernels=native) == prove(*arguments, kernels=reference_kernels)


def test_public_messages_count_with_their_multiplicity():
    """Two copies may be one message of multiplicity two, and a message and its opposite cancel."""
    edits = [("user", 4, 0, 1), ("user", 3, 0, 27), ("user", 1, 0, 9), ("user", 2, 0, 3)]
    edits += [("mul", 3, 0, 27), ("mul", 1, 0, 9), ("mul", 2, 0, 3)]
    edits += [("range", 0, 4, 0), ("range", 0, 9, 2)]
    once, other = toy.publish(27, 26)
    public = [
        once._replace(multiplicity=-2),
        other,
        once._replace(values=(1,)),
        once._replace(values=(1,), multiplicity=1),
    ]
    toy.prove_toy(5, public=public, edits=edits).verify()


def test_phases_are_told():
    told = []
    arguments = toy.circuit(), [HONEST], toy.publish(27, 26), b"", toy.srs(5)
    prove(*arguments, progress=told.append, kernels=reference_kernels)
    assert told == ["commitments", "fractions", "rows", "stacking", "opening"]


def test_native_kernels_are_asked_for_by_name(monkeypatch):
    def absent(name):
        raise ImportError(name)

    monkeypatch.setattr(prover, "import_module", absent)
    with pytest.raises(UsageError, match="Rust toolchain"):
        prove(toy.circuit(), [HONEST], [], b"", toy.srs(5))


def test_unknown_table():
    with pytest.raises(ValueError, match="nonsense"):
        heights_of(toy.circuit(), Witness({"nonsense": table(0, [1])}))


# ---- the size of stack polynomials ---------------------------------------------------------------


def size(available, bounds=None, rows=5, **heights):
    circuit = toy.circuit(bounds or replace(Bounds(), height=24))
    own = [None, heights.get("user", 6), None, None, None, None]
    return choose_stack_size(circuit, own, 3 * rows, available)  # three columns are not bits


def test_stack_size():
    assert size(1 << 20) == 15
    assert size((1 << 16) - 1) == 15
    assert size(1 << 13) == 13
    assert size(1 << 28, rows=1 << 20, user=20) == 16  # three columns are not bits
    assert size(1 << 28, rows=1 << 24, user=24) == 18


def test_too_small_srs():
    with pytest.raises(TooLargeError, match=r"needs 2\^11 .*degree 11"):
        size((1 << 11) - 1)
    with pytest.raises(TooLargeError, match=r"needs 2\^16 .*degree 16"):
        size(1 << 15, user=24)
    assert size(1 << 16, user=24) == 16


def test_few_stack_polynomials_where_the_srs_allows():
    assert size(1 << 17, user=24) == 17
    assert size(1 << 28, user=24) == 17


def test_no_srs_is_large_enough():
    with pytest.raises(TooLargeError, match="prove less"):
        size(1 << 28, bounds=Bounds(stacks=2), user=24)
