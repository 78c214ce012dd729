"""Notes in the chatter of invoices, read and written: many in one call, each once, and no mail leaves.

A note that is loaded (``mail.message.load``) notifies nobody and makes nobody a follower; ``message_post`` may.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from connectors.odoo.chatter import CHANGED, COLUMNS, Note, changed_row, new_row, read_note
from connectors.odoo.client import Odoo
from connectors.odoo.errors import OdooAnswer
from connectors.odoo.move_calls import Calls, Work, refused
from connectors.odoo.writes import halved

MODEL: Final = "mail.message"
NOTES: Final = 2000
"""The most notes in one call: Odoo needs 3 seconds for it."""

UTC: Final = {"tz": "UTC"}
"""Else ``load`` takes a time for one in the user's time zone."""

Standing = Mapping[int, Mapping[str, Note]]
"""Invoice → short id of the event → note."""

Row = tuple[Work, list[str]]


def read_notes(odoo: Odoo, ids: Sequence[int]) -> Standing:
    """Read syncd's notes of invoices, in two calls; none for no invoices."""
    standing: dict[int, dict[str, Note]] = defaultdict(dict)
    if not ids:
        return standing
    domain = [("model", "=", "account.move"), ("res_id", "in", list(ids)), ("message_type", "=", "comment")]
    rows = odoo.search_read(MODEL, domain, ["res_id", "body", "date"])
    names = odoo.external_ids(MODEL, [row["id"] for row in rows]) if rows else {}
    for row in rows:
        if read := read_note(names.get(row["id"]), row):
            standing[row["res_id"]][read[0]] = read[1]
    return standing


def write_notes(calls: Calls, works: Sequence[Work], standing: Standing | None = None) -> None:
    """Write the notes of works' invoices; those that stand are left, or, if the event was changed, changed.

    ``standing``: what was read of the invoices that stood before. Only of those is a note that Odoo refuses a refusal:
    an invoice that is made now, or posted, stands without it.
    """
    new: list[Row] = []
    changed: list[Row] = []
    for work in works:
        notes = (standing or {}).get(work.id, {})
        for event in work.told.events:
            note = notes.get(event[0])
            if note is None:
                new.append((work, new_row(work.entry.mark, work.id, event)))
            elif (note.kind, note.at) != (event[1], event[2]):
                changed.append((work, changed_row(note, event)))
    for start in range(0, len(new), NOTES):
        _load(calls, COLUMNS, new[start : start + NOTES], once=True)
    _load(calls, CHANGED, changed, once=False)


def _load(calls: Calls, columns: Sequence[str], rows: Sequence[Row], *, once: bool) -> None:
    halved(
        rows,
        lambda some: calls.load(MODEL, columns, [cells for _, cells in some], once=once, context=UTC),
        _say,
    )


def _say(row: Row, error: OdooAnswer) -> None:
    if row[0].entry.verb == "update" or error.kind == "concurrent":
        refused(row[0], error)
