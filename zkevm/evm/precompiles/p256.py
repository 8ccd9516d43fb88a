"""P256VERIFY: ECDSA signatures on the curve P-256 (EIP-7951)."""

from zkevm.evm.precompiles import Precompile, deferred

P256VERIFY = Precompile("P256VERIFY", lambda _: 6_900, deferred("p256_signature", "verify"))
