"""The ledger read back as records: for ``changes`` all that stands, for ``find`` what stands for a wanted record."""

from __future__ import annotations

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson

from connectors.csv.cells import Dress, unguard
from connectors.csv.layout import COLUMNS, KIND, LAST, SPLIT, File, Group, Table
from connectors.csv.ledger import Ledger
from connectors.csv.merging import Source
from connectors.csv.rows import event_fields, flat_fields, line_fields
from connectors.csv.standing import source_of
from connectors.csv.temporary import database
from syncd.connector import Fields, Found, How, Kind, Page, Remote, Wanted

DEPENDENT: dict[Table, str] = {"invoice_lines": "lines", "events": "events"}
"""The tables that hold a field of invoices."""

PAGE = 200
FEW = 2000
"""So many wanted records are looked for without an index of all that stands."""

SCHEMA = """
CREATE TABLE remotes (kind TEXT, id TEXT, number TEXT, email TEXT, name TEXT, by_hand INTEGER, fields BLOB);
"""
INDEXES = """
CREATE INDEX by_id ON remotes (kind, id);
CREATE INDEX by_number ON remotes (kind, number);
CREATE INDEX by_email ON remotes (kind, email);
CREATE INDEX by_name ON remotes (kind, name);
"""


def pages(ledger: Ledger, since: str | None, scratch: Path) -> Iterator[Page]:
    """Stream what stands, or only the token where nothing but syncd's own writes happened since."""
    token = ledger.token
    own = since == token or (
        since in ledger.lineage and not ledger.missing and all(map(ledger.untouched, ledger.files))
    )
    if since is not None and own:
        yield Page(token=token)
        return
    lost = frozenset(KIND[file.table] for file in ledger.missing if file.table not in DEPENDENT)
    by_hand = any(map(ledger.by_hand, ledger.files))
    with source_of(ledger, {file: file.name for file in ledger.files}, scratch) as source:
        remotes = itertools.chain(_remotes(ledger, source), _left_over(ledger, source, scratch))
        while page := tuple(itertools.islice(remotes, PAGE)):
            yield Page(remotes=page, whole=True, lost=lost, by_hand=by_hand)
    yield Page(token=token, whole=True, lost=lost, by_hand=by_hand)


def found(ledger: Ledger, wanted: Iterable[Wanted], scratch: Path) -> Iterator[Found]:
    """Answer in the order asked; all that stands is indexed only where many are wanted, or one of few stands there."""
    few = list(itertools.islice(wanted := iter(wanted), FEW))
    if len(few) < FEW and not _any_stands(ledger, few, scratch):
        yield from (Found(one.kind, one.id) for one in few)
        return
    wanted = itertools.chain(few, wanted)
    with database(scratch, SCHEMA) as db:
        with source_of(ledger, {file: file.name for file in ledger.files}, scratch) as source:
            records = (_indexed(remote) for remote in _remotes(ledger, source) if not remote.stray)
            db.executemany("INSERT INTO remotes VALUES (?, ?, ?, ?, ?, ?, ?)", records)
        for statement in INDEXES.strip().split("\n"):
            db.execute(statement)
        for one in wanted:
            yield Found(one.kind, one.id, tuple(_candidates(db, one)))


def _any_stands(ledger: Ledger, few: list[Wanted], scratch: Path) -> bool:
    """Tell whether any row of a client, invoice or payment could be one of these."""
    told = {(one.kind, column, value) for one in few for _, column, value in _asked(one) if value}
    columns: dict[Kind, tuple[str, ...]] = {"client": ("email", "name"), "invoice": ("number",), "payment": ()}
    dress = ledger.settings.dress
    with source_of(ledger, {file: file.name for file in ledger.files}, scratch) as source:
        for file in ledger.files:
            kind = KIND[file.table]
            if file.table not in ("clients", "invoices", "payments") or all(one.kind != kind for one in few):
                continue
            for group in source.groups(file.table, file.part):
                for cells in group.rows:
                    fields = flat_fields(file.table, cells, dress)
                    if (kind, "id", group.owner) in told or any(
                        (kind, c, fields.get(c)) in told for c in columns[kind]
                    ):
                        return True
    return False


def _indexed(remote: Remote) -> tuple[str | int | bytes | None, ...]:
    fields = remote.fields
    number, email, name = (fields.get(field) for field in ("number", "email", "name"))
    return remote.kind, remote.external_id, number, email, name, remote.by_hand, orjson.dumps(fields)


def _candidates(db: sqlite3.Connection, wanted: Wanted) -> Iterator[tuple[How, Remote]]:
    """A row of that id is the record's; only where there is none, others are looked at.

    One of another id is adopted with its id changed to the record's, so that is no difference. A row that has no id of
    its own (none, or one that stands there twice) cannot be found again, and is nobody's.
    """
    own = "client_id" if wanted.kind == "client" else "invoice_id"
    seen: set[str] = set()
    for how, column, value in _asked(wanted):
        if not value or "" in seen:
            continue
        rows = db.execute(
            f"SELECT id, by_hand, fields FROM remotes WHERE kind = ? AND {column} = ?",  # noqa: S608 -- our names
            (wanted.kind, value),
        )
        for external_id, by_hand, cells in rows:
            fields = orjson.loads(cells)
            if external_id not in seen and (how == "mark" or fields.get(own) == external_id):
                seen.add(external_id)
                fields[own] = wanted.id
                yield how, Remote(wanted.kind, external_id, None, None, fields, by_hand=bool(by_hand))
        if how == "mark" and seen:
            return


def _asked(wanted: Wanted) -> list[tuple[How, str, object]]:
    asked: list[tuple[How, str, object]] = [("mark", "id", wanted.id)]
    if wanted.kind == "invoice":
        asked.append(("number", "number", wanted.content.get("number")))
    elif wanted.kind == "client":
        asked += [("email", "email", wanted.content.get("email")), ("name", "name", wanted.content.get("name"))]
    return asked


def _remotes(ledger: Ledger, source: Source) -> Iterator[Remote]:
    """Read every client, invoice and payment that stands."""
    dress = ledger.settings.dress
    yield from _flat(ledger, source, File("clients", ""), dress)
    parts = sorted({file.part for file in source.files if file.table in SPLIT})
    for part in parts:
        yield from _invoices(ledger, source, part, dress)
    for part in parts:
        yield from _flat(ledger, source, File("payments", part), dress)


def _flat(ledger: Ledger, source: Source, file: File, dress: Dress) -> Iterator[Remote]:
    kind, by_hand, lost = KIND[file.table], ledger.by_hand(file), source.lost.get(file, frozenset())
    seen: Counter[str] = Counter()
    rows = 0
    for group in source.groups(file.table, file.part):
        for cells in group.rows:
            rows += 1
            fields = flat_fields(file.table, cells, dress)
            name = _told_apart(group.owner, seen, rows, file)
            yield Remote(kind, name, None, None, fields, by_hand=by_hand, lost=lost)


def _told_apart(name: str, seen: Counter[str], row: int, file: File) -> str:
    """Name a record whose id is not there or was there before by its row."""
    seen[name] += 1
    if not name:
        return f"row {row} of {file.name}"
    return name if seen[name] == 1 else f"{name} (row {row} of {file.name})"


def _invoices(ledger: Ledger, source: Source, part: str, dress: Dress) -> Iterator[Remote]:
    by_hand = any(ledger.by_hand(File(table, part)) for table in SPLIT if table != "payments")
    lost = _lost_fields(ledger, part) | source.lost.get(File("invoices", part), frozenset())
    lines, events = (_Alongside(source.groups(table, part)) for table in ("invoice_lines", "events"))
    seen: Counter[str] = Counter()
    rows = 0
    for group in source.groups("invoices", part):
        for nth, cells in enumerate(group.rows):
            rows += 1
            fields: Fields = flat_fields("invoices", cells, dress)
            owner = group.owner
            if nth == 0:
                fields |= line_fields(owner, fields["number"], lines.rows(group), dress)
                fields |= event_fields(owner, fields["number"], events.rows(group), dress)
            name = _told_apart(owner, seen, rows, File("invoices", part))
            gone = lost | _lost_cells(source, part, fields)
            yield Remote("invoice", name, None, None, fields, by_hand=by_hand, lost=gone)
    if File("invoices", part) in source.files:
        yield from _strays(lines, File("invoice_lines", part), by_hand=by_hand)
        yield from _strays(events, File("events", part), by_hand=by_hand)


def _strays(alongside: _Alongside, file: File, *, by_hand: bool) -> Iterator[Remote]:
    """Tell of rows whose invoice stands nowhere."""
    for group in alongside.rest():
        if group.key[0] == LAST:
            name = group.owner or f"rows without an invoice_id in {file.name}"
            fields: Fields = {"number": unguard(group.rows[0][1]) or None}
            yield Remote("invoice", name, None, None, fields, by_hand=by_hand, stray=True)


def _lost_cells(source: Source, part: str, fields: Fields) -> frozenset[str]:
    """Name the fields of an invoice's lines and events whose column is missing."""
    lost = {field: columns for table, field in DEPENDENT.items() if (columns := source.lost.get(File(table, part)))}
    if not lost:
        return frozenset()
    cells = ((path, path.partition(".")[0], path.rpartition(".")[2]) for path in fields)
    return frozenset(path for path, group, name in cells if name in lost.get(group, ()))


def _lost_fields(ledger: Ledger, part: str) -> frozenset[str]:
    """Name the fields of invoices whose file is missing."""
    return frozenset(field for table, field in DEPENDENT.items() if File(table, part) in ledger.missing)


def _left_over(ledger: Ledger, source: Source, scratch: Path) -> Iterator[Remote]:
    """Read what lines and events tell of invoices whose own file is missing."""
    lost = {file.part for file in ledger.missing if file.table == "invoices"}
    if not lost:
        return
    gone = frozenset(COLUMNS["invoices"]).union(*(_lost_fields(ledger, part) for part in lost))
    by_hand = any(map(ledger.by_hand, ledger.files))
    with database(scratch, "CREATE TABLE left_over (owner TEXT, field TEXT, rows BLOB);") as db:
        for file in sorted(source.files):
            if field := DEPENDENT.get(file.table):
                groups = (one for one in source.groups(*file) if one.key[0] == LAST)
                rows = ((one.owner, field, orjson.dumps(one.rows)) for one in groups)
                db.executemany("INSERT INTO left_over VALUES (?, ?, ?)", rows)
        found = db.execute("SELECT owner, field, rows FROM left_over ORDER BY owner, field")
        for owner, some in itertools.groupby(found, key=lambda row: row[0]):
            fields: Fields = {}
            for _, field, cells in some:
                rows = orjson.loads(cells)
                read = line_fields if field == "lines" else event_fields
                fields |= read(owner, unguard(rows[0][1]) or None, rows, ledger.settings.dress)
            yield Remote("invoice", owner, None, None, fields, by_hand=by_hand, lost=gone)


class _Alongside:
    """Groups of another table walked beside the invoices, both in the order of their keys."""

    def __init__(self, groups: Iterator[Group]) -> None:
        self._groups = groups
        self._next = next(groups, None)

    def rest(self) -> Iterator[Group]:
        """Give the groups behind the last invoice that was asked for."""
        if self._next is not None:
            yield self._next
        yield from self._groups

    def rows(self, invoice: Group) -> list[list[str]]:
        """Give the rows of this invoice."""
        rows: list[list[str]] = []
        while self._next is not None and self._next.key <= invoice.key:
            if self._next.owner == invoice.owner:
                rows += self._next.rows
            self._next = next(self._groups, None)
        return rows
