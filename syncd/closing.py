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

    @property
    def done(self) -> int:
        """How many operations were carried out."""
        return self.written.total()


def label(row: Row[Any]) -> str:
    """Name a record as a person would: a client by its name, an invoice or payment by its number."""
    parts = row.place.split("\x1f")
    return str(parts[0 if row.kind == "client" else min(1, len(parts) - 1)] or row.id)


def close(session: Session, closed: Sequence[tuple[Row[Any], Outcome]], result: Applied) -> None:
    """Store outcomes, mappings and bases in one transaction."""
    states: list[tuple[int, str, str | None]] = []
    bound: list[tuple[str, str, str, str | None, int]] = []
    through: list[tuple[str, str]] = []
    findings: list[Finding] = []
    undone: list[tuple[str, str, int]] = []
    adopted: list[tuple[str, str, str, int]] = []
    attached: list[tuple[str, str, int, Fields]] = []
    closed, merged = _apart(session, closed)
    reversed_ = {row.n for row, _ in closed if row.verb == "void" and row.changes}  # to be made anew at once
    for row, outcome in closed:
        if isinstance(outcome, Unknown):
            continue
        if isinstance(outcome, Done | Exists):
            result.written[row.kind, row.verb] += 1
            states.append((row.n, "done", None))
            if row.verb == "attach":
                attached.append((row.kind, row.id, row.n, written(row)))
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
    states += [(row.n, "done", None) for row, _ in merged]
    through += [(row.kind, row.id) for row, _ in merged]
    if not states:
        return
    with session.store.write() as connection:
        now = session.seconds()
        journal.close(connection, states, now)
        observations.keep_drift(connection, session.name, adopted, session.can.fields)
        bindings.keep_generations(connection, session.name, adopted)
        bindings.bind(connection, session.name, bound)
        observations.note_merged(connection, session.name, [(row.id, there) for row, there in merged], now)
        bindings.add_to_bases(connection, session.name, attached)
        for kind, record_id, number in undone:
            bindings.unbind(connection, session.name, kind, record_id, number)
        problems.settle(connection, session.name, through, SENT)
        problems.settle(connection, session.name, [(kind, one) for kind, one, _ in undone], ADOPTED)
        problems.settle(connection, session.name, [(kind, one) for kind, one, *_ in attached], ATTACHED)
        problems.add(connection, session.name, findings, now)


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
