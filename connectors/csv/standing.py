"""What stands in a ledger as a source of groups: read straight where nobody touched it, else by way of a spool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from connectors.csv.layout import File
from connectors.csv.ledger import Ledger, Plain
from connectors.csv.merging import Source
from connectors.csv.spool import SCHEMA, Spool
from connectors.csv.temporary import database


@contextmanager
def source_of(ledger: Ledger, names: Mapping[File, str], scratch: Path) -> Iterator[Source]:
    """Give the files called ``names`` as a source; ``Unreachable`` where one of them cannot be understood."""
    plain = ledger.same_dress and not any(ledger.by_hand(file) for file in ledger.files)
    if plain:
        yield Plain(ledger.folder, ledger.settings.dress, names)
        return
    with database(scratch, SCHEMA) as db:
        spool = Spool(ledger, db)
        spool.load()
        yield spool
