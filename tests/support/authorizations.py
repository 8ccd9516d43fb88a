"""Authorizations (EIP-7702), signed by small secret keys."""

from dataclasses import replace
from typing import Any

from zkevm.evm.keccak import keccak256
from zkevm.evm.rlp import rlp_encode
from zkevm.evm.signature import sign
from zkevm.evm.transaction import Authorization
from zkevm.evm.transition import AUTHORIZATION_MAGIC, recover_authority


def authorization(
    secret: int, address: int = 0xCA11EE, nonce: int = 0, chain: int = 1, **changes: Any
) -> Authorization:
    """Signed by a secret key."""
    message = rlp_encode([chain, address.to_bytes(20, "big"), nonce])
    y_parity, r, s = sign(keccak256(AUTHORIZATION_MAGIC + message), secret)
    return replace(Authorization(chain, address, nonce, y_parity, r, s), **changes)


def authority(secret: int) -> int | None:
    """The account of a secret key."""
    return recover_authority(authorization(secret))
