"""The attack on all tables of a fork, or on some."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from circuits.audit.attack import LIES, Report, Target, attack
from circuits.audit.relation import Relation
from circuits.audit.rows import Rows, Sample, diverse
from circuits.audit.samples import relations, samples
from circuits.language import StepGadget
from circuits.machine import all_gadgets

LARGEST = 1000
"""Columns of a table that the search can take; `keccak_f` has more, and tests of its own."""

ROWS, STRANGERS, MORE = 4, 6, 16


def audit(
    fork: str, names: Collection[str] = (), lies: int = LIES, quick: bool = False
) -> Iterator[Report]:
    """A report for each table of these names (default: all) that some execution fills."""
    known = relations(fork)
    found = samples(fork, known)
    for gadget in all_gadgets(fork):
        relation = known.get(gadget.name)
        if relation is None or (names and gadget.name not in names):
            continue
        if any(s.truth is None for s in found.get(gadget.name, ())) and is_small(relation):
            opcodes = gadget.opcodes if isinstance(gadget, StepGadget) else None
            yield attack(_target(relation, found, opcodes, quick), lies)


def left_out(fork: str, reports: Collection[Report]) -> list[str]:
    """Tables that were not attacked, fixed ones apart."""
    attacked = {report.table.name for report in reports}
    return [name for name in relations(fork) if name not in attacked]


def is_small(relation: Relation) -> bool:
    """Whether the search can take the table."""
    return relation.width <= LARGEST and bool(relation.items)


def _target(
    relation: Relation, found: Rows, opcodes: Collection[int] | None, quick: bool
) -> Target:
    own: list[Sample] = [s for s in found[relation.table.name] if s.truth is None]
    others = [s for s in found[relation.table.name] if s.truth is not None]
    rows = diverse(relation, own, ROWS + MORE)
    strangers = diverse(relation, others, STRANGERS + MORE)
    return Target(
        relation,
        [*rows[:ROWS], *strangers[:STRANGERS]],
        [] if quick else [*rows[ROWS:], *strangers[STRANGERS:]],
        None if opcodes is None else frozenset(map(int, opcodes)),
    )
