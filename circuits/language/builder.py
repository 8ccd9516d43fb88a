"""Collects what a table declares, as data."""

from __future__ import annotations

from circuits.buses import RANGE16
from zkevm.plonkish.expression import Column, Expr, lift
from zkevm.plonkish.table import Bus, Constraint, Interaction, Role


class Builder:
    """Receives the declarations of one table.  `real` is the table's row selector."""

    def __init__(self, real: Expr) -> None:
        self.real = real
        self.constraints: list[Constraint] = []
        self.interactions: list[Interaction] = []

    def require_zero(self, label: str, expr: Expr) -> None:
        """`expr` vanishes on every row."""
        self.constraints.append(Constraint(label, expr))

    def require_equal(self, label: str, left: Expr | int, right: Expr | int) -> None:
        """Two expressions agree on every row."""
        self.require_zero(label, lift(left) - right)

    def require_range(self, label: str, when: Expr, expr: Expr, bits: int = 16) -> None:
        """`expr` is in [0, 2^bits), bits <= 16, where `when` is 1.

        With less than 16 bits, `expr` has to be an integer below 2^237 in size by what it is made
        of: a multiple of it does not wrap, so it is enough to look up `expr * 2^(16 - bits)`.
        """
        self._add(RANGE16, Role.REQUEST, when, (expr * (1 << 16 - bits),), label)

    def send(self, bus: Bus, when: Expr, *message: Expr | int, label: str = "") -> None:
        """Put a token on the bus where the boolean `when` is 1."""
        self._add(bus, Role.SEND, when, message, label)

    def receive(self, bus: Bus, when: Expr, *message: Expr | int, label: str = "") -> None:
        """Take a token from the bus where the boolean `when` is 1."""
        self._add(bus, Role.RECEIVE, when, message, label)

    def request(self, bus: Bus, when: Expr, *message: Expr | int, label: str = "") -> None:
        """Look a statement up where the boolean `when` is 1."""
        self._add(bus, Role.REQUEST, when, message, label)

    def provide(
        self, bus: Bus, when: Expr, count: Column, *message: Expr | int, label: str = ""
    ) -> None:
        """Offer a statement, true wherever `when` is 1, to `count` requests (a free column)."""
        self._add(bus, Role.PROVIDE, when * count, message, label, count)

    def _add(
        self,
        bus: Bus,
        role: Role,
        multiplicity: Expr,
        message: tuple[Expr | int, ...],
        label: str,
        count: Column | None = None,
    ) -> None:
        lifted = tuple(lift(m) for m in message)
        label = label or f"{role.value} {bus.name}"
        self.interactions.append(Interaction(bus, role, multiplicity, lifted, label, count))
