"""The sandbox's account in memory: business, clients, invoices, and what can be done to them."""

import threading
import time
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Any, TypeVar

from syncd.sandbox.options import Order
from syncd.sandbox.records import (
    CURRENCIES,
    LINE_FIELDS,
    LOCALES,
    Event,
    Invoice,
    Json,
    Rounding,
    lines_json,
    make_id,
    totals,
)

Item = TypeVar("Item")

CLIENT_FIELDS: Json = {
    "name": None,
    "email": None,
    "phone": None,
    "address": None,
    "country": None,
    "locale": "en",
    "external_id": None,
    "tags": [],
}
MOST = 10**12  # the greatest quantity, price in cents or rate of a line
MOVES_TO = {"sent": "sent", "opened": "opened", "paid": "paid", "cancelled": "cancelled"}


class NotFound(LookupError):
    """There is no record with this id."""


class Refused(ValueError):
    """The account does not take this; the message says which field and why."""


class Account:
    """One company's account. `invoices` and `clients` stand in the order of their creation.

    Every method may be called from any thread; whoever touches the fields directly takes `lock`.
    """

    def __init__(self, business: Json, *, rounding: Rounding = "rate", seed: int = 1) -> None:
        """Start empty for the company described by the free-form `business`."""
        self.business = business
        self.rounding: Rounding = rounding
        self.seed = seed
        self.clients: dict[str, Json] = {}
        self.invoices: dict[str, Invoice] = {}
        self.lock = threading.RLock()
        self.clock: Callable[[], float] = time.time
        self.modified = int(time.time())
        self._made = 0
        self._numbered = 0
        self._lists: dict[tuple[str | None, Order], list[Invoice]] = {}

    def now(self) -> int:
        """Return the present as epoch seconds."""
        return int(self.clock())

    def touched(self, invoice: Invoice | None = None) -> None:
        """Note that a record changed; no two changes share a second (for `Last-Modified`)."""
        self.modified = max(self.now(), self.modified + 1)
        self._lists.clear()
        if invoice is not None:
            invoice.modified = self.modified

    def new_id(self, kind: str) -> str:
        """Return an id that was never given before."""
        self._made += 1
        return make_id(self.seed, kind, "made", self._made, len(self.invoices))

    def invoice(self, invoice_id: str) -> Invoice:
        """Return the invoice, or raise NotFound."""
        try:
            return self.invoices[invoice_id]
        except KeyError:
            raise NotFound(f"no invoice {invoice_id}") from None

    def client(self, client_id: str) -> Json:
        """Return the client, or raise NotFound."""
        try:
            return self.clients[client_id]
        except KeyError:
            raise NotFound(f"no client {client_id}") from None

    def listed(self, status: str | None, order: Order) -> list[Invoice]:
        """Return the invoices (of one status) in `order`; the list is shared: read only."""
        with self.lock:
            key = (status, order)
            if key not in self._lists:
                found = [x for x in self.invoices.values() if status in (None, x.status)]
                self._lists[key] = in_order(found, order, lambda item: item.id)
            return self._lists[key]

    def found(self, text: str | None, order: Order) -> list[Json]:
        """Return the clients whose name, email or phone holds `text`, any case, in `order`."""
        with self.lock:
            wanted = (text or "").casefold()
            hits = [x for x in self.clients.values() if not wanted or wanted in _searched(x)]
            return in_order(hits, order, lambda item: str(item.get("id")))

    def create_client(self, given: Mapping[str, Any]) -> Json:
        """Add a client; the name is required."""
        with self.lock:
            fields = {**CLIENT_FIELDS, **checked_client(given)}
            if not fields["name"]:
                raise Refused("name: required")
            client = {"id": self.new_id("client"), **fields, "archived_at": None}
            self.clients[client["id"]] = client
            self.touched()
            return client

    def edit_client(self, client_id: str, given: Mapping[str, Any], *, replace: bool) -> Json:
        """Change a client; with `replace`, what is not given falls back to its default."""
        with self.lock:
            client = self.client(client_id)
            fields = {**(CLIENT_FIELDS if replace else {}), **checked_client(given)}
            if not fields.get("name", client.get("name")):
                raise Refused("name: required")
            client.update(fields)
            self.touched()
            return client

    def archive_client(self, client_id: str) -> Json:
        """Archive a client; doing it again changes nothing."""
        with self.lock:
            client = self.client(client_id)
            if client.get("archived_at") is None:
                client["archived_at"] = _iso(self.now())
                self.touched()
            return client

    def edit_business(self, given: Mapping[str, Any], *, replace: bool) -> Json:
        """Change the company's profile."""
        with self.lock:
            self.business = {**({} if replace else self.business), **given}
            self.touched()
            return self.business

    def create_invoice(self, given: Mapping[str, Any]) -> Invoice:
        """Add a draft from a documented InvoiceCreate."""
        with self.lock:
            lines = checked_lines(given.get("lines"))
            client_id = given.get("client_id")
            if not isinstance(client_id, str) or client_id not in self.clients:
                raise Refused("client_id: not the id of a client")
            if given.get("currency") not in CURRENCIES:
                raise Refused(f"currency: must be one of {', '.join(CURRENCIES)}")
            for name in ("due_date", "notes"):
                if not isinstance(given.get(name), str | None):
                    raise Refused(f"{name}: must be a string or null")
            subtotal, tax, total = self.totals(lines)
            now = self.now()
            invoice = Invoice(
                id=self.new_id("invoice"),
                number=self.next_number(),
                client_id=client_id,
                currency=given["currency"],
                subtotal_cents=subtotal,
                tax_cents=tax,
                total_cents=total,
                status="draft",
                due_date=given.get("due_date"),
                created=now,
                issued=None,
                paid=None,
                notes=given.get("notes"),
                lines=lines_json(lines),
                events=(Event("created", now),),
            )
            return self.added(invoice)

    def totals(self, lines: list[Json]) -> tuple[int, int, int]:
        """Return subtotal, tax and total of `lines` as this account rounds, or raise Refused."""
        try:
            return totals(lines, self.rounding)
        except OverflowError as error:
            raise Refused(f"lines: the amounts are too large ({error})") from None

    def next_number(self) -> str:
        """Return the number of the next invoice that is made here; none is given twice."""
        self._numbered += 1
        return f"N{self._numbered:06d}"

    def added(self, invoice: Invoice) -> Invoice:
        """Put a finished invoice at the growing end."""
        with self.lock:
            self.invoices[invoice.id] = invoice
            self.touched(invoice)
            return invoice

    def send(self, invoice_id: str, channels: object, *, reminder: object) -> Invoice:
        """Send an invoice or remind of it; each channel adds an event."""
        with self.lock:
            invoice = self.invoice(invoice_id)
            if not isinstance(reminder, bool):
                raise Refused("reminder: must be true or false")
            if reminder and invoice.status == "draft":
                raise Refused("reminder: a draft has to be sent first")
            if invoice.status == "cancelled":
                raise Refused("status: a cancelled invoice cannot be sent")
            for channel in checked_channels(channels):
                self.happen(invoice_id, "reminder" if reminder else "sent", channel=channel)
            return invoice

    def happen(self, invoice_id: str, kind: str, *, at: int | None = None, channel: str | None = None) -> Invoice:
        """Add an event to the timeline and let the status follow (`paid` → paid, …)."""
        with self.lock:
            invoice = self.invoice(invoice_id)
            moment = self.now() if at is None else at
            invoice.events = (*invoice.events, Event(kind, moment, channel))
            if kind == "sent":
                invoice.issued = moment if invoice.issued is None else invoice.issued
            if kind == "paid":
                invoice.paid = moment
            if kind in MOVES_TO and not (kind == "sent" and invoice.status != "draft"):
                invoice.status = MOVES_TO[kind]
            self.touched(invoice)
            return invoice

    def vanish(self, invoice_id: str) -> None:
        """Take an invoice away, as if it had never been."""
        with self.lock:
            self.invoice(invoice_id)
            del self.invoices[invoice_id]
            self.touched()


def in_order(items: list[Item], order: Order, key: Callable[[Item], str]) -> list[Item]:
    """Return `items` (oldest first) in `order`; ids are random, so by id is shuffled but stable."""
    if order == "oldest":
        return items
    return sorted(items, key=key) if order == "none" else items[::-1]


def checked_client(given: Mapping[str, Any]) -> Json:
    """Return the client fields of `given` that may be written, or raise Refused."""
    for name in ("name", "email", "phone", "address", "country", "external_id"):
        if not isinstance(given.get(name), str | None):
            raise Refused(f"{name}: must be a string or null")
    if given.get("locale", "en") not in LOCALES:
        raise Refused(f"locale: must be one of {', '.join(LOCALES)}")
    tags = given.get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Refused("tags: must be a list of strings")
    return {name: given[name] for name in CLIENT_FIELDS if name in given}


def checked_lines(given: object) -> list[Json]:
    """Return `given` as lines with all four required fields, or raise Refused."""
    if not isinstance(given, list) or not given:
        raise Refused("lines: required, at least one")
    for place, line in enumerate(given):
        if not isinstance(line, dict):
            raise Refused(f"lines.{place}: must be an object")
        if missing := [name for name in LINE_FIELDS if name not in line]:
            raise Refused(f"lines.{place}.{missing[0]}: required")
        if not isinstance(line["description"], str):
            raise Refused(f"lines.{place}.description: must be a string")
        _check_number(f"lines.{place}.quantity", line["quantity"], int | float)
        _check_number(f"lines.{place}.tax_rate", line["tax_rate"], int | float)
        _check_number(f"lines.{place}.unit_price_cents", line["unit_price_cents"], int)
    return given


def checked_channels(given: object) -> list[str]:
    """Return `given` as channels of a sending, or raise Refused."""
    if not isinstance(given, list) or not given:
        raise Refused("channels: required, at least one of email, sms, link")
    if strange := [item for item in given if item not in ("email", "sms", "link")]:
        raise Refused(f"channels: {strange[0]!r} is none of email, sms, link")
    return given


def _check_number(name: str, value: object, kinds: UnionType | type) -> None:
    if not isinstance(value, int | float) or not isinstance(value, kinds) or isinstance(value, bool):
        raise Refused(f"{name}: must be {'an integer' if kinds is int else 'a number'}")
    if not -MOST <= value <= MOST:
        raise Refused(f"{name}: must be between {-MOST} and {MOST}")


def _searched(client: Json) -> str:
    return "\n".join(str(client.get(name) or "") for name in ("name", "email", "phone")).casefold()


def _iso(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
