"""What each bus lets a row choose, and what it tells the row.

A *key* is what a row asks for: it chooses the key, and the token or statement under that key tells
it the rest.  A bus without a key here hands out work: the token comes as a whole, and a row exists
because of it.  An *answer* flows the other way, from the receiver of a token to its sender.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from circuits.gadgets.environment import OF_BLOCK, OF_FRAME
from circuits.machine import tables
from zkevm.field import MODULUS
from zkevm.plonkish.cells import Cells
from zkevm.plonkish.program import compile_table
from zkevm.plonkish.table import Bus, BusKind, Role, Table

KEYS: dict[str, int] = {
    # cells of the machine, and tokens found by an id
    "stack": 2, "memory": 2, "storage": 3, "transient": 3, "account": 2, "returned": 1,
    "caller": 1, "ended": 1, "lane": 2, "keccak_f": 2, "list": 2, "code_claim": 1, "code_data": 2,
    "public": 4,
    # lookups
    "fetch": 2, "push": 2, "code_word": 2, "code_info": 2, "code_length": 1, "frame_store": 1,
    "frame_self": 1, "frame_data": 1, "frame_end": 1, "frame_context": 1, "env": 2, "journal": 1,
    "tx": 3, "ancestor": 1, "blob_hash": 2, "absorb": 2, "keccak": 1, "mul": 4, "precompile": 1,
    "store_status": 1,
}  # fmt: skip
"""How many leading fields of a message are its key."""

ANSWERS: dict[str, frozenset[str]] = {"expand": frozenset({"cost"})}
"""Fields that the receiver decides."""

HINTS: dict[str, frozenset[str]] = {"open": frozenset({"success", "code"})}
"""Fields that the sender takes as they come, and somebody else holds it to."""

CELLS = frozenset({"stack", "memory", "storage", "transient", "account", "returned"})
"""Buses whose tokens are dated: a token received is older than the one sent (GADGETS.md 1.3)."""

CLAIMS = frozenset({"pre"})
"""Tokens that a table sends to the statement, which says the same: they are told, not decided."""

COMPLETE = frozenset({
    "fetch", "code_word", "code_length", "frame_store", "frame_self", "frame_data", "frame_end",
    "frame_context", "store_status", "tx",
})  # fmt: skip
"""Lookup buses on which nobody can state more than an execution's codes, frames and statement."""

SIZES = {
    "memory": ("index",), "code_word": ("index",), "stack": ("index",),
    "copy": ("left", "source_kind"), "patch": ("index",), "sponge": ("left",),
}  # fmt: skip
"""Fields that are numbers: no token or statement has one beyond 2^40, where no count ends."""

GUARANTEES = {
    "sp": 1025, "size": 33, "byte": 256, "left": 1 << 40, "lane": 1 << 64, "value": 1 << 64,
    "phase": 3, "address": 1 << 160, "caller": 1 << 160, "target": 1 << 160, "msize": 1 << 32,
} | dict.fromkeys(
    ("v0", "v1", "v2", "new0", "new1", "new2", "old0", "old1", "old2"), 1 << 128
) | dict.fromkeys(
    ("success", "static", "static_call", "undone", "delegated", "alive", "warm", "old_warm",
     "instruction", "jumpdest", "is_precompile"), 2
) | dict.fromkeys(
    ("clock", "frame", "parent", "callee", "code", "pc", "undo", "journal", "index", "offset",
     "length", "data_frame", "data_offset", "data_length", "out_offset", "out_size", "store",
     "scope", "depth", "eor", "from", "to", "id", "source_index", "source_end", "dest_index",
     "number", "logs", "destroyed", "count_a", "count_b", "block", "stream", "kind", "key",
     "transaction", "log_base", "position"), 1 << 40
)  # fmt: skip
"""What a field is below, whoever states or sends it: names mean the same on all buses."""

DROPPABLE = frozenset({"memory", "returned"})
"""Buses whose tokens may be left out: who needs one cannot do without it."""


@dataclass(frozen=True)
class Statements:
    """All statements of a lookup bus that fixed tables make.

    The first `inputs` elements determine the rest: `outputs` maps them.  `bounds` are one more
    than the largest value of each element.
    """

    inputs: int
    outputs: dict[tuple[int, ...], tuple[int, ...]]
    bounds: tuple[int, ...]

    def holds(self, message: tuple[int, ...]) -> bool:
        """Whether the message is one of them."""
        return self.outputs.get(message[: self.inputs]) == message[self.inputs :]


@cache
def fixed_statements(fork: str) -> dict[Bus, Statements]:
    """The lookup buses that only fixed tables provide, with what these state."""
    found: dict[Bus, set[tuple[int, ...]]] = {}
    for table in tables(fork):
        for number, i in enumerate(table.interactions):
            if i.role is Role.PROVIDE:
                rows = _stated(table, number) if is_fixed(table) else None
                if rows is None:
                    found[i.bus] = {()}
                elif () not in found.setdefault(i.bus, set()):
                    found[i.bus] |= rows
    return {bus: _statements(rows) for bus, rows in found.items() if () not in rows}


def is_fixed(table: Table) -> bool:
    """Whether nothing but counts is committed: every row is a statement of the verifier."""
    counts = {i.count for i in table.interactions}
    return table.height is not None and set(table.columns) <= counts


def _stated(table: Table, number: int) -> set[tuple[int, ...]]:
    height = table.height or 0
    program = compile_table(table)
    ones = [np.ones(1 << height, np.uint8) for _ in table.columns]
    cells = Cells(table, program, ones, 1 << height, height)
    interaction = program.interactions[number]
    offered = cells.node(interaction.numerator) != 0
    message = [cells.node(n)[offered] for n in interaction.message]
    return set(zip(*(column.tolist() for column in message), strict=True))


def _statements(rows: set[tuple[int, ...]]) -> Statements:
    size = len(next(iter(rows)))
    inputs = next(k for k in range(1, size + 1) if len({row[:k] for row in rows}) == len(rows))
    bounds = tuple(max(row[i] for row in rows) + 1 for i in range(size))
    return Statements(inputs, {row[:inputs]: row[inputs:] for row in rows}, bounds)


def key_size(bus: Bus) -> int:
    """How many leading fields are the key; 0 for a bus that hands out work."""
    return KEYS.get(bus.name, 0)


def is_work(bus: Bus) -> bool:
    """Whether a token of the bus comes as a whole."""
    return bus.kind is BusKind.TOKEN and key_size(bus) == 0


def acceptable(bus: Bus, message: tuple[int, ...]) -> bool:
    """Whether any row of another table would take a token that is sent."""
    fields = dict(zip(bus.fields, message, strict=True))
    if bus.name == "expand":  # `expand` proves that memory grows, by less than 2^32 words
        return 0 < (fields["to"] - fields["from"]) % MODULUS <= 1 << 32
    if bus.name == "copy" and fields["left"] == 0:  # a copy ends with a row that moves something
        return False
    bounds = [fields.get(name, 0) for name in ("start", "valid", "stop")]
    in_order = bounds == sorted(bounds) and bounds[0] < 32 and bounds[2] <= 32  # by `copy_patch`
    return in_order and all(fields[name] < 1 << 40 for name in SIZES.get(bus.name, ()))


def guarantee(bus: Bus, field: str) -> int | None:
    """What a field of a message received or looked up is below; None if nothing is known."""
    if field.endswith(("lo", "hi")):
        return 1 << 128
    return None if bus.name in {"public", "order"} else GUARANTEES.get(field)


def available(bus: Bus, message: tuple[int, ...]) -> bool:
    """Whether any row of another table could state or send this: what they all guarantee."""
    fields = dict(zip(bus.fields, message, strict=True))
    if bus.name == "env":
        return fields["opcode"] in (OF_FRAME if fields["key"] else OF_BLOCK)
    bounds = [(value, guarantee(bus, name)) for name, value in fields.items()]
    # a patch is in order because `copy_patch` says so, which takes it
    fits = bus.name == "patch" or acceptable(bus, message)
    return fits and all(b is None or v < b for v, b in bounds)
