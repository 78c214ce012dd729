"""Outcomes kept in a temporary file until the set of files is in place: there may be a million of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from syncd.connector import Done, Exists, Outcome, Rejected, Stale

MADE = {"done": Done, "exists": Exists}


class Outcomes:
    """A list of outcomes, on disk."""

    def __init__(self, scratch: Path) -> None:
        """Begin an empty list."""
        self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 -- closed by ``close``

    def add(self, number: int, outcome: Outcome) -> None:
        """Keep the outcome of one entry."""
        if isinstance(outcome, Done | Exists):
            told = [number, "done" if isinstance(outcome, Done) else "exists", outcome.external_id]
        elif isinstance(outcome, Rejected):
            told = [number, "rejected", outcome.reason]
        else:
            told = [number, "stale", outcome.reason]
        self._file.write(orjson.dumps(told) + b"\n")

    def done(self, number: int, external_id: str) -> None:
        """Keep that one entry was carried out."""
        self._file.write(orjson.dumps((number, "done", external_id)) + b"\n")

    def __iter__(self) -> Iterator[tuple[int, Outcome]]:
        """Give them back in order."""
        self._file.seek(0)
        for line in self._file:
            number, word, text = orjson.loads(line)
            if word in MADE:
                yield number, MADE[word](text)
            else:
                yield number, Stale(text) if word == "stale" else Rejected(text)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
