"""Apply: journal first, then the target, then outcome and mapping in one transaction; and settling what is in doubt.

For each batch: (1) payloads and the note that they are sent, one commit; (2) ``write``; (3) outcomes, mappings and
bases, one commit. What has no outcome stays ``sent``: in doubt. Before anything else happens to such a record it is
settled, by sending the same bytes under the same key again where the target replays safely, else by its mark.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
import structlog
from sqlalchemy.engine import Row

from syncd.connector import Done, Entry, Exists, Fields, Outcome, Rejected, Remote, Unknown, Wanted
from syncd.errors import NotSent, Unreachable
from syncd.fields import differences
from syncd.model import Kind
from syncd.problems import Finding
from syncd.session import Session
from syncd.state import bindings, journal, problems

CHUNK = 500
ROUNDS = 5
"""How often a plan is gone through: what was certainly not carried out is sent again, and what waited for it."""

PATIENCE = 60.0
"""Seconds to wait in one pass for a target that asks us to slow down."""

PUT_OFF = 300.0
"""Seconds that may lie between the note that something is sent and its sending: slowing down, trying to connect."""

NOTED = 3.0
"""Seconds of waiting that are told."""

FROM_SENDING = ("rejected_by_target", "totals_differ", "in_doubt_unresolved", "stale_too_often")
NO_DOCUMENT = ("pdf_missing", "pdf_waits")


@dataclass(slots=True)
class Applied:
    """What became of a plan."""

    written: Counter[tuple[Kind, str]] = field(default_factory=Counter)
    """What was carried out, by (kind, verb)."""
    rejected: int = 0
    stale: set[tuple[str, str]] = field(default_factory=set)
    """Records to be planned anew: they moved under our hands, or were reversed to be written anew."""
    doubt: int = 0
    """Still in doubt at the end."""
    left: int = 0
    """Not sent, because what they stand on did not come about, or a stop was asked for."""
    stopped: bool = False
    lost: set[tuple[str, str]] = field(default_factory=set)
    """Operations of an earlier run that certainly did not happen."""

    @property
    def done(self) -> int:
        """How many operations were carried out."""
        return self.written.total()


@dataclass(frozen=True, slots=True)
class Clock:
    """Waiting, so that tests and the daemon's stop can cut it short; ``wait`` returns True when asked to stop."""

    wait: Callable[[float], bool]

    @staticmethod
    def until(stop: threading.Event) -> Clock:
        """Wait, but no longer than until the event is set."""
        return Clock(stop.wait)


def apply(session: Session, plan: int, clock: Clock) -> Applied:
    """Carry out a plan; raise ``Unreachable`` or ``Refused`` where the target fails as a whole."""
    result = Applied()
    for _ in range(ROUNDS):
        _send_planned(session, plan, result, clock)
        if not result.doubt:
            break
        settle(session, result, clock, reopen=True)
    result.stopped = clock.wait(0)
    with session.store.write() as connection:
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
        _apply_stage(session, plan, stage, result, clock)


def label(row: Row[Any]) -> str:
    """Name a record as a person would: a client by its name, an invoice or payment by its number."""
    parts = row.place.split("\x1f")
    return str(parts[0 if row.kind == "client" else min(1, len(parts) - 1)] or row.id)


def _apply_whole(session: Session, plan: int, result: Applied) -> None:
    """Hand a whole plan over as one batch, streamed from the journal and back."""
    with session.store.write(durable=True) as connection:
        total = journal.mark_plan_sent(connection, plan, session.seconds())
    if not total:
        return
    try:
        outcomes = session.connector.write(_stream(session, plan))
        _take(session, outcomes, result, total)
    except NotSent:
        with session.store.write() as connection:
            journal.reopen_plan(connection, plan)
        raise
    with session.store.read() as connection:
        result.doubt = journal.count_in_doubt(connection, session.name)


def _stream(session: Session, plan: int) -> Iterator[Entry]:
    after = (0, "", 0)
    while True:
        with session.store.read() as connection:
            rows = journal.sent_of_plan(connection, plan, after=after, limit=CHUNK)
        if not rows:
            return
        for row in rows:
            yield journal.entry_of(row)
        after = (rows[-1].stage, rows[-1].place, rows[-1].n)


def _take(
    session: Session,
    outcomes: Iterator[tuple[int, Outcome]],
    result: Applied,
    total: int,
) -> None:
    """Store outcomes as they come, a part at a time."""
    taken = 0
    while some := list(islice(outcomes, CHUNK)):
        with session.store.read() as connection:
            rows = {row.n: row for row in journal.heads(connection, [number for number, _ in some])}
        _close(session, [(rows[number], outcome) for number, outcome in some], result)
        taken += len(some)
        session.progress(taken, total, "written")


def _apply_stage(session: Session, plan: int, stage: int, result: Applied, clock: Clock) -> None:
    """Send one stage in batches; what stands on something that has no target id waits."""
    batch, after, waited = session.can.batch or 1, ("", 0), 0.0
    while True:
        with session.store.read() as connection:
            rows = journal.planned(connection, plan, stage=stage, after=after, limit=batch)
        if not rows:
            return
        after = (rows[-1].place, rows[-1].n)
        ready = _ready(session, rows, result)
        while ready and not _send(session, ready, result):
            waited += 1.0
            if waited > PATIENCE or clock.wait(1.0):
                raise Unreachable(
                    f"target {session.name} asks to slow down; the rest of the plan waits for the next run."
                )
        if clock.wait(0):
            return


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
    _close(session, rejected, result)
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
    finally:
        if outcomes:
            with session.store.read() as connection:
                rows = {row.n: row for row in journal.heads(connection, list(outcomes))}
            _close(session, [(rows[number], outcome) for number, outcome in outcomes.items()], result)
    result.doubt += sum(isinstance(outcomes.get(entry.number, Unknown()), Unknown) for entry in entries)
    session.progress(result.done, None, "written")
    return True


def _close(session: Session, closed: Sequence[tuple[Row[Any], Outcome]], result: Applied) -> None:
    """Store outcomes, mappings and bases in one transaction."""
    states: list[tuple[int, str, str | None]] = []
    bound: list[tuple[str, str, str, str | None, int]] = []
    through: list[tuple[str, str]] = []
    findings: list[Finding] = []
    undone: list[tuple[str, str, int]] = []
    adopted: list[tuple[str, str, str, int]] = []
    attached: list[tuple[str, str, int, Fields]] = []
    reversed_ = {row.n for row, _ in closed if row.verb == "void" and row.changes}  # to be made anew at once
    for row, outcome in closed:
        if isinstance(outcome, Unknown):
            continue
        if isinstance(outcome, Done | Exists):
            result.written[row.kind, row.verb] += 1
            states.append((row.n, "done", None))
            if row.verb == "attach":
                attached.append((row.kind, row.id, row.n, _written(row)))
                continue
            through.append((row.kind, row.id))
            if _takes_back(session, row):
                undone.append((row.kind, row.id, row.n))
            else:
                bound.append((row.kind, row.id, outcome.external_id, outcome.version, row.n))
            if row.verb == "adopt":
                adopted.append((row.kind, row.id, outcome.external_id, row.n))
        elif isinstance(outcome, Rejected):
            result.rejected += 1
            states.append((row.n, "rejected", outcome.reason))
            findings.append(_rejected(row, outcome, session.seconds()))
        else:
            result.stale.add((row.kind, row.id))
            states.append((row.n, "stale", outcome.reason))
    result.stale |= {(kind, record_id) for kind, record_id, number in undone if number in reversed_}
    if not states:
        return
    with session.store.write() as connection:
        now = session.seconds()
        journal.close(connection, states, now)
        bindings.keep_drift(connection, session.name, adopted)
        bindings.keep_generations(connection, session.name, adopted)
        bindings.bind(connection, session.name, bound)
        bindings.add_to_bases(connection, session.name, attached)
        for kind, record_id, number in undone:
            bindings.unbind(connection, session.name, kind, record_id, number)
        problems.settle(connection, session.name, through, FROM_SENDING)
        problems.settle(connection, session.name, [(kind, one) for kind, one, *_ in attached], NO_DOCUMENT)
        problems.add(connection, session.name, findings, now)


def _written(row: Row[Any]) -> Fields:
    """Give the fields that an operation has changed, as they are after it."""
    changes = orjson.loads(row.changes) if row.changes else {}
    return {path: after for path, (_, after) in changes.items()}


def _takes_back(session: Session, row: Row[Any]) -> bool:
    """Tell whether an operation leaves nothing bound: an unsettled payment, an invoice voided in books."""
    return row.verb == "unsettle" or (row.verb == "void" and not session.can.picture)


def _rejected(row: Row[Any], outcome: Rejected, now: int) -> Finding:
    usual = "pdf_missing" if row.verb == "attach" else "rejected_by_target"
    code = outcome.code if outcome.code != "rejected" else usual
    parameters = {"record": label(row), "reason": outcome.reason, "revision": str(row.revision)}
    if code == "pdf_missing":
        parameters["tried"] = str(now)
    return Finding(code, row.kind, row.id, parameters)


def settle(session: Session, result: Applied, clock: Clock, *, reopen: bool) -> None:
    """Settle what is in doubt; what certainly did not happen is opened again (``reopen``) or closed as lost."""
    doubtful = _in_doubt(session)
    if doubtful and not pause(session, clock, _wait(session, doubtful), "an answer was lost"):
        if session.can.replay_safe:
            for _ in range(ROUNDS):
                if doubtful:
                    _replay(session, doubtful, result, clock)
                    doubtful = _in_doubt(session)
        else:
            _look_up(session, doubtful, result, reopen=reopen)
            doubtful = _in_doubt(session)
    result.doubt = len(doubtful)


def pause(session: Session, clock: Clock, seconds: float, because: str) -> bool:
    """Wait until what was sent before can no longer be under way, and say so; True when asked to stop."""
    if seconds >= NOTED:
        told = f"{because}; what was sent may still be under way there"
        structlog.get_logger().info("target.wait_begun", target=session.name, seconds=round(seconds), because=told)
    return clock.wait(seconds)


def _wait(session: Session, doubtful: Sequence[Row[Any]]) -> float:
    """Say how long what was sent may still be under way there."""
    age = session.now().timestamp() - max(row.sent_at for row in doubtful)
    # The note lies before the sending, which may have been put off; only from now on is nothing more sent.
    return session.can.settle_delay if age < session.can.settle_delay + PUT_OFF else 0.0


def _in_doubt(session: Session) -> Sequence[Row[Any]]:
    with session.store.read() as connection:
        return journal.in_doubt(connection, session.name)


def _replay(session: Session, doubtful: Sequence[Row[Any]], result: Applied, clock: Clock) -> None:
    """Send the same keys and the same bytes again."""
    size = session.can.batch or len(doubtful)
    for start in range(0, len(doubtful), size):
        entries = [journal.entry_of(row) for row in doubtful[start : start + size]]
        waited = 0.0
        while not _replay_batch(session, entries, result):
            waited += 1.0
            if waited > PATIENCE or clock.wait(1.0):
                raise Unreachable(
                    f"target {session.name} asks to slow down; what is in doubt there is settled in the next run."
                )


def _replay_batch(session: Session, entries: list[Entry], result: Applied) -> bool:
    """Send a batch again; what is not carried out this time stays in doubt, for the first time may yet have been."""
    try:
        outcomes = dict(session.connector.write(iter(entries)))
    except NotSent as error:
        if error.retry_after is None:
            raise
        return False
    with session.store.read() as connection:
        rows = {row.n: row for row in journal.heads(connection, list(outcomes))}
    _close(session, [(rows[number], outcome) for number, outcome in outcomes.items()], result)
    return True


def _look_up(session: Session, doubtful: Sequence[Row[Any]], result: Applied, *, reopen: bool) -> None:
    """Look the marks up: found is done, certainly absent is lost, anything else waits for a person."""
    wanted = [
        Wanted(row.kind, row.id, row.mark, journal.content_of(row), external_id=row.external_id) for row in doubtful
    ]
    closed: list[tuple[Row[Any], Outcome]] = []
    lost: list[Row[Any]] = []
    unsure: list[Row[Any]] = []
    for row, found in zip(doubtful, session.connector.find(wanted), strict=True):
        remotes = [remote for how, remote in found.candidates if how in ("mark", "external_id")]
        verdict = _happened(session, row, remotes)
        if verdict is not None:
            closed.append((row, verdict))
        elif found.certain:
            lost.append(row)
        else:
            unsure.append(row)
    _close(session, closed, result)
    with session.store.write() as connection:
        now = session.seconds()
        if reopen:
            journal.reopen(connection, [row.n for row in lost])
        else:
            journal.close(connection, [(row.n, "lost", None) for row in lost], now)
            result.lost |= {(row.kind, row.id) for row in lost}
        findings = [
            Finding("in_doubt_unresolved", row.kind, row.id, {"record": row.id, "verb": row.verb}) for row in unsure
        ]
        problems.add(connection, session.name, findings, now)


def _happened(session: Session, row: Row[Any], remotes: Sequence[Remote]) -> Done | None:
    """Tell from what stands under the mark whether an operation was carried out."""
    if row.verb == "unsettle":
        return None if any(not remote.void for remote in remotes) else Done(row.external_id or "")
    if row.verb in ("create", "settle", "adopt"):
        live = [remote for remote in remotes if not remote.void]
        return Done(live[0].external_id, live[0].version) if live else None
    if not remotes:
        return None
    remote = next((one for one in remotes if one.external_id == row.external_id), remotes[0])
    if row.verb == "void" and not session.can.picture:
        return Done(remote.external_id, remote.version) if remote.void else None
    if remote.version is not None and remote.version == row.version:
        return None
    expected = _written(row)
    stands = {path: remote.fields.get(path) for path in expected}
    return None if differences(expected, stands) else Done(remote.external_id, remote.version)
