"""Why a record does not stand in a target, in a sentence, where no problem tells it. Pure."""

from __future__ import annotations

from syncd.desired import dates, is_to_be_paid, stands, too_early
from syncd.facts import Place, Policy, Seen
from syncd.model import Invoice, Rejection

GONE = "it is gone from FastFaktura"
NOT_NEEDED = 'no invoice that is to be written needs it (`clients = "all"` writes every client)'


def no_invoice(invoice: Invoice | Rejection, seen: Seen, place: Place, payment: Place, policy: Policy) -> str | None:
    """Say why an invoice is not to stand in the target, or ``None`` where it is to, and waits or has a problem."""
    if seen.gone:
        return GONE
    if not stands(invoice, place, policy):
        if invoice.status == "draft":
            return "it is a draft, and drafts are not written there (`drafts`)"
        return "it is cancelled in FastFaktura"
    if isinstance(invoice, Rejection):
        return None
    dated = dates(invoice, seen, place, payment, policy)
    if too_early(dated, place, policy):
        return f"it was issued on {dated.issue_date}, before the target's `start_date` {policy.start_date}"
    return None


def no_payment(invoice: Invoice) -> str | None:
    """Say why nothing settles an invoice that stands there, or ``None`` where something is to."""
    if is_to_be_paid(invoice):
        return None
    return (
        "its total is zero, which needs no payment" if invoice.status == "paid" else f"it is {invoice.status}, not paid"
    )
