"""Which invoices are to stand in a target, and on which dates; planner, observe and reconcile all ask here. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, tzinfo

from syncd.facts import Place, Policy, Seen
from syncd.model import Invoice, Rejection


def stands(invoice: Invoice | Rejection, place: Place, policy: Policy) -> bool:
    """Tell whether an invoice of this status, understood or not, is to stand in the target at all, or already does."""
    if place.binding and place.binding.state not in ("void", "unfound"):
        return True
    if invoice.status == "draft":
        return policy.drafts
    return invoice.status != "cancelled" or policy.picture


def too_early(invoice: Invoice, place: Place, policy: Policy) -> bool:
    """Tell whether an invoice, dated, is from before the target's start, and not known there."""
    day, start = invoice.issue_date, policy.start_date
    return bool(day and start and day < start and not place.binding)


def is_to_be_paid(invoice: Invoice) -> bool:
    """Tell whether a payment is to settle an invoice where it stands."""
    return invoice.status == "paid" and invoice.total != 0


def dates(invoice: Invoice, seen: Seen, place: Place, payment: Place, policy: Policy) -> Invoice:
    """Date what the payload leaves undated: as written before, else when the change was seen, else as ``undated``."""
    fallback = {"due_date": invoice.due_date, "first_seen": _day(seen.first_seen, policy.zone)}
    issued = invoice.issue_date or _written(place, "issue_date") or _when(seen.issued_seen, policy.zone)
    issued = issued or fallback.get(policy.undated or "")
    paid = invoice.paid_date if invoice.status == "paid" else None
    if invoice.status == "paid" and paid is None:
        fallback["issue_date"] = issued
        paid = _written(payment, "paid_date") or _when(seen.status_seen, policy.zone)
        paid = paid or fallback.get(policy.undated or "")
    if issued == invoice.issue_date and paid == invoice.paid_date:
        return invoice
    return replace(invoice, issue_date=issued, paid_date=paid)


def _written(place: Place, name: str) -> date | None:
    if place.binding is None:
        return None
    text, _ = place.binding.behind.get(name, (place.binding.base.get(name), None))
    return date.fromisoformat(str(text)) if text else None


def _when(moment: datetime | None, zone: tzinfo) -> date | None:
    return _day(moment, zone) if moment else None


def _day(moment: datetime, zone: tzinfo) -> date:
    return moment.astimezone(zone).date()
