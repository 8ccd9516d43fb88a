"""Signatures over secp256k1: the address that made one, and making one."""

from zkevm.evm.keccak import keccak256

SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def recover_address(digest: bytes, y_parity: int, r: int, s: int) -> int | None:
    """Return the signer's address, or None if there is no such signature.

    `y_parity` is 0 or 1, `r` and `s` lie in [1, order).
    """
    if y_parity > 1 or not 0 < r < SECP256K1_ORDER or not 0 < s < SECP256K1_ORDER:
        return None
    from coincurve import PublicKey  # noqa: PLC0415 (slow to import, and a verifier needs none)

    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes((y_parity,))
    try:
        key = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    except ValueError:
        return None
    except Exception as error:  # the library raises it bare for a bad point
        if type(error) is not Exception:
            raise
        return None
    return int.from_bytes(keccak256(key.format(compressed=False)[1:])[12:], "big")


def sign(digest: bytes, secret_key: int) -> tuple[int, int, int]:
    """Return the parity, r and the low s of the deterministic signature (RFC 6979)."""
    from coincurve import PrivateKey  # noqa: PLC0415

    signature = PrivateKey.from_int(secret_key).sign_recoverable(digest, hasher=None)
    return (
        signature[64],
        int.from_bytes(signature[:32], "big"),
        int.from_bytes(signature[32:64], "big"),
    )
