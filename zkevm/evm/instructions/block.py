"""What a frame knows of its block and of the chain."""

from zkevm.evm.frame import Frame

BLOCK_HASH_WINDOW = 256


def block_hash(frame: Frame) -> None:
    """Push the hash of one of the last 256 blocks, 0 for any other number."""
    stack = frame.stack
    number = stack[-1]
    environment = frame.machine.environment
    recent = environment.number - BLOCK_HASH_WINDOW <= number < environment.number
    stack[-1] = environment.block_hashes.get(number, 0) if recent else 0


def coinbase(frame: Frame) -> None:
    """Push the address that gets the tips."""
    frame.stack.append(frame.machine.environment.coinbase)


def timestamp(frame: Frame) -> None:
    """Push the time of the block in seconds."""
    frame.stack.append(frame.machine.environment.timestamp)


def number(frame: Frame) -> None:
    """Push the number of the block."""
    frame.stack.append(frame.machine.environment.number)


def prev_randao(frame: Frame) -> None:
    """Push the randomness of the beacon chain (EIP-4399)."""
    frame.stack.append(frame.machine.environment.prev_randao)


def gas_limit(frame: Frame) -> None:
    """Push the gas limit of the block."""
    frame.stack.append(frame.machine.environment.gas_limit)


def chain_id(frame: Frame) -> None:
    """Push the chain id."""
    frame.stack.append(frame.machine.chain_id)


def base_fee(frame: Frame) -> None:
    """Push the base fee of the block (EIP-3198)."""
    frame.stack.append(frame.machine.environment.base_fee)


def blob_hash(frame: Frame) -> None:
    """Push a versioned blob hash of the transaction, 0 past the last (EIP-4844)."""
    stack = frame.stack
    hashes = frame.machine.transaction.blob_versioned_hashes
    index = stack[-1]
    stack[-1] = hashes[index] if index < len(hashes) else 0


def blob_base_fee(frame: Frame) -> None:
    """Push the price of blob gas in this block (EIP-7516)."""
    frame.stack.append(frame.machine.environment.blob_base_fee)
