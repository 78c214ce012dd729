"""What pulling asks of the mirror: what is there, what a walk did not show, and whose details are due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from syncd.model import Kind
from syncd.state.mirror import Due, chunks, of_kind
from syncd.state.tables import body, record

_DUE = (
    sa.select(record.c.n, record.c.id, record.c.row_print, record.c.number, body.c.validators)
    .join(body, body.c.n == record.c.n)
    .where(record.c.source == sa.bindparam("name"), sa.text("record.detail_due"))
    .limit(sa.bindparam("most"))
)
_FIRST_STORED, _LAST_STORED = _DUE.order_by(record.c.n), _DUE.order_by(record.c.n.desc())
"""Built once: building it costs more than running it."""


def count_there(conn: Connection, name: str, kind: Kind, statuses: Sequence[str] | None = None) -> int:
    """Return how many records (in one of ``statuses``) are at the source, as far as is known."""
    query = sa.select(sa.func.count()).select_from(record).where(of_kind(name, kind), record.c.gone_at.is_(None))
    if statuses is not None:
        query = query.where(record.c.status.in_(statuses))
    return conn.execute(query).scalar() or 0


def open_ids(conn: Connection, name: str, statuses: Sequence[str]) -> list[str]:
    """Return the ids of the invoices known in one of ``statuses``."""
    query = sa.select(record.c.id).where(
        of_kind(name, "invoice"), record.c.status.in_(statuses), record.c.gone_at.is_(None)
    )
    return list(conn.execute(query).scalars())


def count_unseen(conn: Connection, name: str, kind: Kind, walk: int) -> int:
    """Return how many records a finished walk did not show."""
    return conn.execute(sa.select(sa.func.count()).select_from(record).where(_unseen(name, kind, walk))).scalar() or 0


def unseen_ids(conn: Connection, name: str, kind: Kind, walk: int) -> list[str]:
    """Return the ids of the records that a finished walk did not show, without those that it left out."""
    query = sa.select(record.c.id).where(_unseen(name, kind, walk)).order_by(record.c.n)
    apart = left_out(conn, name, kind, walk)
    return [each for each in conn.execute(query).scalars() if each not in apart]


def left_out(conn: Connection, name: str, kind: Kind, walk: int) -> set[str]:
    """Return the ids of the clients known to be archived that a finished walk did not show: some lists have none."""
    if kind != "client":
        return set()
    query = sa.select(record.c.id, body.c.raw).join(body, body.c.n == record.c.n).where(_unseen(name, kind, walk))
    return {found.id for found in conn.execute(query) if orjson.loads(found.raw).get("archived_at")}


def known_ids(conn: Connection, name: str, kind: Kind, ids: Sequence[str]) -> set[str]:
    """Return those of ``ids`` that the mirror holds, gone or not."""
    query = sa.select(record.c.id).where(of_kind(name, kind))
    return {each for part in chunks(ids) for each in conn.execute(query.where(record.c.id.in_(part))).scalars()}


def sample_ids(conn: Connection, name: str, kind: Kind, limit: int) -> list[str]:
    """Return the ids of some records that are at the source, as far as is known: the last stored."""
    query = sa.select(record.c.id).where(of_kind(name, kind), record.c.gone_at.is_(None)).order_by(record.c.n.desc())
    return list(conn.execute(query.limit(limit)).scalars())


def missing_clients(conn: Connection, name: str, *, after: int) -> list[str]:
    """Return the client ids that invoices changed since revision ``after`` name and the mirror lacks."""
    client = record.alias("client")
    there = sa.exists().where(client.c.source == name, client.c.kind == "client", client.c.id == record.c.client_id)
    changed = (
        record.c.source == name,
        record.c.revision > after,
        record.c.kind == "invoice",
        record.c.client_id.is_not(None),
    )
    return list(conn.execute(sa.select(record.c.client_id).distinct().where(*changed, ~there)).scalars())


def _unseen(name: str, kind: Kind, walk: int) -> sa.ColumnElement[bool]:
    return sa.and_(of_kind(name, kind), record.c.walk < walk, record.c.gone_at.is_(None))


def last_place(conn: Connection) -> int:
    """Return the place of the record stored last; places only grow, whatever the clock does."""
    return conn.execute(sa.select(sa.func.max(record.c.n))).scalar() or 0


def count_later(conn: Connection, name: str, kind: Kind, ids: Sequence[str], *, after: int) -> int:
    """Return how many of these records were first stored after the place ``after``."""
    query = sa.select(sa.func.count()).where(of_kind(name, kind), record.c.n > after)
    return sum(conn.execute(query.where(record.c.id.in_(part))).scalar() or 0 for part in chunks(ids))


def readable(conn: Connection, name: str, *, but: Iterable[str], limit: int) -> list[str]:
    """Return the ids of the invoices whose details could be read last, ``but`` for some."""
    left_out = set(but)
    there = (of_kind(name, "invoice"), record.c.gone_at.is_(None))
    query = sa.select(record.c.id).where(*there, record.c.detail_print.is_not(None))
    found = conn.execute(query.order_by(record.c.detail_at.desc()).limit(limit + len(left_out))).scalars()
    return [each for each in found if each not in left_out][:limit]


def still_due(conn: Connection, name: str, ids: Sequence[str]) -> set[str]:
    """Return those of these invoices whose details are due."""
    query = sa.select(record.c.id).where(of_kind(name, "invoice"), record.c.detail_due)
    return {each for part in chunks(ids) for each in conn.execute(query.where(record.c.id.in_(part))).scalars()}


def forget_future(conn: Connection, name: str, now: int) -> None:
    """Take details read at a time that is yet to come for never read: the clock was ahead, or is behind."""
    ahead = (record.c.source == name, record.c.detail_at > now)
    conn.execute(record.update().where(*ahead).values(detail_at=None))


def due(conn: Connection, name: str, *, last_first: bool, limit: int) -> list[Due]:
    """Return invoices whose detail is due, in the order they were first stored or the other way round."""
    query = _LAST_STORED if last_first else _FIRST_STORED
    return [Due(*each) for each in conn.execute(query, {"name": name, "most": limit})]
