"""How records look on the wire: the documented fields in the dress that the options choose."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from syncd.sandbox.options import Options, Stamp
from syncd.sandbox.records import Event, Invoice, Json, make_id


@dataclass(frozen=True, slots=True)
class View:
    """What an answer depends on besides the record: options, the company's zone, a signature."""

    options: Options
    zone: ZoneInfo
    signature: str = ""


def stamped(at: int, shape: Stamp, zone: ZoneInfo) -> str | int:
    """Return the moment `at` as text or number; a bare date is the company's, the rest UTC."""
    if shape == "epoch":
        return at
    if shape == "date":
        return datetime.fromtimestamp(at, zone).date().isoformat()
    if shape == "offset":
        return datetime.fromtimestamp(at, zone).isoformat()
    if shape == "http":
        return formatdate(at, usegmt=True)
    text = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    spaced = f"{text[:10]} {text[11:19]}"
    return {"z": text, "lower": text.lower(), "utc": f"{spaced} UTC"}.get(shape, spaced)


def row(invoice: Invoice, view: View) -> Json:
    """Return the invoice as a list shows it: the documented fields and the dates switched on."""
    options = view.options
    shown: Json = {
        "id": invoice.id,
        "number": invoice.number,
        "client_id": invoice.client_id,
        "currency": invoice.currency,
        "subtotal_cents": invoice.subtotal_cents,
        "tax_cents": invoice.tax_cents,
        "total_cents": invoice.total_cents,
        "status": invoice.status,
        "due_date": invoice.due_date,
        "public_url": f"https://pay.fastfaktura.example/i/{invoice.id}{view.signature}",
    }
    if options.issued_key != "none":
        shown[options.issued_key] = _moment(invoice.issued, view)
    if options.created_at:
        shown["created_at"] = _moment(invoice.created, view)
    if options.paid_at:
        shown["paid_at"] = _moment(invoice.paid, view)
    return _overlaid(shown, invoice, detail=False)


def detail(invoice: Invoice, view: View) -> Json:
    """Return the invoice as its own address shows it: row, notes, lines and events."""
    shown = row(invoice, view)
    shown["notes"] = invoice.notes
    shown["lines"] = orjson.Fragment(invoice.lines)
    if view.options.events_in_detail:
        shown["events"] = events(invoice, view)
    return _overlaid(shown, invoice, detail=True)


def events(invoice: Invoice, view: View) -> Any:
    """Return the invoice's timeline, oldest first, or whatever was laid over it."""
    if invoice.raw and "events" in invoice.raw:
        return invoice.raw["events"]
    return [_event(invoice.id, place, item, view) for place, item in enumerate(invoice.events)]


def wrapped(rows: Any, name: str, info: Json, options: Options) -> Any:
    """Return a page of a list in its envelope, with paging information beside it if chosen."""
    if options.envelope == "bare":
        return rows
    key = name if options.envelope == "named" else options.envelope
    return {key: rows, **info}


def _event(invoice_id: str, place: int, item: Event, view: View) -> Json:
    options = view.options
    shown: Json = {"id": make_id(invoice_id, place)} if options.event_ids else {}
    shown[options.event_kind_key] = f"invoice.{item.kind}" if options.event_dotted else item.kind
    shown[options.event_time_key] = stamped(item.at, options.event_stamp, view.zone)
    if item.channel is not None:
        shown["data"] = {"channel": item.channel}
    return shown


def _moment(at: int | None, view: View) -> str | int | None:
    return None if at is None else stamped(at, view.options.stamp, view.zone)


def _overlaid(shown: Json, invoice: Invoice, *, detail: bool) -> Json:
    for name, value in (invoice.raw or {}).items():
        if detail or name not in {"notes", "lines", "events"}:
            shown[name] = value
    for name in invoice.removed:
        shown.pop(name, None)
    return shown
