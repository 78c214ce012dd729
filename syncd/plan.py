"""The planner: record by record, from what both sides hold, an operation, nothing, or a problem. Pure.

It follows DESIGN section 5 (what a status means in the books) and section 6 (matching, three-way). A *picture* target
shows every status and every change; in *books*, what is booked stays as it is unless the settings say otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from syncd.connector import Content, Fields, Operation, Scalar, Verb
from syncd.decision import NOTHING, Decision, before_after, conflict, label, operate, period_locked, problem, refused
from syncd.desired import dates, is_to_be_paid, stands, too_early
from syncd.facts import Binding, Place, Policy, Seen
from syncd.fields import differences, flatten, same
from syncd.match import Ambiguous, Candidate, choose
from syncd.merge import Merged, merge, row_of
from syncd.model import Client, Invoice, Kind, Rejection
from syncd.problems import Finding

GUARDED = frozenset({"number", "client_id", "currency", "subtotal", "tax", "total", "issue_date"})
"""What must not change silently once it is booked: money, number, client and date."""
MONEY = frozenset({"currency", "subtotal", "tax", "total", "amount"})
PAYABLE = frozenset({"currency", "total"})
"""What an invoice and its payment have in common."""
ADOPTED_AS_IT_IS: Mapping[Kind, frozenset[str]] = {
    "client": frozenset(),
    "invoice": frozenset(),
    "payment": frozenset({"paid_date"}),
}
"""What may differ when a record is adopted and ask nobody: a person's payment has the day that they booked it on."""
GUARDED_LINE = frozenset({"quantity", "unit_price", "tax_rate"})


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
        return _bound("client", client_id, content, place.live, policy)
    if place.merged:
        return NOTHING  # its invoices go to the contact that it was merged into, which is another client's
    if place.removed:
        return _removed_client(client_id, content, place, policy, needed=needed and not policy.picture)
    return _unbound("client", client_id, content, place, policy, "create") if needed else NOTHING


def _removed_client(client_id: str, content: Content, place: Place, policy: Policy, *, needed: bool) -> Decision:
    """Leave out a client that a person took out; one that an invoice needs goes by the record that has its mark now.

    When two records are merged in the books, the mark of the one that went stands on the one that stayed.
    """
    own = [one for one in place.candidates if one.how == "mark"]
    if needed and len(own) == 1:
        return _adopt("client", client_id, content, own[0], policy)
    if needed:
        return problem("removed_there", "client", client_id, record=label(content))
    return _removed("client", client_id, content, place, policy)


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
        return refused("invoice", invoice_id, invoice)
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
        paid = _payment(dated, payment, policy, _no_fit(dated, content, own, place, policy))
        attached = _attach(invoice_id, content, own, place, policy)
        return Decision(own.operations + paid.operations + attached, own.findings + paid.findings)
    return own


def _invoice(invoice: Invoice, content: Content, place: Place, payment: Place, policy: Policy) -> Decision:
    if place.binding and place.binding.state != "void" and policy.attaches:
        content = {**content, "pdf": place.binding.base.get("pdf")}
    if place.removed:
        due = is_to_be_paid(invoice) and payment.binding is None and not policy.picture
        return _removed("invoice", invoice.id, content, place, policy, due=due)
    if place.live:
        if invoice.status == "cancelled" and not policy.picture:
            return _void(invoice, content, place.live, payment, policy)
        return _bound("invoice", invoice.id, content, place.live, policy, settled=payment.live is not None)
    return _not_held(content, policy) or _unbound("invoice", invoice.id, content, place, policy, "create")


def _not_held(content: Content, policy: Policy) -> Decision | None:
    number, currency = content["number"], content["currency"]
    if policy.currencies is None or currency in policy.currencies:
        return None
    return problem("currency_not_held", "invoice", content["invoice_id"], number=number, currency=currency)


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


def _payment(invoice: Invoice, place: Place, policy: Policy, no_fit: Decision | None) -> Decision:
    """Settle what is paid, and look twice at what no longer is; ``no_fit``: what to do instead of settling."""
    if not is_to_be_paid(invoice):
        return _unsettle(invoice, place, policy) if place.live else NOTHING
    if no_fit and not place.live:
        return no_fit
    if invoice.paid_date is None:
        return problem("undated_payment", "payment", invoice.id, number=invoice.number)
    content = policy.payment(invoice)
    if place.removed:
        return _removed("payment", invoice.id, content, place, policy)
    if place.live:
        return _bound("payment", invoice.id, content, place.live, policy, settled=True)
    return _unbound("payment", invoice.id, content, place, policy, "settle")


def _unsettle(invoice: Invoice, place: Place, policy: Policy) -> Decision:
    binding = place.live
    if binding is None:
        return NOTHING
    if not policy.picture:
        if invoice.status == "cancelled":
            return NOTHING  # said once, with the invoice
        if not policy.unsettle:
            return problem(
                "back_from_paid",
                "payment",
                invoice.id,
                number=invoice.number,
                status=invoice.status,
            )
    content = policy.payment(invoice)
    if locked := period_locked("payment", invoice.id, dict(binding.base), policy):
        return locked
    return Decision(
        (
            operate(
                "unsettle",
                "payment",
                invoice.id,
                content,
                binding,
                occasion=str(binding.external_id),
            ),
        )
    )


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
    booked = not policy.picture and _stands_as(binding) not in ("draft", None)
    if invoice.status != "draft" or booked:
        return problem("vanished_invoice", "invoice", invoice.id, number=invoice.number, status=invoice.status)
    if not policy.picture:
        return Decision(
            (
                operate(
                    "void",
                    "invoice",
                    invoice.id,
                    dict(binding.base),
                    binding,
                    occasion=binding.external_id,
                ),
            )
        )
    return _bound("invoice", invoice.id, {**binding.base, "status": "deleted"}, binding, policy)


def _unbound(kind: Kind, record_id: str, content: Content, place: Place, policy: Policy, verb: Verb) -> Decision:
    """Adopt what stands, or make the record; a payment is made by settling."""
    if linked := next((one for one in place.candidates if one.how == "mapping"), None):
        there = {path: found for path, (_, found) in linked.differs.items()}
        differs = differences(flatten(content, policy.fields[kind]), there)
        return _adopt(kind, record_id, content, replace(linked, differs=differs), policy)
    if place.binding and place.binding.state == "linked":
        return NOTHING  # it was not read yet
    chosen = choose(kind, place.candidates, policy.match) if place.candidates else None
    if isinstance(chosen, Ambiguous):
        names = ", ".join(sorted(one.external_id for one in chosen.candidates))
        return problem("ambiguous_match", kind, record_id, record=label(content), candidates=names)
    if chosen is None:
        if locked := period_locked(kind, record_id, content, policy):
            return locked
        generation = max(place.binding.generation if place.binding else 0, place.taken_back)
        made = {path: value for path, value in content.items() if path != "pdf"}
        if generation and kind == "invoice" and not policy.picture:
            made["generation"] = generation
        return Decision((operate(verb, kind, record_id, made, None, occasion=str(generation)),))
    return _adopt(kind, record_id, content, chosen, policy)


def _adopt(kind: Kind, record_id: str, content: Content, found: Candidate, policy: Policy) -> Decision:
    """Bind to what stands. What only syncd can have written is brought up to date; anything else is left and told."""
    if "pdf" in found.differs:  # whether its document hangs on it is no reason to leave it, nor written with it
        content = {**content, "pdf": found.differs["pdf"][1]}
        found = replace(found, differs={path: pair for path, pair in found.differs.items() if path != "pdf"})
    flat = flatten(content, policy.fields[kind])
    binding = Binding(found.external_id, found.version, flat)
    money = {path: pair for path, pair in found.differs.items() if path in MONEY}
    begun = policy.on_change == "reverse" and found.how == "mark" and found.differs.get("status") is None
    if money and (found.by_hand or not (policy.picture or begun)):
        shown = before_after(money)
        return problem("adopted_totals_differ", kind, record_id, record=label(content), differences=shown)
    if found.by_hand or not found.differs:
        nobodys = {path: pair[1] for path, pair in found.differs.items() if _is_nobodys(path, *pair, policy)}
        differs = {path: pair for path, pair in found.differs.items() if path not in nobodys}
        stands = {**content, **nobodys}  # and is brought up to date
        binding = replace(binding, base=flatten(stands, policy.fields[kind]))
        adopt = operate("adopt", kind, record_id, stands, binding)
        signed = _bound(kind, record_id, content, binding, policy).operations
        if differs.keys() <= ADOPTED_AS_IT_IS[kind]:
            return Decision((adopt, *signed))
        told = problem("adopted_differs", kind, record_id, record=label(content), differences=before_after(differs))
        return Decision((adopt, *signed), told.findings)
    stood = {**flat, **{path: pair[1] for path, pair in found.differs.items()}}
    binding = replace(
        binding,
        base={path: value for path, value in stood.items() if value is not None or path in flat},
    )
    adopt = operate("adopt", kind, record_id, dict(binding.base), binding)
    after = _bound(kind, record_id, content, binding, policy)
    return Decision((adopt, *after.operations), after.findings, after.anew)


def _is_nobodys(path: str, expected: Scalar, found: Scalar, policy: Policy) -> bool:
    """Tell a difference that is no edit: a link signed at another time, or a value in another dress."""
    if path == "public_url" and isinstance(expected, str) and isinstance(found, str):
        return expected.partition("?")[0] == found.partition("?")[0]
    return policy.dressed(path, expected, found)


def _bound(
    kind: Kind,
    record_id: str,
    content: Content,
    binding: Binding,
    policy: Policy,
    *,
    settled: bool = False,
) -> Decision:
    """Bring a bound record up to date, three-way; what is booked changes only as ``on_change`` says."""
    flat = flatten(content, policy.fields[kind])
    merged = merge(binding.base, flat, binding.drift, policy.owners, policy.conflicts)
    findings = tuple(conflict(kind, record_id, label(content), path, sides) for path, sides in merged.conflicts.items())
    booked = _booked(kind, merged.changes)
    draft = _stands_as(binding) == "draft"
    reopened = not draft and flat.get("status") == "draft" and not policy.picture
    if reopened and "status" in merged.changes:  # nothing booked becomes a draft again, nor follows a draft's changes
        booked = {**booked, "status": merged.changes["status"]}
    posting = _posted(merged.changes)
    if posting and (locked := period_locked(kind, record_id, content, policy)):
        return locked
    if booked and not policy.picture and kind != "client" and not draft:
        locked = period_locked(kind, record_id, dict(binding.base), policy)
        touched = bool(findings or binding.drift)
        if policy.on_change == "reverse" and kind == "invoice" and not (settled or locked or touched or reopened):
            reversing = _reverse(record_id, content, binding, policy, merged.changes)
            if reversing.anew:
                return reversing
            findings += reversing.findings
        if policy.on_change != "update" or settled or locked or reopened:
            why = _why_not(kind, policy, settled=settled, locked=bool(locked), touched=touched)
            told = {"record": label(content), "differences": before_after(booked, binding.clients) + why}
            findings += (Finding("changed_after_booking", kind, record_id, told),)
            merged = _without(merged, booked, binding.base)
    if not merged.changes:
        agreed = _agreed(kind, record_id, binding, merged, policy) if binding.drift else ()
        return Decision(agreed, findings)
    verb = _update_verb({path: pair for path, pair in merged.changes.items() if path not in binding.behind})
    occasion = repr((binding.version, sorted(merged.changes.items())))
    operation = operate(verb, kind, record_id, content, binding, occasion=occasion)
    return Decision((replace(operation, content=merged.base, changes=merged.changes),), findings)


def _agreed(kind: Kind, record_id: str, binding: Binding, merged: Merged, policy: Policy) -> tuple[Operation, ...]:
    """Take for written what both sides changed to the same, or its next change would be a conflict; nothing booked.

    What is only ``behind`` is no change of anybody.
    """
    moved = differences(binding.base, merged.base)
    booked = kind != "client" and not policy.picture and _booked(kind, moved)
    if not moved or booked or "adopt" not in policy.verbs:
        return ()
    return (operate("adopt", kind, record_id, merged.base, binding, occasion=repr((binding.version, moved))),)


def _stands_as(binding: Binding) -> Scalar:
    """Tell the status that a record has at the target now, whoever gave it."""
    return binding.drift["status"][1] if "status" in binding.drift else binding.base.get("status")


def _why_not(kind: Kind, policy: Policy, *, settled: bool, locked: bool, touched: bool) -> str:
    """Say why what is booked stays as it is though the settings let it change."""
    if policy.on_change == "problem" or kind != "invoice":
        return ""
    reasons = {"it is paid": settled, "its period is closed": locked, "it was edited in the books": touched}
    why = " and ".join(reason for reason, holds in reasons.items() if holds)
    return f" (not written, for {why})" if why else ""


def _reverse(
    record_id: str, content: Content, binding: Binding, policy: Policy, changes: Mapping[str, tuple[Scalar, Scalar]]
) -> Decision:
    """Reverse what is booked, so that the plan after this one books it anew; only if that one will be possible."""
    undone = Place(replace(binding, state="void", generation=binding.generation + 1))
    anew = _not_held(content, policy) or _unbound("invoice", record_id, content, undone, policy, "create")
    if not anew.operations:
        return anew
    void = operate("void", "invoice", record_id, dict(binding.base), binding, occasion=binding.external_id)
    return Decision((replace(void, changes=changes),), (), anew.operations[0])


def _booked(kind: Kind, changes: Mapping[str, tuple[Scalar, Scalar]]) -> dict[str, tuple[Scalar, Scalar]]:
    """Pick the changes of what is booked; a line changes whole or not at all."""
    rows = {row_of(path) for path in changes if _guarded(path)} - {""}
    return {path: pair for path, pair in changes.items() if kind == "payment" or _guarded(path) or row_of(path) in rows}


def _without(merged: Merged, booked: Mapping[str, object], base: Fields) -> Merged:
    changes = {path: pair for path, pair in merged.changes.items() if path not in booked}
    after = {path: value for path, value in merged.base.items() if path not in booked}
    after |= {path: base[path] for path in booked if path in base}
    return Merged(changes, merged.conflicts, after)


def _update_verb(changes: Mapping[str, tuple[Scalar, Scalar]]) -> Verb:
    if changes.get("status", ("", ""))[1] in ("cancelled", "deleted"):
        return "void"
    if changes.get("archived_at", (None, None))[1]:
        return "archive"
    return "post" if _posted(changes) else "update"


def _posted(changes: Mapping[str, tuple[Scalar, Scalar]]) -> bool:
    """Tell whether a draft becomes booked; a target's books show that as the status ``posted``."""
    return changes.get("status") == ("draft", "posted")


def _removed(
    kind: Kind, record_id: str, content: Content, place: Place, policy: Policy, *, due: bool = False
) -> Decision:
    """Leave out what a person took out; only say so when the source goes on changing it, or a payment is due for it."""
    base = place.binding.base if place.binding else {}
    if not due and not base:
        return NOTHING  # a person told so with an import of mappings; what it was like is not known
    if not due and not merge(base, flatten(content, policy.fields[kind]), {}, policy.owners, "source").changes:
        return NOTHING
    return problem("removed_there", kind, record_id, record=label(content))


def _guarded(path: str) -> bool:
    if path.startswith("lines."):
        return path.rpartition(".")[2] in GUARDED_LINE
    return path in GUARDED
