"""Reconcile: read the mirror and all that stands in a target, and compare them. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from syncd import due, places
from syncd.comparison import (
    Difference,
    Report,
    What,
    add_up,
    compare,
    name_of,
    paid_there,
    pair_records,
    sorted_differences,
)
from syncd.connector import Fields, Page, Remote
from syncd.desired import dates, is_to_be_paid, stands, too_early
from syncd.due import DueInvoice, Narrow
from syncd.errors import SyncdError
from syncd.facts import Place
from syncd.fields import flatten
from syncd.model import KINDS, OPEN_STATUSES, Client, Invoice, Kind
from syncd.observe import is_another, readable, resolved, status_there
from syncd.problems import sentence
from syncd.session import Session
from syncd.state import bindings, problems, runs, work
from syncd.strangers import own_names

Records = dict[Kind, dict[str, Fields]]
"""Whole records of each kind, by id."""

Expected = dict[tuple[Kind, str], Fields | str]
"""What a record is to hold; a ``str`` is the status at the source for which it is not to stand at all."""


@dataclass(slots=True)
class Standing:
    """What stands in the target, as it was streamed."""

    seen: dict[Kind, set[str]] = field(default_factory=lambda: {kind: set() for kind in KINDS})
    """Records of the source that stand there."""
    unexpected: Records = field(default_factory=lambda: {kind: {} for kind in KINDS})
    settled: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Invoices of the source on which something was paid there: the target's id, and how much."""
    paid: dict[str, str] = field(default_factory=dict)
    """The target's id of an invoice → the last day on which others than syncd paid it."""
    own_clients: frozenset[str] | None = None
    """The marks of the source's clients, read when one that bears a mark is bound to nothing."""
    strays: dict[str, str] = field(default_factory=dict)
    """Invoices of nobody of which only lines or events stand: their id there → what they are called."""


def reconcile(session: Session, narrow: Narrow) -> Report:
    """Compare every record that stands in the target, or should, with the mirror, once that was read."""
    with session.store.read() as connection:
        if runs.last_pull(connection, session.source) is None:
            raise SyncdError(
                f"source {session.source} has never been read to its end, so nothing can be compared with it; "
                "run `syncd run` first, or see whether this is the right state."
            )
    report, there = Report(session.name), Standing()
    for page in session.connector.changes(None):
        there.strays |= _strays(session, page)
        _compare_page(session, page, narrow, report, there)
        session.progress(sum(len(ids) for ids in there.seen.values()), None, "compared")
    missing = _missing(session, narrow, report, there.seen)
    found = [*report.differences, *_paid_by_hand(session, narrow, there)]
    found += _one_sided(session, narrow, report, missing, there.unexpected)
    if narrow.all:
        strays = there.strays.items()
        found += [Difference("unexpected", "invoice", *one) for one in strays if one[0] not in missing["invoice"]]
    report.differences = sorted_differences(_named(session, found))
    owners = [session.name, f"source:{session.source}"]
    with session.store.read() as connection:
        held = [row for owner in owners for row in problems.holds(connection, owner) if not row.released]
        report.held = [sentence(problems.finding_of_hold(row)) for row in held]
        report.waiting = len(problems.listed(connection, owners))
    return report


def _one_sided(
    session: Session, narrow: Narrow, report: Report, missing: Records, unexpected: Records
) -> Iterator[Difference]:
    """Tell what stands on one side only; two records that are equal but for their id are one whose id was edited."""
    with session.store.read() as connection:
        removed = {kind: bindings.removed_ids(connection, session.name, kind) for kind in KINDS}
    for kind in KINDS:
        pairs, gone, strange = pair_records(kind, missing[kind], unexpected[kind])
        yield from pairs
        for record_id, fields in missing[kind].items():
            if record_id not in gone:
                what: What = "removed" if record_id in removed[kind] else "missing"
                yield Difference(what, kind, record_id, name_of(fields) or record_id)
        for external, fields in unexpected[kind].items():
            if kind == "invoice" and (narrow.all or external in strange):
                add_up(report, "target", fields)
            if narrow.all and external not in strange:
                yield Difference("unexpected", kind, external, name_of(fields) or external)


def _strays(session: Session, page: Page) -> dict[str, str]:
    """Name the invoices of which only lines or events stand, and which nothing is bound to."""
    strays = {remote.external_id: name_of(remote.fields) for remote in page.remotes if remote.stray}
    if not strays:
        return {}
    with session.store.read() as connection:
        bound = bindings.bound_ids(connection, session.name, "invoice", strays)
    return {external: name or external for external, name in strays.items() if external not in bound}


def _named(session: Session, found: list[Difference]) -> list[Difference]:
    """Name records by their numbers where the target's fields do not hold those (an Odoo payment has none)."""
    unnamed = sorted({one.id for one in found if one.label == one.id})
    with session.store.read() as connection:
        names = work.names(connection, session.source, unnamed)
    return [replace(one, label=names.get(one.id, one.label)) if one.label == one.id else one for one in found]


def _compare_page(session: Session, page: Page, narrow: Narrow, report: Report, there: Standing) -> None:
    for kind in KINDS:
        remotes = [one for one in page.remotes if one.kind == kind and _stands(one)]
        if not remotes:
            continue
        with session.store.read() as connection:
            bound = bindings.bound_ids(connection, session.name, kind, (one.external_id for one in remotes))
            shown = resolved(session, connection, remotes)
        expected = _expected(session, kind, [row.id for row in bound.values()], narrow)
        for told in shown:
            remote = replace(told, fields=readable(told.fields, session.can.fields[kind]))
            row = bound.get(remote.external_id)
            if row is None or is_another(remote, row):
                _note_stranger(session, there, remote)
                continue
            there.seen[kind].add(row.id)
            if remote.settled:
                there.settled[row.id] = (remote.external_id, remote.settled)
            wanted = expected.get((kind, row.id))
            if wanted is not None:
                _compare_one(session, report, row.id, wanted, remote)


def _stands(remote: Remote) -> bool:
    """Tell a record that itself stands there from one that is void, or of which only parts do."""
    return not remote.void and not remote.stray and f"{remote.kind}_id" not in remote.lost


def _note_stranger(session: Session, there: Standing, remote: Remote) -> None:
    """Note what is bound to nothing: a surprise, or what others paid."""
    if remote.kind == "client" and remote.mark and _is_anothers(session, there, remote.mark):
        return
    if not remote.foreign:
        there.unexpected[remote.kind][remote.external_id] = remote.fields
    elif "invoice" in remote.refs:
        day, invoice = str(remote.fields.get("paid_date") or ""), remote.refs["invoice"]
        there.paid[invoice] = max(day, there.paid.get(invoice, ""))


def _is_anothers(session: Session, there: Standing, mark: str) -> bool:
    """Tell the mark of another account's client: the companies of one database have their contacts in common."""
    if there.own_clients is None:
        there.own_clients = own_names(session, "client")
    return mark not in there.own_clients


def _compare_one(session: Session, report: Report, record_id: str, wanted: Fields | str, remote: Remote) -> None:
    """Compare what stands; an invoice or a payment that, as the source says, is not to stand differs in its status."""
    kind, found = remote.kind, remote.fields
    report.compared += 1
    if kind == "invoice":
        add_up(report, "target", found)
    if isinstance(wanted, str):
        label = name_of(found) or record_id
        report.differences.append(Difference("differs", kind, record_id, label, "status", wanted, status_there(remote)))
        return
    report.differences += compare(kind, record_id, wanted, found, remote.lost, session.policy.dressed)
    if kind == "invoice":
        add_up(report, "source", wanted)


def _paid_by_hand(session: Session, narrow: Narrow, there: Standing) -> Iterator[Difference]:
    """Tell of invoices that are open at the source, and that others than syncd paid in the target."""
    asked = there.settled.keys() - there.seen["payment"]
    for rows in work.by_id(session.store, session.source, "invoice", asked):
        for one in due.with_clients(session, rows):
            invoice = one.invoice
            if not isinstance(invoice, Invoice) or one.seen.gone or not narrow.takes(invoice):
                continue
            if invoice.status in OPEN_STATUSES and invoice.status != "draft":
                external, settled = there.settled[one.id]
                told = paid_there(invoice.total, settled, there.paid.get(external))
                label = invoice.number or one.id
                yield Difference("differs", "invoice", one.id, label, "status", invoice.status, told)


def _expected(session: Session, kind: Kind, ids: list[str], narrow: Narrow) -> Expected:
    """Say what these records are to hold, as the mirror has them."""
    if kind == "client":
        clients = (one for chunk in due.named_clients(session, ids) for one in chunk)
        return {
            ("client", one.id): flatten(session.policy.client(one.client), session.can.fields["client"])
            for one in clients
            if isinstance(one.client, Client) and narrow.all
        }
    expected: Expected = {}
    for rows in work.by_id(session.store, session.source, "invoice", ids):
        expected |= _of_invoices(session, due.with_clients(session, rows), narrow)
    return expected


def _of_invoices(session: Session, invoices: list[DueInvoice], narrow: Narrow) -> Expected:
    expected: Expected = {}
    for one, place, payment in places.of_invoices(session, invoices):
        expected |= _of_invoice(session, one, place, payment, narrow)
    return expected


def _of_invoice(session: Session, one: DueInvoice, place: Place, payment: Place, narrow: Narrow) -> Expected:
    """Give what an invoice and its payment are to hold; nothing where that cannot be told, or is not asked."""
    invoice, fields = one.invoice, session.can.fields
    if not isinstance(invoice, Invoice) or not isinstance(one.client, Client) or not narrow.takes(invoice):
        return {}
    picture, status = session.can.picture, "deleted" if one.seen.gone else invoice.status
    if not stands(invoice, place, session.policy):
        return {} if picture else _taken_back(one.id, place, payment, status)
    shown = picture and invoice.status == "draft" and place.binding is not None
    if (status == "cancelled" and not picture) or (status == "deleted" and not shown):
        return {("invoice", one.id): status}
    invoice = dates(invoice, one.seen, place, payment, session.policy)
    undated = invoice.issue_date is None and invoice.status != "draft"
    if undated or too_early(invoice, place, session.policy):
        return {}
    content = session.policy.invoice(invoice, one.client)
    if one.seen.gone:
        content["status"] = status
    expected: Expected = {("invoice", one.id): flatten(content, fields["invoice"])}
    if is_to_be_paid(invoice) and invoice.paid_date:
        expected["payment", one.id] = flatten(session.policy.payment(invoice), fields["payment"])
    elif status != "paid" and (payment.live or (payment.binding and not picture)):
        expected["payment", one.id] = status
    return expected


def _taken_back(invoice_id: str, place: Place, payment: Place, status: str) -> Expected:
    """Expect that what was written of an invoice, and then taken back, does not stand."""
    own: dict[Kind, Place] = {"invoice": place, "payment": payment}
    return {(kind, invoice_id): status for kind, at in own.items() if at.binding}


def _missing(session: Session, narrow: Narrow, report: Report, seen: Mapping[Kind, set[str]]) -> Records:
    """Find what should stand in the target and was not seen there."""
    missing: Records = {kind: {} for kind in KINDS}
    for invoices in due.every_invoice(session):
        unseen = [one for one in invoices if one.id not in seen["invoice"] or one.id not in seen["payment"]]
        for (kind, record_id), fields in _of_invoices(session, unseen, narrow).items():
            if record_id not in seen[kind] and not isinstance(fields, str):
                missing[kind][record_id] = fields
                if kind == "invoice":
                    add_up(report, "source", fields)
    if session.policy.all_clients and narrow.all:
        missing["client"] |= _clients(session, seen["client"])
    return missing


def _clients(session: Session, seen: set[str]) -> Iterator[tuple[str, Fields]]:
    for chunk in due.clients(session, due.Range(-1, 2**62)):
        for one in chunk:
            if one.id not in seen and isinstance(one.client, Client):
                yield one.id, flatten(session.policy.client(one.client), session.can.fields["client"])
