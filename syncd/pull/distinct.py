"""How many different ids a walk has shown, nearly, in little memory however many there are. No I/O."""

from __future__ import annotations

import math
from collections.abc import Iterable

SLOTS = 1 << 18
"""Bytes; with ten ids for each of them the count is still right to a few percent."""


class Distinct:
    """Counts by how many slots the hashes of the ids fall into (linear counting: Whang et al., 1990)."""

    def __init__(self) -> None:
        """Count from nothing."""
        self._slots = bytearray(SLOTS)
        self._taken = 0

    def add(self, ids: Iterable[str]) -> None:
        """Take in more ids, new ones or not."""
        slots = self._slots
        for place in [hash(each) % SLOTS for each in ids]:
            if not slots[place]:
                slots[place] = 1
                self._taken += 1

    def __len__(self) -> int:
        """Tell how many different ones there were; no more than about three million can be told."""
        return round(SLOTS * math.log(SLOTS / max(SLOTS - self._taken, 1)))

    @property
    def full(self) -> bool:
        """There were too many to tell."""
        return self._taken == SLOTS
