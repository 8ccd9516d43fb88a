"""What people have looked at: choices that a row may have, and declarations that others imply.

Every entry says why.  The tests refuse a hole that is not excused here, and an entry that excuses
nothing.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Freedom:
    """A column, or all of one name, that the prover may choose where column `unless` is 0."""

    table: str
    column: str
    reason: str
    unless: str = ""


@dataclass(frozen=True)
class Redundancy:
    """A declaration that nothing depends on, as the others of its table imply it."""

    table: str
    label: str
    reason: str


CREATORS = frozenset({"accounts", "slots", "transient_slots"})
"""Tables that create a cell and take its last token: the clock of the one is before the other's
because every access between them moves it forward; there is nothing to prove on the row."""

STARTS = "whether a chain begins is the statement's business: who needs its token needs it to begin"

ANY_INPUT = "any input may be hashed: who asks for a digest asks for each lane and for the length"
ANY_CELL = "any cell may be created, once: rows are in strictly rising order"
BY_PATCH = "a whole word may be moved as a patch of 32 bytes, which is the same"

LAST = "whether a row follows: the token that it would take is sent exactly if it does"

FREEDOMS: tuple[Freedom, ...] = (
    Freedom("order_starts", "present[0]", STARTS),
    Freedom("order_starts", "present[1]", STARTS),
    Freedom("order_starts", "present[2]", STARTS),
    *(
        Freedom(table, "moves", "a transfer of nothing leaves both balances as they are")
        for table in ("begin_transaction", "begin_creation", "enter_create", "enter_create2")
    ),
    Freedom("end_transaction", "last", "the statement takes the token that says so"),
    *(
        Freedom(table, column, "each lane is looked up under the sponge that is chosen")
        for table, column in (
            ("keccak256", "sponge"),
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
    Freedom("slots", "slot.key.lo", ANY_CELL, unless="alive"),
    Freedom("slots", "slot.key.hi", ANY_CELL, unless="alive"),
    Freedom("transient_slots", "slot.store", ANY_CELL),
    Freedom("transient_slots", "slot.key.lo", ANY_CELL),
    Freedom("transient_slots", "slot.key.hi", ANY_CELL),
    Freedom("copy_aligned", "to_patch", BY_PATCH),
    Freedom("copy_shift", "to_patch", BY_PATCH),
    Freedom("frames", "eor", "of a failing frame: its resumption proves it", unless="success"),
    Freedom("accounts", "last", LAST),
    Freedom("slots", "slot.last", LAST),
    Freedom("transient_slots", "slot.last", LAST),
    Freedom("grow", "clock", "a cell may be created at any time: its first access bounds it"),
)

REDUNDANCIES: tuple[Redundancy, ...] = ()


def redundancy(table: str, label: str) -> str:
    """Why a declaration is redundant; empty if nobody has said so."""
    return next((r.reason for r in REDUNDANCIES if (r.table, r.label) == (table, label)), "")
