"""What an invoice's chatter tells of its life at FastFaktura: sent, opened, reminded of, paid; pure.

Each event is one note (``mail.message``) with the event's time. The note's external id is
``syncd.<mark>-e<12 digits of the event's id>-<id of the invoice in Odoo>``: an invoice that was taken back keeps its
notes, and the one that is made in its place has its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from html import escape, unescape
from typing import Any, Final, NamedTuple

from connectors.odoo.company import Company
from syncd.connector import Content, Fields

KINDS: Final = {
    "sent": "sent",
    "opened": "opened",
    "viewed": "opened",
    "reminder": "reminder",
    "reminded": "reminder",
    "paid": "paid",
}
"""The kinds of events that are noted, under the names that FastFaktura's open list of kinds may have for them."""

COLUMNS: Final = ("id", "model", "res_id", "body", "date", "message_type", "subtype_id/id")
CHANGED: Final = (".id", "body", "date")
"""Columns of a new note, and of one whose event was changed."""

_BEGINS: Final = "FastFaktura: "
_SHORT: Final = re.compile(r"[0-9a-f]{12}")
_OURS: Final = re.compile(r"syncd\.ff-i-[0-9a-f]+-e([0-9a-f]{12})-[0-9]+")
_TAG: Final = re.compile(r"<[^>]*>")


class Note(NamedTuple):
    """A note as it stands: its id in Odoo, what it tells (or a person's text instead), its time (ISO, UTC)."""

    message: int
    kind: str
    at: str | None


def shape_events(events: Iterable[Sequence[Any]] | None, company: Company) -> list[list[Any]]:
    """Give the events that the chatter will hold, ``[short id, kind, time, None]`` by time, to the second.

    Without chatter there are none. One without a time is left out. Itself when asked twice.
    """
    found: dict[str, list[Any]] = {}
    for own, kind, at, _ in (events or ()) if company.chatter else ():
        if kind in KINDS and at:
            found.setdefault(short_id(own), [short_id(own), KINDS[kind], f"{at[:19]}Z", None])
    return sorted(found.values(), key=lambda event: (event[2], event[0]))


def short_id(own: str) -> str:
    """Shorten an event's id, of any length and any signs, to 12 digits; what is that short stays."""
    if _SHORT.fullmatch(own):
        return own
    return blake2b(own.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def changed_events(content: Content, paths: Iterable[str]) -> list[list[Any]]:
    """Give the events that are among the changed paths of a flat content, but for those that are no more."""
    ids = {path.split(".")[1] for path in paths if path.startswith("events.")}
    told = [[own, content.get(f"events.{own}.type"), content.get(f"events.{own}.occurred_at"), None] for own in ids]
    return sorted((event for event in told if event[1] and event[2]), key=lambda event: (str(event[2]), str(event[0])))


def new_row(mark: str, move: int, event: Sequence[str]) -> list[str]:
    """Give a new note's cells for ``load``, in the order of ``COLUMNS``."""
    short, kind, at, *_ = event
    name = f"syncd.{mark}-e{short}-{move}"
    return [name, "account.move", str(move), _body(kind), _date(at), "comment", "mail.mt_note"]


def changed_row(note: Note, event: Sequence[str]) -> list[str]:
    """Give the cells of a note whose event was changed, in the order of ``CHANGED``."""
    return [str(note.message), _body(event[1]), _date(event[2])]


def read_note(external_id: str | None, row: Mapping[str, Any]) -> tuple[str, Note] | None:
    """Read a message: the event's short id and the note; ``None`` where it is another's, or was emptied.

    Deleting a message in Odoo's chatter leaves it without a text.
    """
    ours = _OURS.fullmatch(external_id or "")
    text = unescape(_TAG.sub("", str(row.get("body") or ""))).strip()
    if not ours or not text:
        return None
    at = str(row["date"])[:19].replace(" ", "T") + "Z" if row.get("date") else None
    return ours.group(1), Note(row["id"], text.removeprefix(_BEGINS), at)


def note_fields(notes: Mapping[str, Note]) -> Fields:
    """Give an invoice's notes as flat fields; ``notes``: short id → note."""
    fields: Fields = {}
    for short, note in notes.items():
        cells = {"event_id": short, "type": note.kind, "occurred_at": note.at, "data": None}
        fields |= {f"events.{short}.{name}": cell for name, cell in cells.items()}
    return fields


def _body(kind: str) -> str:
    return f"<p>{_BEGINS}{escape(kind)}</p>"


def _date(at: str) -> str:
    return at[:19].replace("T", " ")
