"""Reading of FastFaktura's payloads: JSON becomes a value of ``syncd.model`` or a ``Rejection``.

Never raises, whatever the JSON. Source: vendor API reference v1, "Client", "Invoice",
"InvoiceLine"; what it leaves open is read liberally: explicit dates under several names, events of
several shapes, times as ISO text or epoch numbers. A rejection names the first field that is not
understood. Its codes and parameters: ``missing_field`` (field), ``unreadable`` and ``bad_cents``
(field, found), ``unknown_status`` and ``unknown_currency`` (found), ``totals_do_not_add_up``
(subtotal, tax, total: amounts); each with ``record`` (number, name or id) where the payload tells
it. Text stays as it is, with NUL characters and lone surrogates: what cannot hold them refuses.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, tzinfo
from operator import itemgetter
from typing import Any

from syncd.canonical import SIMPLE, canonical, digest, dumps, json_bytes
from syncd.model import STATUSES, Client, Event, Invoice, Kind, Line, Rejection, Status
from syncd.moments import day_of, moment_of
from syncd.money import CURRENCIES, amount
from syncd.readers import (
    NUMBER_LIMIT,
    NotUnderstood,
    Row,
    cents_of,
    cut,
    decimal_of,
    identity,
    list_of,
    needed_identity,
    object_of,
    optional_text,
    refuse,
)

ISSUE_KEYS = ("issue_date", "issued_at", "invoice_date", "date", "sent_at")
"""Explicit issue dates, the first that is there counts."""

CLIENT_FIELDS = (
    *("id", "name", "email", "phone", "address", "country", "locale", "external_id"),
    *("tags", "archived_at"),
)
INVOICE_FIELDS = (
    *("id", "number", "client_id", "currency", "subtotal_cents", "tax_cents", "total_cents"),
    *("status", "due_date", *ISSUE_KEYS, "created_at", "paid_at"),
)
"""What a row's fingerprint is made of: documented fields but ``public_url``, and known dates."""

LINE_FIELDS = ("description", "quantity", "unit_price_cents", "tax_rate")
EVENT_KIND_KEYS = ("type", "event", "kind", "name", "status")
EVENT_TIME_KEYS = ("created_at", "occurred_at", "timestamp", "at", "date")
SENDING = "sent"
PAYING = "paid"


def fingerprint_row(kind: Kind, row: Row) -> bytes:
    """Digest a list row (16 bytes): changes with the documented fields and dates, and only so.

    A missing field is null; the order of keys and the spelling of numbers do not matter.
    """
    fields = CLIENT_FIELDS if kind == "client" else INVOICE_FIELDS
    return digest(dumps([v if type(v := row.get(f)) in SIMPLE else canonical(v) for f in fields]))


def fingerprint_detail(raw: Row) -> bytes:
    """Digest an invoice (16 bytes): its row's fields, notes, lines (documented fields), events."""
    lines = raw.get("lines")
    if isinstance(lines, list):
        lines = [[row.get(f) for f in LINE_FIELDS] if isinstance(row, dict) else row for row in lines]
    row = [raw.get(f) for f in INVOICE_FIELDS]
    return digest(json_bytes([*row, raw.get("notes"), lines, raw.get("events")]))


def record_id(row: object) -> str | None:
    """Read a row's id, a whole number as text; ``None`` where there is none."""
    return identity(row.get("id")) if isinstance(row, dict) else None


def row_client_id(row: object) -> str | None:
    """Read the client's id of an invoice row, or ``None``."""
    return identity(row.get("client_id")) if isinstance(row, dict) else None


def row_number(row: object) -> str | None:
    """Read the number of an invoice row, or ``None`` (a draft may have none)."""
    return identity(row.get("number")) if isinstance(row, dict) else None


def row_status(row: object) -> str | None:
    """Read the status of an invoice row, known or not, or ``None`` where it is no text."""
    status = row.get("status") if isinstance(row, dict) else None
    return status if isinstance(status, str) and status else None


def read_client(raw: object) -> Client | Rejection:
    """Read a client: ``id`` and ``name`` must be there; an empty name is one, too."""
    try:
        return _client(object_of(raw, "client"))
    except NotUnderstood as error:
        return _rejection(error, raw)


def read_invoice(raw: object, zone: tzinfo) -> Invoice | Rejection:
    """Read an invoice with lines and events; ``zone`` is where its dates are dates (the source's).

    ``lines`` must be there; without ``events`` the timeline is empty. The number may be missing or
    empty only on what may never have had one: a draft, a cancelled invoice. ``paid_date`` is only
    read of a paid invoice.
    """
    try:
        return _invoice(object_of(raw, "invoice"), zone)
    except NotUnderstood as error:
        return _rejection(error, raw)


def _client(raw: Row) -> Client:
    return Client(
        id=needed_identity(raw, "id"),
        name=_name(raw.get("name")),
        email=optional_text(raw, "email"),
        phone=optional_text(raw, "phone"),
        address=optional_text(raw, "address"),
        country=optional_text(raw, "country"),
        locale=optional_text(raw, "locale"),
        external_id=optional_text(raw, "external_id"),
        tags=_tags(raw.get("tags")),
        archived_at=_archived_at(raw.get("archived_at")),
    )


def _name(value: object) -> str:
    if not isinstance(value, str):
        refuse(value, "name")
    return value


def _tags(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        refuse(value, "tags")
    return tuple(value)


def _archived_at(value: object) -> datetime | None:
    """Read when a client was archived; null, false, zero and empty text say that it is not."""
    if not value:
        return None
    moment = moment_of(value)
    if moment is None:
        refuse(value, "archived_at")
    return moment


def _invoice(raw: Row, zone: tzinfo) -> Invoice:
    own_id = needed_identity(raw, "id")
    status = _status(raw.get("status"))
    number = _number(raw.get("number"), status)
    client_id = needed_identity(raw, "client_id")
    currency = _currency(raw.get("currency"))
    subtotal = cents_of(raw.get("subtotal_cents"), "subtotal_cents")
    tax = cents_of(raw.get("tax_cents"), "tax_cents")
    total = cents_of(raw.get("total_cents"), "total_cents")
    due_date = _day(raw, "due_date", zone)
    public_url, notes = optional_text(raw, "public_url"), optional_text(raw, "notes")
    lines = _lines(list_of(raw, "lines"))
    events = _events(list_of(raw, "events"), zone) if raw.get("events") is not None else ()
    issue_date = _issue_date(raw, events, zone)
    paid_date = _paid_date(raw, events, zone) if status == "paid" else None
    if subtotal + tax != total:
        sums = {"subtotal": amount(subtotal), "tax": amount(tax), "total": amount(total)}
        raise NotUnderstood("totals_do_not_add_up", **sums)
    return Invoice(
        *(own_id, number, client_id, currency, subtotal, tax, total, status),
        *(issue_date, due_date, paid_date, public_url, notes, lines, events),
    )


def _status(value: object) -> Status:
    if not isinstance(value, str) or not value:
        refuse(value, "status")
    if value not in STATUSES:
        raise NotUnderstood("unknown_status", found=cut(value))
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or not value:
        refuse(value, "currency")
    if value not in CURRENCIES:
        raise NotUnderstood("unknown_currency", found=cut(value))
    return value


def _number(value: object, status: Status) -> str:
    number = identity(value)
    if number is not None:
        return number
    if value != "" and (value is not None or status not in ("draft", "cancelled")):
        refuse(value, "number")
    return ""


_FOUR = itemgetter(*LINE_FIELDS)
_made = tuple.__new__  # what Line() does, without a call of Python for each of some hundred thousand lines


def _lines(rows: Iterable[Any]) -> tuple[Line, ...]:
    """Read lines: whole numbers, by far the most, on the spot, whatever else with care."""
    lines = []
    limit = NUMBER_LIMIT
    for place, row in enumerate(rows, 1):
        try:
            text, quantity, price, rate = _FOUR(row)
        except (KeyError, TypeError, IndexError):
            text = quantity = price = rate = None
        if (
            type(text) is str
            and type(quantity) is type(price) is type(rate) is int
            and -limit < price < limit
            and -limit < quantity < limit
            and -limit < rate < limit
        ):
            lines.append(_made(Line, (text, str(quantity), price, str(rate))))
        else:
            lines.append(_line(row, f"lines.{place}"))
    return tuple(lines)


def _line(row: object, path: str) -> Line:
    row = object_of(row, path)
    text = row.get("description")
    if not isinstance(text, str):
        refuse(text, f"{path}.description")
    quantity = decimal_of(row.get("quantity"), f"{path}.quantity")
    price = cents_of(row.get("unit_price_cents"), f"{path}.unit_price_cents")
    return Line(text, quantity, price, decimal_of(row.get("tax_rate"), f"{path}.tax_rate"))


def _events(rows: Iterable[Any], zone: tzinfo) -> tuple[Event, ...]:
    """Read the timeline; every id in it is unique.

    An entry without an id is known by a digest of its content. Entries that share an id are
    numbered (``<id>-2``); one that stands there twice with its own id is one.
    """
    events: dict[str, Event] = {}
    for place, row in enumerate(rows, 1):
        object_of(row, f"events.{place}")
        content = json_bytes(row)
        data = content.decode()
        own = identity(row.get("id"))
        first = own or digest(content).hex()
        key, again = first, 1
        while key in events and not (own and events[key].data == data):
            again += 1
            key = f"{first}-{again}"
        kind = _event_kind(row)
        events[key] = Event(key, kind, _event_time(row, kind, place, zone), data)
    return tuple(events.values())


def _event_kind(row: Row) -> str:
    """Read what happened: small letters, after the last dot (``invoice.paid`` is ``paid``)."""
    for key in EVENT_KIND_KEYS:
        value = row.get(key)
        if isinstance(value, str) and value:
            return (value.rpartition(".")[2] or value).lower()
    return ""


def _event_time(row: Row, kind: str, place: int, zone: tzinfo) -> datetime | None:
    """Read when it happened: the first time that is understood; ``None`` where none is.

    A sending or paying whose times are all beyond understanding is refused: the next best date
    might be taken for the invoice's.
    """
    strange = None
    for key in EVENT_TIME_KEYS:
        value = row.get(key)
        if value is None or value == "":
            continue
        moment = moment_of(value, zone)
        if moment is not None:
            return moment
        strange = strange or key
    if strange and kind in (SENDING, PAYING):
        refuse(row[strange], f"events.{place}.{strange}")
    return None


def _issue_date(raw: Row, events: Sequence[Event], zone: tzinfo) -> date | None:
    for key in ISSUE_KEYS:
        day = _day(raw, key, zone)
        if day is not None:
            return day
    sent = [event.at for event in events if event.kind == SENDING and event.at is not None]
    return day_of(min(sent), zone) if sent else _day(raw, "created_at", zone)


def _paid_date(raw: Row, events: Sequence[Event], zone: tzinfo) -> date | None:
    """Date the payment by the last paying event: what came back from paid was settled by it."""
    paid = [event.at for event in events if event.kind == PAYING and event.at is not None]
    return day_of(max(paid), zone) if paid else _day(raw, "paid_at", zone)


def _day(raw: Row, key: str, zone: tzinfo) -> date | None:
    value = raw.get(key)
    if value is None or value == "":
        return None
    day = day_of(value, zone)
    if day is None:
        refuse(value, key)
    return day


def _rejection(error: NotUnderstood, raw: object) -> Rejection:
    parameters, status = tuple(error.parameters.items()), row_status(raw)
    if isinstance(raw, dict):
        for key in ("number", "name", "id"):
            record = identity(raw.get(key))
            if record is not None:
                return Rejection(error.code, (*parameters, ("record", cut(record))), status)
    return Rejection(error.code, parameters, status)
