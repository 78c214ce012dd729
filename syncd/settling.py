"""Settling: what the planner decides about the payment of an invoice, made, kept or taken back. Pure."""

from __future__ import annotations

from syncd.connector import Content
from syncd.decision import NOTHING, Decision, before_after, label, operate, period_locked, problem
from syncd.desired import is_to_be_paid
from syncd.facts import Place, Policy
from syncd.fields import differences, flatten, same
from syncd.model import Invoice
from syncd.upkeep import adopt_or_make, leave_out, update

PAYABLE = frozenset({"currency", "total"})
"""What an invoice and its payment have in common."""


def settle(invoice: Invoice, content: Content, own: Decision, place: Place, payment: Place, policy: Policy) -> Decision:
    """Settle what is paid, and look twice at what no longer is; ``own``: what is decided about the invoice itself."""
    if not is_to_be_paid(invoice):
        return _unsettle(invoice, payment, policy)
    if not payment.live and (no_fit := _no_fit(invoice, content, own, place, policy)):
        return no_fit
    if invoice.paid_date is None:
        return problem("undated_payment", "payment", invoice.id, number=invoice.number)
    paid = policy.payment(invoice)
    if payment.removed:
        return leave_out("payment", invoice.id, paid, payment, policy)
    if payment.live:
        return update("payment", invoice.id, paid, payment.live, policy, settled=True)
    return adopt_or_make("payment", invoice.id, paid, payment, policy, "settle")


def _no_fit(invoice: Invoice, content: Content, own: Decision, place: Place, policy: Policy) -> Decision | None:
    """Say instead of settling that what stands in books, once ``own`` is carried out, is not what is paid.

    What the source changed, or what keeps a draft from being booked, is told with the invoice; money that was changed
    in the books alone is told here.
    """
    if policy.picture or place.live is None:
        return None
    base = place.live.base
    stands = {**base, **{path: pair[1] for path, pair in place.live.drift.items()}}
    for operation in own.operations:
        stands |= {path: pair[1] for path, pair in operation.changes.items()}
    if own.findings and stands.get("status") == "draft":
        return NOTHING
    expected = flatten(content, policy.fields["invoice"] & PAYABLE)
    apart = differences(expected, {path: stands.get(path) for path in expected})
    kept = {
        path: pair
        for path, pair in apart.items()
        if same(base.get(path), pair[0]) or policy.owners.get(path) == "target"
    }
    if not kept:
        return NOTHING if apart else None
    told = before_after(kept)
    return problem("adopted_totals_differ", "invoice", invoice.id, record=label(content), differences=told)


def _unsettle(invoice: Invoice, payment: Place, policy: Policy) -> Decision:
    binding = payment.live
    if binding is None:
        return NOTHING
    if not policy.picture and invoice.status == "cancelled":
        return NOTHING  # said once, with the invoice
    if not policy.picture and not policy.unsettle:
        return problem("back_from_paid", "payment", invoice.id, number=invoice.number, status=invoice.status)
    if locked := period_locked("payment", invoice.id, {**binding.base, "number": invoice.number}, policy):
        return locked
    paid = policy.payment(invoice)
    return Decision((operate("unsettle", "payment", invoice.id, paid, binding, occasion=binding.external_id),))
