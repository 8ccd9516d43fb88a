"""What becomes of the authorizations of a transaction (EIP-7702), one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from zkevm.evm import gas
from zkevm.evm.code import EMPTY_CODE, Code, delegation_to
from zkevm.evm.instructions.system import MAX_NONCE
from zkevm.evm.transition import recover_authority
from zkevm.trace.trace import Trace
from zkevm.trace.words import ints_from_words


class Fate(IntEnum):
    """Whether an authorization is applied, or why it is not; the first three look at accounts."""

    APPLIED = 0
    OCCUPIED = 1  # the authority has code that is no delegation
    OTHER_NONCE = 2
    OTHER_CHAIN = 3
    MAX_NONCE = 4
    UNSIGNED = 5

    @property
    def reaches(self) -> bool:
        """Whether the authority is looked at."""
        return self <= Fate.OTHER_NONCE


@dataclass(frozen=True)
class Verdict:
    """What an authorization finds of its authority (0: none), and what it leaves."""

    fate: Fate
    authority: int
    nonce: int = 0
    code_hash: int = EMPTY_CODE.hash
    new_hash: int = EMPTY_CODE.hash
    existed: bool = False


def refund_of(found: Iterable[Verdict]) -> int:
    """What authorizations give back: an account that existed need not be paid for."""
    existing = sum(v.fate is Fate.APPLIED and v.existed for v in found)
    return (gas.AUTHORIZATION_NEW_ACCOUNT - gas.AUTHORIZATION) * existing


def verdicts(trace: Trace) -> list[Verdict]:
    """Judge them in order.  All authorities are among the touched accounts."""
    transaction = trace.transaction
    pre, hashes = trace.pre.accounts, ints_from_words(trace.code_hashes)
    codes = dict(zip(hashes, trace.codes, strict=True)) | {EMPTY_CODE.hash: b""}
    nonces = {a: state.nonce + (a == transaction.sender) for a, state in pre.items()}
    code_hashes = {a: state.code_hash for a, state in pre.items()}
    found: list[Verdict] = []
    for entry in transaction.authorizations:
        authority = recover_authority(entry)
        if entry.chain_id not in {0, trace.chain_id}:
            found.append(Verdict(Fate.OTHER_CHAIN, authority or 0))
        elif entry.nonce >= MAX_NONCE:
            found.append(Verdict(Fate.MAX_NONCE, authority or 0))
        elif authority is None:
            found.append(Verdict(Fate.UNSIGNED, 0))
        else:
            nonce, old = nonces[authority], code_hashes[authority]
            code = Code(codes[old])
            fate = Fate.APPLIED if nonce == entry.nonce else Fate.OTHER_NONCE
            fate = Fate.OCCUPIED if code and code.delegate is None else fate
            new = delegation_to(entry.address).hash
            existed = bool(nonce or code or pre[authority].balance)
            found.append(Verdict(fate, authority, nonce, old, new, existed))
            if fate is Fate.APPLIED:
                nonces[authority], code_hashes[authority] = nonce + 1, new
    return found
