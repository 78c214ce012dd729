"""What FastFaktura holds, as frozen values: clients, invoices with lines and events.

Amounts are integer cents, dates are dates in the source's time zone, times are aware and in UTC, quantities and tax
rates are plain decimal text. Source: vendor API reference v1, "Client", "Invoice", "InvoiceLine".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple

Kind = Literal["client", "invoice", "payment"]
"""Kinds of records a target holds; a payment is derived from a paid invoice and carries the invoice's id."""

KINDS: tuple[Kind, ...] = ("client", "invoice", "payment")

Status = Literal["draft", "sent", "opened", "overdue", "paid", "cancelled"]
STATUSES: tuple[Status, ...] = ("draft", "sent", "opened", "overdue", "paid", "cancelled")
OPEN_STATUSES: tuple[Status, ...] = ("draft", "sent", "opened", "overdue")
"""The statuses that can still move by themselves: the hot set of polling."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client, archived or not."""

    id: str
    name: str
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    country: str | None = None
    locale: str | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    archived_at: datetime | None = None


class Line(NamedTuple):
    """One line of an invoice; ``unit_price`` in cents, ``quantity`` and ``tax_rate`` (percent) as plain decimals."""

    description: str
    quantity: str
    unit_price: int
    tax_rate: str


class Event(NamedTuple):
    """One entry of an invoice's timeline; ``id`` is the source's or a digest of the content; ``data`` is its JSON."""

    id: str
    kind: str
    at: datetime | None
    data: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """One invoice with its lines and timeline; ``issue_date`` and ``paid_date``: ``None`` where nothing dates them."""

    id: str
    number: str
    client_id: str
    currency: str
    subtotal: int
    tax: int
    total: int
    status: Status
    issue_date: date | None
    due_date: date | None
    paid_date: date | None
    public_url: str | None
    notes: str | None
    lines: tuple[Line, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A payload that cannot be understood: the problem's ``code`` (see ``syncd.problems``) and its parameters.

    ``status``: that of an invoice, as far as it is told.
    """

    code: str
    parameters: tuple[tuple[str, str], ...] = ()
    status: str | None = None
