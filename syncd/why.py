"""Why a record does not stand in a target, in a sentence, where no problem tells it. Pure."""

from __future__ import annotations

from syncd.desired import dates, stands
from syncd.facts import Place, Policy, Seen
from syncd.model import Invoice

GONE = "it is gone from FastFaktura"
NOT_NEEDED = 'no invoice that is to be written needs it (`clients = "all"` writes every client)'


def no_invoice(invoice: Invoice, seen: Seen, place: Place, payment: Place, policy: Policy) -> str | None:
    """Say why an invoice is not to stand in the target, or ``None`` where it is to."""
    if seen.gone:
        return GONE
    if not stands(invoice, place, policy):
        if invoice.status == "draft":
            return "it is a draft, and drafts are not written there (`drafts`)"
        return "it is cancelled in FastFaktura"
    issued, start = dates(invoice, seen, place, payment, policy).issue_date, policy.start_date
    if issued and start and issued < start and not place.binding:
        return f"it was issued on {issued}, before the target's `start_date` {start}"
    return None


def no_payment(invoice: Invoice) -> str | None:
    """Say why nothing settles an invoice that stands there, or ``None`` where something is to."""
    if invoice.status != "paid":
        return f"it is {invoice.status}, not paid"
    return "its total is zero, which needs no payment" if not invoice.total else None
