"""Consecutive transactions of a block: of a file with its witness, or of a blockchain test."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zkevm.errors import UsageError
from zkevm.evm.block import Block
from zkevm.evm.block_transition import BlockResult, RecorderFactory
from zkevm.evm.fork import Fork
from zkevm.evm.witness import StatelessBlock, execute_block
from zkevm.evm.witness_codec import holds_block, load_block

if TYPE_CHECKING:
    from zkevm.evm.blockchain_test import ChainBlock


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The transactions of a block whose indices, from 0, are `transactions`.

    `absent` are accounts that the witness of a block does not reach, to take as not existing.
    """

    source: StatelessBlock | ChainBlock
    transactions: range
    absent: Container[int] = ()

    @property
    def block(self) -> Block:
        """The block."""
        return self.source.block

    @property
    def fork(self) -> Fork:
        """The fork that rules it."""
        return self.source.fork


def load_excerpt(
    path: Path,
    transactions: range,
    *,
    test: str | None = None,
    place: int | None = None,
    absent: Container[int] = (),
) -> Excerpt:
    """Return transactions of the block of a file with its witness, or of a blockchain test.

    `test` chooses one of several tests, and `place` one of several blocks of a test. Raises
    `UsageError` unless exactly one block is meant and has the transactions, `InputError` for a
    malformed file, `FileError` for one that cannot be read.
    """
    source = load_block(path) if holds_block(path) else _chain_block(path, test, place)
    there = len(source.block.transactions)
    if not transactions or not 0 <= transactions[0] <= transactions[-1] < there:
        raise UsageError(f"{path}: the block has {there} transactions, from 0 on")
    return Excerpt(source, transactions, absent)


def execute_excerpt(excerpt: Excerpt, recorder_of: RecorderFactory) -> BlockResult:
    """Run the whole block. Raises what `execute_block` raises."""
    if isinstance(excerpt.source, StatelessBlock):
        return execute_block(excerpt.source, excerpt.absent, recorder_of)
    from zkevm.evm.blockchain_test import execute_chain_block  # noqa: PLC0415 (slow to import)

    return execute_chain_block(excerpt.source, recorder_of)


def _chain_block(path: Path, name: str | None, place: int | None) -> ChainBlock:
    from zkevm.evm.blockchain_test import (  # noqa: PLC0415 (slow to import)
        chain_block,
        load_blockchain_tests,
    )

    there = load_blockchain_tests(path)
    tests = [test for test in there if name in {None, test.name}]
    if len(tests) != 1:
        names = "; ".join(f"--test {test.name}" for test in there[:5])
        raise UsageError(f"{path}: {len(tests)} tests match, choose one of {names}")
    return chain_block(tests[0], place)
