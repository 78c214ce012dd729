"""One batch of entries on payments under way: what is sent, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from connectors.odoo.errors import OdooAnswer
from connectors.odoo.payments import Due
from connectors.odoo.rows import Row
from connectors.odoo.writes import Writes, outcome_of
from syncd.connector import Outcome


@dataclass(slots=True)
class Batch(Writes):
    """A batch under way.

    ``moves``: the invoices as read last. ``payments``: entry → the payment that
    settles it; ``ours``: those of them that syncd made; ``drafts``: those that are still to be posted;
    ``without_entry``: those that Odoo books no entry for (18 and later, without an outstanding account).
    """

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    moves: Mapping[int, Row] = field(default_factory=dict)
    payments: dict[int, int] = field(default_factory=dict)
    ours: set[int] = field(default_factory=set)
    drafts: set[int] = field(default_factory=set)
    without_entry: set[int] = field(default_factory=set)

    def left(self, dues: Iterable[Due]) -> list[Due]:
        """Give the entries that have no outcome yet."""
        return [due for due in dues if due.entry not in self.outcomes]

    def refuse(self, due: Due, error: OdooAnswer, before: str = "") -> None:
        """Note that Odoo would not have it; what others wrote at the same time is read and planned anew."""
        self.outcomes[due.entry] = outcome_of(error, before)
