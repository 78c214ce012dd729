"""Outcomes kept in a temporary file until the set of files is in place: there may be a million of them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import orjson

from connectors.csv.change import Carried
from syncd.connector import Done, Exists, Stale

MADE = {"done": Done, "exists": Exists, "stale": Stale}


class Outcomes:
    """A list of outcomes, on disk."""

    def __init__(self, scratch: Path) -> None:
        """Begin an empty list."""
        self._file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 -- closed by ``close``

    def add(self, number: int, outcome: Carried) -> None:
        """Keep the outcome of one entry."""
        text = outcome.reason if isinstance(outcome, Stale) else outcome.external_id
        self._file.write(orjson.dumps((number, type(outcome).__name__.lower(), text)) + b"\n")

    def done(self, number: int, external_id: str) -> None:
        """Keep that one entry was carried out."""
        self._file.write(orjson.dumps((number, "done", external_id)) + b"\n")

    def __iter__(self) -> Iterator[tuple[int, Carried]]:
        """Give them back in order."""
        self._file.seek(0)
        for line in self._file:
            number, word, text = orjson.loads(line)
            yield number, MADE[word](text)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
