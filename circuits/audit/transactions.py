"""Transactions of every type, whatever they find of their parties, alone and one after another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from circuits.audit.creations import create, depositing
from circuits.audit.programs import CONTRACT, SENDER, call, following, run
from zkevm.evm.code import Code, delegation_to
from zkevm.evm.forks import fork_named
from zkevm.evm.instructions.system import contract_address
from zkevm.evm.keccak import keccak256
from zkevm.evm.opcodes import Op
from zkevm.evm.rlp import rlp_encode
from zkevm.evm.signature import sign
from zkevm.evm.state import Account
from zkevm.evm.transaction import AccessListEntry, Authorization, TransactionType
from zkevm.evm.transition import AUTHORIZATION_MAGIC
from zkevm.trace.trace import Trace

OTHER, DELEGATED, TWICE, HEIR, IDENTITY = 0xC1, 0xC6, 0xC7, 0xC5, 4
HALF = 2**128
POP = bytes((Op.POP,))
RETURNS = call(Op.MSTORE, 0, 7) + call(Op.RETURN, 0, 32)
REVERTS = call(Op.REVERT, 0, 0)

Fields = dict[str, Any]

_TAKEN: Fields = {"nonce": 1, "code": Code(RETURNS), "storage": {1: 1}}


def typed(fork: str) -> Iterator[Trace]:
    """Calls with blobs, with authorizations and with neither, and creations."""
    for fields in kinds(fork):
        yield from _of_kind(fork, fields)
    taken = contract_address(SENDER, 7)
    for there in ({"nonce": 1}, {"code": Code(RETURNS)}, {"storage": {1: 1}}, _TAKEN):
        accounts = {taken: Account(**there)}
        yield run(b"", depositing(RETURNS), fork=fork, to=None, value=3, accounts=accounts)
    if fork_named(fork).has_delegations:
        delegated = {SENDER: Account(7, 2**255, delegation_to(OTHER))}
        yield run(b"", b"", fork=fork, to=None, value=3, accounts=delegated)
    for nonce in (0, 1, 0x7F, 0x80, 2**8, 2**20, 2**30, 2**36, 2**44, 2**50, 2**60):
        rich = {SENDER: Account(nonce=nonce, balance=2**200)}
        yield run(b"", b"", fork=fork, to=None, accounts=rich)


def kinds(fork: str) -> Iterator[Fields]:
    """What the transactions of a type have that others have not."""
    yield {}
    yield {
        "type": TransactionType.BLOB,
        "max_fee_per_blob_gas": 10**9,
        "blob_versioned_hashes": (1 << 248 | 7, 1 << 248 | 2**130),
    }
    if fork_named(fork).has_delegations:
        entries = (signed(1, 1, OTHER, 0), signed(2, 0, 0, 0), signed(3, 1, OTHER, 5))
        yield {"type": TransactionType.SET_CODE, "authorizations": entries}


def _of_kind(fork: str, fields: Fields) -> Iterator[Trace]:
    """To whom, and paid by whom: all that a beginning tells apart."""
    others = {OTHER: RETURNS, DELEGATED: delegation_to(OTHER).data}
    others[TWICE] = delegation_to(DELEGATED).data
    about = {"fork": fork, "others": others, **fields}
    intrinsic = 21_000 + 25_000 * len(fields.get("authorizations", ()))
    for to in (CONTRACT, OTHER, DELEGATED, TWICE, IDENTITY, SENDER):
        yield run(REVERTS, value=5, to=to, coinbase=to, **about)
        yield run(b"", to=to, coinbase=SENDER, **about)
    for data, more in ((b"", 0), (b"", 14), (bytes(2), 20)):
        yield run(b"", data, to=IDENTITY, value=2, gas_limit=intrinsic + more, **about)
    for target in (OTHER, 3) if fork_named(fork).has_delegations else ():
        delegated = {
            SENDER: Account(7, 10**24, delegation_to(target)),
            TWICE: Account(code=delegation_to(SENDER)),
        }
        yield run(b"", to=TWICE, accounts=delegated, **about)
    yield run(b"", max_fee_per_gas=2 * 10**9 + 5, **about)
    for balance, value in ((2**200 - 1, 2**129 - 1), (2**255, 2 * HALF - 5), (2**130, 7)):
        there = {
            SENDER: Account(nonce=7, balance=balance),
            OTHER: Account(balance=HALF - 1, code=Code(RETURNS)),
        }
        dear = dict.fromkeys(("max_fee_per_gas", "max_fee_per_blob_gas"), HALF // 2**24 - 1)
        dear = {name: fee for name, fee in dear.items() if name in {*fields, "max_fee_per_gas"}}
        yield run(b"", to=OTHER, value=value, accounts=there, **(about | dear))


def signed(secret: int, chain: int, address: int, nonce: int) -> Authorization:
    """An authorization by the account of a secret key."""
    message = rlp_encode([chain, address.to_bytes(20, "big"), nonce])
    return Authorization(
        chain, address, nonce, *sign(keccak256(AUTHORIZATION_MAGIC + message), secret)
    )


def several(fork: str) -> Iterator[list[Trace]]:
    """Transactions that follow one another, each on what those before have left."""
    touch = b"".join(
        call(op, x) + POP for op in (Op.SLOAD, Op.TLOAD, Op.BALANCE) for x in (1, 3, HEIR)
    )
    write = b"".join(call(Op.SSTORE, key, value) for key in (1, 3) for value in (5, 0, 6))
    again = touch + write + call(Op.TSTORE, 3, 4) + call(Op.LOG1, 0, 5, 9) + touch
    short = depositing(call(Op.SELFDESTRUCT, HEIR))
    born = create(short, 2, 0) + _call_top() + create(depositing(RETURNS), 1) + _call_top()
    contract = Account(1, 100, Code(again + born), {3: 9})
    access = (AccessListEntry(OTHER, (1, 3)), AccessListEntry(CONTRACT, (3,)))
    same: list[Fields] = [{"value": 3}, {"access_list": access}, {"to": OTHER, "value": 1}]
    new = {"to": None, "data": depositing(RETURNS), "value": 1}
    codes = {OTHER: again + REVERTS, DELEGATED: delegation_to(OTHER).data}
    yield following([*same, new, {"data": b"\1"}], {CONTRACT: contract}, codes, fork)
    fields = [{**each, "to": to} for to in (CONTRACT, DELEGATED) for each in kinds(fork)]
    yield following(fields, {CONTRACT: Account(code=Code(touch))}, codes, fork)


def _call_top() -> bytes:
    """Call the address on top of the stack, and drop it."""
    zeros = bytes((Op.PUSH0,)) * 5
    return zeros + bytes((Op.DUP6, Op.GAS, Op.CALL, Op.POP, Op.POP))
