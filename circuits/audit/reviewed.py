"""What people have looked at: choices that a row may have, and declarations that others imply.

Every entry says why.  The tests refuse a hole that is not excused here, and an entry that excuses
nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from re import fullmatch


@dataclass(frozen=True)
class Freedom:
    """A column, or all of one name, that the prover may choose where the columns `unless` are 0."""

    table: str
    column: str
    reason: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Redundancy:
    """Declarations that nothing depends on: `label` and `tables` are patterns of whole names."""

    label: str
    reason: str
    tables: str = ".*"


CREATORS = frozenset({"accounts", "slots", "transient_slots"})
"""Tables that create a cell and take its last token: the clock of the one is before the other's
because every access between them moves it forward; there is nothing to prove on the row."""

UNUSED = "to drop the first token of an order creates nothing: who needs the token is without it"

ANY_INPUT = "any input may be hashed: who asks for a digest asks for each lane and for the length"
ANY_CELL = "any cell may be created, once: rows are in strictly rising order"
EITHER = "a call that fails for its depth and for its balance may say either: both are proven"
MOVES = "a transfer of nothing leaves both balances as they are"
VALUE = ("value.lo", "value.hi")
BY_PATCH = "a whole word may be moved as a patch of 32 bytes, which is the same"

LAST = "whether a row follows: the token that it would take is sent exactly if it does"

ONE_HASH = "what is stated of a hash is true of its code: one code is the delegation to a target"

FREEDOMS: tuple[Freedom, ...] = (
    Freedom("unused_orders", "absent[0]", UNUSED),
    Freedom("unused_orders", "absent[1]", UNUSED),
    Freedom("unused_orders", "absent[2]", UNUSED),
    *(
        Freedom(table, "moves", MOVES, unless=VALUE)
        for table in (
            *("begin_transaction", "begin_blobs", "begin_set_code", "begin_creation"),
            *("enter_create", "enter_create2"),
        )
    ),
    Freedom("end_transaction", "last", "the statement takes the token that says so"),
    *(
        Freedom(table, column, "each lane is looked up under the sponge that is chosen")
        for table, column in (
            ("keccak256", "sponge"),
            ("hashed_header", "sponge"),
            ("return_code", "hash.sponge"),
            *((table, "init.sponge") for table in ("begin_creation", "enter_create")),
            *((table, "init.sponge") for table in ("enter_create2", "collide_create2")),
        )
    ),
    Freedom(
        "transaction_data", "missing", "the counts are compared with the length that is stated"
    ),
    Freedom("first_block", "data", ANY_INPUT),
    Freedom("first_block", "left", ANY_INPUT),
    Freedom("next_block", "data", ANY_INPUT),
    Freedom("slots", "slot.key.lo", ANY_CELL, unless=("alive",)),
    Freedom("slots", "slot.key.hi", ANY_CELL, unless=("alive",)),
    Freedom("transient_slots", "slot.store", ANY_CELL),
    Freedom("transient_slots", "slot.key.lo", ANY_CELL),
    Freedom("transient_slots", "slot.key.hi", ANY_CELL),
    Freedom("copy_aligned", "to_patch", BY_PATCH, unless=("start",)),
    Freedom("copy_shift", "to_patch", BY_PATCH, unless=("start",)),
    Freedom("frames", "eor", "of a failing frame: its resumption proves it", unless=("success",)),
    Freedom("accounts", "last", LAST),
    Freedom("slots", "slot.last", LAST),
    Freedom("transient_slots", "slot.last", LAST),
    *(Freedom(table, "full", EITHER) for table in ("fail_call", "fail_code")),
    Freedom("grow", "clock", "a cell may be created at any time: its first access bounds it"),
    Freedom("authorizations", "new_hash.lo", ONE_HASH, unless=("clears",)),
    Freedom("authorizations", "new_hash.hi", ONE_HASH, unless=("clears",)),
)

REDUNDANCIES: tuple[Redundancy, ...] = (
    Redundancy(
        r"(.*\.)?(undone|delegated|alive) is a bit",
        "the statement looked up has a bit there; where none is looked up, nothing is sent by it",
    ),
    Redundancy(
        "refunds is a bit",
        "0 where the refund is 0, its product with the inverse; 1 where it is not",
        "sstore",
    ),
    Redundancy(
        "taken is a bit",
        "1 where the condition is not zero; 0 where it is, as no half has an inverse",
        "jumpi",
    ),
    Redundancy(
        r".*: only where asked",
        "where it is not asked, whatever is made of the answer is multiplied by 0",
    ),
    Redundancy(
        r"(data|data_in|data_out|origin|target): only a real range is empty",
        "on padding no multiplicity has it",
    ),
    Redundancy(
        r"(data_in|data_out|origin)\.empty is a bit",
        "a size of 0 leaves start and end 0, whatever it is, and no multiplicity has it",
        "(?!identity).*",
    ),
    Redundancy(
        r"(target|origin): size below 2\^128",
        "said of the other range, which has the same size",
        "mcopy",
    ),
    Redundancy(
        "at most one top limb",
        "with another count all limbs vanish, and the top limb would not be at least 1",
        "exponentiate|count_leading_zeros",
    ),
    Redundancy(
        "long has a top limb",
        "without one its bytes are 0, and the upper byte is not",
        "exponentiate",
    ),
    Redundancy(
        r"range16 of (part|rest)",
        "an equation of integers has it, so that its scaled value says it all",
        "shift|shift_arithmetic",
    ),
    Redundancy(
        r"(division\.)?below\.borrow\[1\] is a bit",
        "it is 1, or 0 where the divisor is 0: another constraint says so",
        "divide|signed_divide|modular",
    ),
    Redundancy(
        "real is a bit",
        "it is a sum of bits that exclude each other",
        "divide|signed_divide|modular|copy_aligned|calldataload",
    ),
    Redundancy(
        "full is inside",
        "outside nothing is marked, and so not 32 bytes",
        "calldataload",
    ),
    Redundancy(
        r"(success|static_call) is a bit",
        "whoever opens a frame sends bits, and its end has to meet them",
        "frames|resume_.*|end_transaction",
    ),
    Redundancy(
        r"to_(memory|sponge|patch) is a bit",
        "the kinds of the destination exclude each other, and the patch is what is left to do",
        "copy_aligned|copy_shift",
    ),
    Redundancy(
        r"range16 of index(, scaled)?",
        "the table of precompiles, or the order of addresses, has integers below 2^9 alone",
        "accounts",
    ),
    Redundancy(
        "range16 of page",
        "a page that is no integer makes an address neither small nor not",
        "accounts",
    ),
    Redundancy(
        r"by\[[01]\] is a bit",
        "the other one is a bit, and both add up to one; on padding no multiplicity has them",
        "init_code_too_large|code_too_large",
    ),
    Redundancy(
        r"is_zero: (low|high) halves agree if set",
        "if set the result is 0, and not below the modulus, which is 0 then",
        "modular",
    ),
    Redundancy(
        r"range16 of small\.rest, scaled",
        "a sum of ten limbs is below 2^20 anyway",
        "accounts",
    ),
    Redundancy(
        "always_warm is a bit",
        "of a small address the table of precompiles says it; of others it is 0",
        "accounts",
    ),
    Redundancy(
        "code_run of a precompile is empty",
        "no code runs at all, as another constraint says",
        "empty_.*",
    ),
    Redundancy(
        "real is a bit",
        "it is whether the mark is that of a precompile: `accounts` proves a bit, which stays",
        r"(identity|unpaid_precompile)_(code_)?call",
    ),
    Redundancy(
        r"(new_)?account\.dead is a bit",
        "if it is not 0, all facts are: none is one to live by, and so it is 1 where it is asked",
        r"(empty|fail|identity|unpaid_precompile)_call|call_out_of_gas|selfdestruct(_out_of_gas)?"
        "|authorizations",
    ),
    Redundancy(
        "to_itself is a bit",
        "0 where the addresses differ; where they do not, what is left of that test says 1",
        "selfdestruct|selfdestruct_out_of_gas",
    ),
    Redundancy(
        "gives is a bit",
        "that there is something, and that it goes to another: a product of two bits",
        "selfdestruct|selfdestruct_out_of_gas",
    ),
    Redundancy(
        "real is a bit",
        "else the tests say that there is something and that it goes to another: it is `gives`",
        "selfdestruct|selfdestruct_out_of_gas",
    ),
    Redundancy(
        r"priced\[11\] is a bit",
        "it is 1 less the other bits: below 0, so would be the address called, as that of its own"
        " precompile is above the sum of all others",
        "unpaid_precompile_.*",
    ),
    Redundancy(
        r"byte 0 (is active after the ones before|past the end is active)"
        r"|inactive byte 0 is zero|bytes past the end come last, 0",
        "the first byte of a real row is active, and on padding none is offered",
        "push_data_.*",
    ),
    Redundancy(
        "fits is a bit",
        "0 where the length is another; where it is not, what is left of that test says 1",
        "hashed_header",
    ),
    Redundancy(
        "last is a bit",
        "else there would be both at most 32 bytes left, and more than 32",
        "bytecode|hashed_bytecode",
    ),
    Redundancy(
        "real is a bit",
        "else it is not the last, so all lanes begin, and the second one only where it is 1",
        "hashed_bytecode",
    ),
    Redundancy(
        "last is a bit",
        "it is a sum of bits, of which 128 each are a byte where the data are 0, past the end",
        "next_block",
    ),
    Redundancy(
        r"end_(lane|byte)\[0\] is a bit",
        "1 less k others: in a last block all data from it on are 0, and padded by it are a byte;"
        " in another the places of the others add up to 0, so there are none",
        "next_block",
    ),
    Redundancy(
        "negative is a bit",
        "else a fraction of 2^15, which times the odd 2^64 - 1 - 2x is no integer, as limbs are",
        "shift_arithmetic",
    ),
    Redundancy(
        "real is a bit",
        "else it does not read, so it is primed, and only a real row is",
        "copy_shift",
    ),
    Redundancy(
        "primes is a bit",
        "1 less the ways to go; with two of them a whole word moves, which is inner, so one moves",
        "copy_shift",
    ),
    Redundancy(
        "real is a bit",
        "else the mark is not of this scope, so original and current are equal: the bit of that",
        "sstore|sstore_out_of_gas",
    ),
    Redundancy(
        r"no (accounts|slots|transient_slots) \(receive order\)",
        "who takes a first token can only keep others from it",
        "unused_orders",
    ),
)

TESTED = "0 where something differs; where nothing does, what is left of the test says 1"

OF_BITS = "another constraint gives it as a function of bits, whose values are 0 and 1"

TOLD = "it is what the row is told, or an integer, of which twice is more than the row can be told"

IMPLIED = "a factor of it is zero by another constraint"

PADDING = "speaks of padding alone, which sends and receives nothing without it either"


def redundancy(table: str, label: str) -> str:
    """Why a declaration is redundant; empty if nobody has said so."""
    found = (r for r in REDUNDANCIES if fullmatch(r.label, label) and fullmatch(r.tables, table))
    return next((r.reason for r in found), "")


def unused(found: Collection[tuple[str, str]]) -> list[str]:
    """The patterns of reviews that excuse none of these declarations (table, label)."""
    return [
        r.label
        for r in REDUNDANCIES
        if not any(fullmatch(r.label, label) and fullmatch(r.tables, t) for t, label in found)
    ]
