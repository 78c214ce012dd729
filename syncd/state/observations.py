"""Observations: what was seen at the target and differs, and what may be the record of one that is not bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from syncd.connector import Scalar
from syncd.fields import differences, flatten, lookup, same
from syncd.model import Kind
from syncd.state import journal
from syncd.state.tables import observation

Differs = Mapping[str, tuple[Scalar, Scalar]]


def keep_drift(
    connection: Connection,
    target: str,
    adopted: Sequence[tuple[str, str, str, int]],
    fields: Mapping[Kind, frozenset[str]],
) -> None:
    """Keep how adopted records (kind, id, external id, journal number) differ from what now counts as last written.

    A record that was bound before has drift already, of which what both sides agree on now is none.
    """
    bases = journal.bases(connection, (number for *_, number in adopted))
    for kind, record_id, external, number in adopted:
        where = sa.and_(observation.c.target == target, observation.c.kind == kind, observation.c.id == record_id)
        is_drift = observation.c.role == "drift"
        told = sa.select(observation).where(where, sa.or_(observation.c.external_id == external, is_drift))
        row = connection.execute(told.order_by(is_drift)).first()  # how it was found, before any drift of old
        if row is None or not external:
            continue
        connection.execute(sa.delete(observation).where(where, is_drift))
        base, seen = flatten(bases.get(number, {})), differs(row)
        if row.role == "mapping":
            seen = differences(flatten(base, fields[row.kind]), {path: there for path, (_, there) in seen.items()})
        still = {path: (was, there) for path, (was, there) in seen.items() if not same(lookup(base, path), there)}
        if still:
            kept = {**row._asdict(), "external_id": "", "role": "drift", "differs": orjson.dumps(still).decode()}
            connection.execute(sa.insert(observation).prefix_with("OR REPLACE").values(kept))


def differs(row: Row[Any]) -> dict[str, tuple[Scalar, Scalar]]:
    """Read what an observation found different: field path → (expected, found)."""
    return {path: (expected, found) for path, (expected, found) in orjson.loads(row.differs).items()}


def count_without_rows(connection: Connection, target: str) -> int:
    """Count the invoices that lack lines or events which a person took out there."""
    drift = sa.and_(observation.c.target == target, observation.c.role == "drift", observation.c.kind == "invoice")
    return sum(_lacks_a_row(differs(row)) for row in connection.execute(sa.select(observation.c.differs).where(drift)))


def _lacks_a_row(seen: Differs) -> bool:
    """Tell whether what every line or event has is nowhere."""
    own = ("quantity", "type")
    return any(
        path.startswith(("lines.", "events.")) and path.endswith(own) and there is None
        for path, (_, there) in seen.items()
    )


def note_merged(connection: Connection, target: str, merged: Sequence[tuple[str, str]], now: int) -> None:
    """Note clients whose record is that of another (client, target id)."""
    rows = [
        {"kind": "client", "id": record_id, "external_id": external, "role": "merged", "by_hand": True, "seen_at": now}
        for record_id, external in merged
    ]
    observe(connection, target, [{**row, "version": None, "differs": "{}"} for row in rows])


def observe(connection: Connection, target: str, seen: Sequence[dict[str, Any]]) -> None:
    """Keep observations; a later one of the same pair replaces the earlier."""
    if seen:
        rows = [{"target": target, **one} for one in seen]
        connection.execute(sa.insert(observation).prefix_with("OR REPLACE"), rows)


def forget(
    connection: Connection,
    target: str,
    records: Iterable[tuple[str, str]],
    *,
    candidates_only: bool = False,
) -> None:
    """Drop the observations of records that are in step again, or were bound."""
    where = sa.and_(
        observation.c.target == target,
        observation.c.kind == sa.bindparam("k"),
        observation.c.id == sa.bindparam("i"),
    )
    if candidates_only:
        where = sa.and_(where, observation.c.role != "drift")
    rows = [{"k": kind, "i": record_id} for kind, record_id in records]
    if rows and connection.execute(sa.select(observation.c.id).where(observation.c.target == target).limit(1)).first():
        connection.execute(sa.delete(observation).where(where), rows)


def forget_bound(connection: Connection, target: str, records: Iterable[tuple[str, str]]) -> None:
    """Drop how bound records differed, now that they differ otherwise or no longer."""
    rows = [{"k": kind, "i": record_id} for kind, record_id in records]
    ours = sa.and_(observation.c.target == target, observation.c.role.in_(("drift", "behind")))
    where = sa.and_(ours, observation.c.kind == sa.bindparam("k"), observation.c.id == sa.bindparam("i"))
    if rows:
        connection.execute(sa.delete(observation).where(where), rows)


def leave_strongest(connection: Connection, target: str, order: Sequence[str]) -> None:
    """Leave of all claims to a candidate those by the strongest way, and of a record's those by its strongest.

    Where several are left of a candidate, and no mark or person tells whose it is, it is contested.
    """
    ours = observation.c.target == target
    record = sa.tuple_(observation.c.kind, observation.c.id)
    candidate = sa.tuple_(observation.c.kind, observation.c.external_id)
    for place, how in enumerate(order):
        strong = sa.select(observation.c.kind, observation.c.external_id).where(ours, observation.c.role == how)
        sure = sa.select(observation.c.kind, observation.c.id).where(ours, observation.c.role == how)
        weaker = sa.and_(ours, observation.c.role.in_(order[place + 1 :]))
        connection.execute(sa.delete(observation).where(weaker, sa.or_(candidate.in_(strong), record.in_(sure))))
    alike = sa.and_(ours, observation.c.role.in_([how for how in order if how not in ("mapping", "mark")]))
    several = sa.select(observation.c.kind, observation.c.external_id).where(alike)
    several = several.group_by(observation.c.kind, observation.c.external_id).having(sa.func.count() > 1)
    connection.execute(sa.update(observation).where(alike, candidate.in_(several)).values(role="contested"))


def forget_candidates(connection: Connection, target: str) -> None:
    """Drop every candidate of an earlier run; how bound records differ is remembered."""
    bound = observation.c.role.in_(("drift", "behind", "merged", "mapping"))
    connection.execute(sa.delete(observation).where(observation.c.target == target, sa.not_(bound)))
