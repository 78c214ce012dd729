"""Whether the settings' encoding can hold what stands in a ledger: after a change of it, or in a person's file."""

from __future__ import annotations

import csv
import itertools
import sys

from connectors.csv.dialect import columns_of, lines_of
from connectors.csv.layout import File
from connectors.csv.ledger import Ledger
from connectors.csv.spool import dress_of, encoding_of


def unheld(ledger: Ledger) -> str | None:
    """Tell in a sentence of the first cell that cannot be written again, if there is one: its record, field, character.

    Nothing can be written to a ledger of which this tells, until the encoding or the cell is another.
    """
    encoding = ledger.settings.encoding
    if encoding.startswith("utf"):
        return None
    for file in sorted(ledger.files):
        if dress_of(ledger).encoding == encoding and ledger.untouched(file):
            continue
        if not _holds(ledger, file, encoding) and (found := _first(ledger, file, encoding)):
            return f"{found}, which {encoding} cannot hold; {_remedy(ledger, file)}."
    return None


def _holds(ledger: Ledger, file: File, encoding: str) -> bool:
    """Look at the file as one text: nearly all can be held, and they are long."""
    try:
        with (ledger.folder / file.name).open(encoding=encoding_of(ledger, file), newline="") as text:
            while part := text.read(1 << 20):
                part.lstrip("\ufeff").encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _first(ledger: Ledger, file: File, encoding: str) -> str | None:
    """Find the cell; ``None`` in a file that cannot be understood, of which reading it tells."""
    csv.field_size_limit(sys.maxsize)
    with (ledger.folder / file.name).open(encoding=encoding_of(ledger, file), newline="") as text:
        lines = lines_of(text)
        header = next(lines, "").rstrip("\r\n")
        columns = columns_of(header, file.table)
        if columns is None:
            return None
        names = next(csv.reader([header], delimiter=columns.delimiter))
        for row in itertools.chain([names], csv.reader(lines, delimiter=columns.delimiter)):
            for at, cell in enumerate(row):
                if character := _bad(cell, encoding):
                    field = names[at] if at < len(names) else f"column {at + 1}"
                    owner = "the header" if row is names else "".join(row[columns.ours[0] or 0 :][:1])
                    return f"{file.name}: {field} of {owner} holds {character!r} (U+{ord(character):04X})"
    return None


def _bad(text: str, encoding: str) -> str | None:
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def _remedy(ledger: Ledger, file: File) -> str:
    before = dress_of(ledger).encoding
    if before != ledger.settings.encoding:
        return f'set encoding back to "{before}"'
    return f'take it out of {file.name}, or set encoding = "utf-8"'
