"""Contents of records: what the source holds, in the fields of ``connector.FIELDS``, in order.

Dates are ISO text, times ISO text in UTC with ``Z``, amounts integer cents, quantities and rates
plain decimals; what is not there is ``None`` (no tags: empty text). Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from syncd.connector import Content
    from syncd.model import Client, Invoice


def client_content(client: Client) -> Content:
    """Put a client into the fields of kind ``client``."""
    return {
        "client_id": client.id,
        "name": client.name,
        "email": client.email,
        "phone": client.phone,
        "address": client.address,
        "country": client.country,
        "locale": client.locale,
        "external_id": client.external_id,
        "tags": tags_text(client.tags),
        "archived_at": time_text(client.archived_at),
    }


def invoice_content(invoice: Invoice, client: Client | None) -> Content:
    """Put an invoice into the fields of kind ``invoice``; ``client`` gives its name and, for the tax, its country.

    The country is no field of the invoice: it is never compared.
    """
    return {
        "invoice_id": invoice.id,
        "number": invoice.number,
        "client_id": invoice.client_id,
        "client_name": client.name if client else None,
        "client_country": client.country if client else None,
        "currency": invoice.currency,
        "subtotal": invoice.subtotal,
        "tax": invoice.tax,
        "total": invoice.total,
        "status": invoice.status,
        "issue_date": invoice.issue_date.isoformat() if invoice.issue_date else None,
        "due_date": invoice.due_date.isoformat() if invoice.due_date else None,
        "paid_date": invoice.paid_date.isoformat() if invoice.paid_date else None,
        "public_url": invoice.public_url,
        "notes": invoice.notes,
        "lines": list(map(list, invoice.lines)),
        "events": [[event.id, event.kind, time_text(event.at), event.data] for event in invoice.events],
    }


def payment_content(invoice: Invoice) -> Content:
    """Put what settles an invoice into the fields of kind ``payment``: its total, when paid."""
    return {
        "invoice_id": invoice.id,
        "number": invoice.number,
        "client_id": invoice.client_id,
        "currency": invoice.currency,
        "amount": invoice.total,
        "paid_date": invoice.paid_date.isoformat() if invoice.paid_date else None,
        "issue_date": invoice.issue_date.isoformat() if invoice.issue_date else None,
    }


def tags_text(tags: tuple[str, ...]) -> str:
    r"""Join tags by ``;``; within a tag ``\;`` stands for ``;`` and ``\\`` for ``\``."""
    return ";".join(tag.replace("\\", "\\\\").replace(";", "\\;") for tag in tags)


def time_text(moment: datetime | None) -> str | None:
    """Write a UTC time as ISO text with ``Z``; fractions of a second where there are some."""
    return moment.isoformat().replace("+00:00", "Z") if moment else None
