"""Candidates: which records of the target may be the ones that have no mapping yet, asked in bulk.

Observing has two questions, and this is the second; the first, what changed there, is ``syncd.observe``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy.engine import Row

from syncd import due, places
from syncd.connector import Content, Found, How, Remote, Wanted
from syncd.desired import dates, stands
from syncd.due import DueInvoice, Narrow, Range
from syncd.facts import NOWHERE, Place
from syncd.fields import differences, flatten
from syncd.marks import mark
from syncd.match import fits
from syncd.model import KINDS, Client, Invoice, Kind
from syncd.observe import observation, readable, resolved
from syncd.session import Session
from syncd.state import bindings, observations

BATCH = 500


def look_for(
    session: Session,
    reach: Range,
    narrow: Narrow,
    *,
    all_clients: bool,
    lost: frozenset[Kind] = frozenset(),
) -> None:
    """Look for the records that have no mapping among what stands at the target, and keep what was found."""
    with session.store.write() as connection:
        observations.forget_candidates(connection, session.name)
    if session.books.empty and (session.can.replay_safe or not session.can.settle_delay):
        return  # else what a forgotten run sent may have come since the books were opened
    contents: dict[tuple[Kind, str], Content] = {}
    clients: dict[str, str] = {}
    for some in _batched(session.connector.find(_wanted(session, reach, narrow, contents, all_clients=all_clients))):
        clients |= {remote.external_id: one.id for one in some if one.kind == "client" for _, remote in one.candidates}
        _keep(session, _shown(some, lost), contents, clients)
        for one in some:
            contents.pop((one.kind, one.id), None)
    with session.store.write() as connection:
        observations.leave_strongest(connection, session.name, session.policy.match)
        bindings.keep_taken_out(connection, session.name)


def _shown(some: Iterable[Found], lost: frozenset[Kind]) -> list[tuple[Found, How, Remote]]:
    """Pick what may be the record; of what is void, or marked, only the mark says so. The weakest way comes first.

    What bears another mark is that record's, perhaps one of another source that shares the books' contacts.
    """
    return [
        (one, how, remote)
        for one in some
        for how, remote in reversed(one.candidates)
        if one.kind not in lost and (how == "mark" or not (remote.void or remote.mark))
    ]


def _keep(
    session: Session,
    shown: list[tuple[Found, How, Remote]],
    contents: Mapping[tuple[Kind, str], Content],
    clients: Mapping[str, str],
) -> None:
    """Keep a batch of candidates that are bound to nothing; one found in several ways as the strongest says."""
    with session.store.read() as connection:
        remotes = resolved(session, connection, [remote for _, _, remote in shown], clients)
    found = [
        _candidate(session, one, how, remote, contents[one.kind, one.id])
        for (one, how, _), remote in zip(shown, remotes, strict=True)
    ]
    once = {(one["kind"], one["id"], one["external_id"]): one for one in found if one}.values()
    external_ids = {kind: [one["external_id"] for one in once if one["kind"] == kind] for kind in KINDS}
    with session.store.write() as connection:
        taken = {
            (kind, external): row
            for kind, ids in external_ids.items()
            for external, row in bindings.bound_ids(connection, session.name, kind, ids).items()
        }
        observations.observe(connection, session.name, [one for one in once if not _is_taken(one, taken)])


def _is_taken(one: Mapping[str, Any], taken: Mapping[tuple[Kind, str], Row[Any]]) -> bool:
    """Tell whether a candidate is bound: to another, or to itself, unless it was taken back and stands again."""
    row = taken.get((one["kind"], one["external_id"]))
    return row is not None and not (row.state == "void" and row.id == one["id"])


def _candidate(session: Session, found: Found, how: How, remote: Remote, content: Content) -> dict[str, Any] | None:
    """Give the row of a candidate; what does not fit is none, and nobody's claim."""
    only = session.can.fields[found.kind]
    differs = differences(flatten(content, only), readable(remote.fields, only))
    if not fits(found.kind, how, differs):
        return None
    void = "taken_out" if remote.taken_out else "taken_back"
    return observation(session, remote, found.id, void if remote.void else how, differs)


def _wanted(
    session: Session,
    reach: Range,
    narrow: Narrow,
    contents: dict[tuple[Kind, str], Content],
    *,
    all_clients: bool,
) -> Iterator[Wanted]:
    """Stream what has no mapping: clients that are needed, invoices, and payments, which may stand though not paid."""
    asked: set[str] = set()
    if all_clients:
        for chunk in due.clients(session, reach):
            good = [(one.id, one.client) for one in chunk if isinstance(one.client, Client)]
            yield from _wanted_clients(session, good, contents, asked)
    for invoices in due.invoices(session, reach):
        yield from _wanted_invoices(session, invoices, narrow, contents, asked)


def _wanted_clients(
    session: Session,
    clients: list[tuple[str, Client]],
    contents: dict[tuple[Kind, str], Content],
    asked: set[str],
) -> Iterator[Wanted]:
    new = {record_id: client for record_id, client in clients if record_id not in asked}
    with session.store.read() as connection:
        bound = bindings.places(connection, session.name, {"client": list(new)}, session.can.fields)
    for record_id, client in new.items():
        asked.add(record_id)
        place = bound.get(("client", record_id), NOWHERE)
        if not place.binding or (place.removed and not session.can.picture):
            contents["client", record_id] = session.policy.client(client)
            yield Wanted("client", record_id, mark("client", record_id), contents["client", record_id])


def _wanted_invoices(
    session: Session,
    invoices: list[DueInvoice],
    narrow: Narrow,
    contents: dict[tuple[Kind, str], Content],
    asked: set[str],
) -> Iterator[Wanted]:
    due_now: list[tuple[Invoice, Client, Place, Place]] = []
    for one, place, payment in places.of_invoices(session, invoices):
        if not isinstance(one.invoice, Invoice) or not isinstance(one.client, Client):
            continue
        cancelled = one.invoice.status == "cancelled"  # it may yet stand there, from before the state was lost
        wanted = not one.seen.gone and (cancelled or stands(one.invoice, place, session.policy))
        if wanted and narrow.takes(one.invoice):
            dated = dates(one.invoice, one.seen, place, payment, session.policy)
            due_now.append((dated, one.client, place, payment))
    yield from _wanted_clients(session, [(one.client_id, client) for one, client, _, _ in due_now], contents, asked)
    for invoice, client, place, payment in due_now:
        if not place.binding or place.binding.state == "void":
            yield _want("invoice", invoice.id, session.policy.invoice(invoice, client), contents)
        if "settle" in session.can.verbs and (not payment.binding or payment.binding.state == "void"):
            yield _want("payment", invoice.id, session.policy.payment(invoice), contents, place)


def _want(
    kind: Kind,
    record_id: str,
    content: Content,
    contents: dict[tuple[Kind, str], Content],
    invoice: Place = NOWHERE,
) -> Wanted:
    contents[kind, record_id] = content
    refs: dict[Kind, str] = {"invoice": invoice.binding.external_id} if invoice.binding else {}
    return Wanted(kind, record_id, mark(kind, record_id), content, refs)


def _batched(found: Iterator[Found]) -> Iterator[list[Found]]:
    while some := list(islice(found, BATCH)):
        yield some
