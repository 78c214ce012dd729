"""A batch shared out to several connections, so that Odoo's workers are done with it at about the same time; pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from syncd.connector import Entry

FEW: Final = 20
"""Entries for each connection, below which sharing out costs more calls than it saves time."""


def shares(entries: Sequence[Entry], lanes: int) -> list[list[Entry]]:
    """Share entries of one kind out by their size, each share in the order given.

    Contacts stay together: they take a millisecond each, and two who make the same tag at once have to try again.
    """
    if lanes < 2 or len(entries) < FEW * lanes or entries[0].kind == "client":
        return [list(entries)]
    sizes = [0] * lanes
    chosen: list[list[int]] = [[] for _ in range(lanes)]
    for place in sorted(range(len(entries)), key=lambda place: -len(entries[place].payload)):
        lane = sizes.index(min(sizes))
        chosen[lane].append(place)
        sizes[lane] += len(entries[place].payload)
    return [[entries[place] for place in sorted(share)] for share in chosen]
