"""Settling what is in doubt: sent, and its answer lost.

Once it can no longer be under way: where the target replays safely, by sending the same bytes under the same key again,
in smaller parts each time that they get no answer (``syncd.portions``); else by looking its mark up. What cannot be
told so, a person tells: a record that they bind with an import of mappings is the one, and is adopted if it stands;
with `syncd problems retry` and without one it does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import structlog
from sqlalchemy.engine import Row

from syncd.closing import CHUNK, Applied, close, label, take, written
from syncd.connector import Done, Entry, Outcome, Remote, Wanted
from syncd.errors import NotSent, Unreachable
from syncd.fields import differences
from syncd.portions import count, halve, portion
from syncd.problems import Finding
from syncd.session import Session
from syncd.state import bindings, journal, problems

ROUNDS = 5
"""How often a plan is gone through in vain, or what is in doubt sent again: what was certainly not carried out, and
what waited for it."""

IN_VAIN = 2
"""How often what is in doubt is sent again in vain before it waits for the next run."""

UNRESOLVED = "in_doubt_unresolved"
MAKING = ("create", "settle", "adopt")
"""Verbs after which a record stands that did not, or was not bound, before."""

PATIENCE = 60.0
"""Seconds to wait in one pass for a target that asks us to slow down."""

PUT_OFF = 300.0
"""Seconds that may lie between the note that something is sent and its sending: slowing down, trying to connect."""

NOTED = 3.0
"""Seconds of waiting that are told."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Waiting, so that tests and the daemon's stop can cut it short; ``wait`` returns True when asked to stop."""

    wait: Callable[[float], bool]

    @staticmethod
    def until(stop: threading.Event) -> Clock:
        """Wait, but no longer than until the event is set."""
        return Clock(stop.wait)


def settle(session: Session, result: Applied, clock: Clock, *, reopen: bool) -> None:
    """Settle what is in doubt; what certainly did not happen is opened again (``reopen``) or closed as lost."""
    with session.store.read() as connection:
        sent_at = journal.last_in_doubt(connection, session.name)
    if sent_at is not None and not pause(session, clock, _wait(session, sent_at), "an answer was lost"):
        if session.can.replay_safe:
            _replay(session, result, clock)
        else:
            _look_up(session, result, reopen=reopen)
    with session.store.read() as connection:
        result.doubt = journal.count_in_doubt(connection, session.name)


def pause(session: Session, clock: Clock, seconds: float, because: str) -> bool:
    """Wait until what was sent before can no longer be under way, and say so; True when asked to stop."""
    if seconds >= NOTED:
        told = f"{because}; what was sent may still be under way there"
        structlog.get_logger().info("target.wait_begun", target=session.name, seconds=round(seconds), because=told)
    return clock.wait(seconds)


def _wait(session: Session, sent_at: int) -> float:
    """Say how long what was last sent at a moment may still be under way there."""
    age = session.now().timestamp() - sent_at
    # The note lies before the sending, which may have been put off; only from now on is nothing more sent.
    return session.can.settle_delay if age < session.can.settle_delay + PUT_OFF else 0.0


def sent(session: Session, plan: int) -> Iterator[Entry]:
    """Stream what of a plan was sent and is not answered, in order."""
    after = (0, "", 0)
    while True:
        with session.store.read() as connection:
            rows = journal.sent_of_plan(connection, plan, after=after, limit=CHUNK)
        if not rows:
            return
        yield from (journal.entry_of(row) for row in rows)
        after = (rows[-1].stage, rows[-1].place, rows[-1].n)


def _replay(session: Session, result: Applied, clock: Clock) -> None:
    """Send the same keys and the same bytes again, until all is answered or a stop is asked for.

    It ends before as well, where two rounds got no answer and could not be made smaller by it.
    """
    in_vain = 0
    for turn in range(ROUNDS):
        with session.store.read() as connection:
            plans = journal.plans_in_doubt(connection, session.name)
            sent_at = journal.last_in_doubt(connection, session.name) or 0
        if not plans or (turn and pause(session, clock, _wait(session, sent_at), "an answer was lost again")):
            return
        before = _left(session)
        for batch in (batch for plan in plans for batch in _batches(session, plan, result)):
            if not _patiently(session, batch, clock):
                return
        in_vain += _left(session) == before
        if in_vain == IN_VAIN:
            return


def _left(session: Session) -> tuple[int, int]:
    """Give how much is in doubt, and in parts of how many it would be sent again."""
    with session.store.read() as connection:
        doubtful = journal.count_in_doubt(connection, session.name)
    return doubtful, portion(session)


def _patiently(session: Session, send: Callable[[], bool], clock: Clock) -> bool:
    """Send a batch, again while the target asks to slow down; False when asked to stop."""
    waited = 0.0
    while not send():
        waited += 1.0
        if waited > PATIENCE:
            raise Unreachable(
                f"target {session.name} asks to slow down; what is in doubt there is settled in the next run."
            )
        if clock.wait(1.0):
            return False
    return True


def _batches(session: Session, plan: int, result: Applied) -> Iterator[Callable[[], bool]]:
    """Part what is in doubt of a plan into batches that can be sent, each more than once."""
    entries = sent(session, plan)
    if session.can.batch is None:
        yield lambda: _replay_batch(session, sent(session, plan), result)
        return
    while some := list(islice(entries, portion(session))):
        yield partial(_replay_part, session, some, result)


def _replay_batch(session: Session, entries: Iterator[Entry], result: Applied) -> bool:
    """Send a batch again; what is not carried out this time stays in doubt, for the first time may yet have been."""
    try:
        take(session, session.connector.write(entries), result)
    except NotSent as error:
        if error.retry_after is None:
            raise
        return False
    return True


def _replay_part(session: Session, entries: Sequence[Entry], result: Applied) -> bool:
    """Send a part of what is in doubt again; without an answer the next parts are smaller."""
    numbers, because = [entry.number for entry in entries], ""
    with session.store.write(durable=True) as connection:
        journal.mark_sent(connection, numbers, session.seconds())
    try:
        if not _replay_batch(session, iter(entries), result):
            return False
    except NotSent:
        raise
    except Unreachable as error:
        because = str(error)
    with session.store.read() as connection:
        unanswered = sum(row.state == "sent" for row in journal.heads(connection, numbers))
    if unanswered:
        halve(session, len(entries), because)
    count(session, len(entries), unanswered, result)
    return True


def _look_up(session: Session, result: Applied, *, reopen: bool) -> None:
    """Look the marks up: found is done, certainly absent is lost, anything else waits for a person."""
    with session.store.read() as connection:
        doubtful = journal.in_doubt(connection, session.name)
    wanted = [
        Wanted(row.kind, row.id, row.mark, journal.content_of(row), external_id=row.external_id) for row in doubtful
    ]
    closed: list[tuple[Row[Any], Outcome]] = []
    lost: list[Row[Any]] = []
    unsure: list[Row[Any]] = []
    told = _told(session, reopen=reopen)
    for row, found in zip(doubtful, session.connector.find(wanted), strict=True):
        remotes = [remote for how, remote in found.candidates if how in ("mark", "external_id")]
        verdict = _happened(session, row, remotes)
        if verdict is not None:
            closed.append((row, verdict))
        elif found.certain or (row.kind, row.id) in told:
            lost.append(row)
        else:
            unsure.append(row)
    close(session, closed, result)
    with session.store.write() as connection:
        now = session.seconds()
        problems.settle(connection, session.name, [(row.kind, row.id) for row in lost], [UNRESOLVED])
        if reopen:
            journal.reopen(connection, [row.n for row in lost])
        else:
            journal.close(connection, [(row.n, "lost", None) for row in lost], now)
            result.lost |= {(row.kind, row.id) for row in lost}
        findings = [Finding(UNRESOLVED, row.kind, row.id, {"record": label(row), "verb": row.verb}) for row in unsure]
        problems.add(connection, session.name, findings, now)


def _told(session: Session, *, reopen: bool) -> set[tuple[str, str]]:
    """Name the records whose operations count as not carried out, for a person told so, or bound what is to be adopted.

    What is opened again is sent again, and not adopted: what a person binds meanwhile waits for the next run.
    """
    with session.store.read() as connection:
        retried = problems.listed(connection, [session.name], states=("retry",))
        linked = [] if reopen else bindings.links(connection, session.name, session.source)
    return {(row.kind, row.id) for row in (*linked, *(row for row in retried if row.code == UNRESOLVED))}


def _happened(session: Session, row: Row[Any], remotes: Sequence[Remote]) -> Done | None:
    """Tell from what stands under the mark whether an operation was carried out."""
    if row.verb == "unsettle":
        return None if any(not remote.void for remote in remotes) else Done(row.external_id or "")
    if row.verb in MAKING:
        live = [remote for remote in remotes if not remote.void]
        return Done(live[0].external_id, live[0].version) if live else None
    if not remotes:
        return None
    remote = next((one for one in remotes if one.external_id == row.external_id), remotes[0])
    if row.verb == "void" and not session.can.picture:
        return Done(remote.external_id, remote.version) if remote.void else None
    if remote.version is not None and remote.version == row.version:
        return None
    expected = written(row)
    stands = {path: remote.fields.get(path) for path in expected}
    return None if differences(expected, stands) else Done(remote.external_id, remote.version)
