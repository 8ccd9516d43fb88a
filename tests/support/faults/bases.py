"""Honest executions to go wrong: random transactions, and real ones, in all forks."""

from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

from circuits.execution.level import Level
from circuits.execution.precompiles import IDENTITY
from tests.support.faults.case import case_of
from tests.support.faults.judge import Base, base_of
from tests.support.random_transactions import CHAIN_ID, Chooser, random_situation
from tests.support.transactions import program
from zkevm.evm.code import Code
from zkevm.evm.fork import Fork
from zkevm.evm.forks import FORKS
from zkevm.evm.opcodes import Op
from zkevm.evm.state import Account
from zkevm.evm.statetest import Expected, TestCase, load_case

ROOT = Path(__file__).resolve().parent.parent.parent.parent
OWN = ("erc20_solidity_transfer", "erc20_solidity_revert", "erc20_vyper_transfer")
REAL = (
    "eth_transfer_22188088_0", "eth_transfer_type1_22615247_16", "blob_transfer_22615247_15",
    "reverted_22188088_21", "approve_24647140_50", "erc20_transfer_22615247_24",
    "pepe_transfer_22188088_11", "usdt_transfer_22188088_10",
)  # fmt: skip
MOST_ROWS = 700


def random_case(random: Random, fork: Fork) -> TestCase:
    """A transaction of any type on a small random state."""
    situation = random_situation(random, fork, random.randrange(1, 6))
    environment, pre = situation.environment, situation.pre
    transaction, expected = situation.signed.transaction, Expected(0, 0, frozenset())
    return TestCase(
        "random", (0, 0, 0), fork, CHAIN_ID, environment, pre, transaction, expected, {}
    )


def some_level(random: Random) -> Level:
    """Mostly S1: at S2 every code is hashed."""
    return Level.S1 if random.random() < 0.85 else Level.S2


def random_base(random: Random) -> Base:
    """The first that can be proven of some random ones."""
    fork, level = random.choice(list(FORKS.values())), some_level(random)
    make = rich_case if random.random() < 0.7 else random_case
    while (found := base_of(case_of(make(random, fork)), level, MOST_ROWS)) is None:
        pass
    return found


def several(random: Random) -> Base:
    """As `random_base`, with up to three more transactions of the sender, some the same again."""
    fork, level = random.choice(list(FORKS.values())), some_level(random)
    make = rich_case if random.random() < 0.7 else random_case
    while True:
        case = case_of(make(random, fork))
        first, chooser = case.transactions[0], Chooser(random, fork)
        later = (
            chooser.transaction(nonce) if random.random() < 0.5 else replace(first, nonce=nonce)
            for nonce in range(first.nonce + 1, first.nonce + 1 + random.randrange(1, 4))
        )
        case = replace(case, transactions=(first, *later))
        if (found := base_of(case, level, MOST_ROWS)) is not None:
            return found


# Programs that do a bit of everything.

RETURNING, REVERTING, HALTING, KEPT = 0xC1, 0xC2, 0xC3, 2**200 + 77
PIECES = (
    (7, 5, Op.ADD, 3, Op.MUL, 2, Op.SWAP1, Op.SUB, 2**130, Op.DIV, Op.POP),
    (2**255 + 9, 77, Op.SWAP1, Op.SDIV, Op.ISZERO, Op.NOT, 1, Op.SHL, 3, Op.SAR, Op.POP),
    (3, 5, 7, Op.ADDMOD, 9, 4, Op.MULMOD, 300, 3, Op.EXP, 2, Op.SIGNEXTEND, Op.XOR, Op.POP),
    (KEPT, 0, Op.MSTORE, 9, 33, Op.MSTORE8, 7, Op.MLOAD, Op.POP, Op.MSIZE, Op.POP),
    (3, Op.SLOAD, 1, Op.ADD, 3, Op.SSTORE, 0, 4, Op.SSTORE, KEPT, 5, Op.SSTORE),
    (8, 1, Op.TSTORE, 1, Op.TLOAD, Op.TLOAD, Op.POP, 9, 1, Op.TSTORE),
    (Op.CALLER, Op.ADDRESS, Op.EQ, Op.POP, Op.CALLVALUE, Op.POP, Op.NUMBER, Op.POP, Op.GAS, Op.POP),
    (2, Op.CALLDATALOAD, Op.POP, 40, 1, 3, Op.CALLDATACOPY, 33, 2, 31, Op.CODECOPY),
    (5, 40, 3, Op.LOG1, 7, 6, 5, 0, 0, Op.LOG3),
    (40, 3, Op.KECCAK256, 0, Op.BYTE, Op.POP, 70, 3, 40, Op.MCOPY),
    (RETURNING, Op.BALANCE, Op.POP, KEPT, Op.EXTCODEHASH, Op.POP, Op.SELFBALANCE, Op.POP),
    (9, 6, Op.LT, Op.PC, 7, Op.ADD, Op.JUMPI, Op.INVALID, Op.INVALID, Op.JUMPDEST),
    (9, 6, Op.GT, Op.ISZERO, Op.ISZERO, 0, Op.DUP1, Op.SWAP2, Op.POP, Op.POP, Op.POP),
    *((32, 1, 4, 0, value, to, gas, Op.CALL, Op.POP, Op.RETURNDATASIZE, Op.POP)
      for to, value, gas in (
          (RETURNING, 1, 90_000), (REVERTING, 0, 60_000), (HALTING, 2, 50_000),
          (IDENTITY, 1, 90_000), (KEPT, 1, 30_000), (2, 0, 20), (RETURNING, 10**40, 0))),
    *((32, 1, 4, 0, to, 60_000, op, 2, 0, 50, Op.RETURNDATACOPY, Op.POP)
      for to, op in ((RETURNING, Op.DELEGATECALL), (RETURNING, Op.STATICCALL))),
    (32, 1, 4, 0, 3, RETURNING, 60_000, Op.CALLCODE, Op.POP),
    (0x5F5FF3 << 232, 0, Op.MSTORE, 3, 0, 1, Op.CREATE, Op.POP),  # an empty contract
    (0x60015FF3 << 224, 0, Op.MSTORE, 5, 4, 0, 0, Op.CREATE2, Op.EXTCODESIZE, Op.POP),
)  # fmt: skip
ENDS = (
    (Op.STOP,), (40, 3, Op.RETURN), (40, 3, Op.REVERT), (Op.ADD,), (KEPT, Op.SELFDESTRUCT), (),
    (1, Op.JUMP), (2**40, Op.MLOAD), (Op.INVALID,),
)  # fmt: skip
CALLED = {
    RETURNING: program(0, Op.CALLDATALOAD, 2, Op.SSTORE, 11, 0, Op.MSTORE, 32, 0, Op.RETURN),
    REVERTING: program(1, 5, Op.SSTORE, 1, 6, Op.TSTORE, 0, 0, Op.LOG0, 32, 0, Op.REVERT),
    HALTING: program(1, 5, Op.SSTORE, KEPT, Op.BALANCE, Op.ADD, Op.ADD, Op.ADD),
}


def rich_case(random: Random, fork: Fork) -> TestCase:
    """Some of the pieces in some order, one of the ends, as a transaction of any type."""
    case = random_case(random, fork)
    to, chosen = case.transaction.to, random.sample(PIECES, random.randrange(1, 6))
    code = b"".join(program(*piece) for piece in chosen) + program(*random.choice(ENDS))
    code_of = {to or RETURNING: code, **CALLED}
    pre = dict(case.pre)
    for address, held in code_of.items():
        pre[address] = Account(1, 10**6, Code(held), {3: 9, 4: 1, 5: KEPT})
    data = case.transaction.data if to is not None else code
    gas_limit = random.choice((10**6, 10**6, 60_000))
    transaction = replace(case.transaction, gas_limit=gas_limit, data=data)
    return replace(case, pre=pre, transaction=transaction)


@cache
def real_base(name: str, fork: str, level: Level) -> Base | None:
    """A transaction of the fixtures or, if it is there, of `../shared`, by the rules of a fork."""
    path = ROOT / "fixtures" / f"{name}.json"
    if name not in OWN:
        path = ROOT.parent / "shared" / "fixtures" / "transactions" / f"{name}.json"
    if not path.exists():
        return None
    case = load_case(path, fork=fork) if name in OWN else load_case(path)
    return base_of(case_of(replace(case, fork=FORKS[fork])), level, MOST_ROWS)


def some_base(random: Random) -> Base:
    """A random one, of one transaction or of several, or now and then a real one."""
    if random.random() < 0.3:
        return several(random)
    if random.random() < 0.06:
        name, fork = random.choice((*OWN, *REAL)), random.choice(list(FORKS))
        if (found := real_base(name, fork, some_level(random))) is not None:
            return found
    return random_base(random)
