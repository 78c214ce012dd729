"""Apply: journal first, then the target, then outcome and mapping in one transaction.

For each batch: (1) payloads and the note that they are sent, one commit; (2) ``write``; (3) outcomes, mappings and
bases, one commit (``syncd.closing``). What has no outcome stays ``sent``: in doubt. Before anything else happens to
such a record it is settled (``syncd.doubt``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.engine import Row

from syncd import doubt
from syncd.closing import Applied, close, label, take
from syncd.connector import Entry, Outcome, Rejected, Unknown
from syncd.doubt import PATIENCE, ROUNDS, Clock
from syncd.errors import NotSent, Unreachable
from syncd.model import Kind
from syncd.portions import count, halve, portion, restore
from syncd.problems import Finding
from syncd.session import Session
from syncd.state import bindings, journal, problems


def apply(session: Session, plan: int, clock: Clock) -> Applied:
    """Carry out a plan; raise ``Unreachable`` or ``Refused`` where the target fails as a whole."""
    result, in_vain = Applied(), 0
    while in_vain < ROUNDS:  # one that brought something on is not counted: parts may be small, and answers lost
        before = result.done
        _send_planned(session, plan, result, clock)
        if not result.doubt:
            break
        doubt.settle(session, result, clock, reopen=True)
        in_vain += result.done == before
    result.stopped = clock.wait(0)
    if not result.missed:
        restore(session)
    with session.store.write() as connection:
        result.doubt = journal.count_in_doubt(connection, session.name)
        rest = journal.unsent(connection, plan)
        if not result.stopped:
            # What an invoice waits for is told of the invoice; its document waits in silence.
            waits = [
                Finding("waits_for_other", row.kind, row.id, {"record": label(row)})
                for row in rest
                if row.verb != "attach"
            ]
            problems.add(connection, session.name, waits, session.seconds())
        result.left = journal.leave(connection, plan)
    return result


def _send_planned(session: Session, plan: int, result: Applied, clock: Clock) -> None:
    """Send what is planned and can be sent; what has no answer is counted as in doubt."""
    result.doubt = 0
    if session.can.batch is None:
        _apply_whole(session, plan, result)
        return
    for stage in (*journal.STAGES.values(), journal.ATTACHMENTS):
        for voids in (True, False):  # what is voided frees its number for others
            _apply_stage(session, plan, stage, result, clock, voids=voids)


def _apply_whole(session: Session, plan: int, result: Applied) -> None:
    """Hand a whole plan over as one batch, streamed from the journal and back."""
    with session.store.write(durable=True) as connection:
        total = journal.mark_plan_sent(connection, plan, session.seconds())
    if not total:
        return
    try:
        take(session, session.connector.write(doubt.sent(session, plan)), result, total)
    except NotSent:
        with session.store.write() as connection:
            journal.reopen_plan(connection, plan)
        raise
    with session.store.read() as connection:
        result.doubt = journal.count_in_doubt(connection, session.name)


def _apply_stage(session: Session, plan: int, stage: int, result: Applied, clock: Clock, *, voids: bool) -> None:
    """Send the voids of one stage or all else in batches; what stands on something that has no target id waits."""
    after = ("", 0)
    while not clock.wait(0):
        size = portion(session)
        with session.store.read() as connection:
            rows = journal.planned(connection, plan, stage=stage, voids=voids, after=after, limit=size)
        if not rows:
            return
        after = (rows[-1].place, rows[-1].n)
        if ready := _ready(session, rows, result):
            _send_patiently(session, ready, result, clock)


def _send_patiently(session: Session, entries: list[Entry], result: Applied, clock: Clock) -> None:
    """Send one batch, again while the target asks to slow down; given up or stopped, it was certainly not sent."""
    waited = 0.0
    while not _send(session, entries, result):
        waited += 1.0
        stopped = clock.wait(1.0)
        if stopped or waited > PATIENCE:
            with session.store.write() as connection:
                journal.reopen(connection, [entry.number for entry in entries])
            if stopped:
                return
            raise Unreachable(f"target {session.name} asks to slow down; the rest of the plan waits for the next run.")


def _ready(session: Session, rows: Sequence[Row[Any]], result: Applied) -> list[Entry]:
    """Render what could not be rendered before, and leave out what still stands on nothing."""
    ready: list[Entry] = []
    late: dict[int, bytes] = {}
    rejected: list[tuple[Row[Any], Outcome]] = []
    with session.store.read() as connection:
        clients = bindings.external_ids(
            connection, session.name, "client", {row.client_id for row in rows if row.client_id}
        )
        below = {row.id for row in rows if row.kind == "payment" or row.verb == "attach"}
        invoices = bindings.external_ids(connection, session.name, "invoice", below)
    for row in rows:
        refs = _refs(session, row, clients, invoices)
        if not all(refs.values()):
            continue
        if row.payload is not None:
            ready.append(journal.entry_of(row))
            continue
        rendered = session.connector.render(journal.operation_of(row, refs), session.books)
        if isinstance(rendered, Rejected):
            rejected.append((row, rendered))
        else:
            late[row.n] = rendered
            ready.append(journal.entry_of(row, rendered))
    close(session, rejected, result)
    if ready:
        with session.store.write(durable=True) as connection:
            journal.keep_payloads(connection, late)
            journal.mark_sent(connection, (entry.number for entry in ready), session.seconds())
    return ready


def _refs(session: Session, row: Row[Any], clients: dict[str, str], invoices: dict[str, str]) -> dict[Kind, str]:
    if row.verb == "attach":
        return {"invoice": invoices.get(row.id, "")}
    refs: dict[Kind, str] = {}
    if row.kind != "client" and "client" in session.can.refs:
        refs["client"] = clients.get(row.client_id or "", "")
    if row.kind == "payment" and "invoice" in session.can.refs:
        refs["invoice"] = invoices.get(row.id, "")
    return refs


def _send(session: Session, entries: list[Entry], result: Applied) -> bool:
    """Send one batch and store what came of it; False when nothing of it was carried out and it may be sent again."""
    outcomes: dict[int, Outcome] = {}
    try:
        outcomes.update(session.connector.write(iter(entries)))
    except NotSent as error:
        if error.retry_after is None:
            with session.store.write() as connection:
                journal.reopen(connection, [entry.number for entry in entries])
            raise
        return False
    except Unreachable as error:
        halve(session, portion(session), str(error))
        raise
    finally:
        if outcomes:
            with session.store.read() as connection:
                rows = {row.n: row for row in journal.heads(connection, list(outcomes))}
            close(session, [(rows[number], outcome) for number, outcome in outcomes.items()], result)
    unanswered = sum(isinstance(outcomes.get(entry.number, Unknown()), Unknown) for entry in entries)
    result.doubt += unanswered
    if unanswered:
        halve(session, portion(session))
    count(session, len(entries), unanswered, result)
    session.progress(result.done, None, "written")
    return True
