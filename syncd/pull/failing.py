"""Invoices whose details cannot be had while the source answers: asked for again, but only so often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

STREAK = 3
"""Details in a row that cannot be had before the source, not the record, is suspected."""

AGAIN = 20
"""The most records in a cycle that are asked for again after they failed in an earlier one."""

Told = list[str]
"""How a person knows the record, and why it cannot be read."""


@dataclass(slots=True)
class Failing:
    """What failed in earlier cycles (``before``, by id, the one asked longest ago first) and in this one (``now``)."""

    before: dict[str, Told]
    now: dict[str, Told] = field(default_factory=dict)
    turn: frozenset[str] = frozenset()
    """Those of ``before`` that this cycle asks for again, once each."""
    streak: int = 0
    """Details in a row, of records that never failed before, that cannot be had."""

    @classmethod
    def of(cls, before: Mapping[str, Told]) -> Failing:
        """Begin a cycle."""
        return cls(dict(before), turn=frozenset(list(before)[:AGAIN]))

    def asks(self, record_id: str, *, wanted: bool) -> bool:
        """Tell whether a record is asked for in this cycle; ``wanted``: whether it is gone has to be known."""
        return record_id not in self.now and (wanted or record_id not in self.before or record_id in self.turn)

    def failed(self, record_id: str, told: Told, *, suspect: bool) -> bool:
        """Note a failure; tell whether it is time to find out what is at fault, the source or the records."""
        self.now[record_id] = told
        if not suspect:
            self.streak = 0
        elif record_id not in self.before:
            self.streak += 1
        return self.streak >= STREAK

    def read(self, record_id: str) -> None:
        """Note that a detail was had, or that there is none."""
        self.before.pop(record_id, None)

    def all(self) -> dict[str, Told]:
        """Return what is failing as far as is known, the one asked longest ago first."""
        return {name: told for name, told in self.before.items() if name not in self.now} | self.now
