"""A fork: which instructions and precompiles there are, and its limits and prices.

The forks themselves are in `zkevm.evm.forks`, each as its differences from the one before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from zkevm.errors import InputError
from zkevm.evm.instructions import Instruction
from zkevm.evm.instructions.flow import invalid
from zkevm.evm.opcodes import ARITY, Op, max_stack, min_stack
from zkevm.evm.precompiles import Precompile
from zkevm.evm.transaction import TransactionType

MAX_BLOB_BASE_FEE_EXPONENT = 177
"""e to this power is the greatest below 2**256."""


class Dispatch(NamedTuple):
    """What the interpreter's loop looks up by opcode byte, 256 entries each."""

    instructions: tuple[Instruction, ...]
    stack_bounds: tuple[range, ...]
    """The stack heights at which the instruction neither underflows nor overflows."""
    fixed_gas: tuple[int, ...]


@dataclass(frozen=True)
class BlobSchedule:
    """The market of blobs (EIP-4844, 7840)."""

    target: int
    maximum: int
    """Blobs in a block."""
    base_fee_update_fraction: int

    def base_fee(self, excess_blob_gas: int) -> int:
        """Return the price of a unit of blob gas: e ** (excess / fraction) by its Taylor series.

        Raises `InputError` where it is no word any more: nobody could have paid to get there.
        """
        denominator = self.base_fee_update_fraction
        if excess_blob_gas > MAX_BLOB_BASE_FEE_EXPONENT * denominator:
            raise InputError(f"excess blob gas {excess_blob_gas} is more than any chain can have")
        index, output, term = 1, 0, denominator
        while term > 0:
            output += term
            term = term * excess_blob_gas // (denominator * index)
            index += 1
        return output // denominator


@dataclass(frozen=True)
class Fork:
    """The rules of one fork."""

    name: str
    instructions: Mapping[Op, Instruction] = field(repr=False)
    precompiles: Mapping[int, Precompile] = field(repr=False)
    """By address."""
    transaction_types: frozenset[TransactionType]
    max_code_size: int
    max_init_code_size: int
    blobs: BlobSchedule
    beacon_roots_contract: int
    """Is called with the parent beacon block root at the start of a block (EIP-4788)."""
    block_hashes_contract: int | None = None
    """Is called with the parent hash at the start of a block (EIP-2935)."""
    deposit_contract: int | None = None
    """Its logs are the requests of type 0 (EIP-6110)."""
    request_contracts: Mapping[int, int] = field(default_factory=dict)
    """Request type to the contract that is called for them at the end of a block."""
    max_blobs_per_transaction: int | None = None
    """None if only the block's maximum counts."""
    max_transaction_gas: int | None = None
    max_block_size: int | None = None
    """Bytes of RLP (EIP-7934)."""
    has_blob_reserve_price: bool = False
    """Whether blob gas cannot get much cheaper than execution gas (EIP-7918)."""
    has_delegations: bool = False
    """Whether an account's code may name another account's to run in its place (EIP-7702)."""
    has_calldata_floor: bool = False
    """Whether a transaction pays at least for its data at the floor price (EIP-7623)."""

    @property
    def has_requests(self) -> bool:
        """Whether blocks commit to requests to the consensus layer (EIP-7685)."""
        return self.deposit_contract is not None

    @cached_property
    def dispatch(self) -> Dispatch:
        """The instructions by opcode byte; absent ones halt."""
        absent = (invalid, range(1025), 0)
        entries = [
            (
                self.instructions[Op(byte)],
                range(min_stack(Op(byte)), max_stack(Op(byte)) + 1),
                ARITY[Op(byte)].fixed_gas,
            )
            if byte in self.instructions
            else absent
            for byte in range(256)
        ]
        instructions, bounds, costs = zip(*entries, strict=True)
        return Dispatch(instructions, bounds, costs)
