"""Executing a block from nothing but a witness: the trie nodes, codes and headers it needs.

Everything is checked against the hash of the parent that the block names: its header holds the
state root, nodes and codes are found by their hash, and older headers by those that follow them.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from zkevm.errors import InputError
from zkevm.evm.block import Block
from zkevm.evm.block_transition import BlockResult, RecorderFactory, apply_block
from zkevm.evm.fork import Fork
from zkevm.evm.fork_schedule import ForkSchedule
from zkevm.evm.header import Header
from zkevm.evm.witness_state import WitnessState


class MissingHeaderError(InputError):
    """The header of an ancestor that is needed is not in the witness."""


@dataclass(frozen=True)
class Witness:
    """What a block needs to know of the chain before it, in any order."""

    nodes: Sequence[bytes]
    """Of the state trie and of storage tries, encoded."""
    codes: Sequence[bytes]
    headers: Sequence[Header]
    """Of the parent, and of its ancestors as far back as BLOCKHASH asks."""


@dataclass(frozen=True)
class StatelessBlock:
    """A block with its witness, and the rules of its chain."""

    block: Block
    witness: Witness
    schedule: ForkSchedule
    chain_id: int

    @property
    def fork(self) -> Fork:
        """The fork that rules the block."""
        return self.schedule.at(self.block.header.timestamp)


def execute_block(
    stateless: StatelessBlock,
    absent: Container[int] = (),
    recorder_of: RecorderFactory | None = None,
) -> BlockResult:
    """Run the block and check all that its header says, the roots after it included.

    `absent` are accounts to take as not existing, for a witness that does not reach them: an
    assumption, which the roots in the header bear out as far as they depend on it.

    Raises `InvalidBlock` if it is not what it says, and `MissingHeaderError`, `MissingNodeError`
    or `MissingCodeError`, each naming what it misses, if the witness is not enough.
    """
    header, witness = stateless.block.header, stateless.witness
    ancestors = Ancestors(header, witness.headers)
    state = WitnessState(ancestors.parent.state_root, witness.nodes, witness.codes, absent)
    return apply_block(
        stateless.schedule,
        stateless.chain_id,
        state,
        ancestors.parent,
        ancestors,
        stateless.block,
        recorder_of,
    )


class Ancestors(Mapping[int, int]):
    """The hashes of a block's ancestors, as words, by their number; each known by the next one.

    Asking for one that the headers do not reach raises `MissingHeaderError`.
    """

    def __init__(self, header: Header, headers: Sequence[Header]) -> None:
        by_hash = {ancestor.hash: ancestor for ancestor in headers}
        if header.parent_hash not in by_hash:
            raise _missing(header.number - 1, header.parent_hash)
        self.parent = by_hash[header.parent_hash]
        self._hashes: dict[int, int] = {}
        link: Header | None = header
        while link is not None:
            self._hashes[link.number - 1] = int.from_bytes(link.parent_hash, "big")
            self._oldest = link
            link = by_hash.get(link.parent_hash)

    def __getitem__(self, number: int) -> int:
        """Return the hash, or raise `KeyError` for what is no ancestor."""
        if number in self._hashes:
            return self._hashes[number]
        oldest = self._oldest
        if 0 <= number < oldest.number:
            raise _missing(oldest.number - 1, oldest.parent_hash)
        raise KeyError(number)

    def __iter__(self) -> Iterator[int]:
        return iter(self._hashes)

    def __len__(self) -> int:
        return len(self._hashes)


def _missing(number: int, digest: bytes) -> MissingHeaderError:
    return MissingHeaderError(
        f"the witness has no header of block {number} with hash 0x{digest.hex()}: "
        "it was left out or altered"
    )
