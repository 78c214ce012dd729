"""What of the mirror a plan must look at: what changed since the target's cursor, and single records by their id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from syncd.model import Kind
from syncd.state.store import Store
from syncd.state.tables import body, record

CHUNK = 500

LAST = 2**62
"""Greater than every number of a record, so that what has just this revision is not shown again."""

AnyRow = Any
"""A row of ``n id revision first_seen status_seen issued_seen gone_at client_id raw``."""

_READ = sa.select(
    record.c.n,
    record.c.id,
    record.c.revision,
    record.c.first_seen,
    record.c.status_seen,
    record.c.issued_seen,
    record.c.gone_at,
    record.c.client_id,
    body.c.raw,
).join(body, body.c.n == record.c.n)
_OURS = sa.text("+record.source = :source AND +record.kind = :kind")
"""Without an index: SQLite would take the one by status, and sort all of it by number for every chunk."""

_READABLE = sa.or_(record.c.kind != "invoice", record.c.detail_print.is_not(None))


def changed(store: Store, source: str, kind: Kind, since: int, upto: int) -> Iterator[Sequence[AnyRow]]:
    """Stream the records of a kind whose revision lies in (since, upto], a chunk at a time."""
    after = (since, LAST)
    while True:
        with store.read() as connection:
            rows = connection.execute(
                _READ.where(
                    record.c.source == source,
                    record.c.kind == kind,
                    record.c.revision <= upto,
                    sa.tuple_(record.c.revision, record.c.n) > sa.tuple_(sa.literal(after[0]), sa.literal(after[1])),
                    record.c.revision >= after[0],
                    _READABLE,
                )
                .order_by(record.c.revision, record.c.n)
                .limit(CHUNK)
            ).all()
        if not rows:
            return
        yield rows
        after = (rows[-1].revision, rows[-1].n)


def by_id(store: Store, source: str, kind: Kind, ids: Iterable[str]) -> Iterator[Sequence[AnyRow]]:
    """Stream the named records of a kind, as far as the mirror has them."""
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), CHUNK):
        with store.read() as connection:
            rows = read(connection, source, kind, wanted[start : start + CHUNK])
        if rows:
            yield rows


def read(connection: Connection, source: str, kind: Kind, ids: Sequence[str]) -> Sequence[AnyRow]:
    """Read a few records of a kind."""
    where = sa.and_(record.c.source == source, record.c.kind == kind, record.c.id.in_(ids), _READABLE)
    return connection.execute(_READ.where(where)).all()


def every(store: Store, source: str, kind: Kind) -> Iterator[Sequence[AnyRow]]:
    """Stream all records of a kind, a chunk at a time; each once, though its revision may grow meanwhile."""
    after, ours = 0, _READ.where(_OURS.bindparams(source=source, kind=kind), _READABLE)
    while True:
        with store.read() as connection:
            rows = connection.execute(ours.where(record.c.n > after).order_by(record.c.n).limit(CHUNK)).all()
        if not rows:
            return
        yield rows
        after = rows[-1].n


def invoices_of(store: Store, source: str, clients: Iterable[str], upto: int) -> list[str]:
    """Name the invoices of these clients whose revision is at most ``upto``."""
    wanted, found = sorted(set(clients)), []
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        with store.read() as connection:
            ours = sa.and_(record.c.source == source, record.c.kind == "invoice", record.c.revision <= upto)
            query = sa.select(record.c.id).where(ours, record.c.client_id.in_(part))
            found += list(connection.execute(query).scalars())
    return found


def of_client(connection: Connection, source: str, client: str) -> Iterator[AnyRow]:
    """Stream the invoices of a client, as far as their details are known."""
    where = sa.and_(record.c.source == source, record.c.kind == "invoice", record.c.client_id == client, _READABLE)
    yield from connection.execute(_READ.where(where))


def ids(connection: Connection, source: str, kind: Kind) -> Iterator[str]:
    """Stream the ids of all records of a kind."""
    yield from connection.execute(
        sa.select(record.c.id).where(record.c.source == source, record.c.kind == kind)
    ).scalars()


def names(connection: Connection, source: str, ids: Sequence[str]) -> dict[str, str]:
    """Give what a person calls these records: an invoice's number, a client's name."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), CHUNK):
        ours = sa.and_(record.c.source == source, record.c.id.in_(ids[start : start + CHUNK]))
        rows = connection.execute(sa.select(record.c.id, record.c.number).where(ours))
        found |= {record_id: number for record_id, number in rows if number}
    return found


def revision(connection: Connection, source: str) -> int:
    """Read the newest revision of a source's mirror."""
    return connection.execute(sa.select(sa.func.max(record.c.revision)).where(record.c.source == source)).scalar() or 0
