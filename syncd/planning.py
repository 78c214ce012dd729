"""The plan stage: reads what is due from the mirror, lets the planner decide, streams operations into the journal.

What the planner decides is in ``syncd.plan``; here is only the reading before and the writing after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy.engine import Row

from syncd import due, places
from syncd.connector import Content, Operation, Rejected
from syncd.decision import Decision, label
from syncd.desired import is_to_be_paid
from syncd.due import DueClient, DueInvoice, Narrow, Range
from syncd.facts import NOWHERE, Binding, Place, Policy
from syncd.fields import flatten
from syncd.model import Client, Invoice, Kind
from syncd.plan import plan_client, plan_invoice
from syncd.problems import LASTING, PULLED, REFUSED, Finding
from syncd.safety import is_surprising
from syncd.session import Session
from syncd.state import bindings, journal, problems, work
from syncd.state.journal import Planned

LONGEST_WAIT = 6 * 3600
"""Seconds after which a PDF that could not be had is asked for again at the latest."""

STANDS_ON: dict[Kind, tuple[Kind, ...]] = {"client": (), "invoice": ("client",), "payment": ("client", "invoice")}
"""The kinds that must stand in the target before one of this kind."""


@dataclass(slots=True)
class Tally:
    """What a plan holds: operations by (kind, verb), problems by code, and what the safety stops look at."""

    operations: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    surprising: int = 0
    """Bound records whose content changes, beyond what a life of an invoice brings."""
    strangers: int = 0
    """Unbound records found in the target under other ids, not by our mark."""

    @property
    def total(self) -> int:
        """All operations."""
        return self.operations.total()


@dataclass(slots=True)
class Draft:
    """A plan being made: what it was asked, what it has found so far."""

    session: Session
    number: int
    reach: Range
    narrow: Narrow
    all_clients: bool
    blocked: Mapping[tuple[str, str], str]
    """Records the target rejected, with the revision it rejected; not sent again before they change."""
    doubtful: AbstractSet[tuple[str, str]] = frozenset()
    """Records with an operation in doubt: nothing else happens to them before that is settled."""
    no_pdf: Mapping[str, str] = field(default_factory=dict)
    """Invoices whose PDF could not be had, with the revision for which it is not asked for yet; ``""``: it is."""
    unbound: bool = False
    """As if nothing were bound: only to see what building the books anew would write."""
    moot: set[tuple[str, str]] = field(default_factory=set)
    """Records the target rejected for which nothing that is to be written has been found, as yet."""
    tally: Tally = field(default_factory=Tally)
    seen_clients: set[str] = field(default_factory=set)
    planned_clients: set[str] = field(default_factory=set)
    needed: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    adopted: set[tuple[str, str]] = field(default_factory=set)

    def keeps(self, row: Row[Any]) -> bool:
        """Tell whether a problem of the state stays though planning did not find it.

        What was refused is forgotten when nothing is to be written any more; of clients that shows only at the end.
        """
        moot = row.code in REFUSED and row.kind != "client" and (row.kind, row.id) in self.moot
        return row.code in LASTING and not moot


def make(draft: Draft) -> Tally:
    """Plan clients that changed, invoices that changed, then the clients those need."""
    for clients in due.clients(draft.session, draft.reach):
        _plan_clients(draft, clients, needed=draft.all_clients)
    also = work.invoices_of(draft.session.store, draft.session.source, draft.renamed, draft.reach.since)
    for invoices in due.invoices(draft.session, draft.reach, also):
        _plan_invoices(draft, invoices)
    for clients in due.named_clients(draft.session, draft.needed - draft.planned_clients):
        _plan_clients(draft, clients, needed=True)
    _settle_clients(draft)
    return draft.tally


def _settle_clients(draft: Draft) -> None:
    """Forget that clients were refused which are as they should be, or which no invoice needs any more.

    An invoice that waits for its client is looked at in every whole pass.
    """
    moot = {record_id for kind, record_id in draft.moot if kind == "client"}
    if not moot or draft.unbound or not (draft.narrow.all and draft.reach.upto):
        return
    unseen = moot - draft.seen_clients
    needless = set() if draft.all_clients else unseen - _known_clients(draft, unseen).keys()
    with draft.session.store.write() as connection:
        settled = [("client", one) for one in sorted(moot - unseen | needless)]
        problems.settle(connection, draft.session.name, settled, REFUSED)


def _plan_clients(draft: Draft, clients: Sequence[DueClient], *, needed: bool) -> None:
    session = draft.session
    stand = _places(draft, {"client": [one.id for one in clients]})
    shows_name = "client_name" in session.can.fields.get("invoice", ())
    planned: list[Planned] = []
    findings: list[Finding] = []
    draft.seen_clients.update(one.id for one in clients if ("client", one.id) in draft.moot)
    for one in clients:
        place = stand.get(("client", one.id), NOWHERE)
        decision = plan_client(one.client, one.id, place, session.policy, needed=needed, gone=one.gone)
        if shows_name and place.live:
            draft.renamed.add(one.id)  # its invoices show its name
        operations, found = _checked(draft, decision, one.revision, {})
        findings += found
        for operation, rendered in operations:
            draft.planned_clients.add(one.id)
            where = f"{operation.content.get('name') or ''}\x1f{one.id}"
            planned.append(Planned(operation, rendered, where, one.revision, None))
        _count(draft.tally, operations, place)
    _keep(draft, planned, findings, [("client", one.id) for one in clients])


def _plan_invoices(draft: Draft, invoices: Sequence[DueInvoice]) -> None:
    session = draft.session
    taken = [one for one in invoices if not isinstance(one.invoice, Invoice) or draft.narrow.takes(one.invoice)]
    known = _known_clients(draft, {one.invoice.client_id for one in taken if isinstance(one.invoice, Invoice)})
    planned: list[Planned] = []
    findings: list[Finding] = []
    attached: set[str] = set()
    for one, stands, settled in places.of_invoices(session, taken, unbound=draft.unbound):
        place, payment = _known_again(one, stands, settled, session.policy)
        place = _with_names(session, one, place)
        decision = plan_invoice(one.invoice, one.id, one.client, one.seen, place, payment, session.policy)
        if not decision.operations and not decision.findings:
            continue
        if draft.no_pdf:
            attached |= {operation.id for operation in decision.operations if operation.verb == "attach"}
        client_id = one.invoice.client_id if isinstance(one.invoice, Invoice) else None
        if client_id and not _client_comes(draft, client_id, one, known):
            decision = _waits(decision, one)
        refs = _refs(session, client_id, known, place)
        operations, found = _checked(draft, decision, one.revision, refs)
        findings += found
        where = _place(operations, one)
        planned += [Planned(operation, rendered, where, one.revision, client_id) for operation, rendered in operations]
        _count(draft.tally, operations, place)
    _keep(draft, planned, findings, [(kind, one.id) for one in taken for kind in ("invoice", "payment")])
    needless = [("invoice", one.id) for one in taken if one.id in draft.no_pdf and one.id not in attached]
    if needless and not draft.unbound:
        with session.store.write() as connection:
            problems.settle(connection, session.name, needless, ["pdf_missing"])


def _known_again(one: DueInvoice, place: Place, payment: Place, policy: Policy) -> tuple[Place, Place]:
    """Take what stands under our mark, or a person's link, though it no longer should for bound: the state was lost."""
    if not isinstance(one.invoice, Invoice) or not isinstance(one.client, Client):
        return place, payment
    if one.invoice.status == "cancelled" and not policy.picture:
        place = _marked(place, policy.invoice(one.invoice, one.client), policy.fields["invoice"])
    ours = not policy.picture or not any(candidate.by_hand for candidate in payment.candidates)
    if ours and not is_to_be_paid(one.invoice):
        payment = _marked(payment, policy.payment(one.invoice), policy.fields.get("payment", frozenset()))
    return place, payment


def _with_names(session: Session, one: DueInvoice, place: Place) -> Place:
    """Say what both clients of an invoice are called whose client is another one now."""
    before = place.binding.base.get("client_id") if place.binding else None
    if not place.binding or not before or not isinstance(one.invoice, Invoice) or before == one.invoice.client_id:
        return place
    with session.store.read() as connection:
        names = work.names(connection, session.source, [str(before), one.invoice.client_id])
    alike = len(set(names.values())) < len(names)
    told = {client: f"{name} ({client})" if alike else name for client, name in names.items()}
    return replace(place, binding=replace(place.binding, clients=told))


def _marked(place: Place, content: Content, fields: frozenset[str]) -> Place:
    own = [one for one in place.candidates if one.how in ("mark", "mapping")]
    if not own or place.live or place.removed:
        return place
    stood = {path: found for path, (_, found) in own[0].differs.items()}
    return Place(Binding(own[0].external_id, own[0].version, flatten(content, fields) | stood))


def _client_comes(draft: Draft, client_id: str, one: DueInvoice, known: Mapping[str, str]) -> bool:
    """Tell whether the invoice's client stands or is about to, and ask for it if not."""
    if client_id in known or client_id in draft.planned_clients:
        return True
    if draft.blocked.get(("client", client_id)) == str(one.client_revision):
        draft.moot.discard(("client", client_id))
        return False
    if isinstance(one.client, Client):
        draft.needed.add(client_id)
    return True


def _waits(decision: Decision, one: DueInvoice) -> Decision:
    if not decision.operations or not isinstance(one.invoice, Invoice):
        return decision
    finding = Finding(
        "waits_for_client",
        "invoice",
        one.id,
        {"number": one.invoice.number, "client_id": one.invoice.client_id},
    )
    return Decision((), (*decision.findings, finding))


def _refs(session: Session, client_id: str | None, known: Mapping[str, str], place: Place) -> dict[Kind, str]:
    """Give the target ids an operation stands on, ``""`` where they are not known yet."""
    refs: dict[Kind, str] = {}
    if "client" in session.can.refs:
        refs["client"] = known.get(client_id or "", "")
    if "invoice" in session.can.refs:
        refs["invoice"] = place.live.external_id if place.live else ""
    return refs


Checked = tuple[list[tuple[Operation, bytes | None]], list[Finding]]


def _checked(draft: Draft, decision: Decision, revision: int, refs: dict[Kind, str]) -> Checked:
    """Check what was decided; a document follows where its invoice comes or stands, whatever becomes of the payment."""
    written = [one for one in decision.operations if one.verb != "attach"]
    kept, findings = _check(draft, written, revision, refs)
    if decision.anew and (refused := _refused_anew(draft.session, decision.anew, refs)):
        kept, findings = [one for one in kept if one[0].verb == "adopt"], [*findings, refused]
    comes = sum(one.kind == "invoice" for one in written) == sum(one.kind == "invoice" for one, _ in kept)
    attach = [one for one in decision.operations if one.verb == "attach" and comes]
    attached, more = _check(draft, attach, revision, refs)
    return kept + attached, [*decision.findings, *findings, *more]


def _check(draft: Draft, operations: Sequence[Operation], revision: int, refs: dict[Kind, str]) -> Checked:
    """Render operations up to the first that cannot be, which is a problem, or is not sent again yet."""
    kept, findings = list[tuple[Operation, bytes | None]](), list[Finding]()
    for operation in operations:
        if _was_refused(draft, operation, revision):
            break
        why_not = _why_not(draft, operation)
        if operation.verb == "adopt":
            draft.adopted.add((operation.kind, operation.external_id or ""))
        rendered = why_not or _rendered(draft.session, operation, refs)
        if isinstance(rendered, Finding):
            findings.append(rendered)
            break
        if operation.verb != "attach":
            draft.moot.discard((operation.kind, operation.id))
        kept.append((operation, rendered))
    return kept, findings


def _was_refused(draft: Draft, operation: Operation, revision: int) -> bool:
    """Tell whether just this was tried in vain already; that is a problem of its own."""
    if operation.verb == "attach":
        return draft.no_pdf.get(operation.id) == str(revision)
    pair = (operation.kind, operation.id)
    if draft.blocked.get(pair) != str(revision):
        return False
    draft.moot.discard(pair)
    return True


def _why_not(draft: Draft, operation: Operation) -> Finding | None:
    """Say why an operation cannot be had at all."""
    pair, record = (operation.kind, operation.id), {"record": _name(operation)}
    if pair in draft.doubtful:
        return Finding("in_doubt", *pair, record)
    if operation.verb not in draft.session.can.verbs:
        return Finding("rejected_by_target", *pair, {**record, "reason": f"it cannot {operation.verb}"})
    if operation.verb == "adopt" and (operation.kind, operation.external_id or "") in draft.adopted:
        return Finding("contested_match", *pair, {**record, "candidate": operation.external_id or ""})
    return None


def _rendered(session: Session, operation: Operation, refs: dict[Kind, str]) -> Finding | bytes | None:
    """Render an operation, or say why it cannot be; ``None``: what it stands on has no id there yet."""
    below: tuple[Kind, ...] = ("invoice",) if operation.verb == "attach" else STANDS_ON[operation.kind]
    needs = {kind: refs[kind] for kind in below if kind in refs}
    rendered = session.connector.render(replace(operation, refs=needs) if needs else operation, session.books)
    if isinstance(rendered, Rejected):
        code = "unwritable" if rendered.code == "rejected" else rendered.code
        told = {"record": _name(operation), "reason": rendered.reason}
        return Finding(code, operation.kind, operation.id, told)
    return rendered if all(needs.values()) else None


def _refused_anew(session: Session, anew: Operation, refs: dict[Kind, str]) -> Finding | None:
    """Say why the target would not have anew what is to be reversed."""
    rendered = session.connector.render(replace(anew, refs=refs), session.books)
    if not isinstance(rendered, Rejected):
        return None
    told = {
        "record": _name(anew),
        "reason": f"changed after it was booked, and not to be booked anew: {rendered.reason}",
    }
    return Finding(rendered.code, anew.kind, anew.id, told)


def _name(operation: Operation) -> str:
    return label(operation.content) or operation.id


def _place(operations: Sequence[tuple[Operation, bytes | None]], one: DueInvoice) -> str:
    """Sort by issue date, number and id, whatever the kind."""
    if not operations or not isinstance(one.invoice, Invoice):
        return one.id
    content = operations[0][0].content
    return f"{content.get('issue_date') or ''}\x1f{one.invoice.number}\x1f{one.id}"


def _count(tally: Tally, operations: Iterable[tuple[Operation, bytes | None]], place: Place) -> None:
    for operation, _ in operations:
        tally.operations[operation.kind, operation.verb] += 1
        if operation.verb == "adopt" and operation.kind == "invoice":
            ours = any(one.how in ("mark", "mapping") for one in place.candidates)
            tally.strangers += not ours
        tally.surprising += place.live is not None and is_surprising(operation, place.live.behind)


def _keep(
    draft: Draft,
    planned: Sequence[Planned],
    findings: Sequence[Finding],
    looked_at: Sequence[tuple[str, str]],
) -> None:
    session = draft.session
    for finding in findings:
        draft.tally.problems[finding.code] += 1
        if finding.code in REFUSED:
            draft.moot.discard((finding.kind, finding.id))
    at_source = [one for one in findings if one.at_source]
    at_target = [one for one in findings if not one.at_source]
    with session.store.write() as connection:
        journal.add(connection, draft.number, session.name, planned)
        if draft.unbound:
            return  # what stands bound keeps its problems
        now = session.seconds()
        problems.replace(connection, session.name, looked_at, at_target, now, keep=draft.keeps)
        of_source = f"source:{session.source}"
        problems.replace(connection, of_source, looked_at, at_source, now, keep=lambda row: row.code in PULLED)


def asked_again(row: Row[Any], now: int) -> bool:
    """Tell whether a PDF that could not be had (a problem of the state) is asked for again: ever more rarely."""
    tried = int(orjson.loads(row.parameters).get("tried", "0"))
    due = tried + min(tried - int(row.since), LONGEST_WAIT)
    return row.state == "retry" or (row.state == "open" and now >= due)


def _places(draft: Draft, wanted: dict[Kind, list[str]]) -> dict[tuple[Kind, str], Place]:
    session = draft.session
    if draft.unbound:
        return {}
    with session.store.read() as connection:
        return bindings.places(connection, session.name, wanted, session.can.fields)


def _known_clients(draft: Draft, ids: set[str]) -> dict[str, str]:
    if draft.unbound:
        return {}
    with draft.session.store.read() as connection:
        return bindings.external_ids(connection, draft.session.name, "client", ids)
