"""Raw changes to the account's records, as no customer of the API could make them."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from syncd.sandbox.account import Account, Refused
from syncd.sandbox.records import LINE_FIELDS, Event, Invoice, Json, totals

MONEY = ("subtotal_cents", "tax_cents", "total_cents")
TEXTS = ("number", "client_id", "currency", "status")
LOOSE = ("due_date", "notes")
EARLIEST, LATEST = 1, 9999  # years in which some time zone is beyond the calendar
TIMES = {"_created": "created", "_issued": "issued", "_paid": "paid"}


def patch_invoice(account: Account, invoice_id: str, given: Mapping[str, Any]) -> Invoice:
    """Lay fields over an invoice, whatever they hold; new lines make new totals unless given.

    `_events` appends events in the account's own dress ([{"kind", "at": ISO, "channel"}]);
    `_happened` does the same for one kind, now, and lets the status follow; `_created`,
    `_issued`, `_paid` (ISO or null) set the moments behind the optional dates; `_remove` lists
    fields to leave out of the answers.
    """
    with account.lock:
        invoice = account.invoice(invoice_id)
        changed = replace(invoice)
        for name, value in given.items():
            _set(changed, name, value)
        if _countable(given.get("lines")):
            sums = account.totals(given["lines"])
            for name, value in zip(MONEY, sums, strict=True):
                if name not in given:
                    setattr(changed, name, value)
        for item in fields(Invoice):  # all of it or, where something was refused, nothing
            setattr(invoice, item.name, getattr(changed, item.name))
        account.touched(invoice)
        if "_happened" in given:
            account.happen(invoice_id, str(given["_happened"]))
        return invoice


def patch_client(account: Account, client_id: str, given: Mapping[str, Any]) -> Json:
    """Lay fields over a client, whatever they hold; `_remove` lists fields to take away."""
    with account.lock:
        client = account.client(client_id)
        removed = _names(given.get("_remove", []))
        client.update({k: v for k, v in given.items() if k != "_remove"})
        for name in removed:
            client.pop(name, None)
        account.touched()
        return client


def insert(account: Account, given: Mapping[str, Any]) -> Invoice:
    """Add an invoice with any fields; what is not given is that of a plain sent invoice."""
    with account.lock:
        now = account.now()
        lines = [dict(zip(LINE_FIELDS, ("Consulting", 1, 50000, 20), strict=True))]
        sums = totals(lines, account.rounding)
        invoice = Invoice(
            id=str(given.get("id") or account.new_id("invoice")),
            number=account.next_number(),
            client_id=next(iter(account.clients), ""),
            currency="EUR",
            subtotal_cents=sums[0],
            tax_cents=sums[1],
            total_cents=sums[2],
            status="sent",
            due_date=None,
            created=now,
            issued=now,
            paid=None,
            notes=None,
            lines=orjson.dumps(lines),
            events=(Event("created", now), Event("sent", now, "email")),
        )
        if invoice.id in account.invoices:
            raise Refused(f"id: {invoice.id} exists; PATCH another one's id to repeat an id")
        account.added(invoice)
        laid = {name: value for name, value in given.items() if name != "id"}
        if laid.get("status") == "paid" and not laid.keys() & {"events", "_events", "_paid"}:
            account.happen(invoice.id, "paid", at=now)
        try:
            return patch_invoice(account, invoice.id, laid)
        except Refused:
            account.vanish(invoice.id)
            raise


def _set(invoice: Invoice, name: str, value: Any) -> None:
    if name == "_remove":
        invoice.removed = _names(value)
    elif name == "_events":
        invoice.events = (*invoice.events, *_events(value))
    elif name in TIMES:
        setattr(invoice, TIMES[name], None if value is None else _epoch(value))
    elif name == "lines" and _countable(value):
        invoice.lines = orjson.dumps(value)
        _uncover(invoice, name)
    elif _fits(name, value):
        setattr(invoice, name, value)
        _uncover(invoice, name)
    elif not name.startswith("_"):
        invoice.raw = {**(invoice.raw or {}), name: value}


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise Refused("_remove: must be a list of names")
    return tuple(value)


def _events(value: object) -> list[Event]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(e, Mapping) and {"kind", "at"} <= e.keys() for e in value
    ):
        raise Refused("_events: must be a list of objects with kind and at")
    return [Event(str(e["kind"]), _epoch(e["at"]), e.get("channel")) for e in value]


def _fits(name: str, value: object) -> bool:
    if name in MONEY:
        return isinstance(value, int) and not isinstance(value, bool)
    if name in TEXTS:
        return isinstance(value, str)
    return name in LOOSE and isinstance(value, str | None)


def _uncover(invoice: Invoice, name: str) -> None:
    if invoice.raw and name in invoice.raw:
        invoice.raw = {k: v for k, v in invoice.raw.items() if k != name}


def _countable(lines: object) -> bool:
    """Say whether `lines` can be added up."""
    if not isinstance(lines, list):
        return False
    return all(
        isinstance(line, dict) and all(isinstance(line.get(name), int | float) for name in LINE_FIELDS[1:])
        for line in lines
    )


def _epoch(text: Any) -> int:
    try:
        moment = datetime.fromtimestamp(text, UTC) if isinstance(text, int) else datetime.fromisoformat(text)
    except (TypeError, ValueError, OverflowError, OSError):
        raise Refused(f"{text!r} is no ISO date and time") from None
    if not EARLIEST < moment.year < LATEST:
        raise Refused(f"{text!r} is not between the years {EARLIEST} and {LATEST}")
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
