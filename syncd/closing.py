"""Closing operations: what became of them, their mappings, bases and problems, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
from sqlalchemy.engine import Row

from syncd.connector import Done, Exists, Fields, Outcome, Rejected, Unknown
from syncd.model import Kind
from syncd.problems import ADOPTED, ATTACHED, SENT, Finding
from syncd.session import Session
from syncd.state import bindings, journal, observations, problems

CHUNK = 500
"""Operations that are read, or closed, in one transaction."""


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
    missed: int = 0
    """Writes that were not answered, or not for all that they held."""
    silent: int = 0
    """Writes in a row, up to the last one, of which nothing was answered."""

    @property
    def done(self) -> int:
        """How many operations were carried out."""
        return self.written.total()


def label(row: Row[Any]) -> str:
    """Name a record as a person would: a client by its name, an invoice or payment by its number."""
    parts = row.place.split("\x1f")
    return str(parts[0 if row.kind == "client" else min(1, len(parts) - 1)] or row.id)


@dataclass(slots=True)
class _Closing:
    """What is stored of some outcomes, sorted by what it is for."""

    states: list[tuple[int, str, str | None]] = field(default_factory=list)
    """Of each operation: its number, what became of it, what was said."""
    through: list[tuple[str, str]] = field(default_factory=list)
    """Records that went through."""
    bound: list[tuple[str, str, str, str | None, int]] = field(default_factory=list)
    adopted: list[tuple[str, str, str, int]] = field(default_factory=list)
    undone: list[tuple[str, str, int]] = field(default_factory=list)
    attached: list[tuple[str, str, int, Fields]] = field(default_factory=list)
    merged: list[tuple[str, str]] = field(default_factory=list)
    """Clients that came to stand as another's record, and as which."""
    findings: list[Finding] = field(default_factory=list)


def close(session: Session, closed: Sequence[tuple[Row[Any], Outcome]], result: Applied) -> None:
    """Store outcomes, mappings and bases in one transaction."""
    closed, merged = _apart(session, closed)
    closing = _Closing()
    for row, outcome in closed:
        if isinstance(outcome, Done | Exists):
            result.written[row.kind, row.verb] += 1
            closing.states.append((row.n, "done", None))
            undone = _takes_back(session, row)
            _carried_out(closing, row, outcome, undone=undone)
            if undone and row.verb == "void" and row.changes:  # reversed, to be made anew at once
                result.stale.add((row.kind, row.id))
        elif isinstance(outcome, Rejected):
            result.rejected += 1
            closing.states.append((row.n, "rejected", outcome.reason))
            closing.findings.append(_rejected(row, outcome, session.seconds()))
        elif not isinstance(outcome, Unknown):
            result.stale.add((row.kind, row.id))
            closing.states.append((row.n, "stale", outcome.reason))
    for row, there in merged:
        closing.states.append((row.n, "done", None))
        closing.through.append((row.kind, row.id))
        closing.merged.append((row.id, there))
    if closing.states:
        _keep(session, closing)


def _carried_out(closing: _Closing, row: Row[Any], outcome: Done | Exists, *, undone: bool) -> None:
    if row.verb == "attach":
        closing.attached.append((row.kind, row.id, row.n, written(row)))
        return
    closing.through.append((row.kind, row.id))
    if undone:
        closing.undone.append((row.kind, row.id, row.n))
    else:
        closing.bound.append((row.kind, row.id, outcome.external_id, outcome.version, row.n))
    if row.verb == "adopt":
        closing.adopted.append((row.kind, row.id, outcome.external_id, row.n))


def _keep(session: Session, closing: _Closing) -> None:
    name, now = session.name, session.seconds()
    with session.store.write() as connection:
        journal.close(connection, closing.states, now)
        observations.keep_drift(connection, name, closing.adopted, session.can.fields)
        bindings.keep_generations(connection, name, closing.adopted)
        bindings.bind(connection, name, closing.bound)
        observations.note_merged(connection, name, closing.merged, now)
        bindings.add_to_bases(connection, name, closing.attached)
        for kind, record_id, number in closing.undone:
            bindings.unbind(connection, name, kind, record_id, number)
        problems.settle(connection, name, closing.through, SENT)
        problems.settle(connection, name, [(kind, one) for kind, one, _ in closing.undone], ADOPTED)
        problems.settle(connection, name, [(kind, one) for kind, one, *_ in closing.attached], ATTACHED)
        problems.add(connection, name, closing.findings, now)


def take(session: Session, outcomes: Iterable[tuple[int, Outcome]], result: Applied, total: int | None = None) -> None:
    """Store outcomes as they come, a part at a time; ``total``: how many there will be, for the progress."""
    coming, taken = iter(outcomes), 0
    while some := list(islice(coming, CHUNK)):
        with session.store.read() as connection:
            rows = {row.n: row for row in journal.heads(connection, [number for number, _ in some])}
        close(session, [(rows[number], outcome) for number, outcome in some], result)
        taken += len(some)
        if total is not None:
            session.progress(taken, total, "written")


def _apart(
    session: Session, closed: Sequence[tuple[Row[Any], Outcome]]
) -> tuple[list[tuple[Row[Any], Outcome]], list[tuple[Row[Any], str]]]:
    """Part what came to stand as the record of another, which is bound once; give the clients for which that is right.

    Two contacts that were merged there bear both marks and take the invoices of both clients. Anything else is refused.
    """
    given: dict[Kind, set[str]] = {}
    for row, outcome in closed:
        if isinstance(outcome, Done | Exists) and outcome.external_id not in (row.external_id, row.id):
            given.setdefault(row.kind, set()).add(outcome.external_id)
    if not given:
        return list(closed), []
    owners: dict[tuple[str, str], str] = {}
    with session.store.read() as connection:
        for kind, external_ids in given.items():
            rows = bindings.bound_ids(connection, session.name, kind, external_ids)
            owners |= {(kind, external): row.id for external, row in rows.items() if row.state == "live"}
    own: list[tuple[Row[Any], Outcome]] = []
    merged: list[tuple[Row[Any], str]] = []
    for row, outcome in closed:
        there = outcome.external_id if isinstance(outcome, Done | Exists) and row.kind in given else None
        owner = owners.setdefault((row.kind, there), row.id) if there else row.id
        if owner == row.id or there is None:
            own.append((row, outcome))
        elif row.kind == "client":
            merged.append((row, there))
        else:
            own.append((row, Rejected(f"record {there} there is this one and that of {row.kind} {owner}")))
    return own, merged


def written(row: Row[Any]) -> Fields:
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
