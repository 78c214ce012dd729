"""A temporary SQLite database in the scratch folder, for what must be sorted or looked up and may be large."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def database(scratch: Path, schema: str) -> Iterator[sqlite3.Connection]:
    """Give an empty database with this schema, deleted afterwards; it need not survive anything."""
    with tempfile.TemporaryDirectory(prefix="csv-", dir=scratch) as folder:
        connection = sqlite3.connect(Path(folder, "scratch.db"), isolation_level=None)
        try:
            connection.executescript(
                "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; "
                "PRAGMA cache_size = -8000; PRAGMA temp_store = FILE;"
            )
            connection.executescript(schema)
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()
