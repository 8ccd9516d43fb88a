"""ECRECOVER (yellow paper, appendix E)."""

from zkevm.evm.precompiles import Precompile
from zkevm.evm.signature import recover_address


def _recover(data: bytes) -> bytes:
    data = data[:128].ljust(128, b"\0")
    v, r, s = (int.from_bytes(data[start : start + 32], "big") for start in (32, 64, 96))
    if v not in {27, 28}:
        return b""
    address = recover_address(data[:32], v - 27, r, s)
    return b"" if address is None else address.to_bytes(32, "big")


ECRECOVER = Precompile("ECRECOVER", price=lambda _: 3000, body=_recover)
