"""Every bug of the list in GADGETS.md, section 13, has a test of its number, or a reason."""

import re
from pathlib import Path

import pytest

COUNT = 52
PRECOMPILES = "of a precompile that is not proven: calls of it are refused by name"
SIGNATURES = "of signatures, which no statement includes yet (S3)"
TRIES = "of tries, which no statement includes yet (S4)"
RLP = "of RLP decoded in the circuit, which no statement includes yet (S3)"
ELSEWHERE = {
    12: SIGNATURES,
    32: TRIES,
    33: TRIES,
    36: RLP,
    40: SIGNATURES,
    41: SIGNATURES,
    42: PRECOMPILES,
    49: PRECOMPILES,
    52: "of headers, which no statement includes yet (S5)",
}
"""Bugs that there is nothing here to have, with the reason."""


def numbers_with_a_test():
    """The numbers in the names of tests."""
    found = set()
    for path in Path(__file__).resolve().parent.rglob("test_*.py"):
        for name in re.findall(r"def test_audit((?:_A\d+)+)", path.read_text()):
            found |= {int(number) for number in re.findall(r"\d+", name)}
    return found


def test_every_number_has_a_test_or_a_reason():
    assert numbers_with_a_test() | ELSEWHERE.keys() == set(range(1, COUNT + 1))
    assert not numbers_with_a_test() & ELSEWHERE.keys()


def test_the_list_has_so_many(shared):
    text = shared("design/GADGETS.md").read_text()
    section = text.split("## 13. Published audit bugs")[1].split("\n## ")[0]
    numbers = re.findall(r"^\| (\d+) \|", section, re.MULTILINE)
    if not numbers:
        pytest.fail("the list has another form")
    assert [int(n) for n in numbers] == list(range(1, COUNT + 1))
