"""Settling what is in doubt: sent, and its answer lost.

Where the target replays safely, by sending the same bytes under the same key again; else, once it can no longer be
under way, by looking its mark up. What cannot be told so, a person tells: by a mapping that they import the record
stands, and by `syncd problems retry` without one it does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.engine import Row

from syncd.closing import Applied, close, label, written
from syncd.connector import Done, Entry, Outcome, Remote, Wanted
from syncd.errors import NotSent, Unreachable
from syncd.fields import differences
from syncd.problems import Finding
from syncd.session import Session
from syncd.state import bindings, journal, problems

ROUNDS = 5
"""How often a plan is gone through, or what is in doubt sent again: what was certainly not carried out, and what
waited for it."""

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
    close(session, [(rows[number], outcome) for number, outcome in outcomes.items()], result)
    return True


def _look_up(session: Session, doubtful: Sequence[Row[Any]], result: Applied, *, reopen: bool) -> None:
    """Look the marks up: found is done, certainly absent is lost, anything else waits for a person."""
    wanted = [
        Wanted(row.kind, row.id, row.mark, journal.content_of(row), external_id=row.external_id) for row in doubtful
    ]
    closed: list[tuple[Row[Any], Outcome]] = []
    lost: list[Row[Any]] = []
    unsure: list[Row[Any]] = []
    bound, denied = _told(session, doubtful)
    for row, found in zip(doubtful, session.connector.find(wanted), strict=True):
        remotes = [remote for how, remote in found.candidates if how in ("mark", "external_id")]
        verdict = _happened(session, row, remotes) or bound.get(row.n)
        if verdict is not None:
            closed.append((row, verdict))
        elif found.certain or (row.kind, row.id) in denied:
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


def _told(session: Session, doubtful: Sequence[Row[Any]]) -> tuple[dict[int, Done], set[tuple[str, str]]]:
    """Give what a person told: operations whose record they bound by hand, and records to be tried again."""
    making = [row for row in doubtful if row.verb in MAKING]
    bound: dict[int, Done] = {}
    with session.store.read() as connection:
        for kind in {row.kind for row in making}:
            there = bindings.told(connection, session.name, kind, [row.id for row in making])
            bound |= {row.n: Done(there[row.id]) for row in making if row.kind == kind and row.id in there}
        retried = problems.listed(connection, [session.name], states=("retry",))
    return bound, {(row.kind, row.id) for row in retried if row.code == UNRESOLVED}


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
