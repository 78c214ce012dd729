"""Invoices as the engine hands them over, and books that nobody asked Odoo for."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.odoo.company import Company, Journal
from connectors.odoo.moves import render_invoice, shape_invoice
from connectors.odoo.taxes import Tax, Taxes
from syncd.connector import Content, Entry, Kind, Operation, Rejected, Scalar, Verb
from syncd.fields import flatten
from syncd.marks import key, mark
from syncd.model import Line
from syncd.money import half_up

FIELDS = frozenset(
    (
        *("number", "client_id", "currency", "subtotal", "tax", "total", "status", "issue_date", "due_date"),
        *("public_url", "notes", "lines"),
    )
)
"""What the connector declares for invoices."""

THRICE = [("a", "1", 3333, "19")] * 3
"""Rounded by line their tax is 18.99, rounded once 19.00."""
COMPANY = Company(
    version=19,
    uid=5,
    id=1,
    name="Books",
    currency="EUR",
    country="FR",
    journal=Journal(9, "FF", "FastFaktura", free_numbers=True),
    payment_journal=None,
    account=26,
    taxes=Taxes(tuple(Tax(int(rate) + 100, f"{rate}%", rate) for rate in ("0", "6", "19", "20", "25"))),
    currencies={"EUR": 1, "NOK": 2},
    rates={"NOK": (date(2020, 1, 1),)},
    countries={},
    languages=frozenset(),
)


def invoice(number: str, lines: list[tuple[str, str, int, str]], tax: int, **other: Any) -> Content:
    """An invoice of the source; its subtotal is that of its lines unless it is given."""
    subtotal = other.pop("subtotal", sum(half_up(Decimal(quantity) * price) for _, quantity, price, _ in lines))
    usual: Content = {
        "invoice_id": str(uuid.uuid4()),
        "number": number,
        "client_id": "c1",
        "client_name": "Client",
        "client_country": "NO",
        "currency": "EUR",
        "status": "sent",
        "issue_date": "2026-03-01",
        "due_date": "2026-03-31",
        "paid_date": None,
        "public_url": None,
        "notes": None,
        "events": [],
        "lines": [list(line) for line in lines],
    }
    return {**usual, "subtotal": subtotal, "tax": tax, "total": subtotal + tax, **other}


def operation(
    verb: Verb, content: Content, company: Company = COMPANY, *, partner: int = 7, occasion: str = "0", **other: Any
) -> Operation:
    """An operation on the invoice as Odoo is to hold it."""
    shaped = shape_invoice(content, company)
    own = mark("invoice", content["invoice_id"])
    refs: dict[Kind, str] = {"client": str(partner)}
    return Operation(
        verb,
        "invoice",
        content["invoice_id"],
        own,
        key(own, verb, occasion),
        shaped,
        refs=refs,
        **other,
    )


def changing(
    before: Content,
    after: Content,
    external_id: str,
    company: Company,
    *,
    verb: Verb = "update",
    partner: int = 7,
    fields: frozenset[str] = FIELDS,
) -> Operation:
    """The update that makes one content of another, flat as the planner gives it."""
    old, new = flat(before, company, fields), flat(after, company, fields)
    changes: Mapping[str, tuple[Scalar, Scalar]] = {
        path: (old.get(path), new.get(path)) for path in sorted(old | new) if old.get(path) != new.get(path)
    }
    made = operation(verb, after, company, partner=partner, occasion=repr(changes), external_id=external_id)
    return replace(made, content=dict(new), changes=changes)


def flat(content: Content, company: Company, fields: frozenset[str] = FIELDS) -> dict[str, Scalar]:
    return flatten(shape_invoice(content, company), fields)


def entry(number: int, made: Operation, company: Company = COMPANY) -> Entry:
    """The operation as it stands in the journal."""
    payload = render_invoice(made, company)
    assert not isinstance(payload, Rejected), payload
    return Entry(number, made.verb, made.kind, made.id, made.mark, made.key, payload, made.external_id)


def lines_of(shaped: Content) -> list[Line]:
    return [Line(*line) for line in shaped["lines"]]
