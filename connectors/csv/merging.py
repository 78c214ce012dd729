"""Entries merged into a ledger that stands: first the rows of the records they change, then file by file.

Pass one streams the files and sets aside the rows of changed records; the entries are carried out on them; pass two
streams the files that differ again, and writes what is unchanged and what is changed, in order.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import orjson

from connectors.csv.change import Applying, Record, Standing
from connectors.csv.files import NewFiles
from connectors.csv.layout import COLUMNS, IDS, SPLIT, Cells, File, Group, Partition, Table, part_of
from connectors.csv.outcomes import Outcomes
from connectors.csv.rows import Writer, slots_of
from syncd.connector import Entry

SCHEMA = """
CREATE TABLE entries (record TEXT, number INTEGER, verb TEXT, kind TEXT, id TEXT, payload BLOB);
CREATE TABLE old (record TEXT, tbl TEXT, part TEXT, k1 TEXT, k2 TEXT, k3 TEXT, rows BLOB);
CREATE TABLE new (tbl TEXT, part TEXT, k1 TEXT, k2 TEXT, k3 TEXT, rows BLOB);
"""
INDEXES = "CREATE INDEX by_record ON entries (record, number)"


class Source(Protocol):
    """A ledger as it stands, as streams of groups in order."""

    extras: dict[Table, list[str]]
    files: frozenset[File]
    lost: dict[File, frozenset[str]]
    """The columns of ours that a file lacks."""

    def groups(self, table: Table, part: str) -> Iterator[Group]:
        """Stream the rows of one file, record by record."""


class Needs:
    """What the entries of one write make necessary to look at."""

    def __init__(self, partition: Partition) -> None:
        """Need nothing yet."""
        self._partition = partition
        self.tables: set[Table] = set()
        self.parts: set[str] = set()
        self.everywhere = False
        self.marked: set[int] = set()
        """Hashes of the records that are changed; one that is here by chance is written as it stands."""
        self.renamed: dict[str, str] = {}
        """Records that stand under another id, and the records of the source that they are bound to."""

    def add(self, entry: Entry, payload: dict[str, Any]) -> str:
        """Take in one entry; name its record."""
        if entry.kind == "client":
            self.tables.add("clients")
            name = f"c{entry.id}"
        else:
            name = f"i{entry.id}"
            self.tables |= {"invoices", "payments"}
            if entry.kind == "invoice":
                self._invoice(payload)
            days = payload.get("issue_date")
            if days is None and entry.verb not in ("create", "settle"):
                self.everywhere = True
            for day in days if isinstance(days, list) else [days]:
                self.parts.add(part_of(day, self._partition))
        self.marked.add(hash(name))
        if entry.external_id not in (None, entry.id):
            self._rename(f"{name[0]}{entry.external_id}", name)
        return name

    def _rename(self, there: str, name: str) -> None:
        self.renamed[there] = name
        self.marked.add(hash(there))
        if name[0] == "i":
            self.tables |= set(SPLIT)

    def _invoice(self, payload: dict[str, Any]) -> None:
        changes = payload.get("changes")
        if changes is None:
            self.tables |= set(SPLIT)
            return
        moved = "number" in changes or "issue_date" in changes
        if moved or any(path.startswith("lines.") for path in changes):
            self.tables.add("invoice_lines")
        if moved or any(path.startswith("events.") for path in changes):
            self.tables.add("events")


class Merging:
    """One write into a ledger that stands."""

    def __init__(
        self, source: Source, standing: Iterable[File], writer: Writer, partition: Partition, db: sqlite3.Connection
    ) -> None:
        """Merge into ``source``, of which the files ``standing`` are there; ``db`` has ``SCHEMA``."""
        self._source = source
        self._standing = set(standing)
        self._writer = writer
        self._partition: Partition = partition
        self._db = db
        self.dirty: set[File] = set()

    def collect(self, entries: Iterable[Entry], *, everywhere: bool) -> Needs:
        """Take in the entries, and set aside the rows of the records they change (pass one)."""
        needs = Needs(self._partition)
        self._db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", self._entries(entries, needs))
        self._db.execute(INDEXES)
        for file in sorted(self._standing):
            wide = everywhere or not file.part or (needs.everywhere and file.table in ("invoices", "payments"))
            wide = wide or bool(needs.renamed)
            if file.table in needs.tables and (wide or file.part in needs.parts):
                self._db.executemany("INSERT INTO old VALUES (?, ?, ?, ?, ?, ?, ?)", self._old(file, needs))
        self._db.execute("CREATE INDEX old_by_record ON old (record)")
        return needs

    def _entries(self, entries: Iterable[Entry], needs: Needs) -> Iterator[tuple[Any, ...]]:
        for entry in entries:
            name = needs.add(entry, orjson.loads(entry.payload))
            yield name, entry.number, entry.verb, entry.kind, entry.id, entry.payload

    def _old(self, file: File, needs: Needs) -> Iterator[tuple[Any, ...]]:
        letter, marked = "c" if file.table == "clients" else "i", needs.marked
        for group in self._source.groups(file.table, file.part):
            name = letter + group.owner
            if hash(name) not in marked:
                continue
            if own := needs.renamed.get(name):
                self.dirty.add(file)
                renamed = self._renamed(group, file, own[1:])
                yield own, file.table, file.part, *renamed.key, orjson.dumps(renamed.rows)
            else:
                yield name, file.table, file.part, *group.key, orjson.dumps(group.rows)

    def _renamed(self, group: Group, file: File, own: str) -> Group:
        """Give the rows of a record the id of the one that it is bound to, by which all that comes finds it."""
        name = IDS.get(file.table, "invoice_id")
        at, cell = list(COLUMNS[file.table]).index(name), self._writer.cell(file.table, name, own)
        rows = [[*row[:at], cell, *row[at + 1 :]] for row in group.rows]
        first, second, _ = group.key
        return Group((first, own, "") if file.table == "clients" else (first, second, own), own, rows)

    def apply(self, outcomes: Outcomes) -> None:
        """Carry out the entries, record by record; what comes of it stands in ``new`` and ``dirty``."""
        applying = Applying(self._writer, lambda day: part_of(day, self._partition))
        self._db.executemany("INSERT INTO new VALUES (?, ?, ?, ?, ?, ?)", self._new(applying, outcomes))
        rest = self._db.execute(
            "SELECT tbl, part, k1, k2, k3, rows FROM old WHERE record NOT IN (SELECT record FROM entries)"
        )
        self._db.executemany("INSERT INTO new VALUES (?, ?, ?, ?, ?, ?)", rest.fetchall())
        self._db.execute("CREATE INDEX in_order ON new (tbl, part, k1, k2, k3)")

    def _new(self, applying: Applying, outcomes: Outcomes) -> Iterator[tuple[Any, ...]]:
        entries = self._db.execute(
            "SELECT record, number, verb, kind, id, payload FROM entries ORDER BY record, number"
        )
        for name, group in itertools.groupby(entries, key=lambda row: row[0]):
            record = self._record(name)
            before = _snapshot(record)
            for _, number, verb, kind, owner, payload in group:
                outcomes.add(number, applying.apply(record, verb, kind, owner, orjson.loads(payload)))
            self._compare(before, record)
            for table, standing in record.items():
                if standing.slots:
                    yield table, standing.part, *standing.key, orjson.dumps(list(standing.slots.values()))

    def _record(self, name: str) -> Record:
        rows: dict[Table, list[Cells]] = {}
        places: dict[Table, tuple[str, tuple[str, str, str]]] = {}
        found = self._db.execute("SELECT tbl, part, k1, k2, k3, rows FROM old WHERE record = ? ORDER BY rowid", (name,))
        for table, part, k1, k2, k3, cells in found:
            rows.setdefault(table, []).extend(orjson.loads(cells))
            places.setdefault(table, (part, (k1, k2, k3)))
        return {table: Standing(*places[table], slots_of(table, those)) for table, those in rows.items()}

    def _compare(self, before: Record, after: Record) -> None:
        for table, standing in after.items():
            old = before.get(table)
            if old is None:
                self.dirty |= {File(table, standing.part)} if standing.slots else set()
            elif (old.part, old.key, list(old.slots.values())) != (
                standing.part,
                standing.key,
                list(standing.slots.values()),
            ):
                self.dirty |= {File(table, old.part), File(table, standing.part)}

    def write(self, files: NewFiles, needs: Needs) -> None:
        """Write the files that differ (pass two)."""
        for file in sorted(self.dirty):
            extras = self._source.extras.get(file.table, [])
            files.begin(file, extras)
            width = len(COLUMNS[file.table]) + len(extras)
            for rows in merged(self._unchanged(file, needs), self._changed(file)):
                if extras:
                    rows = [row + [""] * (width - len(row)) for row in rows]  # noqa: PLW2901 -- padded
                files.rows(file, rows)
            files.finish()

    def _unchanged(self, file: File, needs: Needs) -> Iterator[Group]:
        if file not in self._standing:
            return
        letter, marked = "c" if file.table == "clients" else "i", needs.marked if file.table in needs.tables else set()
        for group in self._source.groups(file.table, file.part):
            if hash(letter + group.owner) not in marked:
                yield group

    def _changed(self, file: File) -> Iterator[Group]:
        found = self._db.execute(
            "SELECT k1, k2, k3, rows FROM new WHERE tbl = ? AND part = ? ORDER BY k1, k2, k3", file
        )
        for k1, k2, k3, rows in found:
            yield Group((k1, k2, k3), "", orjson.loads(rows))


def _snapshot(record: Record) -> Record:
    """Keep how a record stood: its rows are changed in place."""
    return {
        table: Standing(one.part, one.key, {slot: list(row) for slot, row in one.slots.items()})
        for table, one in record.items()
    }


def merged(one: Iterator[Group], other: Iterator[Group]) -> Iterator[list[Cells]]:
    """Merge two sorted streams of groups."""
    waiting = next(other, None)
    for group in one:
        while waiting is not None and waiting.key < group.key:
            yield waiting.rows
            waiting = next(other, None)
        yield group.rows
    while waiting is not None:
        yield waiting.rows
        waiting = next(other, None)
