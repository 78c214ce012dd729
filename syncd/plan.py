"""The planner: record by record, from what both sides hold, an operation, nothing, or a problem. Pure.

It follows DESIGN section 5, what a status means in the books. What is done with a record of any kind that stands
there, or is to: ``syncd.upkeep``; what is done about an invoice that is paid: ``syncd.settling``. A *picture* target
shows every status and every change; in *books*, what is booked stays as it is unless the settings say otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from syncd.connector import Content, Operation
from syncd.decision import NOTHING, Decision, label, not_held, operate, period_locked, problem, refused
from syncd.desired import dates, is_to_be_paid, stands, too_early
from syncd.facts import Binding, Place, Policy, Seen
from syncd.model import Client, Invoice, Rejection
from syncd.settling import settle
from syncd.upkeep import adopt, adopt_or_make, leave_out, update


def plan_client(
    client: Client | Rejection, client_id: str, place: Place, policy: Policy, *, needed: bool, gone: bool = False
) -> Decision:
    """Decide about one client; ``needed``: it is to stand in the target though it does not yet.

    ``gone``: it no longer exists at the source, though FastFaktura only archives (vendor API reference v1, "Client").
    """
    if isinstance(client, Rejection):
        return refused("client", client_id, client)
    content = policy.client(client)
    if gone:
        return problem("vanished_client", "client", client_id, name=client.name) if place.live else NOTHING
    if place.live:
        return update("client", client_id, content, place.live, policy)
    if place.merged:
        return NOTHING  # its invoices go to the contact that it was merged into, which is another client's
    if place.removed:
        return _removed_client(client_id, content, place, policy, needed=needed and not policy.picture)
    return adopt_or_make("client", client_id, content, place, policy, "create") if needed else NOTHING


def _removed_client(client_id: str, content: Content, place: Place, policy: Policy, *, needed: bool) -> Decision:
    """Leave out a client that a person took out; one that an invoice needs goes by the record that has its mark now.

    When two records are merged in the books, the mark of the one that went stands on the one that stayed.
    """
    own = [one for one in place.candidates if one.how == "mark"]
    if needed and len(own) == 1:
        return adopt("client", client_id, content, own[0], policy)
    if needed:
        return problem("removed_there", "client", client_id, record=label(content))
    return leave_out("client", client_id, content, place, policy)


def plan_invoice(
    invoice: Invoice | Rejection,
    invoice_id: str,
    client: Client | Rejection | None,
    seen: Seen,
    place: Place,
    payment: Place,
    policy: Policy,
) -> Decision:
    """Decide about one invoice and the payment that settles it."""
    if isinstance(invoice, Rejection):
        return refused("invoice", invoice_id, invoice) if stands(invoice, place, policy) else NOTHING
    if seen.gone:
        return _vanished(invoice, place, policy)
    if not stands(invoice, place, policy):
        return NOTHING
    if client is None or isinstance(client, Rejection):
        code = "unknown_client" if client is None else "client_unreadable"
        return problem(code, "invoice", invoice_id, number=invoice.number, client_id=invoice.client_id)
    dated = dates(invoice, seen, place, payment, policy)
    if dated.issue_date is None and invoice.status != "draft":
        return problem("undated_invoice", "invoice", invoice_id, number=invoice.number)
    if too_early(dated, place, policy):
        return NOTHING
    content = policy.invoice(dated, client)
    own = _invoice(dated, content, place, payment, policy)
    stands_then = any(operation.verb in ("create", "adopt") for operation in own.operations) or place.live
    if stands_then and not own.anew:
        paid = settle(dated, content, own, place, payment, policy)
        attached = _attach(invoice_id, content, own, place, policy)
        return Decision(own.operations + paid.operations + attached, own.findings + paid.findings)
    return own


def _invoice(invoice: Invoice, content: Content, place: Place, payment: Place, policy: Policy) -> Decision:
    if place.binding and place.binding.state != "void" and policy.attaches:
        content = {**content, "pdf": place.binding.base.get("pdf")}
    if place.removed:
        due = is_to_be_paid(invoice) and payment.binding is None and not policy.picture
        return leave_out("invoice", invoice.id, content, place, policy, due=due)
    if place.live:
        if invoice.status == "cancelled" and not policy.picture:
            return _void(invoice, content, place.live, payment, policy)
        return update("invoice", invoice.id, content, place.live, policy, settled=payment.live is not None)
    return not_held(content, policy) or adopt_or_make("invoice", invoice.id, content, place, policy, "create")


def _attach(invoice_id: str, content: Content, own: Decision, place: Place, policy: Policy) -> tuple[Operation, ...]:
    """Hang an invoice's document on it once it stands, in an operation of its own, so that nothing waits for it."""
    if not policy.attaches or not content.get("pdf"):
        return ()
    first = own.operations[0] if own.operations else None
    if first and first.verb == "void" and not policy.picture:
        return ()
    base = place.live.base if place.live else first.content if first else {}
    external_id = place.live.external_id if place.live else first.external_id if first else None
    if base.get("pdf") == content["pdf"]:
        return ()
    occasion = external_id or (first.key if first else "")
    attach = operate("attach", "invoice", invoice_id, content, None, occasion=occasion)
    return (replace(attach, external_id=external_id, changes={"pdf": (None, content["pdf"])}),)


def _void(invoice: Invoice, content: Content, binding: Binding, payment: Place, policy: Policy) -> Decision:
    if payment.live:
        return problem("cancelled_after_payment", "invoice", invoice.id, number=invoice.number)
    if locked := period_locked("invoice", invoice.id, dict(binding.base), policy):
        return locked
    return Decision((operate("void", "invoice", invoice.id, content, binding, occasion=binding.external_id),))


def _vanished(invoice: Invoice, place: Place, policy: Policy) -> Decision:
    binding = place.live
    if binding is None:
        return NOTHING
    booked = not policy.picture and binding.status not in ("draft", None)
    if invoice.status != "draft" or booked:
        return problem("vanished_invoice", "invoice", invoice.id, number=invoice.number, status=invoice.status)
    if not policy.picture:
        void = operate("void", "invoice", invoice.id, dict(binding.base), binding, occasion=binding.external_id)
        return Decision((void,))
    return update("invoice", invoice.id, {**binding.base, "status": "deleted"}, binding, policy)
