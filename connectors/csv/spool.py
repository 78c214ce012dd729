"""A ledger that people had their hands in, read in whatever dress it is, paired, and sorted by way of SQLite."""

from __future__ import annotations

import codecs
import csv
import itertools
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from connectors.csv.cells import Dress, read_cell, write_cell
from connectors.csv.dialect import Columns, Style, columns_of, lines_of, read_foreign, style_of
from connectors.csv.dressed import dressed
from connectors.csv.layout import COLUMNS, KEYS, LAST, SPLIT, UNDATED, Cells, File, Group, Table, part_of
from connectors.csv.ledger import Ledger
from connectors.csv.pairing import pair
from connectors.csv.rows import in_order
from syncd.errors import Unreachable

SCHEMA = """
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY, tbl TEXT, part TEXT, id TEXT, number TEXT, owner TEXT, day TEXT, slot TEXT, cells BLOB);
CREATE TABLE places (owner TEXT PRIMARY KEY, day TEXT, number TEXT, part TEXT);
"""
OTHER_NUMBERS = """
SELECT rows.seq, tbl, rows.part, rows.number, places.number, cells FROM rows JOIN places ON places.owner = rows.owner
WHERE tbl IN ('invoice_lines', 'events') AND rows.number <> places.number AND rows.seq > ? ORDER BY rows.seq LIMIT ?
"""
CHUNK = 5000
"""Rows that are mended at a time."""
BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Spool:
    """The rows of all files in the dress of the settings; ``db`` has ``SCHEMA``."""

    def __init__(self, ledger: Ledger, db: sqlite3.Connection) -> None:
        """Read this ledger when ``load`` is called."""
        self._ledger = ledger
        self._db = db
        self._dress = ledger.settings.dress
        self._base = dress_of(ledger)
        self.extras: dict[Table, list[str]] = {}
        self.files: frozenset[File] = frozenset(ledger.files)
        self.lost: dict[File, frozenset[str]] = {}

    def load(self) -> None:
        """Read every file, pair the rows, find their places."""
        for file in sorted(self._ledger.files):
            columns = self._columns(file)
            if lost := [name for name, at in zip(COLUMNS[file.table], columns.ours, strict=True) if at is None]:
                self.lost[file] = frozenset(lost)
            names = self._named(file.table, columns)
            self._db.executemany(
                "INSERT INTO rows (tbl, part, id, number, owner, day, slot, cells) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                self._rows(file, columns, names),
            )
        self._db.executescript(
            "CREATE INDEX by_number ON rows (tbl, number, id); CREATE INDEX by_row_id ON rows (tbl, id);"
        )
        pair(self._db)
        self._mend_numbers()
        if self._base_partition() != self._ledger.settings.partition:
            self._rehome()
        self._db.execute("CREATE INDEX by_owner ON rows (tbl, part, owner)")

    def _mend_numbers(self) -> None:
        """Give lines and events their invoice's number again that was taken for a number, or whose column is lost."""
        after = -1
        while some := self._db.execute(OTHER_NUMBERS, (after, CHUNK)).fetchall():
            mended = []
            for seq, table, part, number, own, cells in some:
                if dressed("number", own, number) or "number" in self.lost.get(File(table, part), ()):
                    row = orjson.loads(cells)
                    row[1] = write_cell(own, "text", self._dress)
                    mended.append((own, orjson.dumps(row), seq))
            self._db.executemany("UPDATE rows SET number = ?, cells = ? WHERE seq = ?", mended)
            after = some[-1][0]

    def _base_partition(self) -> str:
        told = self._ledger.manifest.get("settings", {})
        return str(told.get("partition", self._ledger.settings.partition))

    def _named(self, table: Table, columns: Columns) -> list[tuple[int, int]]:
        """Give each extra column of a file its place among those of its table: from where, to where."""
        names = self.extras.setdefault(table, [])
        result, used = [], set()
        for name, at in columns.extras:
            place = next((n for n, known in enumerate(names) if known == name and n not in used), None)
            if place is None:
                place = len(names)
                names.append(name)
            used.add(place)
            result.append((at, place))
        return result

    def _columns(self, file: File) -> Columns:
        path = self._ledger.folder / file.name
        encoding = encoding_of(self._ledger, file)
        try:
            with path.open(encoding=encoding, newline="") as text:
                header = next(lines_of(text), "").rstrip("\r\n")
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{path} cannot be read: {error}.") from error
        columns = columns_of(header, file.table)
        if columns is None:
            names = " and ".join(KEYS[file.table])
            raise Unreachable(
                f"{path} cannot be understood: its first line does not name {names}. "
                f"Put the header line back, or move the file away, and it is built anew."
            )
        return columns

    def _reader(self, file: File, columns: Columns) -> Iterator[Cells]:
        csv.field_size_limit(sys.maxsize)
        path = self._ledger.folder / file.name
        row: Cells = []
        try:
            with path.open(encoding=encoding_of(self._ledger, file), newline="") as text:
                reader = csv.reader(lines_of(text), delimiter=columns.delimiter, strict=True)
                next(reader, None)
                for row in reader:
                    if any(map(str.strip, row)):
                        yield row
        except csv.Error as error:
            after = f" after {row[0]}" if row else ""
            raise Unreachable(
                f"{path} cannot be understood{after}: a quotation mark stands where none can ({error}). "
                f"Mend it, or move the file away, and it is built anew."
            ) from error
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"{path} cannot be read: {error}.") from error
        if row and len(row) < columns.width and _breaks_off(path):
            raise Unreachable(
                f"{path} cannot be understood: it breaks off in its last line ({row[0]}), like a copy cut short. "
                f"Copy it again, or move the file away, and it is built anew."
            )

    def _rows(self, file: File, columns: Columns, names: list[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
        """Read the rows of a file as cells of the dress of the settings."""
        style = None
        if not self._ledger.untouched(file):
            style = style_of(self._reader(file, columns), columns, file.table, self._base)
            if style.ambiguous:
                raise Unreachable(
                    f"{self._ledger.folder / file.name} cannot be understood: its dates may be day before month or "
                    f"month before day. Save it with dates like 2026-01-31, or move it away, and it is built anew."
                )
        kinds = list(COLUMNS[file.table].values())
        day_at = list(COLUMNS[file.table]).index("issue_date") if file.table == "invoices" else None
        for row in self._reader(file, columns):
            values = [self._value(row, at, holds, style) for at, holds in zip(columns.ours, kinds, strict=True)]
            cells = [write_cell(value, holds, self._dress) for value, holds in zip(values, kinds, strict=True)]
            cells += self._extra(file.table, row, columns, names)
            day = str(values[day_at] or "") if day_at is not None else ""
            owner = str(values[0] or "")
            slot = str(values[2] or "") if file.table == "invoice_lines" else ""
            yield file.table, file.part, owner, str(values[1] or ""), owner, day, slot, orjson.dumps(cells)

    def _value(self, row: Cells, at: int | None, holds: Any, style: Style | None) -> Any:
        if at is None or at >= len(row):
            return None
        return read_foreign(row[at], holds, style, self._base) if style else read_cell(row[at], holds, self._base)

    def _extra(self, table: Table, row: Cells, columns: Columns, names: list[tuple[int, int]]) -> Cells:
        """Keep what a person added, in columns of their own or behind the last one."""
        pairs = [(at, place) for at, place in names if at < len(row)]
        pairs += [
            (at, self._nameless(table, at - columns.width, names)) for at in range(columns.width, len(row)) if row[at]
        ]
        if not pairs:
            return []
        cells = [""] * (max(place for _, place in pairs) + 1)
        for at, place in pairs:
            cells[place] = row[at]
        return cells

    def _nameless(self, table: Table, nth: int, names: list[tuple[int, int]]) -> int:
        """Give the nth column to the right of a table its place among the extra ones."""
        known, used = self.extras[table], {place for _, place in names}
        while True:
            nameless = [n for n, name in enumerate(known) if not name and n not in used]
            if nth < len(nameless):
                return nameless[nth]
            known.append("")

    def _rehome(self) -> None:
        """Put every row into the part its invoice now belongs to."""
        partition = self._ledger.settings.partition
        self._db.create_function("part_of", 1, lambda day: part_of(day, partition), deterministic=True)
        self._db.execute("UPDATE places SET part = part_of(day)")
        lost = "" if partition == "none" else UNDATED
        self._db.execute(
            "UPDATE rows SET part = coalesce((SELECT part FROM places WHERE places.owner = rows.owner), ?) "
            "WHERE tbl <> 'clients'",
            (lost,),
        )
        parts = {part for (part,) in self._db.execute("SELECT DISTINCT part FROM rows WHERE tbl <> 'clients'")}
        self.files = frozenset({File(table, part) for table in SPLIT for part in parts} | {File("clients", "")})
        lacking: dict[Table, frozenset[str]] = {}
        for file, columns in self.lost.items():
            lacking[file.table] = lacking.get(file.table, frozenset()) | columns
        self.lost = {file: lacking[file.table] for file in self.files if file.table in lacking}

    def groups(self, table: Table, part: str) -> Iterator[Group]:
        """Stream the rows of one file, record by record, in the order of their keys."""
        if table == "clients":
            found = self._db.execute(
                "SELECT owner, number, '', '', cells FROM rows WHERE tbl = 'clients' ORDER BY number, owner, seq"
            )
        else:
            found = self._db.execute(
                "SELECT rows.owner, places.day, places.number, rows.owner, cells "
                "FROM rows LEFT JOIN places ON places.owner = rows.owner "
                "WHERE tbl = ? AND rows.part = ? "
                "ORDER BY places.day IS NULL, places.day, places.number, rows.owner, seq",
                (table, part),
            )
        for owner, group in itertools.groupby(found, key=lambda row: row[0]):
            rows = list(group)
            _, first, second, _, _ = rows[0]
            key = (first, owner, "") if table == "clients" else (LAST if first is None else first, second or "", owner)
            yield Group(key, owner, in_order(table, [orjson.loads(row[4]) for row in rows]))


def dress_of(ledger: Ledger) -> Dress:
    """Tell the dress in which syncd last wrote the files."""
    told = ledger.manifest.get("settings")
    if not isinstance(told, dict):
        return ledger.settings.dress
    return Dress(told["delimiter"], told["decimal"], told["encoding"], told["date_format"])


def encoding_of(ledger: Ledger, file: File) -> str:
    """Tell the encoding a file is in: by its mark, or else the first that reads it, syncd's own before others.

    A file that a person saved and that is UTF-8 beyond ASCII is no other: what else is written is hardly ever UTF-8.
    One that is UTF-8 in some places and not in others was saved by two programs, and no encoding reads all of it.
    """
    path = ledger.folder / file.name
    with path.open("rb") as raw:
        start = raw.read(4)
    for bom, encoding in BOMS:
        if start.startswith(bom):
            return encoding
    if not ledger.untouched(file) and _is_utf8(path):
        return "utf-8"
    for one in (dress_of(ledger).encoding, "utf-8"):
        if _decodes(path, one):
            return one
    if line := _mixed(path):
        raise Unreachable(
            f"{path} cannot be understood: it is UTF-8, but for line {line}. "
            f"Save that line anew as UTF-8, or move the file away, and it is built anew."
        )
    return "cp1252" if _decodes(path, "cp1252") else "iso-8859-1"


def _breaks_off(path: Path) -> bool:
    """Tell whether a file does not end with a line's end, in whatever encoding."""
    with path.open("rb") as raw:
        raw.seek(-min(4, path.stat().st_size), 2)
        return not raw.read().rstrip(b"\0").endswith((b"\n", b"\r"))


def _mixed(path: Path) -> int | None:
    """Name the first line that is not UTF-8 in a file of which other text beyond ASCII is."""
    bad, good = None, False
    with path.open("rb") as raw:
        for number, line in enumerate(raw, 1):
            text = line.decode("utf-8", "surrogateescape")
            escaped = any("\udc80" <= character <= "\udcff" for character in text)
            bad = bad or (number if escaped else None)
            good = good or any(character > "\x7f" and not "\udc80" <= character <= "\udcff" for character in text)
    return bad if good else None


def _is_utf8(path: Path) -> bool:
    """Tell whether all of a file is UTF-8, and some of it not ASCII, which would be the same in most encodings."""
    beyond_ascii = False
    try:
        with path.open(encoding="utf-8", newline="") as text:
            while part := text.read(1 << 16):
                beyond_ascii = beyond_ascii or not part.isascii()
    except UnicodeError:
        return False
    return beyond_ascii


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as text:
            while text.read(1 << 16):
                pass
    except UnicodeError:
        return False
    return True
