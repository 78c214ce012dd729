"""The first load: rows written straight into new files while the entries come, as long as they come in order."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import orjson

from connectors.csv.files import NewFiles
from connectors.csv.layout import File, Key, Partition, part_of
from connectors.csv.outcomes import Outcomes
from connectors.csv.rows import Writer, client_key, invoice_key
from syncd.connector import Content, Entry

RANK = {"client": 0, "invoice": 1, "payment": 2}


def first_load(
    entries: Iterable[Entry], files: NewFiles, writer: Writer, partition: Partition, outcomes: Outcomes
) -> Iterator[Entry]:
    """Write records that come in order; give back the first that does not, and all behind it."""
    entries = iter(entries)
    last: tuple[int, Key] = (-1, ("", "", ""))
    now: tuple[str, str] = ("", "")
    for entry in entries:
        content = orjson.loads(entry.payload)
        place = RANK[entry.kind], client_key(content) if entry.kind == "client" else invoice_key(content)
        if entry.verb not in ("create", "settle") or place <= last:
            return itertools.chain([entry], entries)
        part = part_of(content.get("issue_date"), partition)
        if (entry.kind, part) != now:
            now = entry.kind, part
            files.finish()
        last = place
        _write(entry, content, part, files, writer)
        outcomes.done(entry.number, entry.id)
    return iter(())


def _write(entry: Entry, content: Content, part: str, files: NewFiles, writer: Writer) -> None:
    if entry.kind == "client":
        files.rows(File("clients", ""), [writer.flat("clients", content)])
        return
    if entry.kind == "payment":
        files.rows(File("payments", part), [writer.flat("payments", content)])
        return
    files.rows(File("invoices", part), [writer.flat("invoices", content)])
    files.rows(File("invoice_lines", part), writer.lines(content))
    files.rows(File("events", part), writer.events(content))
