"""What the invoices that are still to be written need of the books, for ``check``: their currencies and tax rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from syncd import places
from syncd.connector import Taxing
from syncd.desired import dates, stands, too_early
from syncd.due import with_clients
from syncd.facts import NOWHERE, Place, Policy
from syncd.model import Client, Invoice
from syncd.payload import read_invoice
from syncd.session import Session
from syncd.state import bindings, work
from syncd.words import counted


def lacks(session: Session, first_rows: Iterable[Any] = ()) -> list[str]:
    """Say which currencies and taxes the books lack for what the mirror has and they have not.

    ``first_rows``: invoices as the source's list shows them, which has no lines, for a mirror that is still empty.
    """
    if session.policy.currencies is None and not isinstance(session.connector, Taxing):
        return []
    currencies: Counter[str] = Counter()
    rates: set[tuple[str, str | None]] = set()
    for invoice, client in _coming(session, first_rows):
        currencies[invoice.currency] += 1
        if client is not None:
            rates |= {(line.tax_rate, client.country) for line in invoice.lines}
    return [*_unknown_currencies(session, currencies), *_missing_taxes(session, rates)]


def _unknown_currencies(session: Session, used: Counter[str]) -> Iterator[str]:
    held = session.policy.currencies
    for currency in sorted(used):
        if held is not None and currency not in held:
            many = counted(used[currency], "invoice is", "invoices are")
            yield f"{many} to be written in {currency}, which the books cannot hold; turn the currency on there."


def _missing_taxes(session: Session, used: set[tuple[str, str | None]]) -> Iterator[str]:
    connector = session.connector
    if not used or not isinstance(connector, Taxing):
        return
    ordered = sorted(used, key=lambda one: (one[0], one[1] or ""))
    for said in connector.lacking(ordered, session.books):
        if said not in session.books.findings:
            yield f"For invoices that are to be written: {said}"


def _coming(session: Session, first_rows: Iterable[Any]) -> Iterator[tuple[Invoice, Client | None]]:
    """Stream the invoices that are to be written: the mirror's, else those of the list."""
    with session.store.read() as connection:
        known = work.revision(connection, session.source)
    if known:
        yield from _mirrored(session)
    else:
        yield from ((invoice, None) for invoice in _listed(session, first_rows))


def _mirrored(session: Session) -> Iterator[tuple[Invoice, Client]]:
    """Stream the invoices of the mirror that the books do not have and are to have, each with its client."""
    for rows in work.every(session.store, session.source, "invoice"):
        ids = [row.id for row in rows if row.gone_at is None]
        with session.store.read() as connection:
            bound = bindings.external_ids(connection, session.name, "invoice", ids)
        left = with_clients(session, [row for row in rows if row.gone_at is None and row.id not in bound])
        for one, place, _ in places.of_invoices(session, left):
            if isinstance(one.invoice, Invoice) and isinstance(one.client, Client):
                dated = dates(one.invoice, one.seen, place, NOWHERE, session.policy)
                if _comes(session.policy, dated, place):
                    yield dated, one.client


def _listed(session: Session, rows: Iterable[Any]) -> Iterator[Invoice]:
    """Understand invoices as far as a list shows them, which may have no dates."""
    policy = session.policy
    whenever = policy.start_date is None and policy.locked_until is None
    for row in rows:
        invoice = read_invoice({**row, "lines": []} if isinstance(row, dict) else row, policy.zone)
        if isinstance(invoice, Invoice) and _comes(policy, invoice, NOWHERE, undated=whenever):
            yield invoice


def _comes(policy: Policy, invoice: Invoice, place: Place, *, undated: bool = False) -> bool:
    """Tell whether an invoice is to be written; ``undated``: also where nothing tells when it was issued."""
    day = invoice.issue_date
    if place.removed or not stands(invoice, place, policy):
        return False
    if day is None:
        return undated or invoice.status == "draft"
    return not too_early(invoice, place, policy) and day > (policy.locked_until or date.min)
