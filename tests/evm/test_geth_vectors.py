"""go-ethereum's vectors of opcodes and precompiles."""

import json
import tarfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.cases import case_of
from tests.support.programs import push
from zkevm.evm.forks.cancun import CANCUN
from zkevm.evm.forks.osaka import OSAKA
from zkevm.evm.forks.prague import PRAGUE
from zkevm.evm.opcodes import Op
from zkevm.evm.precompiles import Precompile, PrecompileFailure
from zkevm.trace.recorder import record
from zkevm.trace.replay import stacks

OPCODES = {
    "signext": Op.SIGNEXTEND,
    **{
        op.name.lower(): op
        for op in (Op.ADD, Op.AND, Op.BYTE, Op.DIV, Op.EQ, Op.EXP, Op.GT, Op.LT, Op.MOD, Op.MUL)
    },
    **{
        op.name.lower(): op
        for op in (Op.OR, Op.SAR, Op.SDIV, Op.SGT, Op.SHL, Op.SHR, Op.SLT, Op.SMOD, Op.SUB, Op.XOR)
    },
}

PRECOMPILES: dict[str, Precompile] = {
    "ecRecover": CANCUN.precompiles[0x01],
    "modexp_eip2565": PRAGUE.precompiles[0x05],
    "modexp_eip7883": OSAKA.precompiles[0x05],
    "bn256Add": CANCUN.precompiles[0x06],
    "bn256ScalarMul": CANCUN.precompiles[0x07],
    "bn256Pairing": CANCUN.precompiles[0x08],
    "blake2F": CANCUN.precompiles[0x09],
    "pointEvaluation": CANCUN.precompiles[0x0A],
    "blsG1Add": PRAGUE.precompiles[0x0B],
    "blsG1Mul": PRAGUE.precompiles[0x0C],
    "blsG1MultiExp": PRAGUE.precompiles[0x0C],
    "blsG2Add": PRAGUE.precompiles[0x0D],
    "blsG2Mul": PRAGUE.precompiles[0x0E],
    "blsG2MultiExp": PRAGUE.precompiles[0x0E],
    "blsPairing": PRAGUE.precompiles[0x0F],
    "blsMapG1": PRAGUE.precompiles[0x10],
    "blsMapG2": PRAGUE.precompiles[0x11],
    "p256Verify": OSAKA.precompiles[0x100],
}
FAILING = [name for name in PRECOMPILES if name.startswith("bls")] + ["blake2F"]

QUICK = 200_000
"""Gas that the default run spends on each file: curve arithmetic in Python is slow."""


@cache
def vectors(path: Path) -> dict[str, list[dict]]:
    with tarfile.open(path) as archive:
        return {
            Path(member.name).stem: json.loads(archive.extractfile(member).read())
            for member in archive
            if member.name.endswith(".json")
        }


def check(precompile: Precompile, vector: dict) -> None:
    data = bytes.fromhex(vector["Input"])
    output, left = precompile.run(data, 10**12)
    assert output.hex() == vector["Expected"], vector["Name"]
    assert 10**12 - left == vector["Gas"], vector["Name"]


def quick(candidates: list[dict]) -> list[dict]:
    """Return the cheaper vectors within the budget, one at least."""
    taken, spent = [], 0
    for vector in sorted(candidates, key=lambda vector: vector["Gas"]):
        spent += vector["Gas"]
        if taken and spent > QUICK:
            break
        taken.append(vector)
    return taken[:20]


@pytest.mark.parametrize("name", OPCODES)
def test_opcodes(shared, name):
    """The second operand of a vector is on top; all of a file run as one program."""
    cases = vectors(shared("fixtures/geth_vm_vectors.tar.xz"))[f"testcases_{name}"]
    program = b"".join(
        push(int(case["X"], 16)) + push(int(case["Y"], 16)) + bytes((OPCODES[name], Op.POP))
        for case in cases
    )
    _, trace = record(case_of(CANCUN, [program], gas_limit=10_000_000))
    results = [
        stack[-1]
        for stack, op in zip(stacks(trace), trace.rows.op.tolist(), strict=True)
        if op == Op.POP
    ]
    assert results == [int(case["Expected"], 16) for case in cases]


@pytest.mark.parametrize("name", PRECOMPILES)
def test_precompiles(shared, name):
    chosen = quick(vectors(shared("fixtures/geth_vm_vectors.tar.xz"))[name])
    assert chosen
    for vector in chosen:
        check(PRECOMPILES[name], vector)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", PRECOMPILES)
def test_precompiles_at_length(shared, name):
    for vector in vectors(shared("fixtures/geth_vm_vectors.tar.xz"))[name]:
        check(PRECOMPILES[name], vector)


@pytest.mark.parametrize("name", FAILING)
def test_precompiles_that_fail(shared, name):
    file = f"fail-{name[0].lower()}{name[1:].replace('2F', '2f')}"
    for vector in vectors(shared("fixtures/geth_vm_vectors.tar.xz"))[file]:
        with pytest.raises(PrecompileFailure):
            PRECOMPILES[name].run(bytes.fromhex(vector["Input"]), 10**12)
